# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_override_info): what is enabled, why, and whether the database agrees."""

from __future__ import annotations

import typing as t

from .._change.database import Database, open_database
from .._change.known import ABSENT, CURRENT, STALE, UNKNOWN, overall
from .._change.session import undisturbed
from .._deadline import Deadline
from .._override.document import GLOBAL, KINDS
from .._override.observe import PackView, installed_packs, view
from .._override.options import check_pack, refuse_api
from .._override.override_file import (
    OverrideFile,
    idle_exceptions,
    ignored_warning,
    override_files,
    read_override_file,
    unread_warning,
)
from .._override.precedence import Effect, effect, overridden_counts
from .._task import Result, Task


def describe_overrides(task: Task) -> Result:
    """Describe the overrides of the packs that a task names, or of all.

    :raises St2Error: for options and hosts that cannot be used, and a database that does not answer.
    """
    refuse_api(task.params)
    names = list(dict.fromkeys(check_pack("pack", name) for name in task.params["pack"] or ()))
    database = open_database(task, Deadline(task.params["timeout"]))
    try:
        # The last one of a database that nobody can ask says that nothing gets registered, which nothing here does.
        warnings = database.warnings if database.tells else database.warnings[:-1]
        return _describe(task, names, database, warnings)
    finally:
        database.close()


def _describe(task: Task, names: t.List[str], database: Database, warnings: t.List[str]) -> Result:
    directory = task.host.overrides_path
    host_view = undisturbed(task.host, task.scratch)
    installation = host_view.installation
    wanted: t.Sequence[t.Optional[str]] = names or [None]
    found = [pack for name in wanted for pack in installed_packs(installation, name)]
    views = [view(pack, directory, database=database, now=host_view.now) for pack in found]
    for_all = read_override_file(directory, GLOBAL, host_view.now)
    packs = [_pack(one, for_all) for one in views]
    installed = {one.ref for one in views} | {GLOBAL}
    files = [
        read_override_file(directory, name, host_view.now)
        for name in dict.fromkeys((GLOBAL, *(names or override_files(directory))))
    ]
    if any(file.exists for file in files):
        warnings = warnings + unread_warning(task.host.st2_version)
    for file in files:
        warnings = warnings + ignored_warning(file)
    for one in views:
        warnings = warnings + list(one.resources.warnings)
    idle = {one.ref: idle_exceptions(one.file, one.resources) for one in views}
    problems = [complaint for file in files for complaint in _complaints(file, idle.get(file.pack, []))]
    missing = [name for name in names if name not in installed]
    returned = {
        "packs": packs,
        "files": [_file(file, file.pack in installed, idle.get(file.pack, [])) for file in files if file.exists],
        "problems": problems,
        "missing": missing,
    }
    return Result(msg=_line(packs, problems, missing), returned=returned, warnings=warnings)


def _line(packs: t.Sequence[t.Mapping[str, t.Any]], problems: t.Sequence[str], missing: t.Sequence[str]) -> str:
    rows = [row for pack in packs for row in pack["resources"]]
    overridden = sum(row["from"] != "metadata" for row in rows)
    parts = [
        f"{overridden} of {_number(len(rows), 'resource')} of {_number(len(packs), 'pack')} decided by overrides",
        f"{_number(len(problems), 'problem')} in override files" if problems else "",
        f"not in StackStorm's database: {', '.join(_disagreeing(packs))}" if _disagreeing(packs) else "",
        f"not installed: {', '.join(missing)}" if missing else "",
    ]
    return "; ".join(part for part in parts if part)


def _disagreeing(packs: t.Sequence[t.Mapping[str, t.Any]]) -> t.List[str]:
    return [pack["ref"] for pack in packs if pack["database_state"] == STALE]


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _pack(pack: PackView, for_all: OverrideFile) -> t.Dict[str, t.Any]:
    layers = (for_all.layer, pack.file.layer)
    rows = []
    for key, resource in sorted(
        pack.resources.by_name().items(), key=lambda item: (KINDS.index(item[0][0]), item[0][1])
    ):
        found = effect(resource, *layers)
        rows.append(
            {
                "kind": resource.kind,
                "name": resource.name,
                "file": resource.file,
                "enabled": found.enabled,
                "from": found.origin,
                "metadata": resource.enabled,
                "database": pack.database.get(key) if pack.database else None,
                "database_state": _state(pack, key, found),
            }
        )
    return {
        "ref": pack.ref,
        "path": pack.path,
        "file": pack.file.path if pack.file.exists else None,
        "resources": rows,
        "overridden": overridden_counts(pack.resources.resources, *layers),
        "database_state": _pack_state(pack, rows),
    }


def _state(pack: PackView, key: t.Tuple[str, str], found: Effect) -> str:
    """What the database has of one resource; C(absent) when it lacks it."""
    if pack.database is None or found.enabled is None:
        return UNKNOWN
    if key not in pack.database:
        return ABSENT
    return CURRENT if pack.database[key] == found.enabled else STALE


def _pack_state(pack: PackView, rows: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """What the database has of all of them. A record can only tell that it is another."""
    if pack.database is None:
        return STALE if pack.recorded is False else UNKNOWN
    states = {row["database_state"] for row in rows}
    return STALE if ABSENT in states else overall(states or (CURRENT,))


def _complaints(file: OverrideFile, idle: t.Sequence[t.Tuple[int, str]]) -> t.List[str]:
    return [*file.complaints, *(f"{file.path}:{line}: {text}; StackStorm ignores it." for line, text in idle)]


def _file(file: OverrideFile, installed: bool, idle: t.Sequence[t.Tuple[int, str]]) -> t.Dict[str, t.Any]:
    problems = [(line, problem.text, problem.breaks) for line, problem in zip(file.lines, file.problems)]
    problems += [(line, text, ()) for line, text in idle]
    return {
        "pack": file.pack,
        "path": file.path,
        "link": file.link,
        "installed": installed,
        "overrides": file.overrides.document(),
        "problems": [{"line": line or None, "text": text, "breaks": list(breaks)} for line, text, breaks in problems],
    }
