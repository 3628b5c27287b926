# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook stackstorm.st2.packs: three roles, several hosts, and one of each cluster that tells StackStorm."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.roles import LIBRARIES, Site
from e2e.scene import INDEX, Scene
from infrastructure.ansible_run import ansible_command, ansible_environment
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost

MakeScene = t.Callable[..., Scene]


@pytest.fixture
def sites(make_scene: MakeScene, tmp_path: Path) -> t.Iterator[t.Dict[str, Site]]:
    """Three hosts; what is served is that of the first one's scene."""
    scene = make_scene(libraries=LIBRARIES)
    scene.repository("sensu").release(PackTree("sensu", "1.0.2"))
    scene.publish()
    found = {"one": Site(scene.root, host=scene.host)}
    for name in ("two", "three"):
        host = ScratchHost(tmp_path / name / "host", index_url=scene.index_url, libraries=LIBRARIES)
        found[name] = Site(tmp_path / name, host=host)
    for name, site in found.items():
        site.variables["st2_cluster"] = "b" if name == "three" else "a"
        site.variables["st2_packs_options"] = {"ca_bundle": str(scene.ca.ca_file), "virtualenv": "never"}
        site.variables["st2_index_url"] = [f"{scene.index.url}{INDEX}", "https://other.example.com/index.json"]
    # Hosts of a cluster have one StackStorm.
    found["two"].variables["st2_api"] = found["one"].variables["st2_api"]
    yield found
    for site in found.values():
        site.stop()


def play(tmp_path: Path, sites: t.Mapping[str, Site], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook as the README has it: all is in the inventory, but for the group that it is about."""
    hosts = {
        name: {"ansible_connection": "local", "ansible_python_interpreter": _python(site), **site.variables}
        for name, site in sites.items()
    }
    packs = [{"name": "sensu", "version": "1.0.2", "config": {"url": "https://s.example.com"}}]
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"st2": {"hosts": hosts, "vars": {"st2_packs": packs}}}))
    command = ansible_command("stackstorm.st2.packs", "-e", "target=st2", *arguments)
    command[command.index("localhost,")] = str(inventory)
    environment = ansible_environment(sites["one"].host, tmp_path)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)


def _python(site: Site) -> str:
    """An interpreter whose programs are those of one host, as all hosts are this machine."""
    path = site.systemd.programs / "python"
    path.write_text(f'#!/bin/sh\nPATH={site.systemd.programs}:"$PATH" exec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return str(path)


def recap(done: subprocess.CompletedProcess[str]) -> t.Dict[str, str]:
    """How many tasks changed something on each host."""
    lines = done.stdout.partition("PLAY RECAP")[2].splitlines()[1:]
    return {line.split()[0]: line.partition("changed=")[2].split()[0] for line in lines if "changed=" in line}


def test_one_host_of_each_cluster_tells_stackstorm(sites: t.Dict[str, Site], tmp_path: Path) -> None:
    """On hosts on which no role has run, and that know of no index with these packs; check mode has said all."""
    for site in sites.values():
        site.host.configure("content", index_url="https://none.example.com/index.json")
        site.variables["st2_content_exclusive"] = True
    before = {name: (site.conf.read_text(), site.host.snapshot()) for name, site in sites.items()}
    # The host that tells StackStorm, and one that does not.
    both = ("--limit", "one,two")
    predicted = play(tmp_path, sites, "--check", *both)
    assert predicted.returncode == 0, predicted.stdout + predicted.stderr
    assert "sensu absent -> 1.0.2" in predicted.stdout
    assert {name: (site.conf.read_text(), site.host.snapshot()) for name, site in sites.items()} == before

    done = play(tmp_path, sites)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: count for name, count in recap(done).items() if name != "three"} == recap(predicted)
    registered = {name: len(site.stackstorm.asked("POST", "/packs/register")) for name, site in sites.items()}
    assert registered == {"one": 1, "two": 0, "three": 1}
    for name, site in sites.items():
        assert site.host.pack_version("sensu") == "1.0.2" and (site.host.configs / "sensu.yaml").is_file()
        assert "https://other.example.com" in site.conf.read_text()
        assert "https://none.example.com" not in site.conf.read_text()
        assert (site.stackstorm.pack("sensu") is not None) == (name != "two")
    assert done.stdout.index("Manage packs on all other hosts") < done.stdout.index("and register them")
    assert [site.systemd.restarted for site in sites.values()] == [["st2api"]] * 3

    again = play(tmp_path, sites, *both)
    assert again.returncode == 0 and set(recap(again).values()) == {"0"}, again.stdout
