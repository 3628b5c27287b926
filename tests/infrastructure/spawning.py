# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting programs from Python 3.8 without a fork, as later releases do by themselves.

A fork copies the page tables of pytest, which with all tests in memory takes ten times as long as git does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import typing as t

_CHANGE_DIRECTORY = "/usr/bin/env"


class _Spawning:
    """The module _posixsubprocess of Python 3.8, with posix_spawn wherever that does the same."""

    def __init__(self, forking: t.Any) -> None:
        self._forking = forking

    def fork_exec(self, *arguments: t.Any) -> int:
        """What Popen calls. Returns the process id."""
        pid = _spawn(*arguments)
        return pid if pid is not None else int(self._forking.fork_exec(*arguments))


def _spawn(
    argv: t.Sequence[t.Union[str, bytes]],
    executables: t.Sequence[bytes],
    close_fds: bool,
    keep: t.Sequence[int],
    cwd: t.Optional[t.Union[str, bytes]],
    environment: t.Optional[t.Sequence[bytes]],
    *more: t.Any,
) -> t.Optional[int]:
    """The process id; None where only a fork does what is wanted, or says what is wrong."""
    stdin, _p2cwrite, _c2pread, stdout, _errread, stderr, _errpipe_read, errpipe, signals, session, before = more
    executable = next((path for path in executables if os.access(path, os.X_OK)), None)
    # Descriptors of Python are closed by exec, so close_fds needs nothing but that none is to be kept.
    if before or not close_fds or tuple(keep) != (errpipe,) or not signals or executable is None:
        return None
    command = [executable, *argv[1:]]
    if cwd is not None:
        if not (os.path.isabs(executable) and os.access(cwd, os.X_OK) and _can_start(executable)) or b"=" in executable:
            return None
        command = [_CHANGE_DIRECTORY, b"--chdir", cwd, *command]
    ends = ((stdin, 0), (stdout, 1), (stderr, 2))
    try:
        return os.posix_spawn(
            command[0],
            command if cwd is not None else argv,
            dict(line.split(b"=", 1) for line in environment) if environment is not None else os.environ,  # type: ignore[arg-type]
            file_actions=[(os.POSIX_SPAWN_DUP2, end, number) for end, number in ends if end != -1],
            setsid=bool(session),
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    except (OSError, NotImplementedError):
        return None


def _can_start(executable: bytes) -> bool:
    """Whether the system can start it: of what `env` cannot start, Python would not hear."""
    try:
        with open(executable, "rb") as stream:
            head = stream.readline(200)
    except OSError:
        return False
    words = head[2:].split() if head.startswith(b"#!") else []
    return os.access(words[0], os.X_OK) if words else head.startswith(b"\x7fELF")


def spawn_without_fork() -> None:
    """Let subprocess start programs of Python 3.8 so. Does nothing in others, and where there is no `env`."""
    if sys.version_info < (3, 9) and os.access(_CHANGE_DIRECTORY, os.X_OK):
        subprocess._posixsubprocess = _Spawning(subprocess._posixsubprocess)  # type: ignore[attr-defined]
