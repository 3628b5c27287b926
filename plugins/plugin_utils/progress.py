# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Show a person at a terminal how far a module is: a line for each pack that is finished.

The module runs as always, but stops when it would begin what takes long. Then it is started in the background, and the
file is read into which it writes (C(module_utils/_progress.py)).
"""

from __future__ import annotations

import json
import secrets
import shlex
import signal
import threading
import time
import typing as t

from ansible import constants as C
from ansible import context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._printable import printable
from ..module_utils._progress import STEP, STOP, VARIABLE

# Packs of one task from which on it is worth while.
FEWEST = 3
_POLL_SECONDS = 2
# The module has a timeout of its own.
_LIMIT_SECONDS = 7 * 24 * 3600
_SEPARATOR = "--"
# What the result of a job has beside that of the module.
_OF_THE_JOB = ("ansible_job_id", "finished", "started", "results_file")
# Forbids the module to begin, by a file where its own would be, or ends it.
_END = """\
if (set -C; : > {file}) 2> /dev/null; then exit; fi
group=$(head -n 1 {file})
kill -s TERM -- "-$group"
count=0
while kill -s 0 -- "-$group" 2> /dev/null && [ "$count" -lt 50 ]; do count=$((count + 1)); sleep 0.1; done
rm -f {file} {job}
"""
_Result = t.Dict[str, t.Any]
_display = Display()


class _EndedBySignal(BaseException):
    """Ansible is being ended."""


def is_shown(action: ActionBase, arguments: _Result, *, always: bool) -> bool:
    """Whether a task shows how far it is. That there is a terminal is known already.

    :arg always: Whatever the callback, and the number of packs.
    """
    task = action._task
    if task.check_mode or task.async_val or task.no_log or threading.current_thread() is not threading.main_thread():
        return False
    if always:
        return True
    callback = C.DEFAULT_STDOUT_CALLBACK.rpartition("ansible.builtin.")[2]
    return callback == "default" and not context.CLIARGS.get("one_line") and _names_several(arguments)


def _names_several(arguments: _Result) -> bool:
    count = 0
    for option in ("name", "pack", "packs"):
        value = arguments.get(option)
        named = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
        if "*" in named:
            return True
        count += len(named)
    return count >= FEWEST


def run_showing_progress(action: ActionBase, module: str, arguments: _Result, task_vars: t.Any) -> _Result:
    """Run a module, and show how far it is when it has much to do.

    :returns: The module's result.
    """
    result = _execute(action, STOP, module_name=module, module_args=arguments, task_vars=task_vars)
    if not (result.get("failed") and result.get("step") == STEP):
        return result
    return _Job(action, task_vars).run(module, arguments)


def _execute(action: ActionBase, file: str, **how: t.Any) -> _Result:
    action._task.environment.append({VARIABLE: file})
    try:
        return t.cast(_Result, action._execute_module(**how))
    finally:
        action._task.environment.pop()


class _Job:
    """A module in the background."""

    def __init__(self, action: ActionBase, task_vars: t.Any) -> None:
        self._action = action
        self._task_vars = task_vars
        shell = action._connection._shell
        # The directory of such jobs is of the account that the module runs as.
        self._directory = action._remote_expand_user(action.get_shell_option("async_dir", default="~/.ansible_async"))
        self._file = shell.join_path(self._directory, f"progress-{secrets.token_hex(8)}")
        self._results = ""
        self._shown = 0

    def run(self, module: str, arguments: _Result) -> _Result:
        """Run a module to its end. When the play is ended before, so is the module."""
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return self._run(module, arguments)
        except _EndedBySignal as ended:
            self._end()
            number = signal.Signals(ended.args[0])
            handler = before[number]
            signal.signal(number, handler)
            signal.raise_signal(number)
            raise
        except BaseException:
            self._end()
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @staticmethod
    def _on_signal(number: int, frame: t.Any) -> None:
        for further in (signal.SIGINT, signal.SIGTERM):  # They come soon, and must not keep the run from being ended.
            signal.signal(further, signal.SIG_IGN)
        raise _EndedBySignal(number)

    def _run(self, module: str, arguments: _Result) -> _Result:
        started = self._start(module, arguments)
        if "ansible_job_id" not in started:
            # There is no place for such jobs, for example. The module has not run.
            return _execute(self._action, "", module_name=module, module_args=arguments, task_vars=self._task_vars)
        self._results = str(started["results_file"])
        while not self._is_finished():
            time.sleep(_POLL_SECONDS)
        result = self._status(started["ansible_job_id"], "status")
        self._status(started["ansible_job_id"], "cleanup")
        self._command(f"rm -f {shlex.quote(self._file)}")
        return {key: value for key, value in result.items() if key not in _OF_THE_JOB}

    def _start(self, module: str, arguments: _Result) -> _Result:
        task = self._action._task
        task.async_val = _LIMIT_SECONDS
        try:
            return _execute(
                self._action,
                self._file,
                module_name=module,
                module_args=arguments,
                task_vars=self._task_vars,
                wrap_async=True,
            )
        finally:
            task.async_val = 0

    def _is_finished(self) -> bool:
        """Look once, and show what is new."""
        file, results = shlex.quote(self._file), shlex.quote(self._results)
        # The result first: what is finished until then is in the file.
        said = self._command(f"cat {results}; echo; echo {_SEPARATOR}; cat {file} 2> /dev/null")
        answer, _separator, progress = said.partition(f"\n{_SEPARATOR}\n")
        # The first line is no news, and the last one may still be written.
        news = progress.split("\n")[1:-1]
        for line in news[self._shown :]:
            host = self._task_vars["inventory_hostname"]
            _display.display(f"[{host}] {printable(line)}", stderr=True)
        self._shown = max(self._shown, len(news))
        try:
            return "started" not in json.loads(answer)
        except ValueError:
            return False  # It is being written.

    def _status(self, job: str, mode: str) -> _Result:
        arguments = {"jid": job, "mode": mode, "_async_dir": self._directory}
        name = "ansible.legacy.async_status"
        return t.cast(
            _Result,
            self._action._execute_module(module_name=name, module_args=arguments, task_vars=self._task_vars),
        )

    def _end(self) -> None:
        try:
            self._command(_END.format(file=shlex.quote(self._file), job=shlex.quote(self._results)))
        except Exception as error:  # pylint: disable=broad-exception-caught  # Such as a host that is not reached.
            _display.vvv(f"The run of st2_pack could not be ended: {error}")

    def _command(self, command: str) -> str:
        # ssh may run it in a terminal, which ends lines in its own way.
        return str(self._action._low_level_execute_command(command)["stdout"]).replace("\r\n", "\n")
