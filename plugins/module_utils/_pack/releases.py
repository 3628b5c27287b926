# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Kept releases: the packs that were running before, whole, so that one can go back to them."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.stackstorm.st2.plugins.module_utils._files import remove_tree
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.places import PacksDirectory, entries
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import State

_NUMBER = re.compile(r"(?P<number>\d+)-")
_UNSAFE = re.compile(r"[^0-9A-Za-z.+-]+")


def next_release(directory: PacksDirectory, ref: str, state: State) -> str:
    """Where the tree of a pack goes that is about to be replaced: C(.../releases/REF/0003-1.0.1-108d52b).

    Numbered, so that their order does not depend on a clock. Nothing is created.
    """
    numbers = [int(match.group("number")) for match in map(_NUMBER.match, releases(directory, ref)) if match]
    name = _UNSAFE.sub("_", "-".join(state.short.split()) or "unknown")
    return os.path.join(directory.releases, ref, f"{max(numbers, default=0) + 1:04d}-{name}")


def releases(directory: PacksDirectory, ref: str) -> t.List[str]:
    """The names of the kept releases of a pack, oldest first."""
    return entries(os.path.join(directory.releases, ref))


def prune(directory: PacksDirectory, ref: str, keep: int) -> None:
    """Remove the oldest releases of a pack beyond C(keep), and what an interrupted run left half moved."""
    base = os.path.join(directory.releases, ref)
    whole = [name for name in releases(directory, ref) if os.path.lexists(os.path.join(base, name, "pack"))]
    for name in set(releases(directory, ref)) - set(whole[len(whole) - keep :] if keep else ()):
        remove_tree(os.path.join(base, name))
    if not releases(directory, ref):
        remove_tree(base)
