# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollout to many hosts costs, against what Ansible alone costs in the same run: C(make fleet N=50).

The hosts are directories of this machine behind one sshd, so that all of them share its processors.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from datetime import datetime
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e.scene import Scene
from infrastructure.ansible_run import ansible_environment, program
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.servers import CertificateAuthority, PackageIndex, SshServer
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub

PACKS = 20
NODES = 10
"""Of a cluster, at most; there are two clusters at least."""
FIRST, AGAIN = 1.5, 1.25
"""How much longer than Ansible alone a rollout may take, and one that changes nothing."""


class Played(t.NamedTuple):
    """A run of Ansible: what it took, how many tasks it had, and its log, whose lines have times."""

    seconds: float
    tasks: int
    log: str


class Fleet:
    """Hosts over SSH in clusters with a StackStorm each, and what is rolled out to them."""

    def __init__(self, place: Path, count: int, packs: int, forks: int) -> None:
        self.place = place
        self.forks = forks
        self._open = contextlib.ExitStack()
        self.refs = [f"pack{number:02}" for number in range(1, packs + 1)]
        wheels = place / "wheels"
        wheels.mkdir()
        self.packages = self._open.enter_context(PackageIndex(wheels))
        self.scene = Scene(place / "scene", CertificateAuthority(place / "ca"), self.packages)
        self._open.callback(self.scene.stop)
        for ref in self.refs:
            # One has Python actions, and so a virtualenv.
            more: t.Dict[str, t.Any] = {} if ref == self.refs[0] else {"actions": ()}
            self.scene.repository(ref).release(PackTree(ref, "1.0.0", minimal=True, **more))
        self.scene.publish()
        self.ssh = self._open.enter_context(SshServer(place / "sshd"))
        self.hosts = {f"st2-{number:03}": ScratchHost(place / f"host{number}") for number in range(1, count + 1)}
        size = min(NODES, max(1, count // 2))
        self.clusters = {name: f"cluster{number // size}" for number, name in enumerate(self.hosts)}
        self.stackstorms: t.Dict[str, StackStormStub] = {}
        for name, cluster in self.clusters.items():
            if cluster not in self.stackstorms:
                self.stackstorms[cluster] = StackStormStub(self.hosts[name])
                self._open.callback(self.stackstorms[cluster].stop)
        self.bundle, self.lock = place / "packs.bundle", place / "packs.lock.yml"
        self._write_inventory()

    def stop(self) -> None:
        """End the servers."""
        self._open.close()

    def _write_inventory(self) -> None:
        named = {}
        for name, host in self.hosts.items():
            stackstorm = self.stackstorms[self.clusters[name]]
            named[name] = {
                **self.ssh.ansible_variables(),
                # Not the home of the account that is logged in.
                "ansible_python_interpreter": str(self._interpreter(host)),
                "ansible_remote_tmp": str(host.tmp / "ansible"),
                "st2_conf": str(host.st2_conf),
                "st2_cluster": self.clusters[name],
                "st2_api": {"api_url": f"{stackstorm.api_url}/v1", "api_key": stackstorm.api_key},
            }
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        self.inventory = self.place / "hosts.yml"
        groups = {"st2": {"hosts": named}, "all": {"hosts": {"localhost": local}}}
        self.inventory.write_text(yaml.safe_dump(groups), encoding="utf-8")

    def _interpreter(self, host: ScratchHost) -> Path:
        variables = {**clean_environment(host.home), **host.environment(), **self.scene.environment}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        path = host.root / "python"
        path.write_text("\n".join(["#!/bin/sh", *lines, f'exec {sys.executable} "$@"', ""]))
        path.chmod(0o755)
        return path

    def make_bundle(self) -> None:
        """Lock the packs for the Python of the hosts, and put them into a bundle."""
        first = next(iter(self.hosts))
        here = {"hosts": "localhost"}
        info = {"stackstorm.st2.st2_pack_info": {"st2_conf": "{{ st2_conf }}", "name": ["core"]}, "register": "host"}
        locking = {
            "path": str(self.lock),
            "name": self.refs,
            "index_url": [self.scene.index_url],
            "platforms": [f"{{{{ hostvars['{first}'].host.python }}}}"],
        }
        common = {"ca_bundle": str(self.scene.ca.ca_file)}
        self.play({"hosts": first, "tasks": [info]})
        self.play(
            {"hosts": first, "tasks": [info]},
            {**here, "tasks": [{"stackstorm.st2.st2_pack_lock": {**locking, **common}}]},
        )
        self.scene.forget()
        bundling = {"lockfile": str(self.lock), "path": str(self.bundle), **common}
        self.play({**here, "tasks": [{"stackstorm.st2.st2_bundle": bundling}]})

    def play(self, *plays: t.Mapping[str, t.Any]) -> Played:
        """Run plays."""
        playbook = self.place / "play.yml"
        playbook.write_text(yaml.safe_dump([{"gather_facts": False, **play} for play in plays], sort_keys=False))
        return self._run(str(playbook))

    def roll_out(self) -> Played:
        """Roll out the bundle to all clusters in one wave."""
        variables = {
            "target": "st2",
            "st2_packs_bundle": str(self.bundle),
            "st2_register": "api",
            "st2_rollout_waves": [sorted(self.stackstorms)],
        }
        return self._run("stackstorm.st2.rollout", "-e", json.dumps(variables))

    def ansible_alone(self, tasks: int, copies: bool) -> Played:
        """Run as many C(ping) tasks as something else had, after a copy of the bundle to each host or not."""
        doing: t.List[t.Dict[str, t.Any]] = [{"ansible.builtin.ping": {}} for _number in range(tasks)]
        if copies:
            copy = {"src": str(self.bundle), "dest": "{{ st2_conf | dirname }}/packs.bundle", "mode": "0644"}
            doing.insert(0, {"ansible.builtin.copy": copy})
        return self.play({"hosts": "st2", "tasks": doing})

    def _run(self, *arguments: str) -> Played:
        log = self.place / "ansible.log"
        log.unlink(missing_ok=True)
        environment = {
            **ansible_environment(None, self.place),
            **self.scene.environment,
            # As it is for users.
            "ANSIBLE_CONFIG": os.devnull,
            "ANSIBLE_CALLBACKS_ENABLED": "",
            "ANSIBLE_FORKS": str(self.forks),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_LOG_PATH": str(log),
        }
        command = [program("ansible-playbook"), "-i", str(self.inventory), *arguments]
        started = time.monotonic()
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - started
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return Played(seconds, done.stdout.count("\nTASK ["), log.read_text(encoding="utf-8"))

    def fetches(self) -> t.Dict[str, int]:
        """How often each repository was fetched since the lock was made."""
        asked = (request.path for request in self.scene.git.requests if "/info/refs" in request.path)
        return dict(collections.Counter(re.findall(r"stackstorm-(\w+)", path)[0] for path in asked))

    def window(self, log: str) -> float:
        """Seconds between the first swap on a host and the end of the registration."""
        swapped = min((host.packs / ref).stat().st_ctime for host in self.hosts.values() for ref in self.refs)
        times = [(line[:23], line) for line in log.splitlines() if "| TASK [" in line]
        names = [line for _time, line in times]
        registered = next(number for number, line in enumerate(names) if ": Register the packs" in line)
        end = next(time for time, line in times[registered + 1 :] if "Register the packs" not in line)
        return datetime.strptime(end, "%Y-%m-%d %H:%M:%S,%f").timestamp() - swapped


def main() -> None:
    """Measure, and print the figures as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", type=int, nargs="?", default=50)
    parser.add_argument("--packs", type=int, default=PACKS)
    parser.add_argument("--forks", type=int, default=50)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fleet-"))
    fleet = Fleet(folder, chosen.hosts, chosen.packs, min(chosen.forks, chosen.hosts))
    try:
        fleet.make_bundle()
        first = fleet.roll_out()
        window = fleet.window(first.log)
        copies = fleet.ansible_alone(first.tasks, copies=True)
        again = fleet.roll_out()
        pings = fleet.ansible_alone(again.tasks, copies=False)
        fetches = fleet.fetches()
    finally:
        fleet.stop()
        shutil.rmtree(folder, ignore_errors=True)
    ratios = first.seconds / copies.seconds, again.seconds / pings.seconds
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    print(f"### {chosen.hosts} hosts in {len(fleet.stackstorms)} clusters, {chosen.packs} packs, {fleet.forks} forks\n")
    print("| what | seconds | ratio |\n| --- | ---: | --- |")
    print(f"| a copy of the bundle and {first.tasks} pings | {copies.seconds:.1f} |  |")
    print(f"| rollout | {first.seconds:.1f} | {ratios[0]:.2f} of the copy and the pings (wanted: {FIRST}) |")
    print(f"| {again.tasks} pings | {pings.seconds:.1f} |  |")
    print(f"| rollout, nothing to do | {again.seconds:.1f} | {ratios[1]:.2f} of the pings (wanted: {AGAIN}) |\n")
    print(f"- From the first swap to the end of the registration: {window:.1f} s.")
    once = fetches == dict.fromkeys(fleet.refs, 1)
    print(f"- Fetches from the git server: {sum(fetches.values())} of {len(fleet.refs)} packs in the lock.")
    sys.exit(not (once and ratios[0] <= FIRST and ratios[1] <= AGAIN))


if __name__ == "__main__":
    main()
