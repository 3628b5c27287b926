# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollouts of small fleets in which something breaks at a random node and phase: C(make chaos N=100).

Afterwards every cluster has either the old packs or the new ones, on all of its nodes and in its database, and the next
rollout leads to the new ones.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infrastructure.ansible_run import ansible_environment, collections_path, run_module_directly
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.real_data import REPOSITORY
from infrastructure.repositories import GitRepository
from infrastructure.snapshot import Snapshot, take_snapshot
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub

Clusters = t.Mapping[str, t.Sequence[str]]
CLUSTERS: Clusters = {"one": ("node1", "node2"), "two": ("node3",)}
SMALL: Clusters = {"one": ("node1", "node2")}
REFS = ("alpha", "beta")
OLD, NEW = "1.0.0", "2.0.0"
KINDS = ("kill", "lost", "unanswered", "disk")
Content = t.Tuple[t.Dict[str, Snapshot], bool]


class Fault(t.NamedTuple):
    """What breaks.

    * ``kind``: ``kill``, ``disk`` (full from a step on, until the module ends), ``lost`` (the connection, before the
      module runs), ``unanswered`` (after it has run).
    * ``call``: the number of the module on the node; ``module`` is its name.
    * ``lasting``: whether the node stays away until the rollout is over.
    """

    kind: str
    node: str
    call: int
    module: str
    step: int = 0
    lasting: bool = False

    def __str__(self) -> str:
        where = f"{self.kind} at {self.module} ({self.call}) of {self.node}"
        return (
            f"{where}, step {self.step}" if self.kind in ("kill", "disk") else f"{where}{', for good' * self.lasting}"
        )


class Played(t.NamedTuple):
    """A rollout: the exit status, and all that Ansible said."""

    rc: int
    output: str


class Server:
    """A process beside this file that has everything imported, answers a line with a line, and ends with its input."""

    def __init__(self, name: str, *arguments: str, **environment: str) -> None:
        command = [sys.executable, str(Path(__file__).with_name(name)), *arguments]
        environment["PYTHONPATH"] = str(collections_path())
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer()

    def ask(self, question: str) -> str:
        """Ask something; return the answer."""
        assert self._process.stdin
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"{self._process.args} has ended with {self._process.wait()}"
        return line.strip()

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


