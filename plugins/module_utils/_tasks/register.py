# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_register): from a task to a result."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._change.database import Database, open_database
from .._change.known import overall
from .._change.session import Session, View
from .._change.staging import Staging
from .._deadline import Deadline
from .._errors import HostError, RegistrationError, St2Error
from .._register import report
from .._register.options import Options, options_from
from .._register.plan import PackPlan, Plan
from .._register.planner import RegisterPlanner
from .._task import Result, Task


def register_packs(task: Task) -> Result:
    """Have StackStorm register the packs of a task, as far as its database does not have them as the files say.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    options = options_from(task.params)
    if not os.path.isdir(task.host.system_packs_path):
        raise HostError(
            f"The packs directory {task.host.system_packs_path} does not exist. Is StackStorm installed here, and is "
            f"{task.host.st2_conf} its configuration (option st2_conf)?"
        )
    deadline = Deadline(task.params["timeout"])
    database = open_database(
        task, deadline, types=options.types, fail_on_failure=options.fail_on_failure, prune=options.prune
    )
    try:
        database.choose()
        if not database.tells:
            from .._st2.choose_registrar import OR_NONE

            raise RegistrationError(" ".join(one.replace(OR_NONE, "") for one in database.warnings))
        outcome = Session(
            task.host,
            database,
            lambda view: _Planner(view, options, database),
            check=task.check,
            scratch=task.scratch,
            deadline=deadline,
        ).run()
        plan = outcome.plan or Plan()
        if outcome.failure is None:
            rows, changed = report.rows(plan), outcome.changed
        else:
            rows = report.rows_after_failure(plan, _there(task, options, database, plan), outcome.astray)
            changed = bool(outcome.recovered) or any(row["changed"] for row in rows)
    finally:
        database.close()
    return Result(
        changed=changed,
        msg=report.line(plan, outcome.recovered),
        returned={
            "packs": rows,
            "database_state": overall(row["database_state"] for row in rows),
            "restart_needed": list(plan.restarts) if outcome.failure is None else [],
            "registration": database.summary(),
        },
        diff=report.diff(plan) if outcome.failure is None else [],
        warnings=outcome.warnings,
        failure=outcome.failure,
    )


def _there(task: Task, options: Options, database: Database, plan: Plan) -> t.Mapping[str, PackPlan]:
    """What the database has of each pack after a failure, by ref; empty when it does not answer. StackStorm keeps what
    it took, as the files are still the same."""
    if not plan.packs:
        return {}
    database.forget()
    options = options._replace(packs=tuple(pack.ref for pack in plan.packs), fail_on_failure=False)
    planner = RegisterPlanner(View(task.host, Staging(task.scratch)), options, database)
    with contextlib.suppress(St2Error, OSError):
        return {pack.ref: pack for pack in planner.make().packs}
    return {}


class _Planner(RegisterPlanner):
    """The planner that also tells which services go on with old configs."""

    def __init__(self, view: View, options: Options, database: Database) -> None:
        super().__init__(view, options, database)
        self._restarts_of = (view, options, database)

    def make(self) -> Plan:
        """As L(RegisterPlanner.make)."""
        plan = super().make()
        view, options, database = self._restarts_of
        # Sensors that are registered start anew; those of which only the config is go on with the old one.
        if not options.types or "sensor" in options.types or not plan.changed:
            return plan
        from .restart import restart_needed

        renewed = [files.ref for files in plan.registered]
        found = restart_needed(view, view.installation, database, renewed, plan.telling)
        return plan._replace(restarts=found)
