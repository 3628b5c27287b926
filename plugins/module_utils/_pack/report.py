# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The plan, or what was done by it, as a person reads it: in one line, and pack by pack."""

from __future__ import annotations

import typing as t

from .._secrets import strip_urls
from .plan import PackPlan, Plan, State

Row = t.Dict[str, t.Any]


def line(plan: Plan, recovered: t.Sequence[str] = ()) -> str:
    """What happens, or happened, in one short line: C(sensu 1.0.1 -> 1.0.2 108d52b).

    :arg recovered: The packs of which an interrupted run left something to put back.
    """
    changed = [pack for pack in plan.packs if pack.changed]
    parts = [_in_words(pack) for pack in changed]
    if recovered:
        parts.insert(0, f"interrupted run undone ({', '.join(recovered)})")
    if parts:
        return "; ".join(parts)
    return "; ".join(_in_words(pack) for pack in plan.packs) or "nothing asked"


def _in_words(pack: PackPlan) -> str:
    if pack.changed:
        from .wording import change_in_words

        return change_in_words(pack)
    if pack.after is None:
        return f"{pack.ref or pack.requested[0]} is not there"
    return f"{pack.ref} {pack.after.short} is there"


def rows(plan: Plan) -> t.List[Row]:
    """The result per pack, in the order of the plan, of a run that does all of it; at the end what they need."""
    return [row_of(pack) for pack in (*plan.packs, *plan.needed)]


def row_of(pack: PackPlan) -> Row:
    """The result of one pack."""
    return {
        "ref": pack.ref or None,
        "name": pack.name or None,
        "requested": list(pack.requested),
        "source": _source(pack),
        "before": identity(pack.before),
        "after": identity(pack.after),
        "action": pack.action,
        "changed": pack.changed,
        "virtualenv": pack.virtualenv,
        "edits": list(pack.edits),
        "step": None,
        "msg": _in_words(pack),
        "database_state": pack.database_state,
        "pruned": [one.ref for one in pack.surplus],
        **({"signer": pack.signer} if pack.signer else {}),
        **({"left_out": list(pack.candidate.left_out)} if pack.candidate and pack.candidate.left_out else {}),
    }


def _source(pack: PackPlan) -> t.Optional[str]:
    state = pack.after or pack.before
    return strip_urls(state.source) or None if state else None


def identity(state: t.Optional[State]) -> t.Optional[t.Dict[str, t.Optional[str]]]:
    """A pack before or after, as a result shows it: with what it has of these; C(None) when there is none."""
    known = (("commit", state.commit), ("digest", state.digest)) if state else ()
    return {"version": state.version or None, **{name: value for name, value in known if value}} if state else None
