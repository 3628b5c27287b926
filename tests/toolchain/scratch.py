# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where checks have their temporary files: in memory, if there is enough of it.

Git and the code under test write thousands of small files, and wait for the disk to have them. In memory, that takes a
fifth less of the processor's time, and no waiting.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from environments import ROOT

MEMORY = Path("/dev/shm")
# What checks that run at the same time may need, and what has to be left for programs.
ROOM = 2 << 30
FREE = 4 << 30


def for_check(name: str) -> Path | None:
    """The directory in memory for a check of this checkout, which need not exist.

    None where TMPDIR says where temporary files go, where there is too little memory, or programs cannot be run there.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return None
    found = os.statvfs(MEMORY)
    if found.f_flag & os.ST_NOEXEC or found.f_bavail * found.f_frsize < ROOM or _available() < FREE:
        return None
    return MEMORY / f"{_prefix()}{_short(name)}"


def empty(place: Path) -> None:
    """Make the directory of a check, without what an earlier run has left."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)


def clean() -> None:
    """Remove what failed checks of this checkout have left."""
    for place in MEMORY.glob(f"{_prefix()}*"):
        shutil.rmtree(place, ignore_errors=True)


def _prefix() -> str:
    """What names of directories begin with, for one checkout and account; short, as paths of sockets have to be."""
    return f"st2-{_short(f'{os.geteuid()} {ROOT}')}-"


def _short(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:5]


def _available() -> int:
    """How many bytes of memory programs can still get."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return 0


if __name__ == "__main__":
    clean()
