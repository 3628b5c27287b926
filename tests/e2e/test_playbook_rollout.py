# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook stackstorm.st2.rollout: two clusters of scratch hosts, of which the first one is the canary."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.locks import LockFile
from e2e.roles import LIBRARIES
from e2e.scene import Scene
from infrastructure.ansible_run import ansible_environment, program
from infrastructure.packs import PackTree
from infrastructure.snapshot import compare, take_snapshot
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import Outcome, StackStormStub

# Nothing listens there.
NOBODY = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
CLUSTERS = {"a1": "staging", "a2": "staging", "b1": "production"}


class Run(t.NamedTuple):
    rc: int
    answer: str
    said: str


class Fleet:
    """Three hosts, of which the first two have one StackStorm, and an inventory of them.

    :arg shared: whether the first two have one directory of packs.
    """

    def __init__(self, scene: Scene, place: Path, shared: bool = False) -> None:
        self.place, self.forks = place, 3
        self.environment = scene.environment
        self.hosts: t.Dict[str, ScratchHost] = {}
        for name in CLUSTERS:
            other = self.hosts["a1"] if shared and name == "a2" else None
            self.hosts[name] = ScratchHost(
                place / name, index_url=scene.index_url, libraries=() if other else LIBRARIES, shares=other
            )
        self.stackstorms = {name: StackStormStub(self.hosts[name]) for name in ("a1", "b1")}
        options = {"ca_bundle": str(scene.ca.ca_file)}
        self.variables: t.Dict[str, t.Dict[str, t.Any]] = {
            name: {
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
                "st2_cluster": cluster,
                "st2_conf": str(self.hosts[name].st2_conf),
                "st2_api": self._access("a1" if cluster == "staging" else "b1"),
                "st2_packs_options": options,
                "st2_restart": "never",
            }
            for name, cluster in CLUSTERS.items()
        }

    def _access(self, name: str) -> t.Dict[str, str]:
        return {"api_url": self.stackstorms[name].api_url, "api_key": self.stackstorms[name].api_key}

    def stop(self) -> None:
        """End the servers."""
        for stackstorm in self.stackstorms.values():
            stackstorm.stop()

    def play(self, version: str, *arguments: str, **variables: t.Any) -> Run:
        """Roll out a version of the pack demo; all that is said, and the line that is the answer."""
        inventory = self.place / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"st2": {"hosts": self.variables}}, sort_keys=False))
        given = {
            "target": "st2",
            "report_path": str(self.place),
            "st2_packs": [{"name": "demo", "version": version}],
            "st2_rollout_smoke": [{"action": "demo.report"}],
            **variables,
        }
        command = [program("ansible-playbook"), "-i", str(inventory), "stackstorm.st2.rollout", "-e", json.dumps(given)]
        done = subprocess.run(
            [*command, *arguments],
            env={**ansible_environment(None, self.place), **self.environment, "ANSIBLE_FORKS": str(self.forks)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        shown = done.stdout.partition("TASK [Show what was done]")[2].partition('"msg": [')[2].splitlines()
        return Run(done.returncode, shown[1].strip(' ",') if shown else "", said)

    def versions(self) -> t.Dict[str, t.Optional[str]]:
        """Return the version of the pack on each host, by its files."""
        files = {name: host.packs / "demo" / "pack.yaml" for name, host in self.hosts.items()}
        return {
            name: yaml.safe_load(file.read_text())["version"] if file.exists() else None for name, file in files.items()
        }

    def known(self) -> t.Dict[str, t.Optional[str]]:
        """Return the version of the pack that each StackStorm has in its database."""
        packs = {name: stackstorm.pack("demo") for name, stackstorm in self.stackstorms.items()}
        return {name: pack["version"] if pack else None for name, pack in packs.items()}

    def registrations(self) -> t.Dict[str, int]:
        """Return how often each StackStorm was asked to register packs."""
        return {name: len(one.asked("POST", "/packs/register")) for name, one in self.stackstorms.items()}


@pytest.fixture
def make_fleet(scene: Scene, tmp_path: Path) -> t.Iterator[t.Callable[..., Fleet]]:
    for version in ("1.0.0", "1.1.0"):
        repository = scene.repositories[0] if scene.repositories else scene.repository("demo")
        repository.release(PackTree("demo", version))
    scene.publish()
    made: t.List[Fleet] = []

    def make(**how: t.Any) -> Fleet:
        made.append(Fleet(scene, tmp_path / f"fleet-{len(made)}", **how))
        return made[-1]

    yield make
    for fleet in made:
        fleet.stop()


def test_a_release_reaches_all_clusters_or_none_of_a_wave(make_fleet: t.Callable[..., Fleet]) -> None:
    fleet = make_fleet()
    done = fleet.play("1.0.0")
    assert done.rc == 0 and done.answer.startswith("3 hosts in 2 clusters rolled out: demo absent -> 1.0.0"), done.said
    assert set(fleet.versions().values()) == {"1.0.0"} and fleet.known() == {"a1": "1.0.0", "b1": "1.0.0"}
    assert fleet.registrations() == {"a1": 1, "b1": 1}, "once for each cluster"

    before = {name: take_snapshot(host.packs / "demo") for name, host in fleet.hosts.items()}
    # StackStorm cannot run it: both nodes of the wave go back, and the next wave never starts.
    secret = "canary-5d1b"
    expected = [{"action": "demo.report", "secrets": {"x": secret}, "expect": {"result": {"result": "something else"}}}]
    done = fleet.play("1.1.0", st2_rollout_smoke=expected)
    assert done.rc != 0 and done.answer.startswith("Not rolled out: a1 failed in the smoke test:"), done.said
    assert "Rolled back on a1, a2." in done.answer and secret not in done.said
    assert set(fleet.versions().values()) == {"1.0.0"} and fleet.known() == {"a1": "1.0.0", "b1": "1.0.0"}
    assert fleet.registrations() == {"a1": 3, "b1": 1}, "the new release, and the way back"
    report = json.loads((fleet.place / "report.json").read_text())
    assert report["summary"].startswith("3 hosts equal"), report
    for name, host in fleet.hosts.items():
        assert not compare(before[name], take_snapshot(host.packs / "demo")), name


def test_a_bundle_is_rolled_out_and_its_pack_removed(make_fleet: t.Callable[..., Fleet], scene: Scene) -> None:
    fleet = make_fleet()
    del fleet.variables["b1"]
    lock = LockFile(scene).add(scene.repositories[0], "1.0.0", "demo").wheels("demo", "six==1.16.0")
    shelf = fleet.place / "shelf"
    shelf.mkdir()
    bundle = shelf / "packs.bundle"
    given = {"lockfile": str(lock.write(shelf)), "path": str(bundle), "ca_bundle": str(scene.ca.ca_file)}
    made = scene.run(module="st2_bundle", host=None, pip_index_url=None, **given)
    assert made.changed, made.everything
    scene.forget()
    options = {"st2_packs": [], "st2_packs_bundle": str(bundle), "st2_rollout_drain": True, "st2_rollout_serial": 1}

    before = {name: take_snapshot(host.base_path) for name, host in fleet.hosts.items()}
    done = fleet.play("", "--check", "--diff", **options)
    assert done.rc == 0 and "2 hosts in 1 cluster would be rolled out: demo absent -> 1.0.0" in done.answer, done.said
    assert "+++ after: pack demo" in done.said
    for name, host in fleet.hosts.items():
        assert not compare(before[name], take_snapshot(host.base_path)), name

    done = fleet.play("", **options)
    there = {name: version for name, version in fleet.versions().items() if version}
    assert done.rc == 0 and there == {"a1": "1.0.0", "a2": "1.0.0"}, done.said
    assert fleet.known()["a1"] == "1.0.0" and scene.quiet, "everything is in the bundle"
    done = fleet.play("", **options)
    assert done.rc == 0 and "already have these packs" in done.answer, done.said
    # The report, on localhost, is new with each minute.
    assert all(re.search(rf"^{name} .* changed=0 ", done.said, re.MULTILINE) for name in fleet.variables), done.said

    removal = {"st2_packs": [{"name": "demo", "state": "absent"}]}
    execution = fleet.stackstorms["a1"].executions.run_on(socket.gethostname())
    done = fleet.play("", **removal, st2_rollout_drain=True, st2_rollout_drain_timeout=1)
    assert done.rc != 0 and execution.id in done.answer and "Nothing was changed." in done.answer, done.said
    execution.end(Outcome("succeeded", {}))
    # What is gone cannot run: it comes back, on disk and in the database.
    done = fleet.play("", **removal)
    assert done.rc != 0 and "failed in the smoke test" in done.answer and "Rolled back on a1, a2." in done.answer
    assert fleet.versions()["a2"] == "1.0.0" and fleet.known()["a1"] == "1.0.0", done.said
    done = fleet.play("", **removal, st2_rollout_smoke=[])
    assert done.rc == 0 and "rolled out: demo 1.0.0" in done.answer and "-> absent" in done.answer, done.said
    assert set(fleet.versions().values()) == {None} and fleet.known()["a1"] is None, done.said


def test_hosts_that_share_their_packs_have_one_writer(make_fleet: t.Callable[..., Fleet]) -> None:
    fleet = make_fleet(shared=True)
    done = fleet.play("1.0.0")
    assert done.rc == 0 and set(fleet.versions().values()) == {"1.0.0"}, done.said
    staged = done.said.partition("TASK [stackstorm.st2.packs : Manage the packs]")[2].partition("TASK [")[0]
    assert "[a1]" in staged and "[a2]" not in staged, staged
    assert fleet.registrations() == {"a1": 1, "b1": 1}


REFUSED: t.Sequence[t.Tuple[t.Sequence[str], t.Mapping[str, t.Any], str]] = (
    (["--limit", "a1,b1"], {}, "A rollout cannot be limited (--limit a1,b1)"),
    ([], {"target": "a1"}, "Cluster staging is not complete: a2"),
    ([], {"st2_cluster_size": 4}, "has 2 of its 4 nodes (st2_cluster_size)"),
    ([], {"st2_rollout_waves": [["staging"]]}, "does not name all clusters of this play. Missing: production."),
)


def test_what_is_not_there_as_a_whole_is_refused(make_fleet: t.Callable[..., Fleet]) -> None:
    fleet = make_fleet()
    for arguments, variables, words in REFUSED:
        done = fleet.play("1.0.0", *arguments, **variables)
        assert done.rc != 0 and words in done.said and "Find StackStorm" not in done.said, done.said
    fleet.variables["a2"].update(NOBODY)
    done = fleet.play("1.0.0")
    assert done.rc != 0 and done.answer.startswith("Not rolled out: a2 failed in the checks: The host is unreachable")
    assert set(fleet.versions().values()) == {None} and fleet.registrations() == {"a1": 0, "b1": 0}
    assert json.loads((fleet.place / "report.json").read_text())["summary"].startswith("2 hosts equal; 1 unreachable")


def test_a_host_that_is_lost_in_the_swap_stops_the_next_waves(make_fleet: t.Callable[..., Fleet]) -> None:
    fleet = make_fleet()
    following = "{{ (__st2_rollout | default({'next': {}})).next | list | first | default('') }}"
    lost = {"following": following, "ansible_connection": "{{ 'ssh' if following == 'swap' else 'local' }}"}
    fleet.variables["a2"].update({**NOBODY, **lost})
    # The hosts of the later wave come first, and Ansible goes by the order in which hosts answer.
    fleet.forks = 1
    fleet.variables = {name: fleet.variables[name] for name in ("b1", "a1", "a2")}
    done = fleet.play("1.0.0", st2_rollout_waves=[["staging"], ["production"]])
    assert done.rc != 0 and done.answer.startswith("Not rolled out: a2 failed in the swap: "), done.said
    assert "Rolled back on a1." in done.answer, done.answer
    assert set(fleet.versions().values()) == {None}, done.said
    assert fleet.known() == {"a1": None, "b1": None} and fleet.registrations()["b1"] == 0
