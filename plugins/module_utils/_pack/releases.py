# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Kept releases: the packs that were running before, whole, so that one can go back to them."""

from __future__ import annotations

import os
import re
import typing as t

from .._content.installed import InstalledPack
from .._content.receipt import read_receipt
from .._content.working_copy import WorkingCopy
from .._layout import NOWHERE, PacksDirectory
from .._own_directory import OwnDirectory, open_own_directory

# What the name of a directory that was no pack ends with.
NO_PACK = "no-pack"
# What that of a pack ends with whose edits were undone: it is no version of its own.
EDITED = "edited"
# What that of a pack ends with in which people worked, and which another version replaced: it is kept for good.
WORK = "local-work"
_NUMBER = re.compile(r"(?P<number>\d+)-")
_UNSAFE = re.compile(r"[^0-9A-Za-z.+-]+")


def next_release(directory: PacksDirectory, ref: str, label: str) -> str:
    """Where the tree of a pack goes that is about to be replaced: C(.../releases/REF/0003-1.0.1-108d52b).

    Numbered, so that their order does not depend on a clock. Nothing is created.

    :arg label: What it is, for people.
    """
    number = max(map(_number, releases(directory, ref)), default=0) + 1
    name = _UNSAFE.sub("_", "-".join(label.split()) or "unknown")
    return os.path.join(directory.releases, ref, f"{number:04d}-{name}")


def releases(directory: PacksDirectory, ref: str) -> t.List[str]:
    """The names of the kept releases of a pack, oldest first; without what goes back when a run is undone."""
    opened = _open(directory, ref)
    if opened is None:
        return []
    with opened:
        return _names(directory, ref, opened)


def kept_packs(directory: PacksDirectory, ref: str) -> t.List[InstalledPack]:
    """The kept releases of a pack that can be gone back to, oldest first; C(path) is the directory of the release."""
    found = []
    for name in releases(directory, ref):
        place = os.path.join(directory.now(_home(directory, ref)), name)
        location = os.path.join(place, "pack")
        if os.path.islink(location) or not os.path.isfile(os.path.join(location, "pack.yaml")):
            continue
        working_copy = WorkingCopy(location)
        head = working_copy.head() if working_copy.exists() else None
        receipt = read_receipt(directory, ref, place)
        if receipt and not receipt.matches(head.commit if head else ""):
            receipt = None
        origin = receipt.source.url if receipt else working_copy.origin() if head else None
        version = receipt.version if receipt else None
        found.append(InstalledPack(ref, ref, place, location, directory.path, version, head, origin, receipt))
    return found


def outdated(directory: PacksDirectory, ref: str, keep: int, *, arrives: bool = False, used: str = "") -> t.List[str]:
    """The paths that go so that the newest C(keep) releases of a pack stay, oldest first. Nothing is removed here.

    What was no pack, or holds the work of people, stays, and is not counted; what was edited goes.

    :arg arrives: Whether one is about to come that C(keep) does not count.
    :arg used: The path of one that goes in any case, as it is the running version again.
    :returns: Releases, among them whatever is there without being one; where none stays, the directory of all of them.
    """
    opened = _open(directory, ref)
    if opened is None:
        return []
    home = _home(directory, ref)
    with opened:
        there = _names(directory, ref, opened)
        if not there and opened.names():
            return []  # The run that is undone made it.
        for_good = [name for name in there if name.endswith(f"-{WORK}") or _is_no_pack(opened, name)]
        gone = {os.path.basename(used), *for_good}
        whole = [
            name
            for name in there
            if name not in gone and opened.has(f"{name}/pack") and not name.endswith(f"-{EDITED}")
        ]
    staying = [*for_good, *(whole[-keep:] if keep > 0 else [])]
    if not staying and not arrives:
        return [home]
    return [os.path.join(home, name) for name in there if name not in staying]


def _home(directory: PacksDirectory, ref: str) -> str:
    return os.path.join(directory.releases, ref)


def _open(directory: PacksDirectory, ref: str) -> t.Optional[OwnDirectory]:
    return open_own_directory(directory.now(_home(directory, ref)))


def _names(directory: PacksDirectory, ref: str, opened: OwnDirectory) -> t.List[str]:
    """What is there, oldest first, without what goes when a run is undone."""
    home = _home(directory, ref)
    found = [name for name in opened.names() if directory.now(os.path.join(home, name)) != NOWHERE]
    return sorted(found, key=_number)


def _is_no_pack(opened: OwnDirectory, name: str) -> bool:
    path = opened.at(f"{name}/pack")
    return os.path.isdir(path) and not os.path.islink(path) and not os.path.lexists(os.path.join(path, "pack.yaml"))


def _number(name: str) -> int:
    match = _NUMBER.match(name)
    return int(match.group("number")) if match else 0
