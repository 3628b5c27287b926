# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty packs on five hosts over SSH, by a lock and its bundle: the servers are asked as for one host."""

from __future__ import annotations

import collections
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.scene import Scene
from infrastructure.ansible_run import ansible_environment, program
from infrastructure.packs import PackTree
from infrastructure.servers import SshServer
from infrastructure.servers.ssh_server import find_sshd
from infrastructure.st2_host import ScratchHost

PACKS, HOSTS = 20, 5
REFS = [f"pack{number:02}" for number in range(1, PACKS + 1)]


class Fleet:
    """Five hosts behind one sshd, each with directories of its own, and a playbook for all of them."""

    def __init__(self, scene: Scene, ssh: SshServer, place: Path) -> None:
        self.scene = scene
        self.place = place
        self.hosts = {f"st2-{number}": ScratchHost(place / f"host{number}") for number in range(1, HOSTS + 1)}
        python = {"ansible_python_interpreter": sys.executable}
        named = {
            name: {
                **ssh.ansible_variables(),
                **python,
                "ansible_remote_tmp": str(host.tmp / "ansible"),
                "st2_conf": str(host.st2_conf),
                "home": str(host.home),
            }
            for name, host in self.hosts.items()
        }
        self.inventory = place / "hosts.yml"
        self.inventory.write_text(yaml.safe_dump({"st2": {"hosts": named}, "all": {"hosts": {"localhost": python}}}))

    def play(self, *plays: t.Mapping[str, t.Any]) -> str:
        """Run plays, which must succeed, and return what they print."""
        playbook = self.place / "play.yml"
        playbook.write_text(yaml.safe_dump([{"gather_facts": False, **play} for play in plays], sort_keys=False))
        environment = {**ansible_environment(None, self.place), **self.scene.environment, "ANSIBLE_FORKS": str(HOSTS)}
        command = [program("ansible-playbook"), "-i", str(self.inventory), str(playbook)]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def on_hosts(self, **options: t.Any) -> t.Dict[str, t.Any]:
        """Return a play that installs on all hosts."""
        given = {"st2_conf": "{{ st2_conf }}", "register": "none", **options}
        environment = {**self.scene.environment, "HOME": "{{ home }}"}
        return {"hosts": "st2", "environment": environment, "tasks": [{"stackstorm.st2.st2_pack": given}]}

    def here(self, module: str, **options: t.Any) -> t.Dict[str, t.Any]:
        """Return a play that runs a module on the controller."""
        given = {"ca_bundle": str(self.scene.ca.ca_file), **options}
        return {"hosts": "localhost", "connection": "local", "tasks": [{f"stackstorm.st2.{module}": given}]}

    def fetches(self) -> t.Dict[str, int]:
        """Return how often each repository was fetched since the logs were emptied."""
        # One such question comes before each fetch, and before a look at the refs alone.
        asked = (request.path for request in self.scene.git.requests if "/info/refs" in request.path)
        found = collections.Counter(re.findall(r"stackstorm-(\w+)", path)[0] for path in asked)
        return dict(found)


@pytest.fixture
def fleet(scene: Scene, tmp_path: Path) -> t.Iterator[Fleet]:
    if find_sshd() is None:
        pytest.skip("there is no sshd here")
    for ref in REFS:
        needs = {"requirements": ["tinydep==1.0.0"], "imports": ["tinydep"]} if ref == REFS[0] else {"actions": ()}
        scene.repository(ref).release(PackTree(ref, "1.0.0", minimal=True, **needs))
    scene.publish()
    with SshServer(tmp_path / "sshd") as ssh:
        yield Fleet(scene, ssh, tmp_path)


def test_each_pack_is_fetched_once_for_all_hosts(fleet: Fleet) -> None:
    lock, bundle = str(fleet.place / "packs.lock.yml"), str(fleet.place / "packs.bundle")
    info = {"stackstorm.st2.st2_pack_info": {"st2_conf": "{{ st2_conf }}", "name": ["core"]}, "register": "host"}
    asked = {"hosts": "st2-1", "tasks": [info]}
    locking = fleet.here(
        "st2_pack_lock",
        path=lock,
        name=REFS,
        index_url=[fleet.scene.index_url],
        platforms=["{{ hostvars['st2-1'].host.python }}"],
    )
    fleet.play(asked, locking)
    assert fleet.fetches() == dict.fromkeys(REFS, 1)
    fleet.scene.forget()
    fleet.play(fleet.here("st2_bundle", lockfile=lock, path=bundle), fleet.on_hosts(bundle=bundle))
    assert fleet.fetches() == dict.fromkeys(REFS, 1), "as often as for one host"
    wheels = collections.Counter(request.path for request in fleet.scene.packages.requests if "/files/" in request.path)
    assert wheels and set(wheels.values()) == {1}, wheels
    locked = yaml.safe_load(Path(lock).read_text())["packs"]
    for host in fleet.hosts.values():
        assert sorted(host.installed()) == REFS
        assert {ref: host.head(ref) for ref in REFS} == {ref: locked[ref]["commit"] for ref in REFS}
        assert host.run_action(REFS[0], "report")["imports"] == {"tinydep": "1.0.0"}
    fleet.scene.forget()
    done = fleet.play(fleet.here("st2_bundle", lockfile=lock, path=bundle), fleet.on_hosts(bundle=bundle))
    assert fleet.scene.quiet and done.count("changed=0") == HOSTS + 1, done
