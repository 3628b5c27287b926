# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_override): from a task to a result."""

from __future__ import annotations

import typing as t

from .._change.own_places import OwnPlaces
from .._change.records import RegisteredRecords
from .._process import Deadline
from .._st2.choose_registrar import registrar_for
from .._task import Result, Task
from . import report
from .options import options_from
from .override_file import override_path
from .run import Outcome, Run


def converge_override(task: Task) -> Result:
    """Bring the override file of a task to what it asks for, and StackStorm's database with it.

    :raises St2Error: for what cannot be used; a failure of the change itself is in the result.
    """
    options = options_from(task.params)
    deadline = Deadline(task.params["timeout"])
    registrar, warnings = registrar_for(task, deadline)
    try:
        outcome = Run(
            task.host,
            options,
            check=task.check,
            registrar=registrar,
            records=RegisteredRecords(OwnPlaces(task.host).state),
            deadline=deadline,
        ).run()
    finally:
        registrar.close()
    path = override_path(task.host.overrides_path, options.pack)
    return _result(outcome, path, warnings)


def _result(outcome: Outcome, path: str, warnings: t.Sequence[str]) -> Result:
    plan, failure = outcome.plan, outcome.failure
    result = Result(changed=outcome.changed, warnings=[*warnings, *outcome.warnings], failure=failure)
    result.returned = {"path": path, "registered": False}
    if plan is None or failure is not None:
        return result
    result.msg = report.line(plan)
    result.diff = report.diff(plan)
    result.returned["registered"] = plan.registered
    result.returned["resources"] = report.resources(plan)
    result.returned["counts"] = report.counts(plan)
    return result
