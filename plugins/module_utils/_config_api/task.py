# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_config) with C(backend=api): from a task to a result."""

from __future__ import annotations

import typing as t

from .._change.known import CURRENT, UNKNOWN
from .._config import report
from .._config.plan import ConfigPlan, RefusedConfig
from .._deadline import Deadline
from .._errors import MissingLibraryError, St2Error
from .._st2.api_client import ApiClient
from .._st2.task_client import client_for
from .._task import Result, Task
from .convergence import ConfigConvergence
from .options import api_options_from

# For a last look at what StackStorm has when the task's time is over.
_LAST_LOOK_SECONDS = 5.0


def converge_config_by_api(task: Task) -> Result:
    """Bring the config of a pack to the state that a task asks for, by StackStorm's API alone.

    :raises St2Error: for options that cannot be used, and a StackStorm that does not let one in; any later failure is
        in the result.
    """
    options = api_options_from(task.params)
    client = client_for(task, Deadline(options.timeout))
    try:
        return _run(client, ConfigConvergence(client, options, task.redactor), task.check)
    finally:
        client.close()


def _run(client: ApiClient, config: ConfigConvergence, check: bool) -> Result:
    plan: t.Optional[ConfigPlan] = None
    begun = False
    try:
        plan = config.plan()
        if plan.changed and not check:
            begun = True
            config.carry_out(plan)
    except MissingLibraryError:
        raise
    except St2Error as error:
        return _failed(client, config, error, begun)
    return Result(
        changed=plan.changed,
        msg=report.line(plan),
        returned={**report.returned(plan), "restart_needed": [], "registration": {"counts": {}, "overridden": {}}},
        diff=report.diff(plan, config.redaction),
        warnings=list(plan.warnings),
    )


def _failed(client: ApiClient, config: ConfigConvergence, error: St2Error, begun: bool) -> Result:
    state, changed = UNKNOWN, False
    if begun:
        last = client.with_deadline(Deadline(_LAST_LOOK_SECONDS))
        try:
            state = config.state(last)
        finally:
            last.close()
        changed = state in (CURRENT, UNKNOWN)
    problems = error.problems if isinstance(error, RefusedConfig) else ()
    returned = {
        "pack": config.ref,
        "path": config.address,
        "database_state": state,
        "restart_needed": [],
        "problems": [problem.as_dict() for problem in problems],
    }
    return Result(changed=changed, returned=returned, failure=error)
