# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What systemd says of StackStorm's services, and what it is told: which of them run, since when, and to start anew."""

from __future__ import annotations

import os
import shutil
import typing as t
from dataclasses import dataclass

from .._deadline import Deadline
from .._errors import RestartError
from .._process import run
from .._st2.services import ACTION_RUNNER, find_unit

PROGRAM = "systemctl"
_SHOWN = ("Id", "ActiveState", "NeedDaemonReload", "ExecMainStartTimestampMonotonic")
# systemd.unit(5): in each of these the service has a process that stays, or is about to get one.
_RUNNING = ("active", "activating", "reloading")


@dataclass(frozen=True)
class Unit:
    """A unit that runs.

    :arg started: When its process started, in seconds of the clock that counts from the start of the system.
    :arg outdated: Whether systemd has to read its files anew.
    """

    name: str
    started: float
    outdated: bool = False


class Systemd:
    """The systemd of a host.

    :arg root: As L(Host.root).
    :arg environment: Of this process; says where C(systemctl) is.
    """

    def __init__(self, root: str, environment: t.Mapping[str, str], deadline: Deadline) -> None:
        self._root = root
        self._environment = dict(environment)
        self._deadline = deadline

    def runs(self) -> bool:
        """Whether systemd manages this host now: not in an image, or in a container without it (sd_booted(3))."""
        return os.path.isdir(f"{self._root}/run/systemd/system")

    def running(self, services: t.Iterable[str]) -> t.Dict[str, t.List[Unit]]:
        """The units that run of each service, none of one that does not.

        Those of C(st2actionrunner) are its instances. The service of this name only starts and stops them (runners.sh),
        is active whether these are or not, and stops only as many as its environment file names by now.

        :raises RestartError: when systemd cannot be asked.
        """
        patterns = {service: self._pattern(service) for service in services}
        if not patterns:
            return {}
        answer = self._tell("show", f"--property={','.join(_SHOWN)}", *patterns.values())
        found: t.Dict[str, t.List[Unit]] = {service: [] for service in patterns}
        for block in answer.split("\n\n"):
            values = dict(line.partition("=")[::2] for line in block.splitlines())
            service = values.get("Id", "").partition(".")[0].partition("@")[0]
            if service in found and values.get("ActiveState") in _RUNNING:
                started = values.get("ExecMainStartTimestampMonotonic", "")
                seconds = int(started) / 1e6 if started.isdigit() else 0.0
                found[service].append(Unit(values["Id"], seconds, values.get("NeedDaemonReload") == "yes"))
        for units in found.values():
            units.sort(key=lambda unit: (len(unit.name), unit.name))
        return found

    def restart(self, units: t.Iterable[Unit]) -> None:
        """Start units anew, one after the other: of action runners, those that are left can then go on.

        :raises RestartError: when systemd says that one does not start.
        """
        waiting = list(units)
        if any(unit.outdated for unit in waiting):
            self._tell("daemon-reload")
        for unit in waiting:
            # Somebody may have stopped it meanwhile, and then it shall stay so.
            self._tell("try-restart", unit.name)

    def _pattern(self, service: str) -> str:
        template = service == ACTION_RUNNER and find_unit(self._root, f"{service}@.service")
        return f"{service}@*.service" if template else f"{service}.service"

    def _tell(self, *arguments: str) -> str:
        program = shutil.which(PROGRAM, path=self._environment.get("PATH"))
        if program is None:
            raise RestartError(f"{PROGRAM} is not in PATH, so the running services of StackStorm cannot be determined.")
        environment = {**self._environment, "LC_ALL": "C", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
        done = run([program, *arguments], deadline=self._deadline, environment=environment, check=False)
        if done.returncode:
            what = " ".join((PROGRAM, *arguments))
            raise RestartError(f"{what} ended with {done.returncode}: {done.stderr.strip() or 'it said nothing'}.")
        return done.stdout
