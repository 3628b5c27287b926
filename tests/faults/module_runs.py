# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of st2_pack on a host in forks of a warm process: to their end, recorded, or killed."""

from __future__ import annotations

import dataclasses
import errno
import json
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from infrastructure.ansible_run import COLLECTION, collections_path
from infrastructure.environment import clean_environment
from infrastructure.st2_host import ScratchHost

SERVER = Path(__file__).with_name("module_server.py")
KILLED = -9


@dataclasses.dataclass(frozen=True)
class Instant:
    """When a run is killed: before its change ``number`` of a kind (see `boundaries`), or ``after`` so many seconds.

    :arg children: whether the programs that it started are killed with it.
    """

    kind: str = ""
    number: int = 0
    after: t.Optional[float] = None
    children: bool = True

    def __str__(self) -> str:
        when = f"{self.kind} {self.number}" if self.after is None else f"after {self.after:.4f} s"
        return when + ("" if self.children else ", children left alone")


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A change that the system refuses: the change ``number`` of a kind, and with ``lasting`` all after it.

    :arg error: the number of the error.
    """

    kind: str
    number: int
    error: int
    lasting: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.number} {errno.errorcode[self.error]}{', lasting' if self.lasting else ''}"


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a run may take: bytes of address space for it and for each of its programs, and seconds."""

    memory: int
    seconds: int


class Execution(t.Dict[str, t.Any]):
    """What a run returned; ``rc``, ``stdout``, ``stderr`` and ``seconds`` of its process beside it.

    ``peak`` is the most memory that the process or one of its programs had, in KiB; ``cpu`` the seconds that they kept
    a processor busy, which is the same on a busy machine.
    """

    rc: int = 0
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    peak: int = 0
    cpu: float = 0.0

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.rc == KILLED

    @property
    def failed(self) -> bool:
        """Whether it said that it failed, or gave no result at all."""
        return bool(self.get("failed", not self))

    @property
    def everything(self) -> str:
        """All that came out, in one text."""
        return "\n".join([json.dumps(self, default=str), self.stdout, self.stderr])


class ModuleRuns:
    """Runs the module on ``host``, one run at a time.

    :arg environment: variables beside the host's own.
    """

    def __init__(self, host: ScratchHost, folder: Path, environment: t.Mapping[str, str]) -> None:
        self._host = host
        self._folder = folder
        self._environment = {**host.environment(), **environment}
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / "server.log").open("w")
        self._server = subprocess.Popen(
            [sys.executable, str(SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=clean_environment(folder, PYTHONPATH=str(collections_path())),
        )

    def stop(self) -> None:
        """End the server."""
        assert self._server.stdin and self._server.stdout
        self._server.stdin.close()
        self._server.wait(120)
        self._server.stdout.close()
        self._log.close()

    def run(
        self,
        arguments: t.Mapping[str, t.Any],
        *,
        check: bool = False,
        exchange: bool = True,
        at: t.Optional[Instant] = None,
        refusal: t.Optional[Refusal] = None,
        record: t.Optional[Path] = None,
        clock: t.Sequence[float] = (),
        limits: t.Optional[Limits] = None,
        broken: str = "",
        module: str = "st2_pack",
        environment: t.Optional[t.Mapping[str, str]] = None,
        root: t.Optional[Path] = None,
    ) -> Execution:
        """Run st2_pack to its end, with a ``refusal`` on the way, or to the instant ``at``.

        :arg exchange: false for a file system that cannot exchange two names.
        :arg record: file that gets a line for each boundary.
        :arg clock: jumps of the clock, in seconds, one for each time it is read.
        :arg limits: beyond which it gets no memory, and is ended by SIGALRM.
        :arg broken: function below module_utils, such as ``_tasks.pack.converge_packs``, that raises RuntimeError.
        :arg environment: further variables.
        :arg root: where ``record`` and the instants look; the host's base path unless given.
        """
        job = {
            "module": f"ansible_collections.{COLLECTION}.plugins.modules.{module}",
            "document": {"ANSIBLE_MODULE_ARGS": self._arguments(module, arguments, check)},
            "environment": {**self._environment, **(environment or {})},
            "root": str(root or self._host.base_path),
            "limits": dataclasses.asdict(limits) if limits else None,
            "broken": broken,
            "stdout": str(self._folder / "stdout"),
            "stderr": str(self._folder / "stderr"),
            "exchange": exchange,
            "clock": list(clock),
            "kill": dataclasses.asdict(at) if at else None,
            "refuse": dataclasses.asdict(refusal) if refusal else None,
            "record": str(record) if record else None,
        }
        assert self._server.stdin
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        started = time.monotonic()
        self._read()  # the process id
        rc, peak, cpu = self._read()
        execution = self._execution(rc)
        execution.peak, execution.cpu, execution.seconds = peak, cpu / 1000, time.monotonic() - started
        return execution

    def _execution(self, rc: int) -> Execution:
        stdout = (self._folder / "stdout").read_text(errors="replace")
        line = next((line for line in stdout.splitlines() if line.startswith("{")), "{}")
        execution = Execution(json.loads(line) if rc != KILLED else {})
        execution.rc = rc
        execution.stdout, execution.stderr = stdout, (self._folder / "stderr").read_text(errors="replace")
        return execution

    def _arguments(self, module: str, arguments: t.Mapping[str, t.Any], check: bool) -> t.Dict[str, t.Any]:
        internal = {
            "_ansible_check_mode": check,
            "_ansible_diff": True,
            "_ansible_module_name": f"{COLLECTION}.{module}",
            "_ansible_remote_tmp": str(self._host.tmp),
            "_ansible_tmpdir": str(self._host.tmp),
            "_ansible_verbosity": 1,
        }
        return {"st2_conf": str(self._host.st2_conf), "register": "none", **arguments, **internal}

    def _read(self) -> t.List[int]:
        assert self._server.stdout
        line = self._server.stdout.readline()
        if not line:
            self._log.flush()
            raise AssertionError(f"The module server has ended: {(self._folder / 'server.log').read_text()}")
        return [int(number) for number in line.split()]
