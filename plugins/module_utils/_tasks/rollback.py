# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_rollback): from a task to a result."""

from __future__ import annotations

import os
import typing as t

from .._change.database import Database, open_database
from .._change.known import UNKNOWN, overall
from .._change.session import Outcome, Session, View
from .._content.installed import Installation
from .._deadline import Deadline
from .._errors import HostError, St2Error
from .._layout import SYSTEM_PACKS
from .._pack.plan import state_of
from .._pack.report import identity, row_of
from .._rollback.options import Options, options_from
from .._task import Result, Task
from .pack import diff_of, line_of, with_parts
from .rollback_plan import RollbackPlan, RollbackPlanner

# What a row of st2_pack has that says nothing here.
_LEFT_OUT = ("requested", "source", "edits", "step")


def roll_back(task: Task) -> Result:
    """Go back on what a task changed on this host.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    options = options_from(task.params)
    if not os.path.isdir(task.host.system_packs_path):
        raise HostError(
            f"The packs directory {task.host.system_packs_path} does not exist. Is StackStorm installed here, and is "
            f"{task.host.st2_conf} its configuration (option st2_conf)?"
        )
    deadline = Deadline(task.params["timeout"])
    database = open_database(task, deadline, prune=options.prune)
    try:
        return _Rollback(task, options, database, deadline).run()
    finally:
        database.close()


class _Rollback:
    """One run of one task."""

    def __init__(self, task: Task, options: Options, database: Database, deadline: Deadline) -> None:
        self._task = task
        self._options = options
        self._database = database
        self._deadline = deadline
        self._planned: t.Optional[RollbackPlanner] = None

    def run(self) -> Result:
        """Do it.

        :returns: The result, also of a failure: what it was about is in it.
        """
        outcome: Outcome[RollbackPlan] = Session(
            self._task.host,
            self._database,
            self._planner,
            check=self._task.check,
            scratch=self._task.scratch,
            deadline=self._deadline,
        ).run()
        plan = outcome.plan
        rows = self._rows(outcome)
        states = [row["database_state"] for row in rows if row["ref"] not in SYSTEM_PACKS]
        return Result(
            changed=outcome.changed,
            msg=_line(plan, outcome.recovered) if plan else "",
            returned={
                "undone": plan.target.asked.id if plan else self._options.change or None,
                "packs": rows,
                "database_state": overall(states),
                "restart_needed": list(plan.task.restarts) if plan and outcome.stands else [],
                "registration": self._database.summary(),
                **outcome.recorded,
            },
            diff=diff_of(plan.task, self._planned.parts.configs if self._planned.parts else ())
            if plan and self._planned and outcome.failure is None
            else [],
            warnings=outcome.warnings,
            failure=outcome.failure,
        )

    def _planner(self, view: View) -> RollbackPlanner:
        self._planned = RollbackPlanner(view, self._options, self._database, self._task.redactor)
        return self._planned

    def _rows(self, outcome: Outcome[RollbackPlan]) -> t.List[t.Dict[str, t.Any]]:
        if outcome.plan is None:
            return []
        task = outcome.plan.task
        rows = with_parts([row_of(pack) for pack in task.packs.packs], task)
        for row in rows:
            for key in _LEFT_OUT:
                row.pop(key)
            if outcome.failure is not None and not outcome.stands:
                self._as_after_failure(row, outcome)
        return rows

    def _as_after_failure(self, row: t.Dict[str, t.Any], outcome: Outcome[RollbackPlan]) -> None:
        ref = row["ref"]
        there = Installation(self._task.host.packs_base_paths).get(ref)
        row["after"] = identity(state_of(there)) if there else None
        row["changed"] = ref in outcome.stuck or ref in outcome.astray or row["after"] != row["before"]
        row["virtualenv"] = "none" if row["virtualenv"] == "none" else "kept"
        for part in ("config", "overrides"):
            if part in row:
                row[part] = {**row[part], "changed": ref in outcome.stuck, "database_state": UNKNOWN}
        try:
            self._database.look_again([ref])
            row["database_state"] = self._database.pack(ref, there).state
        except St2Error:
            row["database_state"] = UNKNOWN


def _line(plan: RollbackPlan, recovered: t.Sequence[str]) -> str:
    asked, undone_by = plan.target.asked, plan.target.undone_by
    if undone_by is None:
        return f"change {asked.id} undone: {line_of(plan.task, recovered)}"
    already = f"change {asked.id} was undone already, by change {undone_by.id}"
    return f"{already}; {line_of(plan.task, recovered)}" if plan.task.changed or recovered else already