class Chaos:
    """Clusters on this machine, and their StackStorms.

    :arg place: an empty directory.
    :arg clusters: the nodes of each; C(CLUSTERS) when not given.
    """

    def __init__(self, place: Path, clusters: t.Optional[Clusters] = None) -> None:
        clusters = clusters or CLUSTERS
        self.place = place
        self.clusters = clusters
        self.nodes = [node for nodes in clusters.values() for node in nodes]
        for folder in ("nodes", "calls", "steps"):
            (place / folder).mkdir()
        self.sources = {ref: self._repository(ref) for ref in REFS}
        self.hosts = {node: ScratchHost(place / node) for node in self.nodes}
        # Each node has an API that reads its own files, and each cluster a database.
        self.stackstorms = {
            node: StackStormStub(self.hosts[node], register_all=node == nodes[0], database=place / f"{name}.json")
            for name, nodes in clusters.items()
            for node in nodes
        }
        self.sides: t.Dict[str, t.Dict[str, Content]] = {}
        self._modules = Server("node_server.py", str(place / "nodes.socket"), **clean_environment(place))
        self._controller = Server("play_server.py", **self._ansible())
        self._write_inventory()
        plays = yaml.safe_load((REPOSITORY / "playbooks" / "rollout.yml").read_text(encoding="utf-8"))
        # The report comes when all is done, and takes as long as the half of it.
        plays = [play for play in plays if "ansible.builtin.import_playbook" not in play]
        (place / "rollout.yml").write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")

    def stop(self) -> None:
        """End the servers."""
        for stackstorm in self.stackstorms.values():
            stackstorm.stop()
        for server in (self._controller, self._modules):
            server.stop()

    def _ansible(self) -> t.Dict[str, str]:
        return {**ansible_environment(None, self.place), "ST2_CHAOS": str(self.place), "ANSIBLE_FORKS": "4"}

    def _repository(self, ref: str) -> GitRepository:
        repository = GitRepository(self.place / f"stackstorm-{ref}.git")
        for version in (OLD, NEW):
            # An action of Python takes a virtualenv.
            tree = PackTree(ref, version, minimal=True, **({} if ref == REFS[0] else {"actions": ()}))
            tree.add("version.txt", version)
            repository.release(tree)
        return repository.build()

    def _write_inventory(self) -> None:
        groups: t.Dict[str, t.Any] = {}
        ssh = self.place / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {Path(__file__).with_name("ssh_here.py")} "$@"\n')
        ssh.chmod(0o755)
        for name, nodes in self.clusters.items():
            for node in nodes:
                host, stackstorm = self.hosts[node], self.stackstorms[node]
                environment = clean_environment(host.home, **host.environment(), ST2_CHAOS_ROOT=str(host.base_path))
                environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
                (self.place / "nodes" / f"{node}.json").write_text(json.dumps(environment))
                groups[node] = {
                    "ansible_connection": "ssh",
                    "ansible_ssh_executable": str(ssh),
                    "ansible_ssh_args": "",
                    "ansible_host": node,
                    "ansible_python_interpreter": sys.executable,
                    "ansible_remote_tmp": str(host.tmp / "ansible"),
                    "st2_conf": str(host.st2_conf),
                    "st2_cluster": name,
                    "st2_api": {"api_url": stackstorm.api_url + "/v1", "api_key": stackstorm.api_key},
                }
        (self.place / "hosts.yml").write_text(yaml.safe_dump({"st2": {"hosts": groups}}))

    def roll_out(self, version: str, fault: t.Optional[Fault] = None) -> Played:
        """Roll out a version of the packs."""
        for folder in ("calls", "steps"):
            shutil.rmtree(self.place / folder)
            (self.place / folder).mkdir()
        (self.place / "gone").unlink(missing_ok=True)
        (self.place / "fault.json").write_text(json.dumps(fault._asdict() if fault else {}))
        variables = {
            "target": "st2",
            "st2_packs": self._asked(version),
            "st2_packs_options": {"allow_downgrade": True},
            "st2_register": "api",
        }
        arguments = ["-i", str(self.place / "hosts.yml"), str(self.place / "rollout.yml"), "-e", json.dumps(variables)]
        output = self.place / "output"
        status = self._controller.ask(json.dumps({"arguments": arguments, "output": str(output)}))
        return Played(int(status), output.read_text(encoding="utf-8", errors="replace"))

    def _asked(self, version: str) -> t.List[t.Dict[str, str]]:
        return [{"source": f"file://{one.path}", "version": version} for one in self.sources.values()]

    def _install(self) -> None:
        """Install the old version on all nodes, as a task for each of them does."""
        for node, host in self.hosts.items():
            stackstorm = self.stackstorms[node]
            access = {"register": "api", "api_url": f"{stackstorm.api_url}/v1", "api_key": stackstorm.api_key}
            path = json.loads((self.place / "nodes" / f"{node}.json").read_text())["PATH"]
            done = run_module_directly("st2_pack", {"packs": self._asked(OLD), **access}, host=host, env={"PATH": path})
            assert done.changed, done.everything

    def learn(self) -> t.List[Fault]:
        """Install the old version, and roll out the new one with nothing in the way.

        Return each module of that rollout, as no fault.
        """
        for version in (OLD, NEW):
            if version == OLD:
                self._install()
            else:
                done = self.roll_out(version)
                assert done.rc == 0, done.output
            self.sides[version] = {node: self._content(node) for node in self.nodes}
            assert all(self._registered(name) == dict.fromkeys(REFS, version) for name in self.clusters), (
                "in the database"
            )
        found = []
        for node in self.nodes:
            for number, module in enumerate((self.place / "calls" / node).read_text().split()):
                steps = self.place / "steps" / f"{node}.{number}"
                found.append(Fault("", node, number, module, int(steps.read_text()) if steps.exists() else 0))
        return found

    def problems(self, new: str, fault: Fault, rc: int) -> t.Iterator[str]:
        """What is wrong with the clusters after a rollout of the version ``new``."""
        away = fault.node if fault.lasting else ""
        for name, nodes in self.clusters.items():
            sides = {node: self.side(node) for node in nodes}
            database = set(self._registered(name).values())
            there = {side for node, side in sides.items() if node != away} or {sides[away]}
            if "" in sides.values():
                yield f"a node of {name} has neither the old packs nor the new ones: {sides}"
            elif len(there) > 1:
                yield f"the nodes of {name} have different packs: {sides}"
            elif database != there:
                yield f"the database of {name} has {database}, its nodes have {sides}"
            if rc == 0 and there != {new}:
                yield f"the rollout succeeded, but {name} has {there}"
            if there != {new} and any(self.side(node) == new for node in self._later(name)):
                yield f"a later cluster has the new packs, {name} has not"

    def _later(self, cluster: str) -> t.List[str]:
        names = list(self.clusters)
        return [node for name in names[names.index(cluster) + 1 :] for node in self.clusters[name]]

    def side(self, node: str) -> str:
        """Which version a node has of all packs; empty when it is neither."""
        content = self._content(node)
        return next((version for version, sides in self.sides.items() if sides[node] == content), "")

    def _content(self, node: str) -> Content:
        host = self.hosts[node]
        packs = {ref: take_snapshot(host.packs / ref, (".git", "__pycache__")) for ref in host.installed()}
        return packs, (host.virtualenvs / REFS[0] / "bin" / "python").exists()

    def _registered(self, name: str) -> t.Dict[str, str]:
        database = self.stackstorms[self.clusters[name][0]].database
        return {ref: (database.find("packs", ref) or {}).get("version", "") for ref in REFS}


