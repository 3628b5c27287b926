# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that has everything imported and runs, in forks of itself, the modules that Ansible sends to the nodes.

A module that starts a Python of its own spends most of its time on importing. What it does here is the same: the script
that Ansible sends is run as it is, with the environment of the node. A client connects to the socket in the first
argument, passes its standard output and standard error, sends one `Job` as JSON, and gets the exit status.
"""

from __future__ import annotations

import atexit
import errno
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import sys
import tempfile
import traceback
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults import boundaries
from infrastructure.warm_server import UTILS, WARM

_SPACE = ("open", "mkdir", "symlink", "link")
_LENGTH = struct.Struct("!Q")


class Job(t.TypedDict):
    """A module to run: the script, the environment, and what happens to it.

    * ``root``: the directory in which steps are counted; ``steps``: the file that gets their number.
    * ``kind``: ``kill``, ``disk`` or empty; ``step``: at which one.
    """

    script: str
    environment: t.Dict[str, str]
    root: str
    steps: str
    kind: str
    step: int


def serve(path: str) -> None:
    """Answer jobs until the standard input ends."""
    for name in WARM:
        importlib.import_module(name)
    tasks = importlib.import_module(f"{UTILS}._tasks")
    for found in pkgutil.iter_modules(tasks.__path__):
        importlib.import_module(f"{UTILS}._tasks.{found.name}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print("ready", flush=True)
        while listening in select.select([listening, sys.stdin], [], [])[0]:
            connection, _address = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(connection)
            connection.close()


def _answer(connection: socket.socket) -> t.NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    header, descriptors, _flags, _address = socket.recv_fds(connection, _LENGTH.size, 2)
    with connection.makefile("rb") as stream:
        job: Job = json.loads(stream.read(_LENGTH.unpack(header)[0]))
    pid = os.fork()
    if pid == 0:
        connection.close()
        _work(job, descriptors)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    connection.sendall(str(status if status >= 0 else 128 - status).encode())
    os._exit(0)


def _work(job: Job, descriptors: t.Sequence[int]) -> t.NoReturn:
    status = 0
    sys.dont_write_bytecode = True
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, descriptor in enumerate(descriptors, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(job["environment"])
        tempfile.tempdir = None
        sys.argv = ["<stdin>"]
        os.chdir("/")
        _watch(job)
        exec(compile(job["script"], "<stdin>", "exec"), {"__name__": "__main__", "__file__": "<stdin>"})
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _watch(job: Job) -> None:
    """End the module at one of its steps, or let its disk be full from there; and count them."""
    kind, at = job["kind"], job["step"]
    seen = [0]
    done: t.List[bool] = []

    def reached(what: str, number: int, label: str) -> None:
        if what != boundaries.STEP or done:
            return
        seen[0] = number + 1
        if kind == "kill" and number == at:
            boundaries.kill(os.getpid(), children=True)
        if kind == "disk" and number >= at and label.startswith(_SPACE):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def tell() -> None:
        done.append(True)
        Path(job["steps"]).write_text(str(seen[0]), encoding="utf-8")

    atexit.register(tell)
    sys.addaudithook(boundaries.Boundaries(job["root"], reached))


if __name__ == "__main__":
    serve(sys.argv[1])
