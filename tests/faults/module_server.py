# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that has everything imported and runs modules in forks of itself, which saves most of the time of a run.

Each line that it reads is a job: a module, its arguments and environment, where its output goes, and what shall
happen to it. It answers with the exit status when that process has ended.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import select
import sys
import tempfile
import time
import traceback
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.boundaries import Boundaries, kill

PACK = "ansible_collections.stackstorm.st2.plugins.module_utils._pack"
# All that a run imports on the way, so that forks need not.
WARM = (
    *("yaml", "requests", "jsonschema", "semver", "ansible.module_utils.basic"),
    *(f"{PACK}.{name}" for name in ("run", "task", "apply", "verify", "index_download", "virtualenv_build", "content")),
    *(f"{PACK.rpartition('.')[0]}.{name}" for name in ("_runner", "_argspec")),
)


def serve() -> None:
    """Answer jobs until the input ends."""
    for name in WARM:
        importlib.import_module(name)
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _work(job)
        if job["kill"] and job["kill"]["after"] is not None:
            _kill_after(pid, job["kill"]["after"], job["kill"]["children"])
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


def _kill_after(pid: int, seconds: float, children: bool) -> None:
    handle = os.pidfd_open(pid)
    ended, _, _ = select.select([handle], [], [], seconds)
    os.close(handle)
    if not ended:
        kill(pid, children=children)


def _work(job: t.Dict[str, t.Any]) -> t.NoReturn:
    status = 70
    try:
        os.setsid()
        for descriptor, (path, flags) in enumerate(
            ((os.devnull, os.O_RDONLY), (job["stdout"], os.O_RDWR), (job["stderr"], os.O_RDWR))
        ):
            opened = os.open(path, flags | (os.O_CREAT | os.O_TRUNC if descriptor else 0), 0o600)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.environ.clear()
        os.environ.update(job["environment"])
        tempfile.tempdir = None
        os.chdir("/")
        status = _run_module(job)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run_module(job: t.Dict[str, t.Any]) -> int:
    from ansible.module_utils import basic

    basic._ANSIBLE_ARGS = json.dumps(job["document"]).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    if not job["exchange"]:
        _take_exchange_away()
    if job["clock"]:
        _let_the_clock_jump(job["clock"])
    _install_hook(job)
    try:
        runpy.run_module(job["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        atexit._run_exitfuncs()
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


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
            os.write(descriptor, f"{kind} {label}\n".encode())

    else:
        return
    sys.addaudithook(Boundaries(job["root"], reached))


def _take_exchange_away() -> None:
    """Behave as on a file system without RENAME_EXCHANGE."""
    for name in (f"{PACK}.transaction", f"{PACK.rpartition('.')[0]}._files"):
        module: t.Any = importlib.import_module(name)
        module.exchange = lambda one, other: False


def _let_the_clock_jump(jumps: t.Sequence[float]) -> None:
    """Let the clock that people can set go on by a different number of seconds each time that it is read."""
    real, calls = time.time_ns, [0]

    def jumping() -> int:
        calls[0] += 1
        return real() + int(jumps[calls[0] % len(jumps)] * 1e9)

    time.time_ns = jumping
    time.time = lambda: jumping() / 1e9


if __name__ == "__main__":
    serve()
