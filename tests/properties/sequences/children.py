# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work in a process of its own, which is forked and may be killed; and the program on the host, played without one."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import signal
import sys
import tempfile
import traceback
import typing as t

from infrastructure.st2_stub.database import Database
from infrastructure.st2_stub.faults import take_program_fault
from infrastructure.st2_stub.register_content import main

from ansible_collections.stackstorm.st2.plugins.module_utils import _process
from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.register_together import PROGRAM as TOGETHER

# Every call by which names come, go or change.
NAMING = ("rename", "replace", "unlink", "rmdir", "mkdir", "symlink", "link")


class Broken(AssertionError):
    """Work that ended by an exception that it should not have raised; the message is its traceback."""


class Child:
    """A process that does some work and then says what came of it.

    :arg work: Its result must let itself be pickled.
    :arg before: Is done in the child first.
    """

    def __init__(self, work: t.Callable[[], t.Any], before: t.Callable[[], None] = lambda: None) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(writing)
            return
        try:
            os.close(self._reading)
            before()
            said: t.Tuple[bool, t.Any] = (True, work())
        except BaseException:
            said = (False, traceback.format_exc())
        with open(writing, "wb") as stream:
            pickle.dump(said, stream)
        os._exit(0)

    def kill(self) -> None:
        """End it, as nobody can prevent."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> t.Tuple[bool, t.Any]:
        """Wait for its end; return whether it was killed, and else what came of its work.

        :raises Broken: when the work raised.
        """
        with open(self._reading, "rb") as stream:
            content = stream.read()
        _pid, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status):
            return True, None
        well, said = pickle.loads(content)
        if not well:
            raise Broken(said)
        return False, said


def die_before(number: int) -> None:
    """Let this process be killed before its change number C(number) of the file system; its children go on."""
    done, process = [0], os.getpid()

    def counted(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def wrapper(*arguments: t.Any, **named: t.Any) -> t.Any:
            if os.getpid() == process:
                done[0] += 1
                if done[0] == number:
                    os.kill(process, signal.SIGKILL)
            return function(*arguments, **named)

        return wrapper

    for name in NAMING:
        setattr(os, name, counted(getattr(os, name)))
    journal.exchange = counted(journal.exchange)


def register_content(
    argv: t.Sequence[str], *, deadline: t.Any, database: Database, clock: t.Any, **_how: t.Any
) -> _process.Completed:
    """Stand in for L(_process.run) where it starts C(st2-register-content): the same, in a fork of this process.

    :arg database: Of the stand-in for StackStorm.
    :arg clock: Jumps when the program hangs.
    """
    deadline.check("st2-register-content was about to start")
    if TOGETHER in argv:
        return _process.Completed(1, "", "ModuleNotFoundError: No module named 'st2common.content'\n")
    fault = take_program_fault(database)
    if fault is None or fault["work"]:
        code, said = _program(argv[1:], str(database.path))
    if fault is None:
        return _process.Completed(code, "", said)
    if fault["hang"]:
        clock.jump()
        raise DeadlineError(f"The timeout of {deadline.seconds:g} s ran out while st2-register-content was running.")
    return _process.Completed(int(fault["exit_code"]), "", f"{fault['stderr']}\n")


def _program(arguments: t.Sequence[str], database: str) -> t.Tuple[int, str]:
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            words = io.StringIO()
            code = 1
            try:
                sys.stdout = sys.stderr = words
                code = main(arguments, database)
            finally:
                os.write(output.fileno(), words.getvalue().encode())
                os._exit(code)
        _pid, status = os.waitpid(pid, 0)
        output.seek(0)
        said = output.read().decode()
    return (-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)), said
