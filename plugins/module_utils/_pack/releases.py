# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Kept releases: the packs that were running before, whole, so that one can go back to them."""

from __future__ import annotations

import os
import re
import typing as t

from .._layout import PacksDirectory
from .._own_directory import open_own_directory
from .plan import State

_NUMBER = re.compile(r"(?P<number>\d+)-")
_UNSAFE = re.compile(r"[^0-9A-Za-z.+-]+")


def next_release(directory: PacksDirectory, ref: str, state: State) -> str:
    """Where the tree of a pack goes that is about to be replaced: C(.../releases/REF/0003-1.0.1-108d52b).

    Numbered, so that their order does not depend on a clock. Nothing is created.
    """
    number = max(map(_number, releases(directory, ref)), default=0) + 1
    name = _UNSAFE.sub("_", "-".join(state.short.split()) or "unknown")
    return os.path.join(directory.releases, ref, f"{number:04d}-{name}")


def releases(directory: PacksDirectory, ref: str) -> t.List[str]:
    """The names of the kept releases of a pack, oldest first."""
    opened = open_own_directory(os.path.join(directory.releases, ref))
    if opened is None:
        return []
    with opened:
        return sorted(opened.names(), key=_number)


def outdated(directory: PacksDirectory, ref: str, keep: int, *, coming: bool) -> t.List[str]:
    """The paths that go so that the newest C(keep) releases of a pack stay, oldest first. Nothing is removed here.

    :arg coming: Whether one of those is about to come.
    :returns: Releases, among them whatever is there without being one; where none stays, the directory of all of them.
    """
    opened = open_own_directory(os.path.join(directory.releases, ref))
    if opened is None:
        return []
    with opened:
        there = sorted(opened.names(), key=_number)
        whole = [name for name in there if opened.has(f"{name}/pack")]
    staying = whole[-(keep - coming) :] if keep > coming else []
    if not staying and not (coming and keep):
        return [opened.path]
    return [os.path.join(opened.path, name) for name in there if name not in staying]


def _number(name: str) -> int:
    match = _NUMBER.match(name)
    return int(match.group("number")) if match else 0
