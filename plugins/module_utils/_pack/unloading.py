# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm's database loses, or keeps, of packs that go, as warnings."""

from __future__ import annotations

import typing as t

from .._change.database import Database
from .._change.known import ABSENT, UNKNOWN, KnownPack
from .plan import PackPlan

_MADE_BY_HAND = {"actions": "action", "rules": "rule", "aliases": "alias", "policies": "policy"}
_MOST_NAMED = 5


def made_by_hand(database: Database, ref: str) -> str:
    """What people made in a pack, as names; empty for nothing, and where nobody can tell."""
    if not database.registrar.reads:
        return ""
    resources = database.resources(ref, tuple(_MADE_BY_HAND))
    made = sorted(f"{_MADE_BY_HAND[one.kind]} {one.name}" for one in resources if one.by_hand)
    more = f" and {len(made) - _MOST_NAMED} more" if len(made) > _MOST_NAMED else ""
    return ", ".join(made[:_MOST_NAMED]) + more


def what_goes_along(database: Database, ref: str) -> t.List[str]:
    """What people made in a pack that is unloaded."""
    made = made_by_hand(database, ref)
    if not made:
        return []
    return [f"With {ref}, StackStorm loses what people made in it by hand, and no file restores it: {made}."]


def what_remains(ref: str, known: KnownPack) -> t.List[str]:
    """That a pack cannot be taken out of the database."""
    if not known.tells or known.unloads or known.state in (ABSENT, UNKNOWN):
        return []
    return [
        f"StackStorm's database keeps what it has of {ref}: st2-register-content takes nothing out of it. Give this "
        "task access to the API (api_key), or uninstall the pack there."
    ]


def rules_without_trigger(database: Database, going: t.Iterable[PackPlan]) -> t.List[str]:
    """The rules that are left without a trigger; those that wait for one with parameters never find it again
    (contrib/packs/actions/pack_mgmt/unload.py)."""
    refs = [made.ref for made in going if made.registration == "unload"]
    if not refs or not database.registrar.reads:
        return []
    rules = [one for one in database.registrar.every("rules") if one.pack not in refs]
    waiting = sorted(one.ref for one in rules if one.waits_for in refs)
    if not waiting:
        return []
    return [
        f"Rules use triggers of {', '.join(refs)}: {', '.join(waiting)}. When the pack is installed again, those whose "
        "trigger has parameters have to be saved again to work."
    ]


def losses(database: Database, going: t.Sequence[PackPlan]) -> t.List[str]:
    """All of this.

    :arg going: The plans of packs that go, each of one of its own.
    """
    found: t.List[str] = []
    for made in going:
        found += what_remains(made.ref, made.known)
        found += what_goes_along(database, made.ref) if made.registration == "unload" else []
    return found + rules_without_trigger(database, going)
