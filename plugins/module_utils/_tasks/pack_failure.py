# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The result of a task about packs that failed."""

from __future__ import annotations

import typing as t

from .._change.database import Database
from .._change.known import UNKNOWN
from .._change.session import Outcome
from .._content.installed import Installation
from .._content.request import PackRequest
from .._errors import St2Error, each_of
from .._pack import failure_report
from .pack_plan import TaskPlan


def rows_after_failure(
    outcome: Outcome[TaskPlan], requests: t.Sequence[PackRequest], base_paths: t.Sequence[str], database: Database
) -> t.List[t.Dict[str, t.Any]]:
    """The result per pack; per request when there was no plan."""
    if outcome.failure is None:
        return []
    failed = [failure_report.Failure(one.ref or "", one.step or "", one.message) for one in each_of(outcome.failure)]
    # What is said of a failure is read back: also where putting back has failed.
    installation = Installation(base_paths)
    states = _states(requests, installation, database)
    if outcome.plan is None:
        return failure_report.rows_of_requests(requests, installation, failed, states)
    plan = outcome.plan.packs
    return failure_report.rows_after_failure(
        plan,
        failed,
        done=[pack.ref for pack in plan.packs] if outcome.stands else (),
        installation=installation,
        stuck=outcome.stuck,
        astray=outcome.astray,
        states=states,
    )


def _states(
    requests: t.Sequence[PackRequest], installation: Installation, database: Database
) -> t.Callable[[str], str]:
    """What the database has of packs, looked at again if it answers."""
    refs = [request.expected_ref for request in requests if request.expected_ref]

    def state(ref: str) -> str:
        try:
            database.look_again([*refs, ref])
            refs.clear()
            return database.pack(ref, installation.get(ref)).state
        except St2Error:
            return UNKNOWN

    return state
