# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_action_run): an action is run by StackStorm, and what comes of it is compared."""

from __future__ import annotations

import contextlib
import re
import typing as t

from .._action_run.parameters import misfits, schemas_of
from .._action_run.result import differences, first_differences, shortened
from .._deadline import Deadline
from .._errors import DeadlineError, ForbiddenError, MissingError, OptionError, RegistrationError, St2Error
from .._printable import every_text, printable
from .._secrets import Redactor
from .._st2.api_client import ApiClient, path_of
from .._st2.executions import Execution, started_as, wait_for_end
from .._st2.task_client import client_for
from .._task import Result, Task

_REF = re.compile(r"[^\s./]+(\.[^\s/]+)+")
_STEP = "run"


def run_action_of_task(task: Task) -> Result:
    """Run the action that a task names, to its end.

    :raises St2Error: for options that cannot be used, an action that StackStorm would not run, and a StackStorm that
        does not let one in. Nothing was run then.
    """
    action = task.params["action"].strip()
    if not _REF.fullmatch(action):
        raise OptionError(
            f'The action "{printable(action[:200])}" cannot be used: it takes the form PACK.ACTION, such as core.local.'
        )
    parameters = _parameters(task.params, task.redactor)
    client = client_for(task, Deadline(task.params["timeout"]))
    try:
        _require_fit(client, action, parameters)
        if task.check:
            return Result(changed=True, msg=f"{action} would be run", returned=_returned(action))
        started = client.post("/executions", {"action": action, "parameters": parameters})
        return _watch(client, started_as(client, started, "id", action), action, task)
    finally:
        client.close()


def _parameters(params: t.Mapping[str, t.Any], redactor: Redactor) -> t.Dict[str, t.Any]:
    parameters, secrets = params["parameters"] or {}, params["secrets"] or {}
    twice = sorted(set(parameters) & set(secrets))
    if twice:
        raise OptionError(f"parameters and secrets both contain {', '.join(map(str, twice))}. Set each only once.")
    _learn(secrets, redactor)
    return {**parameters, **secrets}


def _learn(value: t.Any, redactor: Redactor) -> None:
    """Have every text of a secret value taken out of what StackStorm says."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _learn(item, redactor)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        redactor.add(str(value))


def _require_fit(client: ApiClient, action: str, parameters: t.Mapping[str, t.Any]) -> None:
    """:raises St2Error: when StackStorm would not run the action with these parameters, or would not show what comes
    of it."""
    found = _find(client, action)
    if found.get("enabled") is False:
        raise RegistrationError(
            f"The action {action} is disabled in StackStorm, so it was not run. Enable it, such as with st2_override "
            "and st2_register.",
            step=_STEP,
        )
    runner: t.Mapping[str, t.Any] = {}
    with contextlib.suppress(RegistrationError):
        answer = client.get(path_of("runnertypes", str(found.get("runner_type"))))
        runner = answer if isinstance(answer, dict) else {}
    # Without its runner, the parameters of the action are not all that there may be.
    wrong = misfits(parameters, schemas_of(found, runner)) if runner.get("runner_parameters") is not None else []
    if wrong:
        raise OptionError(f"{action} cannot be run with these parameters: {'; '.join(wrong)}.")


def _find(client: ApiClient, action: str) -> t.Mapping[str, t.Any]:
    try:
        found = client.get(path_of("actions", action))
    except MissingError:
        pack = action.partition(".")[0]
        with contextlib.suppress(ForbiddenError):
            try:
                client.get(path_of("packs", pack))
            except MissingError:
                raise RegistrationError(
                    f"StackStorm has no action {action}: the pack {pack} is not in its database. Install the pack, or "
                    "register it with st2_register.",
                    step=_STEP,
                ) from None
        raise RegistrationError(
            f"StackStorm has no action {action}. Check the name, or register the pack {pack} with st2_register.",
            step=_STEP,
        ) from None
    except ForbiddenError as error:
        error.message += f" Without it, the result of {action} cannot be determined, so it was not started."
        raise
    return found if isinstance(found, dict) else {}


def _watch(client: ApiClient, number: str, action: str, task: Task) -> Result:
    """What comes of an execution; whatever it is, it has been started, and its id is told."""
    try:
        execution = wait_for_end(client, number, action)
    except St2Error as error:
        error.step = _STEP
        if number not in error.message:
            error.message += f" StackStorm had started {action}; execution {number} may still be running."
        status = _last_status(client, number) if isinstance(error, DeadlineError) else ""
        return Result(changed=True, msg=error.message, returned=_returned(action, number, status), failure=error)
    result = shortened(every_text(dict(execution.result), task.redactor.text))
    returned = _returned(action, number, execution.status, result, execution.elapsed)
    wrong = _unexpected(execution, task)
    if wrong is None:
        took = "" if execution.elapsed is None else f" in {execution.elapsed:.1f} s"
        return Result(changed=True, msg=f"{action} ended with status {execution.status}{took}", returned=returned)
    return Result(changed=True, msg=wrong, returned=returned, failure=St2Error(wrong, step=_STEP))


def _last_status(client: ApiClient, number: str) -> str:
    """The status of an execution after the task's time; empty when that is not told."""
    last = client.with_deadline(Deadline(5.0))
    try:
        found = last.get(path_of("executions", number))
        return str(found.get("status") or "")
    except (St2Error, AttributeError):
        return ""
    finally:
        last.close()


def _unexpected(execution: Execution, task: Task) -> t.Optional[str]:
    """How an execution ended otherwise than expected; C(None) when it did not."""
    expect = task.params["expect"] or {}
    wanted = expect.get("status") or "succeeded"
    look = f"Look at it with: st2 execution get {execution.id}."
    if execution.status != wanted:
        reason = task.redactor.text(execution.reason()).rstrip(".")
        return (
            f"{execution.action} ended with status {execution.status} in StackStorm; {wanted} was expected"
            f"{f': {reason}' if reason else ''}. {look}"
        )
    if expect.get("result") is None:
        return None
    wrong = differences(expect["result"], execution.result)
    if not wrong:
        return None
    return (
        f"The result of {execution.action} is not as expected: {task.redactor.text(first_differences(wrong))}. {look}"
    )


def _returned(
    action: str, number: str = "", status: str = "", result: t.Any = None, elapsed: t.Optional[float] = None
) -> t.Dict[str, t.Any]:
    told = {"id": number or None, "status": status or None, "result": result, "elapsed": elapsed}
    return {"execution": {"action": action, **told}}
