# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack): from a task to a result."""

from __future__ import annotations

import typing as t

from ansible_collections.stackstorm.st2.plugins.module_utils._pack import report
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.options import Options, options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.places import SYSTEM_PACKS, state_directory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.run import Run
from ansible_collections.stackstorm.st2.plugins.module_utils._process import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registered_record import RegisteredRecords
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Registrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration_options import registration_options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Result, Task


def converge_packs(task: Task) -> Result:
    """Bring the packs of a task to the state it asks for.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    options = options_from(task.params)
    for secret in options.secrets():
        task.redactor.add(secret)
    deadline = Deadline(options.timeout)
    database = _database(task, options, deadline)
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
    outcome = run.run()
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


def _database(task: Task, options: Options, deadline: Deadline) -> Database:
    registration = registration_options_from(task.params)
    for secret in registration.secrets():
        task.redactor.add(secret)

    def choose() -> t.Tuple[Registrar, t.Sequence[str]]:
        from ansible_collections.stackstorm.st2.plugins.module_utils._st2.choose_registrar import choose_registrar

        return choose_registrar(
            registration, task.host, environment=task.environment, deadline=deadline, redactor=task.redactor
        )

    return Database(
        choose,
        RegisteredRecords(state_directory(task.host.base_path)),
        types=options.register_types,
        fail_on_failure=options.fail_on_failure,
        prune=options.prune,
    )
