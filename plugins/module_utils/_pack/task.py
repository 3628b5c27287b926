# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack): from a task to a result."""

from __future__ import annotations

from .._layout import SYSTEM_PACKS
from .._process import Deadline
from .._task import Result, Task
from . import report
from .database import open_database
from .options import options_from
from .run import Run


def converge_packs(task: Task) -> Result:
    """Bring the packs of a task to the state it asks for.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    if task.params["backend"] == "api":
        from .._pack_api.task import converge_packs_by_api

        return converge_packs_by_api(task)
    options = options_from(task.params)
    for secret in options.secrets():
        task.redactor.add(secret)
    deadline = Deadline(options.timeout)
    database = open_database(
        task,
        deadline,
        types=options.register_types,
        fail_on_failure=options.fail_on_failure,
        prune=options.prune,
    )
    run = Run(
        task.host,
        options,
        check=task.check,
        scratch=task.scratch,
        environment=task.environment,
        redactor=task.redactor,
        database=database,
        deadline=deadline,
    )
    try:
        outcome = run.run()
    finally:
        database.close()
    # StackStorm registers its own packs.
    rows = [row for row in outcome.rows if row["ref"] not in SYSTEM_PACKS]
    registered = bool(rows) and all(row["registered"] for row in rows)
    return Result(
        changed=outcome.changed,
        msg=report.line(outcome.plan),
        returned={"packs": outcome.rows, "registered": registered, "registration": database.summary()},
        diff=report.diff(outcome.plan),
        warnings=outcome.warnings,
        failure=outcome.failure,
    )
