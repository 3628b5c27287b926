# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git servers and indexes that die, hang or drip: an error within the timeout, the old pack whole, then all well."""

from __future__ import annotations

import socket
import typing as t

import pytest
from e2e.scene import INDEX, Scene
from infrastructure.ansible_run import ModuleResult
from infrastructure.servers.git_https import Faults
from infrastructure.servers.index_server import Document

TIMEOUT = 4
"""Seconds for a run that would wait for ever. What gets an answer has time for it, on a busy machine too."""


@pytest.fixture
def upgrade(scene: Scene) -> Scene:
    """A scene where alpha 1.0.0 is installed and 2.0.0 is to come."""
    scene.release("alpha", "1.0.0", "2.0.0", actions=[f"action{number}" for number in range(40)])
    scene.change("alpha=1.0.0")
    return scene


def refused(scene: Scene, *names: str, **arguments: t.Any) -> ModuleResult:
    """The run fails, and nothing that StackStorm sees is touched; return the result."""
    result = scene.refuse(*names, **{"timeout": 60, **arguments})
    assert result["step"] in ("fetch", "index", "timeout")
    return result


def goes_on(scene: Scene, *names: str) -> None:
    """With the fault gone the same request is fulfilled."""
    scene.change(*names)
    assert scene.host.pack_version("alpha") == "2.0.0" and scene.debris() == []
    scene.satisfied(*names)


@pytest.mark.parametrize("after", [0, 700])
def test_a_git_server_that_dies_midway(upgrade: Scene, after: int) -> None:
    upgrade.git.faults = Faults(die_after=after)
    result = refused(upgrade, "alpha=2.0.0")
    assert result["step"] == "fetch" and "cannot be fetched" in result["msg"]
    upgrade.git.faults = Faults()
    goes_on(upgrade, "alpha=2.0.0")


def test_a_git_server_that_hangs(upgrade: Scene) -> None:
    upgrade.git.faults = Faults(hang=True)
    result = refused(upgrade, "alpha=2.0.0", timeout=TIMEOUT)
    assert result["step"] == "timeout" and f"timeout of {TIMEOUT} s" in result["msg"]
    assert f"{upgrade.git.url}/org/stackstorm-alpha" in result["msg"]
    upgrade.git.faults = Faults()
    goes_on(upgrade, "alpha=2.0.0")


def test_a_git_server_that_answers_with_an_error(upgrade: Scene) -> None:
    upgrade.git.faults = Faults(status=503)
    assert "503" in refused(upgrade, "alpha=2.0.0")["msg"]
    upgrade.git.faults = Faults()
    goes_on(upgrade, "alpha=2.0.0")


def test_a_git_server_that_fails_for_the_second_pack_only(upgrade: Scene) -> None:
    upgrade.release("beta", "1.0.0")
    upgrade.git.faults = Faults(status=500, applies_to=lambda path: "beta" in path)
    result = refused(upgrade, "alpha=2.0.0", "beta")
    assert upgrade.host.pack_version("alpha") == "1.0.0" and upgrade.host.pack_version("beta") is None
    rows = {row["ref"]: row for row in result["packs"]}
    assert rows["beta"]["step"] == "fetch" and rows["beta"]["after"] is None
    assert rows["alpha"]["after"]["version"] == "1.0.0" and not rows["alpha"]["changed"]
    upgrade.git.faults = Faults()
    goes_on(upgrade, "alpha=2.0.0", "beta")


def test_a_server_that_takes_connections_and_says_nothing(upgrade: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for url in (f"https://127.0.0.1:{port}/org/stackstorm-alpha", f"git://127.0.0.1:{port}/alpha"):
            assert refused(upgrade, f"{url}=2.0.0", timeout=TIMEOUT)["step"] == "timeout"
        silent_index = [f"https://127.0.0.1:{port}/v1/index.json"]
        result = refused(upgrade, "alpha=2.0.0", index_url=silent_index, timeout=TIMEOUT)
    assert f"127.0.0.1:{port}" in result["msg"]
    goes_on(upgrade, "alpha=2.0.0")


def test_a_git_server_that_is_gone(upgrade: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    result = refused(upgrade, f"https://127.0.0.1:{port}/org/stackstorm-alpha=2.0.0")
    assert result["step"] == "fetch" and f"127.0.0.1:{port}" in result["msg"]


@pytest.mark.parametrize(
    "fault",
    [
        {"hang": True},
        {"drip": 0.2, "drip_size": 1},
        {"truncate": 40},
        {"status": 500},
        {"filler": 300_000_000},
    ],
    ids=["hangs", "drips", "cut", "error", "huge"],
)
def test_an_index_that_misbehaves(upgrade: Scene, fault: t.Dict[str, t.Any]) -> None:
    good = upgrade.index.documents[INDEX]
    upgrade.index.documents[INDEX] = Document(good, **fault)
    waits = "hang" in fault or "drip" in fault
    result = refused(upgrade, "alpha", state="latest", timeout=TIMEOUT if waits else 60)
    assert upgrade.index_url in result["msg"], result["msg"]
    upgrade.satisfied("alpha")
    upgrade.index.documents[INDEX] = good
    upgrade.change("alpha", state="latest")