class Trials:
    """Rollouts with faults, one after the other, each to the other version.

    * ``results``: how many were of which kind and ended with which version; ``failures``: what was wrong.
    """

    def __init__(self, place: Path, seed: int, clusters: t.Optional[Clusters] = None) -> None:
        self.chaos = Chaos(place, clusters)
        self.seed = seed
        self.results: t.Counter[str] = collections.Counter()
        self.failures: t.List[str] = []
        try:
            self._modules = self.chaos.learn()
        except BaseException:
            self.chaos.stop()
            raise

    def fault(self, number: int) -> Fault:
        """Return the fault of a trial: the same for the same seed."""
        chosen = random.Random(f"{self.seed}-{number}")
        kind = KINDS[number % len(KINDS)]
        # Modules that change nothing are most of them, and have no steps.
        stepping = [one for one in self._modules if one.step]
        module = chosen.choice(stepping if kind in ("kill", "disk") else self._modules)
        step = chosen.randrange(module.step) if module.step else 0
        return module._replace(kind=kind, step=step, lasting=kind == "lost" and chosen.random() < 0.5)

    def attempt(self, number: int, then: bool = True) -> t.Optional[str]:
        """Make one trial; return what is wrong, with all that Ansible said.

        :arg then: whether the next rollout follows where the trial did not lead to its version, which it must then do.
            It always follows after a node was away to the end, as its cluster has neither side then.
        """
        fault = self.fault(number)
        version = OLD if all(self.chaos.side(node) == NEW for node in self.chaos.nodes) else NEW
        done = self.chaos.roll_out(version, fault)
        problems = list(self.chaos.problems(version, fault, done.rc))
        self.results[f"{fault.kind}: {'rolled out' if done.rc == 0 else 'went back or stopped'}"] += 1
        output = done.output
        if done.rc and (then or fault.lasting) and not problems:
            done = self.chaos.roll_out(version)
            if done.rc or any(self.chaos.side(node) != version for node in self.chaos.nodes):
                problems.append(f"the next rollout does not lead to {version}")
                output += done.output
        if not problems:
            return None
        self.failures.append(f"trial {number} (seed {self.seed}), {fault}: {'; '.join(problems)}")
        return f"{self.failures[-1]}\n{output}"


def main() -> None:
    """Make trials, and say what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("ST2_SEED") or 0))
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial")
    parser.add_argument("--small", action="store_true", help="one cluster, which takes less time")
    chosen = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        trials = Trials(Path(folder), chosen.seed, SMALL if chosen.small else CLUSTERS)
        try:
            for number in range(chosen.first, chosen.first + chosen.count):
                wrong = trials.attempt(number)
                print(f"{number}: {trials.fault(number)}: {'WRONG' if wrong else 'ok'}", flush=True)
                if wrong:
                    print(wrong, flush=True)
        finally:
            trials.chaos.stop()
    for what, count in sorted(trials.results.items()):
        print(f"{count:4} {what}")
    print(f"{chosen.count} trials, {len(trials.failures)} wrong, {time.monotonic() - started:.0f} s")
    sys.exit(bool(trials.failures))


if __name__ == "__main__":
    main()
