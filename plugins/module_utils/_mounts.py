# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is mounted where, as the kernel tells it."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

_TABLE = "/proc/self/mountinfo"
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One mount.

    :arg point: Where it is mounted.
    :arg kind: The type of the file system, such as C(nfs4).
    """

    point: str
    kind: str


def mount_of(path: str) -> t.Optional[Mount]:
    """The mount that a path lies on; C(None) where the kernel does not tell.

    :arg path: Existing or not.
    """
    real = os.path.realpath(path)
    above = [mount for mount in _mounts() if f"{real}/".startswith(f"{mount.point.rstrip('/')}/")]
    # Of several at one point, the last one covers the others.
    return max(enumerate(above), key=lambda item: (len(item[1].point), item[0]))[1] if above else None


def is_mount_point(path: str) -> bool:
    """Whether something is mounted at a path, be it another directory of the same device. A link never is."""
    parent, name = os.path.split(path)
    try:
        other_device = os.lstat(path).st_dev != os.stat(parent).st_dev
    except OSError:
        return False
    real = os.path.join(os.path.realpath(parent), name)
    return other_device or any(mount.point == real for mount in _mounts())


def _mounts() -> t.List[Mount]:
    """Every mount, in the order in which they were made (Linux, Documentation/filesystems/proc.rst, 3.5)."""
    try:
        with open(_TABLE, encoding="utf-8", errors="surrogateescape") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        before, _dash, after = line.partition(" - ")
        point = _ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), before.split()[4])
        found.append(Mount(point, after.split()[0]))
    return found
