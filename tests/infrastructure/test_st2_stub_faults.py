# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with the stand-in StackStorm to order, on one host or two that share their directories."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import (
    ADMIN,
    ProgramFault,
    StackStormStub,
    bad_gateway,
    close,
    hang,
    nth,
    server_error,
)

requests = pytest.importorskip("requests")


@pytest.fixture
def host(tmp_path: Path) -> ScratchHost:
    made = ScratchHost(tmp_path / "host")
    made.place(PackTree("demo"), "demo")
    return made


@pytest.fixture
def stub(host: ScratchHost) -> t.Iterator[StackStormStub]:
    with StackStormStub(host, register_all=False) as running:
        yield running


def register(stub: StackStormStub, timeout: float = 20) -> int:
    """Register the pack demo by a request; return the status."""
    headers = {"St2-Api-Key": ADMIN.api_key}
    url = f"{stub.api_url}/v1/packs/register"
    return int(requests.post(url, json={"packs": ["demo"]}, headers=headers, timeout=timeout).status_code)


def run(host: ScratchHost, *arguments: str, timeout: float = 30) -> t.Tuple[int, str]:
    """Run st2-register-content on a host; return its exit code and what it said."""
    program = host.service / "bin" / "st2-register-content"
    command = [str(program), "--config-file", str(host.st2_conf), *arguments]
    done = subprocess.run(command, env=host.environment(), capture_output=True, text=True, check=False, timeout=timeout)
    return done.returncode, done.stderr


# Requests


def test_faults_meet_the_request_of_their_number(stub: StackStormStub) -> None:
    stub.faults += [nth(2, server_error("/packs/register$")), nth(4, bad_gateway("/packs/register$"))]
    assert [register(stub) for _time in range(5)] == [200, 500, 200, 502, 200]


def test_a_connection_is_closed_with_the_work_done_or_not(stub: StackStormStub) -> None:
    for work in (False, True):
        stub.faults.append(close("/packs/register$", work=work))
        with pytest.raises(requests.exceptions.ConnectionError):
            register(stub)
        assert bool(stub.pack("demo")) is work


def test_an_answer_that_never_comes_can_have_its_work_done(stub: StackStormStub) -> None:
    stub.faults.append(hang("/packs/register$", work=True))
    with pytest.raises(requests.exceptions.ReadTimeout):
        register(stub, timeout=1)
    assert stub.pack("demo")


def test_whoever_asks_can_be_killed_before_the_answer(stub: StackStormStub) -> None:
    killed: t.List[str] = []
    fault = close("/packs/register$", work=True)
    fault.call = lambda request: killed.append(f"{request.method} {bool(stub.pack('demo'))}")
    stub.faults.append(fault)
    with pytest.raises(requests.exceptions.ConnectionError):
        register(stub)
    assert killed == ["POST True"]


def test_st2api_dies_in_the_middle_and_what_it_has_done_stays(stub: StackStormStub) -> None:
    stub.die_at("demo", "rules")
    with pytest.raises(requests.exceptions.ConnectionError):
        register(stub)
    found = stub.resources("demo")
    assert (len(found["sensors"]), len(found["actions"]), found["rules"], found["aliases"]) == (1, 3, {}, {})
    assert register(stub) == 200
    assert stub.resources("demo")["rules"]


# The program


def test_the_program_fails_as_it_is_told(host: ScratchHost, stub: StackStormStub) -> None:
    stub.install_register_content()
    everything = ("--register-pack", str(host.packs / "demo"), "--register-all")
    stub.order(ProgramFault(skip=1, exit_code=3, stderr="no database"))
    stub.order(ProgramFault(skip=2, exit_code=-9, work=True))
    assert run(host, "--register-triggers", *everything[:2])[0] == 0
    assert run(host, *everything) == (3, "no database\n")
    assert not stub.resources("demo")["actions"]
    assert run(host, *everything)[0] == -9
    assert stub.resources("demo")["policies"]
    stub.order(ProgramFault(hang=True))
    with pytest.raises(subprocess.TimeoutExpired):
        run(host, *everything, timeout=2)
    assert run(host, *everything)[0] == 0


def test_the_program_dies_in_the_middle(host: ScratchHost, stub: StackStormStub) -> None:
    stub.install_register_content()
    stub.die_at("demo", "aliases")
    assert run(host, "--register-all")[0] == -9
    found = stub.resources("demo")
    assert (len(found["rules"]), found["aliases"]) == (1, {})
    assert run(host, "--register-all")[0] == 0


# What the database has


def test_snapshots_are_equal_where_nothing_is_different(host: ScratchHost, stub: StackStormStub) -> None:
    stub.register("demo")
    before = stub.database_snapshot()
    stub.register("demo")
    assert stub.database_snapshot() == before
    assert before["packs"]["demo"]["version"] == "1.0.0"
    assert before["actions"]["demo.greet"]["enabled"] is True
    assert before["config_schemas"]["demo"]["token"]["secret"]
    (host.configs / "demo.yaml").write_text("url: here\n")
    stub.register("demo", types=["configs"])
    assert stub.database_snapshot()["configs"] == {"demo": {"url": "here"}}
    (host.packs / "demo" / "actions" / "more.yaml").write_text("name: more\nrunner_type: noop\nenabled: false\n")
    stub.register("demo", types=["actions"])
    after = stub.database_snapshot("demo")
    assert (set(after["actions"]) - set(before["actions"]), after["actions"]["demo.more"]["enabled"]) == (
        {"demo.more"},
        False,
    )
    assert set(after["packs"]) == {"demo"}


# Two hosts


def test_two_hosts_share_directories_and_a_stackstorm(host: ScratchHost, stub: StackStormStub, tmp_path: Path) -> None:
    other = ScratchHost(tmp_path / "other", shares=host, index_url="http://127.0.0.1:9/index.json")
    assert (other.packs, other.st2_conf.parent.parent.parent) == (host.packs, other.root)
    assert other.installed() == ["demo"]
    assert "127.0.0.1:9" in other.st2_conf.read_text()
    assert "127.0.0.1:9" not in host.st2_conf.read_text()
    stub.install_register_content(other)
    environments = [stub.give_access(each) for each in (host, other)]
    assert [each["HOME"] for each in environments] == [str(host.home), str(other.home)]
    for each in (host, other):
        config = (each.home / ".st2" / "config").read_text()
        assert f"url = {stub.api_url}/v1" in config
        assert f"api_key = {ADMIN.api_key}" in config
    assert run(other, "--register-actions", "--register-pack", str(other.packs / "demo"))[0] == 0
    assert len(stub.resources("demo")["actions"]) == 3
    assert register(stub) == 200
