# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checkout where Ansible's tools expect it: below C(ansible_collections/stackstorm/st2)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from environments import CACHE, ROOT

BELOW = Path("ansible_collections", "stackstorm", "st2")
LINK = CACHE / "link"
COPIES = CACHE / "trees"


def link() -> Path:
    """A directory for PYTHONPATH or ANSIBLE_COLLECTIONS_PATH: the collection in it is a link to the checkout."""
    place = LINK / BELOW
    place.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(ROOT, place.parent)
    if not place.is_symlink() or os.readlink(place) != target:
        place.unlink(missing_ok=True)
        place.symlink_to(target)
    return LINK


def copy(name: str) -> Path:
    """A real copy of what is in the checkout and not ignored by git, which ansible-test insists on; returns its root.

    Runs that may overlap need copies of different names. What an earlier run left in C(tests/output) stays:
    ansible-test keeps virtual environments there.
    """
    place = COPIES / name / BELOW
    place.mkdir(parents=True, exist_ok=True)
    if not (place / ".git").exists():
        # Otherwise ansible-test asks the repository around it, which ignores .cache, and finds no files.
        _git("init", "--quiet", "--template=", str(place))
    wanted = sources()
    for path in sorted(wanted):
        _refresh(ROOT / path, place / path)
    for present in sorted(place.rglob("*"), reverse=True):
        path = present.relative_to(place)
        if path.parts[0] != ".git" and path.parts[:2] != ("tests", "output"):
            _remove_unwanted(present, path, wanted)
    _link_test_data(place)
    return place


def sources() -> set[Path]:
    """The files of the project, relative to its root: tracked by git or not yet, not ignored, not deleted."""
    listed = _git("-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    names = {Path(name) for name in listed.split("\0") if name}
    return {name for name in names if os.path.lexists(ROOT / name) and not (ROOT / name).is_dir()}


def _git(*arguments: str) -> str:
    """Run git without anybody's settings; the checkout may belong to somebody else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    settings = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-c", f"safe.directory={ROOT}", "-c", "core.fsmonitor=false", *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env={**kept, **settings}, check=True
    )
    return done.stdout.decode()


def _link_test_data(place: Path) -> None:
    """Put the real data beside the copy, where tests look without ST2_TEST_DATA, which ansible-test drops."""
    data = Path(os.environ.get("ST2_TEST_DATA") or ROOT.parent / "shared" / "data").resolve()
    beside = place.parent / "shared" / "data"
    beside.parent.mkdir(exist_ok=True)
    beside.unlink(missing_ok=True)
    if data.is_dir():
        beside.symlink_to(data)


def _refresh(source: Path, target: Path) -> None:
    try:
        before, after = source.lstat(), target.lstat()
        if (before.st_size, before.st_mtime_ns, before.st_mode) == (after.st_size, after.st_mtime_ns, after.st_mode):
            return
        target.unlink()
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _remove_unwanted(present: Path, name: Path, wanted: set[Path]) -> None:
    if present.is_dir() and not present.is_symlink():
        if not any(present.iterdir()):
            present.rmdir()
    elif name not in wanted:
        present.unlink()
