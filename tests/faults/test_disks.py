# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are full, have no file left to give, or may only be read: on real file systems."""

from __future__ import annotations

import os
import random
import shutil
import typing as t
from pathlib import Path

import pytest
from e2e.scene import Scene
from faults.conftest import Disk
from infrastructure.ansible_run import ModuleResult
from infrastructure.packs import PackTree

NO_SPACE = "No space left on device"
READ_ONLY = "Read-only file system"
# What git says about it, in its own words.
FULL = (NO_SPACE, "Out of diskspace", "has room for only")
LEFT = [0, *(kib << 10 for kib in (32, 72, 128, 256, 640, 1200, 1600, 2048, 4096))]
FILES = (0, 2, 5, 10, 20, 35, 60, 256)

MakeDisk = t.Callable[..., Disk]
MakeScene = t.Callable[..., Scene]


def upgrade_waits(make_scene: MakeScene) -> Scene:
    """A host with alpha 1.0.0, and a release 2.0.0 of it that needs half a MiB more."""
    scene = make_scene()
    repository = scene.release("alpha", "1.0.0")
    scene.change("alpha=1.0.0")
    large = PackTree("alpha", "2.0.0")
    large.add("etc/large.bin", random.Random(1).randbytes(500_000))
    repository.release(large)
    scene.publish()
    return scene


def assert_refused(result: ModuleResult, *reasons: str) -> None:
    """It ended with an error that says the reason, in a sentence and with a step."""
    assert result["step"] and not result.changed
    said = f"{result['msg']} {result.get('stderr', '')}"
    assert any(reason in said for reason in reasons), result.everything


def assert_goes_on(scene: Scene, *names: str) -> None:
    """The next run does what this one could not."""
    scene.change(*names)
    assert scene.debris() == [] and not list(scene.host.root.glob("opt/**/journal.json"))
    scene.satisfied(*names)


def test_a_full_disk_is_said_and_nothing_is_lost(make_disk: MakeDisk, make_scene: MakeScene, tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "scene-0" / "host", "size=16m")
    scene = upgrade_waits(make_scene)
    refused = 0
    for left in LEFT:
        ballast = disk.fill(left)
        before = scene.view()
        result = scene.run("alpha=2.0.0")
        moved = scene.moved(before)
        ballast.unlink()
        if not result.failed:
            break
        refused += 1
        assert_refused(result, *FULL)
        assert "Traceback" not in result.everything
        assert moved == [] and scene.debris() == []
    else:
        raise AssertionError("however much is free, it is never enough")
    assert refused >= 6
    assert scene.host.pack_version("alpha") == "2.0.0"
    scene.satisfied("alpha=2.0.0")


def test_a_full_disk_does_not_keep_a_pack_from_being_removed(
    make_disk: MakeDisk, make_scene: MakeScene, tmp_path: Path
) -> None:
    disk = make_disk(tmp_path / "scene-0" / "host", "size=16m")
    scene = upgrade_waits(make_scene)
    scene.change("alpha=2.0.0")
    disk.fill(32 << 10)
    scene.change("alpha", state="absent", keep_releases=0)
    assert os.statvfs(disk.path).f_bavail * os.statvfs(disk.path).f_frsize > 1 << 20


def test_no_files_left_is_said_and_nothing_is_lost(make_disk: MakeDisk, make_scene: MakeScene, tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "scene-0" / "host", "size=16m,nr_inodes=2000")
    scene = upgrade_waits(make_scene)
    refused = 0
    for left in FILES:
        files = disk.use_up_files(left)
        before = scene.view()
        result = scene.run("alpha=2.0.0")
        moved = scene.moved(before)
        shutil.rmtree(files)
        if not result.failed:
            break
        refused += 1
        assert_refused(result, *FULL)
        assert "Traceback" not in result.everything
        assert moved == [] and scene.debris() == []
    else:
        raise AssertionError("however many files are free, they are never enough")
    assert refused >= 6
    scene.satisfied("alpha=2.0.0")


@pytest.mark.parametrize("place", ["opt/stackstorm", "opt/stackstorm/packs", "opt/stackstorm/virtualenvs"])
def test_a_read_only_directory_is_said_and_what_is_satisfied_stays_so(
    make_disk: MakeDisk, make_scene: MakeScene, tmp_path: Path, place: str
) -> None:
    disk = make_disk(tmp_path / "scene-0" / "host", "size=64m")
    scene = make_scene()
    disk = move_to_own_disk(make_disk, scene.host.root / place)
    scene.release("alpha", "1.0.0", "2.0.0")
    scene.change("alpha=1.0.0", virtualenv="auto")
    disk.remount("ro")
    scene.satisfied("alpha", virtualenv="auto")
    assert_refused(scene.refuse("alpha=2.0.0", virtualenv="always", pip_args=["--no-deps"]), READ_ONLY)
    disk.remount("rw")
    assert_goes_on(scene, "alpha=2.0.0")


def move_to_own_disk(make_disk: MakeDisk, path: Path) -> Disk:
    """Put a directory of the host on a file system of its own."""
    aside = path.with_name(path.name + ".aside")
    path.rename(aside)
    disk = make_disk(path, "size=32m")
    for entry in list(aside.iterdir()):
        shutil.move(str(entry), str(path / entry.name))
    aside.rmdir()
    return disk


def test_packs_and_virtualenvs_on_disks_of_their_own(make_disk: MakeDisk, make_scene: MakeScene) -> None:
    scene = make_scene()
    for path in (scene.host.packs, scene.host.virtualenvs, scene.host.configs):
        move_to_own_disk(make_disk, path)
    scene.release("alpha", "1.0.0", "2.0.0")
    (scene.host.configs / "alpha.yaml").write_text("---\nurl: https://service.example.com\n")
    scene.change("alpha=1.0.0", virtualenv="auto")
    scene.change("alpha=2.0.0", virtualenv="auto")
    assert scene.host.run_action("alpha", "report")["version"] == "2.0.0"
    scene.change("alpha", state="absent", purge=True)
    assert scene.host.installed() == [] and not list(scene.host.virtualenvs.glob("a*"))
    assert scene.debris() == []
