# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that serve: started on a free port, waited for, and ended with all their children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import typing as t
from pathlib import Path


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServingProcess:
    """A server program in a process group of its own, for subclasses that say how it is called.

    Another program may take the port between choosing and binding it; then the next one is tried.
    """

    def __init__(self, log: Path) -> None:
        self.log_file = log
        self.port = 0
        self._process: t.Optional[subprocess.Popen[bytes]] = None
        log.parent.mkdir(parents=True, exist_ok=True)
        for _attempt in range(5):
            self.port = free_port()
            if self._started():
                return
        raise AssertionError(f"{type(self).__name__} does not start: {self.log}")

    def command(self) -> t.List[str]:
        """Return the command line for ``self.port``."""
        raise NotImplementedError

    @property
    def log(self) -> str:
        """What the program wrote so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def stop(self) -> None:
        """End the program and whatever it started."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                pass
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                continue
        self._process = None

    def __enter__(self) -> t.Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _started(self) -> bool:
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return self._process.poll() is None
        self.stop()
        return False
