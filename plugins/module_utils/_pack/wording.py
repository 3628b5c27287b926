# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A change of a pack in words."""

from __future__ import annotations

import typing as t

from .._st2.registration import Resource
from .plan import PackPlan, State


def change_in_words(pack: PackPlan) -> str:
    """A change in one short line."""
    if pack.action == "repair":
        return f"{pack.ref} {_short(pack.after)} repaired: {few(pack.edits)}"
    if pack.action == "virtualenv":
        return f"{pack.ref} {_short(pack.after)} virtualenv {pack.virtualenv}"
    if pack.action == "register":
        differences = f": {few(pack.known.differences)}" if pack.known.differences else ""
        return f"{pack.ref} {_short(pack.after)} registered{differences}"
    if pack.action == "prune":
        return f"{pack.ref} {_short(pack.after)} pruned: {few([named(resource) for resource in pack.surplus])}"
    if pack.action == "unload":
        return f"{pack.ref} unloaded from StackStorm's database"
    if pack.action == "purge":
        return f"{pack.ref} purged: {', '.join(dict.fromkeys(kind for kind, _path in pack.leftovers))}"
    if pack.after is None:
        return f"{pack.ref} {_short(pack.before)} -> absent"
    before = pack.before.version or "unknown" if pack.before else "absent"
    if pack.before and before == pack.after.version:
        before = pack.before.short
    # What StackStorm itself will install from a URL shows only afterwards.
    kept = f" (the directory that was there is kept: {pack.displaced.kept})" if pack.displaced else ""
    return f"{pack.ref} {before} -> {pack.after.short or 'what the source has'}{kept}"


def _short(state: t.Optional[State]) -> str:
    return state.short if state else "absent"


def named(resource: Resource) -> str:
    """A resource, for people."""
    return f"{resource.kind} {resource.name}"


def few(items: t.Sequence[str], most: int = 3) -> str:
    """Some of many, and how many more there are."""
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
