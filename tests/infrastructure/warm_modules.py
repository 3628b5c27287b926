# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running modules in forks of a process that has all imported; see `warm_server`. For tests that run many."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from .ansible_run import COLLECTION, Arguments, ModuleResult, collections_path, direct_job, read_result
from .environment import clean_environment
from .st2_host import ScratchHost

SERVER = Path(__file__).with_name("warm_server.py")


class WarmModules:
    """The process, which is started by the first run and ends with the tests; one run at a time."""

    def __init__(self) -> None:
        self._alone = threading.Lock()
        self._server: t.Optional[subprocess.Popen[bytes]] = None

    def run(
        self,
        module: str,
        args: Arguments,
        *,
        check: bool = False,
        diff: bool = False,
        host: t.Optional[ScratchHost] = None,
        env: t.Optional[t.Mapping[str, str]] = None,
        timeout: float = 300,
    ) -> ModuleResult:
        """Run a module; as `run_module_directly`, whose arguments these are, without the time that imports take.

        Raises TimeoutExpired.
        """
        document, environment = direct_job(module, args, check=check, diff=diff, host=host, env=env)
        with self._alone:
            server, folder = self._start()
            job = {
                "module": f"ansible_collections.{COLLECTION}.plugins.modules.{module}",
                "document": document,
                "environment": environment,
                "stdout": str(folder / "stdout"),
                "stderr": str(folder / "stderr"),
            }
            started = time.monotonic()
            assert server.stdin
            server.stdin.write(json.dumps(job).encode() + b"\n")
            pid = self._answer(server)
            assert server.stdout
            if not select.select([server.stdout], [], [], timeout)[0]:
                self._kill(pid)
                self._answer(server)
                raise subprocess.TimeoutExpired(module, timeout)
            rc = self._answer(server)
            seconds = time.monotonic() - started
            texts = [Path(job[name]).read_bytes().decode(errors="replace") for name in ("stdout", "stderr")]
        return read_result(rc, texts[0], texts[1], seconds)

    def _start(self) -> t.Tuple[subprocess.Popen[bytes], Path]:
        if self._server is None:
            self._folder = Path(tempfile.mkdtemp(prefix="modules-"))
            self._server = subprocess.Popen(
                [sys.executable, str(SERVER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,  # so that select sees whatever nobody has read
                env=clean_environment(self._folder, PYTHONPATH=str(collections_path())),
            )
            atexit.register(self._stop)
        return self._server, self._folder

    @staticmethod
    def _kill(pid: int) -> None:
        """End a run with all that it started."""
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:  # It leads no group yet, and so has started nothing; or it has just ended.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _stop(self) -> None:
        assert self._server and self._server.stdin
        self._server.stdin.close()
        self._server.wait(120)
        shutil.rmtree(self._folder, ignore_errors=True)

    @staticmethod
    def _answer(server: subprocess.Popen[bytes]) -> int:
        assert server.stdout
        line = server.stdout.readline()
        assert line, f"the process that runs modules has ended with {server.wait()}"
        return int(line.split()[0])


warm_modules = WarmModules()
