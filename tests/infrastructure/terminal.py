# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program in a terminal of its own, with somebody who answers its questions."""

from __future__ import annotations

import os
import pty
import select
import signal
import termios
import time
import typing as t

_PATIENCE = 0.05


class Question(t.NamedTuple):
    """What the program writes when it asks, and what is typed then.

    :arg hidden: whether the terminal must not show what is typed.
    """

    text: str
    answer: str
    hidden: bool = False


class NotAsked(AssertionError):
    """The program did not ask what it should; the message has what it wrote."""


def answer_in_terminal(
    command: t.Sequence[str], environment: t.Mapping[str, str], questions: t.Sequence[Question], timeout: float = 120
) -> t.Tuple[int, str]:
    """Run a program in a terminal and answer its questions; return its exit status and all that the terminal showed.

    An answer is typed when its question stands there and the program has set the terminal to read it, key by key.
    Raises `NotAsked` when it ends, or ``timeout`` seconds are over, before the last question.
    """
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execvpe(command[0], list(command), dict(environment))
    deadline = time.monotonic() + timeout
    try:
        shown = _converse(descriptor, questions, deadline)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        _pid, status = os.waitpid(pid, 0)
        os.close(descriptor)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status), shown


def watch_terminal(
    command: t.Sequence[str],
    environment: t.Mapping[str, str],
    interrupt_at: t.Optional[t.Callable[[str], bool]] = None,
    timeout: float = 120,
) -> t.Tuple[int, str]:
    """Run a program in a terminal; return its exit status and all that the terminal showed.

    :arg interrupt_at: asked again and again with what was shown; the first time that it says yes, control-C is typed.
    """
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execvpe(command[0], list(command), dict(environment))
    deadline = time.monotonic() + timeout
    shown = ""
    try:
        while (text := _read(descriptor)) is not None:
            shown += text
            assert time.monotonic() < deadline, f"not ended in time: {shown}"
            if interrupt_at and interrupt_at(shown):
                os.write(descriptor, b"\x03")
                interrupt_at = None
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        _pid, status = os.waitpid(pid, 0)
        os.close(descriptor)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status), shown


def _converse(descriptor: int, questions: t.Sequence[Question], deadline: float) -> str:
    shown, seen, waiting = "", 0, list(questions)
    looks = 0
    while True:
        if time.monotonic() > deadline:
            raise NotAsked(f"not asked in time: {waiting}\n{shown}")
        text = _read(descriptor)
        if text is None:
            break
        shown += text
        asked = bool(waiting) and waiting[0].text in shown[seen:] and _is_reading(descriptor, waiting[0].hidden)
        # Once more a moment later: what is typed before the program has set up the terminal is thrown away.
        looks = looks + 1 if asked and not text else 0
        if looks > 1:
            looks = 0
            question = waiting.pop(0)
            seen = len(shown)
            os.write(descriptor, f"{question.answer}\r".encode())
    if waiting:
        raise NotAsked(f"never asked: {waiting}\n{shown}")
    return shown


def _read(descriptor: int) -> t.Optional[str]:
    """What the terminal shows anew, nothing for nothing within a moment; None when the program has ended."""
    if not select.select([descriptor], [], [], _PATIENCE)[0]:
        return ""
    try:
        return os.read(descriptor, 1 << 16).decode(errors="replace") or None
    except OSError:
        return None


def _is_reading(descriptor: int, hidden: bool) -> bool:
    """Whether the program has left the terminal's line mode, and where an answer is hidden also its echo."""
    local = termios.tcgetattr(descriptor)[3]
    return not local & termios.ICANON and not (hidden and local & termios.ECHO)
