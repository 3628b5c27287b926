# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A registration as a person reads it: one line, a diff, a row for each pack."""

from __future__ import annotations

import typing as t

from .._change.known import UNKNOWN
from .plan import PackPlan, Plan

Row = t.Dict[str, t.Any]
_MOST_NAMED = 5


def line(plan: Plan, recovered: t.Sequence[str] = ()) -> str:
    """What happens, or happened: C(sensu, napalm registered; 40 packs are registered already).

    :arg recovered: The packs of which an interrupted run left something to put back.
    """
    parts = [f"interrupted run undone ({', '.join(recovered)})"] if recovered else []
    registered = [pack.ref for pack in plan.packs if pack.registers]
    pruned = sum(len(pack.known.surplus) for pack in plan.packs)
    rest = len(plan.packs) - len(registered)
    if registered:
        parts.append(f"{_named(registered)} registered")
    if pruned:
        parts.append(f"{pruned} {'resource' if pruned == 1 else 'resources'} without a file removed from the database")
    if rest:
        already = "already" if parts else "as the files say"
        parts.append(f"{rest} {'pack is' if rest == 1 else 'packs are'} registered {already}")
    return "; ".join(parts) or "no packs to register"


def _named(refs: t.Sequence[str]) -> str:
    named = ", ".join(refs[:_MOST_NAMED])
    return f"{named} and {len(refs) - _MOST_NAMED} more packs" if len(refs) > _MOST_NAMED else named


def rows(plan: Plan) -> t.List[Row]:
    """The result for each pack."""
    return [_row(pack, pack.changed, pack.database_state) for pack in plan.packs]


def rows_after_failure(plan: Plan, there: t.Mapping[str, PackPlan], astray: t.Container[str]) -> t.List[Row]:
    """The result for each pack of a run that failed.

    :arg there: By ref, what was found afterwards; empty when the database did not answer.
    :arg astray: Packs of which it may have something else now.
    """
    found = []
    for pack in plan.packs:
        now = there.get(pack.ref)
        changed = pack.registers and now.known != pack.known if now else pack.ref in astray
        found.append(_row(pack, changed, now.known.state if now else UNKNOWN))
    return found


def _row(pack: PackPlan, changed: bool, state: str) -> Row:
    return {
        "ref": pack.ref,
        "version": pack.version or None,
        "changed": changed,
        "differences": list(pack.differences),
        "pruned": [resource.ref for resource in pack.known.surplus] if changed else [],
        "left_out": list(pack.left_out),
        "database_state": state,
    }


def diff(plan: Plan) -> t.List[t.Dict[str, str]]:
    """Ansible's diff: for each pack that changes, what the database has, and will have."""
    return [_diff(pack) for pack in plan.packs if pack.changed]


def _diff(pack: PackPlan) -> t.Dict[str, str]:
    header = f"pack {pack.ref}"
    before = [f"database: {pack.known.version or 'not known to have it'}"] if pack.registers else []
    before += [f"different in the database: {difference}" for difference in pack.differences]
    before += [f"only in the database: {resource.label}" for resource in pack.known.surplus]
    after = [f"database: {pack.version}, as the files say"] if pack.registers else []
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(f"{text}\n" for text in before),
        "after": "".join(f"{text}\n" for text in after),
    }
