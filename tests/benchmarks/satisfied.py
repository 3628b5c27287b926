# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(a) What a satisfied task costs, against ansible.builtin.ping; and what it does not touch."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

from infrastructure.ansible_run import collections_path

from .probe import Probe, probe
from .world import Table, World, median, timed, world

COUNTS = (1, 50, 200)
HEAVY = ("requests", "jsonschema", "semver", "yaml")


def ansible(module: str, arguments: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> float:
    """Seconds of a whole ad hoc run on localhost."""
    variables = {
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        **environment,
    }
    command = [Path(sys.executable).parent / "ansible", "localhost", "-m", module]
    command += ["-a", json.dumps(arguments)] if arguments else []
    return timed(command, variables)


def satisfied(measured: World, log: Path) -> t.Tuple[Probe, t.List[str]]:
    """Run a satisfied module; return what it took, and the programs that it started (none, one hopes).

    Every program of the module's PATH is one that writes its name into ``log``.
    """
    spies = measured.root / "spies"
    spies.mkdir(exist_ok=True)
    for program in ("git", "uv", "virtualenv", "python3", "ssh", "st2-register-content"):
        (spies / program).write_text(f"#!/bin/sh\necho {program} >> {log}\nexit 1\n")
        (spies / program).chmod(0o755)
    found = probe(measured, {"PATH": str(spies)})
    return found, log.read_text().split() if log.exists() else []


def measure(root: Path, counts: t.Sequence[int] = COUNTS, times: int = 5) -> Table:
    """The table of question (a)."""
    table = Table("(a) Satisfied packs, whole `ansible -m` process")
    ping = table.add("ansible.builtin.ping", median(lambda: ansible("ansible.builtin.ping", {}, {}), times))
    seconds = {}
    for count in counts:
        with world(root / str(count), count) as measured:
            probe(measured)
            measured.git.clear()
            measured.index.clear()
            arguments = {**measured.arguments(), "st2_conf": str(measured.host.st2_conf)}
            once = median(lambda a=arguments: ansible("stackstorm.st2.st2_pack", a, {}), times)  # type: ignore[misc]
            seconds[count] = table.add(f"{count} satisfied packs", once, ping).seconds
            found, programs = satisfied(measured, root / f"programs-{count}")
            requests = len(measured.git.requests) + len(measured.index.requests)
            heavy = [name for name in HEAVY if name in found.modules]
            table.notes.append(
                f"{count} packs: peak memory {found.peak_mebibytes:.0f} MiB, requests {requests}, "
                f"programs started {len(programs)}, "
                f"of {', '.join(HEAVY)} imported: {', '.join(heavy) or 'none'}."
            )
    if len(counts) > 1:
        growth = (seconds[counts[-1]] - seconds[counts[-2]]) / (counts[-1] - counts[-2])
        table.notes.append("Wanted: at most 1.5 times the ping at 50 packs, 2 ms more for a further pack, 100 MiB.")
        table.notes.append(f"Growth from {counts[-2]} to {counts[-1]} packs: {growth * 1000:.2f} ms a pack.")
    return table
