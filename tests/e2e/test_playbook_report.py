# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that reports on hosts: two that differ, one that is no StackStorm host, and one that does not answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from infrastructure.ansible_run import ansible_environment, program
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost

Play = t.Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def hosts(tmp_path: Path) -> t.Dict[str, ScratchHost]:
    found = {name: ScratchHost(tmp_path / name) for name in ("one", "two", "three")}
    for host in found.values():
        PackTree("demo", "1.0.0", minimal=True, actions=()).write(host.packs / "demo")
    return found


@pytest.fixture
def play(hosts: t.Dict[str, ScratchHost], tmp_path: Path) -> Play:
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    named: t.Dict[str, t.Dict[str, t.Any]] = {
        name: {**local, "st2_conf": str(host.st2_conf)} for name, host in hosts.items()
    }
    named["none"] = {**local, "st2_conf": str(tmp_path / "nowhere")}
    named["gone"] = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"st2": {"hosts": named}}))

    def run(target: str, **variables: t.Any) -> subprocess.CompletedProcess[str]:
        given = json.dumps({"target": target, "st2_api": {"register": "none"}, **variables})
        command = [program("ansible-playbook"), "-i", str(inventory), "stackstorm.st2.report", "-e", given]
        environment = ansible_environment(None, tmp_path)
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    return run


def test_equal_hosts_are_one_line_and_nothing_is_written(play: Play, hosts: t.Dict[str, ScratchHost]) -> None:
    before = {name: host.snapshot() for name, host in hosts.items()}
    done = play("one,two,three")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 hosts equal" in done.stdout
    assert {name: host.snapshot() for name, host in hosts.items()} == before


def test_what_differs_is_named_and_every_host_is_in_it(
    play: Play, hosts: t.Dict[str, ScratchHost], tmp_path: Path
) -> None:
    shutil.rmtree(hosts["two"].packs / "demo")
    PackTree("demo", "1.1.0", minimal=True, actions=()).write(hosts["two"].packs / "demo")
    (tmp_path / "out").mkdir()
    done = play("st2", report_path=str(tmp_path / "out"), report_fail=True)
    answer = "2 hosts equal; 1 differs: two; 1 failed: none; 1 unreachable: gone"
    assert done.returncode != 0 and answer in done.stdout, done.stdout + done.stderr
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert document["summary"].startswith(answer)
    states = {host["name"]: host["state"] for host in document["hosts"]}
    assert states == {"one": "equal", "two": "differs", "three": "equal", "none": "failed", "gone": "unreachable"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "elsewhere 1.0.0" in page and "1.1.0" in page


def test_a_localhost_outside_of_the_inventory_counts(play: Play, hosts: t.Dict[str, ScratchHost]) -> None:
    given = {"st2_conf": str(hosts["one"].st2_conf), "ansible_python_interpreter": sys.executable}
    done = play("localhost", **given)
    assert done.returncode == 0 and "1 host equal" in done.stdout, done.stdout + done.stderr
