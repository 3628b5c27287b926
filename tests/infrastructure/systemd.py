# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for systemd on a scratch host: a ``systemctl`` that knows some units and writes down what it is told."""

from __future__ import annotations

import json
import sys
import time
import typing as t

from .st2_host import ScratchHost

SERVICES = ("st2api", "st2sensorcontainer", "st2notifier")
# packaging/*/systemd of StackStorm
UNIT = """\
[Service]
Environment="DAEMON_ARGS=--config-file /etc/st2/st2.conf"
EnvironmentFile=-/etc/default/{name}
ExecStart=/opt/stackstorm/st2/bin/{name} $DAEMON_ARGS
"""
PROGRAM = """\
#!{python}
import fnmatch, json, sys, time
state, told = {state!r}, {told!r}
units = json.load(open(state))
command, arguments = sys.argv[1], sys.argv[2:]
if command == "show":
    properties = arguments.pop(0).partition("=")[2].split(",")
    names = []
    for pattern in arguments:
        found = fnmatch.filter(units, pattern)
        names += found or ([] if "*" in pattern else [pattern])
    blocks = []
    for name in names:
        unit = units.get(name, {{"ActiveState": "inactive"}})
        values = {{"Id": name, "NeedDaemonReload": "no", "ExecMainStartTimestampMonotonic": "0", **unit}}
        blocks.append("".join("%s=%s\\n" % (one, values[one]) for one in properties))
    sys.stdout.write("\\n".join(blocks))
else:
    with open(told, "a") as log:
        print(command, *arguments, file=log)
    for name in arguments if command in ("try-restart", "restart") else ():
        if units[name].get("Broken"):
            sys.exit("Job for %s failed." % name)
        if not units[name].get("Stuck"):
            units[name]["ExecMainStartTimestampMonotonic"] = str(int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6))
    if command == "daemon-reload":
        for unit in units.values():
            unit.pop("NeedDaemonReload", None)
    json.dump(units, open(state, "w"))
"""


class Systemd:
    """What stands in for systemd on ``host``: unit files of StackStorm's packages, and a ``systemctl`` in ``programs``.

    :arg workers: how many instances of st2actionrunner run.
    """

    def __init__(self, host: ScratchHost, workers: int = 2) -> None:
        self._host = host
        self.programs = host.root.with_name(f"{host.root.name}.systemd")
        self.programs.mkdir()
        self._state, self._told = self.programs / "units.json", self.programs / "told"
        text = PROGRAM.format(python=sys.executable, state=str(self._state), told=str(self._told))
        (self.programs / "systemctl").write_text(text)
        (self.programs / "systemctl").chmod(0o755)
        (host.root / "run" / "systemd" / "system").mkdir(parents=True)
        for name in ("st2actionrunner", "st2actionrunner@", *SERVICES):
            path = host.root / "lib" / "systemd" / "system" / f"{name}.service"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(UNIT.format(name=name.rstrip("@")))
        started = str(int((time.clock_gettime(time.CLOCK_MONOTONIC) - 1) * 1e6))
        running = [f"st2actionrunner@{number}.service" for number in range(1, workers + 1)]
        running += [f"{name}.service" for name in SERVICES]
        units = {name: {"ActiveState": "active", "ExecMainStartTimestampMonotonic": started} for name in running}
        # A oneshot that has ended, and counts as active.
        units["st2actionrunner.service"] = {"ActiveState": "active", "ExecMainStartTimestampMonotonic": started}
        self._write(units)

    @property
    def told(self) -> t.List[str]:
        """What it was told that changes anything, in order, such as ``try-restart st2api.service``."""
        return self._told.read_text().splitlines() if self._told.exists() else []

    @property
    def restarted(self) -> t.List[str]:
        """The units that it was told to restart, in order, and since the last look."""
        told = self.told
        self.forget()
        return [line.partition(" ")[2].replace(".service", "") for line in told if line.startswith("try-restart ")]

    def forget(self) -> None:
        """Let the next look begin here."""
        self._told.unlink(missing_ok=True)

    def set(self, unit: str, **properties: str) -> None:
        """Set properties of a unit, such as ``ActiveState``; ``Broken`` and ``Stuck`` are about restarts."""
        units = json.loads(self._state.read_text())
        units.setdefault(f"{unit}.service", {}).update(properties)
        self._write(units)

    def start_anew(self, unit: str) -> None:
        """Restart a unit as somebody else does."""
        self.set(unit, ExecMainStartTimestampMonotonic=str(int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6)))

    def _write(self, units: t.Mapping[str, t.Mapping[str, str]]) -> None:
        self._state.write_text(json.dumps(units, indent=1))
