# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Work that may hang or take all memory, done in a process of its own that is ended in time."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
import traceback
import typing as t

from .._errors import MissingLibraryError, St2Error

_MOST_ANSWER = 64 << 20
_BLOCK = 1 << 16


class NotFinishedError(St2Error):
    """Work that was ended, or ended by itself, without an answer."""

    default_step = "lint"


def bounded(work: t.Callable[[], t.Any], *, seconds: float, most_memory: int) -> t.Any:
    """Do work in a process of its own.

    :arg work: Gives what JSON can hold.
    :raises NotFinishedError: when it takes longer, or more memory, or the process dies.
    :raises MissingLibraryError: which the work raised.
    :raises St2Error: which the work raised.
    """
    receiver, sender = os.pipe()
    child = os.fork()
    if not child:
        os.close(receiver)
        _answer(work, sender, seconds, most_memory)
    os.close(sender)
    try:
        content = _receive(receiver, time.monotonic() + seconds)
    finally:
        os.close(receiver)
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
        _pid, status = os.waitpid(child, 0)
    if content is None:
        raise NotFinishedError(f"it takes longer than {seconds:g} seconds")
    try:
        answer = json.loads(content.decode("utf-8"))
    except ValueError:
        number = status & 0x7F
        raise NotFinishedError(f"the process ended by signal {number}" if number else "the process ended") from None
    return _unpack(answer)


def _answer(work: t.Callable[[], t.Any], sender: int, seconds: float, most_memory: int) -> t.NoReturn:
    code = 1
    try:
        # Whoever waits may have been killed.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(seconds) + 5)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (most_memory, most_memory))
        content = json.dumps(_do(work)).encode("utf-8")
        while content:
            content = content[os.write(sender, content) :]
        code = 0
    finally:
        os._exit(code)


def _do(work: t.Callable[[], t.Any]) -> t.Dict[str, t.Any]:
    try:
        return {"result": work()}
    except MissingLibraryError as error:
        return {"library": error.library, "traceback": error.traceback}
    except MemoryError:
        return {"unfinished": "it takes too much memory"}
    except St2Error as error:
        return {"error": error.message, "stderr": error.stderr}
    except Exception:
        return {"unexpected": traceback.format_exc()}


def _unpack(answer: t.Dict[str, t.Any]) -> t.Any:
    if "library" in answer:
        raise MissingLibraryError(answer["library"], answer["traceback"])
    if "unfinished" in answer:
        raise NotFinishedError(answer["unfinished"])
    if "error" in answer:
        raise St2Error(answer["error"], step="lint", stderr=answer["stderr"])
    if "unexpected" in answer:
        raise RuntimeError(answer["unexpected"])
    return answer["result"]


def _receive(receiver: int, end: float) -> t.Optional[bytes]:
    """What comes until nothing more can; C(None) when the time is over, or it is far too much."""
    content = bytearray()
    while len(content) <= _MOST_ANSWER:
        left = end - time.monotonic()
        if left <= 0 or not select.select([receiver], [], [], left)[0]:
            return None
        block = os.read(receiver, _BLOCK)
        if not block:
            return bytes(content)
        content += block
    return None
