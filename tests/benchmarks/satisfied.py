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
# All that a satisfied task on packs that have a name in an index and no dependencies loads of the collection. Python
# compiles it anew in each run of a module, so that every line here costs every host something, every time. What only a
# change needs does not belong here, see CONTRIBUTING.md.
NEEDED = frozenset(
    (
        *("_argspec", "_deadline", "_errors", "_files", "_layout", "_own_directory", "_printable", "_runner"),
        *("_secrets", "_task", "_tasks.pack", "_tasks.pack_plan", "_zip_imports"),
        *("_change.database", "_change.known", "_change.lock", "_change.own_places", "_change.records"),
        *("_change.session", "_change.staging"),
        *(
            "_content.installed",
            "_content.working_copy",
            "_content.names",
            "_content.origin",
            "_content.receipt",
            "_content.request",
        ),
        *("_pack.observation", "_pack.options", "_pack.plan", "_pack.planner", "_pack.report"),
        *("_pack.resolution", "_pack.satisfaction", "_pack.virtualenv"),
        *(
            "_st2.conf",
            "_st2.conf_text",
            "_st2.environment_file",
            "_st2.host",
            "_st2.registration",
            "_st2.registration_options",
        ),
    )
)
NEEDED_WITHOUT_API = NEEDED | {"_st2.no_registrar"}
NEEDED_WITH_API = NEEDED | {
    *("_http", "_libraries", "_st2.api_access", "_st2.api_client", "_st2.api_registrar", "_st2.choose_registrar"),
    *("_st2.client_config", "_st2.proxy"),
}
MOST_LINES_WITHOUT_API = 5960
MOST_LINES_WITH_API = 7375
# What is imported before _zip_imports.py has an effect.
COMPILED_TWICE = (
    "modules/st2_pack.py",
    "module_utils/_argspec.py",
    "module_utils/_runner.py",
    "module_utils/_zip_imports.py",
)
_UTILS = "ansible_collections.stackstorm.st2.plugins.module_utils."


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


def loaded(found: Probe) -> t.Dict[str, int]:
    """The files of the collection that a run has loaded, by their names below module_utils, and the lines of each."""
    below = [name[len(_UTILS) :] for name in found.modules if name.startswith(_UTILS)]
    place = collections_path() / _UTILS.replace(".", "/")
    files = {name: place / f"{name.replace('.', '/')}.py" for name in below}
    return {name: len(path.read_text("utf-8").splitlines()) for name, path in files.items() if path.exists()}


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
