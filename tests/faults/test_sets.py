# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of packs of which one fails, at every step of the work: what the result promises is what is on disk."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from faults import inspection
from faults.conftest import Disk
from faults.module_runs import Execution
from faults.world import World

MakeDisk = t.Callable[..., Disk]


def assert_nothing_done(world: World, before: inspection.Content, result: Execution, culprit: str, step: str) -> None:
    """The result blames one pack, says of all that they are as they were, and so they are."""
    assert result.failed and result["step"] == step and not result["changed"], result.everything
    for row in result["packs"]:
        assert row["after"] == row["before"] and not row["changed"]
        assert row["step"] == (step if row["ref"] == culprit else None), result.everything
    assert {row["ref"] for row in result["packs"]} >= {culprit}
    assert inspection.torn(inspection.normal_content(world.host), {"before": before}) == []
    assert inspection.debris(world.host) == []


def assert_all_done(world: World, request: t.Mapping[str, t.Any]) -> None:
    result = world.must(request)
    for row in result["packs"]:
        assert row["after"]["version"] == world.host.pack_version(row["ref"])
        if row["after"].get("commit"):
            assert row["after"]["commit"] == world.host.head(row["ref"])
        assert world.host.run_action(row["ref"], "report")["version"] == row["after"]["version"]
    assert inspection.debris(world.host) == []


def test_one_cannot_be_fetched(world: World) -> None:
    world.restore("old")
    before = inspection.normal_content(world.host)
    result = world.runs.run({"name": ["alpha=2.0.0", "beta=7.7.7", world.directory("2.0.0")]})
    assert_nothing_done(world, before, result, "beta", "fetch")
    assert_all_done(world, world.packs("2.0.0"))


def test_one_is_no_pack(world: World, tmp_path: Path) -> None:
    world.restore("old")
    before = inspection.normal_content(world.host)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pack.yaml").write_text("ref: [")
    result = world.runs.run({"name": ["alpha=2.0.0"], "packs": [{"name": "delta", "source": str(broken)}]})
    assert_nothing_done(world, before, result, "delta", "validate")
    assert_all_done(world, world.packs("2.0.0"))


def test_the_virtualenv_of_one_cannot_be_built(world: World) -> None:
    world.restore("old")
    before = inspection.normal_content(world.host)
    wheel = next(world.packages.glob("tinydep-2*"))
    hidden = wheel.rename(world.root / wheel.name)
    result = world.runs.run({**world.packs("2.0.0"), "virtualenv_backend": "uv"})
    hidden.rename(wheel)
    assert_nothing_done(world, before, result, "beta", "virtualenv")
    assert_all_done(world, world.packs("2.0.0"))


@pytest.mark.parametrize("place", ["packs", "virtualenvs"])
def test_one_cannot_be_moved(world: World, make_disk: MakeDisk, tmp_path: Path, place: str) -> None:
    """A mount point cannot be renamed: that is found before those in front of it are touched."""
    world.restore("old")
    before = inspection.normal_content(world.host)
    path = world.host.base_path / place / "beta"
    make_disk(tmp_path / "probe", "size=1m")  # Skips where mounting is not allowed.
    subprocess.run(["mount", "--bind", str(path), str(path)], check=True)
    try:
        result = world.runs.run(world.packs("2.0.0"))
    finally:
        subprocess.run(["umount", str(path)], check=True)
    assert_nothing_done(world, before, result, "beta", "observe")
    assert str(path) in result["msg"] and "mount" in result["msg"]
    assert_all_done(world, world.packs("2.0.0"))


def test_a_set_that_is_removed_is_removed_as_a_whole(world: World, make_disk: MakeDisk, tmp_path: Path) -> None:
    world.restore("old")
    before = inspection.normal_content(world.host)
    path = world.host.packs / "alpha"
    make_disk(tmp_path / "probe", "size=1m")  # Skips where mounting is not allowed.
    subprocess.run(["mount", "--bind", str(path), str(path)], check=True)
    request = {"name": ["beta", "alpha", "delta"], "state": "absent", "purge": True}
    try:
        result = world.runs.run(request)
    finally:
        subprocess.run(["umount", str(path)], check=True)
    assert_nothing_done(world, before, result, "alpha", "observe")
    world.must(request)
    assert world.host.installed() == [] and inspection.debris(world.host) == []
