# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_restart): from a task to a result."""

from __future__ import annotations

import socket
import typing as t
from contextlib import closing

from .._deadline import Deadline
from .._errors import RestartError, St2Error
from .._restart.executions import Running, wait_until_none
from .._restart.marks import Marks, now
from .._restart.systemd import Systemd, Unit
from .._st2.host import root_of
from .._st2.services import ACTION_RUNNER, SERVICES
from .._task import Result, Task

# For each service that is restarted; units of StackStorm's packages are killed after 60 (TimeoutSec).
_SECONDS_EACH = 90
Units = t.Dict[str, t.List[Unit]]


def restart_services(task: Task) -> Result:
    """Restart the services that a task names, and those that earlier ones have left.

    :raises St2Error: when nothing was done; a later failure is in the result.
    """
    if task.params["restart"] == "wait":
        return _wait(task)
    root = root_of(task.params["st2_conf"])
    systemd = Systemd(root, task.environment, Deadline(_SECONDS_EACH * len(SERVICES)))
    if not systemd.runs():
        return _result(msg="systemd is not running here, so no service needs a restart")
    marks = Marks(root)
    since = {**marks.read(), **dict.fromkeys(task.params["name"], now())}
    running = systemd.running(name for name in SERVICES if name in since)
    needed = {name: units for name, units in running.items() if any(one.started <= since[name] for one in units)}
    if not task.check:
        marks.add((name for name in task.params["name"] if name in needed), now())
        marks.remove(name for name in since if name not in needed)
    if not needed:
        return _result(msg="no service needs a restart")
    how = task.params["restart"]
    if how in ("never", "later"):
        result = _result(msg=f"not restarted: {', '.join(needed)}", left=needed)
        if how == "never":
            result.warnings.append(
                f"{', '.join(needed)} go on with old settings, code or config until they are restarted. The next task "
                "that may restart services does so."
            )
        return result
    if task.check:
        return _result(restarted=needed)
    return _restart(task, systemd, marks, needed)


def _wait(task: Task) -> Result:
    """Wait for executions without a restart after it.

    :raises RestartError: when some still run, or StackStorm cannot be asked.
    """
    from .._st2.task_client import client_for

    with closing(client_for(task, Deadline(task.params["timeout"]))) as client:
        running = [] if task.check else wait_until_none(client, socket.gethostname())
    if running:
        raise RestartError(
            f"After {task.params['timeout']} s there are still executions on this host: {', '.join(map(str, running))}."
        )
    return _result(msg="no execution is running on this host")


def _restart(task: Task, systemd: Systemd, marks: Marks, needed: Units) -> Result:
    """Restart the action runners first, as st2api has to answer for them; the others whatever became of those."""
    done: Units = {}
    failure: t.Optional[St2Error] = None
    abandoned: t.List[Running] = []
    for name, units in sorted(needed.items(), key=lambda item: item[0] != ACTION_RUNNER):
        try:
            if name == ACTION_RUNNER and task.params["restart"] == "drain":
                abandoned = _drain(task)
                if abandoned:
                    raise RestartError(_not_drained(task, abandoned))
            systemd.restart(units)
            _require_restarted(systemd, name, units)
        except St2Error as error:
            failure = failure or error
            continue
        marks.remove([name])
        done[name] = units
    left = {name: units for name, units in needed.items() if name not in done}
    result = _result(restarted=done, left=left, running=abandoned)
    result.failure = failure
    return result


def _drain(task: Task) -> t.List[Running]:
    """Wait until no execution runs on this host; those that run at the end of the time.

    :raises St2Error: when StackStorm cannot be asked.
    """
    from .._st2.task_client import client_for

    try:
        client = client_for(task, Deadline(task.params["timeout"]))
        try:
            return wait_until_none(client, socket.gethostname())
        finally:
            client.close()
    except St2Error as error:
        raise RestartError(
            f"{ACTION_RUNNER} is not restarted, since the executions that this would abandon are not known: "
            f"{error.message} Set restart=now to restart it anyway."
        ) from error


def _not_drained(task: Task, running: t.Sequence[Running]) -> str:
    listed = ", ".join(map(str, running))
    return (
        f"{ACTION_RUNNER} is not restarted, since after {task.params['timeout']} s there are still executions on this "
        f"host, which that would abandon: {listed}. Run this again when they have ended, with more time (timeout), or "
        "with restart=now, which abandons them."
    )


def _require_restarted(systemd: Systemd, name: str, units: t.Sequence[Unit]) -> None:
    """:raises RestartError: when a unit has still the process that it had, or none."""
    found = {unit.name: unit for unit in systemd.running([name])[name]}
    wrong = [one.name for one in units if one.name not in found or found[one.name].started <= one.started]
    if wrong:
        raise RestartError(f"{', '.join(wrong)} did not start again. See: journalctl -u {wrong[0]}.")


def _result(
    msg: str = "",
    restarted: t.Optional[Units] = None,
    left: t.Optional[Units] = None,
    running: t.Sequence[Running] = (),
) -> Result:
    return Result(
        changed=bool(restarted),
        msg=msg or f"restarted: {', '.join(restarted or ())}",
        returned={
            "restarted": list(restarted or ()),
            "restart_needed": list(left or ()),
            "running": [one.as_dict() for one in running],
        },
    )
