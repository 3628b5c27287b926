# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_override): from a task to a result."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from .._change.database import Database, open_database
from .._change.known import STALE, UNKNOWN
from .._change.session import Session, View
from .._deadline import Deadline
from .._errors import HostError, St2Error
from .._override import report
from .._override.document import KINDS
from .._override.options import Asked, Options, options_from, refuse_api
from .._override.override_file import override_path
from .._override.plan import Plan
from .._override.planner import OverridePlanner
from .._task import Result, Task


def converge_override(task: Task) -> Result:
    """Bring the override file of a task to what it asks for, and StackStorm's database with it.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    refuse_api(task.params)
    options = options_from(task.params)
    if not os.path.isdir(task.host.system_packs_path):
        raise HostError(
            f"The packs directory {task.host.system_packs_path} does not exist. Is StackStorm installed here, and is "
            f"{task.host.st2_conf} its configuration (option st2_conf)?"
        )
    deadline = Deadline(task.params["timeout"])
    database = open_database(task, deadline)
    try:
        return run_override(task, options, database, deadline)
    finally:
        database.close()


def run_override(task: Task, options: Options, database: Database, deadline: Deadline) -> Result:
    """Do it.

    :returns: The result, also of a failure: what it was about is in it.
    """
    session = Session(
        task.host,
        database,
        lambda view: _Planner(view, replace(options, predicts=task.check), database),
        check=task.check,
        scratch=task.scratch,
        deadline=deadline,
    )
    outcome = session.run()
    plan, failure = outcome.plan, outcome.failure
    result = Result(changed=outcome.changed, warnings=outcome.warnings, failure=failure)
    # StackStorm starts and ends sensors as they are registered, which is all that overrides change of what runs.
    result.returned = {"path": override_path(task.host.overrides_path, options.pack), "restart_needed": []}
    if plan is None or failure is not None:
        result.returned["database_state"] = _state_after_failure(task, options, database)
        return result
    result.msg = report.line(plan)
    result.diff = report.diff(plan)
    result.returned["database_state"] = plan.state
    result.returned["resources"] = report.resources(plan)
    result.returned["counts"] = report.counts(plan)
    result.returned.update(outcome.recorded)
    return result


def _state_after_failure(task: Task, options: Options, database: Database) -> str:
    """What the database has of what the override files say now."""
    from .._change.staging import Staging

    view = View(task.host, Staging(task.scratch))
    # The same kinds of resources, of which nothing is asked: what the file says stays.
    kinds = options.sections or (KINDS if options.removes_file and not options.for_all else ())
    as_it_is = Options(options.pack, dict.fromkeys(kinds, Asked()), "present", "merge", True)
    try:
        plan = OverridePlanner(view, database, as_it_is, view.installation).make()
        if plan.registers:
            return STALE if database.registrar.reads else UNKNOWN
        return plan.state
    except (St2Error, OSError):
        return UNKNOWN


class _Planner:
    """The overrides of installed packs, as a session wants it."""

    def __init__(self, view: View, options: Options, database: Database) -> None:
        self._overrides = OverridePlanner(view, database, options, view.installation)
        self.make = self._overrides.make
        self.stage = self._overrides.stage
        self.verify = self._overrides.verify
        self.verify_database = self._overrides.verify_database

    @property
    def warnings(self) -> t.Sequence[str]:
        return self._overrides.warnings

    def at_rest(self) -> t.Optional[Plan]:
        plan = self.make()
        return None if plan.changed else plan
