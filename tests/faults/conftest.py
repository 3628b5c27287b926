# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of faults share: scenes as in the end-to-end tests, worlds, and small disks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e.conftest import ca, make_scene, packages, scene
from faults.kill import quick_directory
from faults.world import World

__all__ = ["ca", "make_scene", "packages", "scene"]


@pytest.fixture
def quick_path() -> t.Iterator[Path]:
    """A directory in memory, where there is one."""
    path = Path(tempfile.mkdtemp(prefix="faults-", dir=quick_directory()))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def world() -> t.Iterator[World]:
    """A host that can be put into states; see `World`. Every test begins with `World.restore`."""
    path = Path(tempfile.mkdtemp(prefix="faults-", dir=quick_directory()))
    world = World(path)
    yield world
    world.stop()
    shutil.rmtree(path)


class Disk:
    """A file system of its own at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def remount(self, options: str) -> None:
        """Change the options of the mount."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)

    def fill(self, leave: int) -> Path:
        """Take all space but so many bytes; return the file that has it."""
        path = self.path / "ballast"
        status = os.statvfs(self.path)
        with path.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, max(1, status.f_bavail * status.f_frsize - leave))
        return path

    def use_up_files(self, leave: int) -> Path:
        """Make files until only so many more can be made; return the directory that has them."""
        path = self.path / "files"
        path.mkdir()
        for number in range(os.statvfs(self.path).f_favail - leave):
            (path / str(number)).touch()
        return path


@pytest.fixture
def make_disk() -> t.Iterator[t.Callable[..., Disk]]:
    """Mount small disks in memory: ``make_disk(path, "size=4m")``. Skips where that is not allowed."""
    mounted: t.List[Path] = []

    def make(path: Path, options: str) -> Disk:
        path.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"mode=755,{options}", "tmpfs", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
        mounted.append(path)
        return Disk(path)

    yield make
    for path in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(path)], check=True)
