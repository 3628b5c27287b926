# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a run that failed has come to, pack by pack."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._change.known import ABSENT, CURRENT, UNKNOWN
from .._errors import St2Error
from .._pack import report
from .._pack.failure_report import failed_at
from .._pack.plan import State
from .observe import Packs
from .plan import Step, plan_of, realised, unchanged
from .request import ApiRequest

Row = t.Dict[str, t.Any]


def rows_after_failure(
    steps: t.Sequence[Step],
    requests: t.Sequence[ApiRequest],
    now: t.Optional[Packs],
    error: St2Error,
    *,
    done: t.AbstractSet[str],
    touched: t.AbstractSet[str],
    unended: t.AbstractSet[str] = frozenset(),
) -> t.List[Row]:
    """The result per pack, in the order of the plan; per request when there was none.

    :arg now: What StackStorm has after the failure; C(None) when that cannot be told, and what it had is shown then.
    :arg done: Refs that are as planned.
    :arg touched: Refs of which StackStorm may have changed the files.
    :arg unended: Those that it may still be at work on.
    """
    if not steps:
        return [_row_of_request(asked, now or {}, error, alone=len(requests) == 1) for asked in requests]
    return [_row(step, now, error, step.ref in done, step.ref in touched, step.ref in unended) for step in steps]


def _row(step: Step, now: t.Optional[Packs], error: St2Error, done: bool, touched: bool, unended: bool) -> Row:
    planned = step.pack
    if done and now is not None:
        planned = realised(step, now.get(step.ref))
    (row,) = report.rows(plan_of([replace(step, pack=planned)]))
    blamed = error.ref == step.ref
    if step.spec and not done:
        after = _state(step.ref, now, planned.before)
        row["after"] = report.identity(after)
        row["changed"] = touched or row["after"] != row["before"]
        told = now is not None and not unended
        row["database_state"] = _database_state(after, told=told, touched=touched)
        row["msg"] = f"{row['msg']}: not done, because of {error.ref or 'the failure'}"
    if blamed:
        row["step"], row["msg"] = error.step, failed_at(error.step)
    return row


def _database_state(after: t.Optional[State], *, told: bool, touched: bool) -> str:
    """What the database has. Whether files that were touched are the same, nobody knows."""
    if not told or (after and touched):
        return UNKNOWN
    return CURRENT if after else ABSENT


def _state(ref: str, now: t.Optional[Packs], before: t.Optional[State]) -> t.Optional[State]:
    if now is None:
        return before
    pack = now.get(ref)
    return State(pack.version) if pack else None


def _row_of_request(asked: ApiRequest, packs: Packs, error: St2Error, *, alone: bool) -> Row:
    pack = packs.get(asked.ref)
    state = State(pack.version) if pack else None
    planned = unchanged(asked.ref, pack.name if pack else "", state, (asked.requested,))
    (row,) = report.rows(plan_of([Step(planned)]))
    blamed = alone or error.ref == asked.ref
    row["step"] = error.step if blamed else None
    row["msg"] = failed_at(error.step) if blamed else "Not done, because another pack of the task failed."
    return row
