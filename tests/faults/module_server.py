# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of `infrastructure.warm_server`, which runs modules in forks of itself, with faults in them.

A job has further: ``root``, ``limits``, ``broken``, ``exchange``, ``clock``, ``kill``, ``refuse`` and ``record``; see
`module_runs`.
"""

from __future__ import annotations

import importlib
import os
import resource
import select
import signal
import sys
import time
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.boundaries import Boundaries, kill
from infrastructure.warm_server import UTILS, serve


def prepare(job: t.Dict[str, t.Any]) -> None:
    """Put what the job wants into the fork."""
    if job["limits"]:
        resource.setrlimit(resource.RLIMIT_AS, (job["limits"]["memory"],) * 2)
        signal.alarm(job["limits"]["seconds"])
    if job["broken"]:
        _break(job["broken"])
    if not job["exchange"]:
        _take_exchange_away()
    if job["clock"]:
        _let_the_clock_jump(job["clock"])
    _install_hook(job)


def watch(pid: int, job: t.Dict[str, t.Any]) -> None:
    """Kill the fork after the time that the job names, unless it has ended."""
    if job["kill"] and job["kill"]["after"] is not None:
        _kill_after(pid, job["kill"]["after"], job["kill"]["children"])


def _kill_after(pid: int, seconds: float, children: bool) -> None:
    handle = os.pidfd_open(pid)
    ended = select.select([handle], [], [], seconds)[0]
    os.close(handle)
    if not ended:
        kill(pid, children=children)


def _install_hook(job: t.Dict[str, t.Any]) -> None:
    wanted, refused = job["kill"], job["refuse"]
    if wanted and wanted["after"] is None:

        def reached(kind: str, number: int, label: str) -> None:
            if kind == wanted["kind"] and number == wanted["number"]:
                kill(os.getpid(), children=wanted["children"])

    elif refused:
        begun = []

        def reached(kind: str, number: int, label: str) -> None:
            if kind == refused["kind"] and number == refused["number"]:
                begun.append(label)
            elif not begun or not refused["lasting"]:
                return
            # What an audit hook raises comes out of the call that it was told of, which is not made then.
            raise OSError(refused["error"], os.strerror(refused["error"]), label.split()[-1])

    elif job["record"]:
        descriptor = os.open(job["record"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)

        def reached(kind: str, number: int, label: str) -> None:
            os.write(descriptor, os.fsencode(f"{kind} {label}\n"))

    else:
        return
    sys.addaudithook(Boundaries(job["root"], reached))


def _take_exchange_away() -> None:
    """Behave as on a file system without RENAME_EXCHANGE."""
    for name in (f"{UTILS}._change.journal", f"{UTILS}._file_changes"):
        module: t.Any = importlib.import_module(name)
        module.exchange = lambda one, other: False


def _break(name: str) -> None:
    """Let a function of the collection raise what nobody expects, with all its arguments in the message."""
    path, _dot, function = name.rpartition(".")

    def broken(*arguments: t.Any, **named: t.Any) -> t.NoReturn:
        raise RuntimeError(f"{function} was called with {arguments} and {named}")

    setattr(importlib.import_module(f"{UTILS}.{path}"), function, broken)


def _let_the_clock_jump(jumps: t.Sequence[float]) -> None:
    """Let the clock that people can set go on by a different number of seconds each time that it is read."""
    real, calls = time.time_ns, [0]

    def jumping() -> int:
        calls[0] += 1
        return real() + int(jumps[calls[0] % len(jumps)] * 1e9)

    time.time_ns = jumping
    time.time = lambda: jumping() / 1e9


if __name__ == "__main__":
    serve(prepare, watch)
