# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_environment): from a task to a result."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t
from dataclasses import dataclass, field, replace

from .._conf.conf_file import alone
from .._conf.environment_block import BlockError, EnvironmentFile, edited
from .._conf.environment_files import Place, find_place, read_file, write_file
from .._conf.masking import Masking
from .._errors import Collected, HostError, OptionError, St2Error, VerifyError
from .._st2.environment_file import read_environment_file
from .._st2.host import root_of
from .._st2.services import SERVICES, has_service
from .._task import Result, Task

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNFIT = re.compile(r"[\n\r\0]")
Wanted = t.Dict[str, t.Optional[str]]


@dataclass(frozen=True)
class _Change:
    """One file: for which services it is, what it is, what it is to be."""

    path: str
    places: t.Tuple[Place, ...]
    before: EnvironmentFile = field(repr=False)
    after: EnvironmentFile = field(repr=False)

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def differing(self, names: t.Iterable[str]) -> t.List[str]:
        """The variables that a service gets another value of."""
        old, new = self.before.variables, self.after.variables
        return [name for name in names if old.get(name) != new.get(name)]


def converge_environment(task: Task) -> Result:
    """Bring variables of services to what a task asks for.

    :raises St2Error: when nothing was done; a later failure is in the result.
    """
    wanted = _wanted(task.params)
    root = root_of(task.params["st2_conf"])
    places = list(filter(None, (find_place(root, name) for name in dict.fromkeys(task.params["name"]))))
    with contextlib.ExitStack() as locks:
        for folder in sorted({os.path.dirname(os.path.realpath(place.path)) for place in places}):
            locks.enter_context(alone(f"{folder}/any"))
        changes = _plan(places, wanted)
        result = _result(root, changes, wanted)
        if not places and any(value is not None for value in wanted.values()):
            names = ", ".join(task.params["name"])
            result.warnings.append(f"This host has none of the services {names}, so no variable was set.")
        if result.changed and not task.check:
            failure, done = _write(changes)
            if failure:
                warnings = result.warnings
                result = _result(root, done, wanted)
                result.warnings, result.failure = warnings, failure
        return result


def _write(changes: t.Sequence[_Change]) -> t.Tuple[t.Optional[St2Error], t.List[_Change]]:
    """Write what is to be changed, up to the first file that cannot be.

    :returns: The failure, and what became of each file; those that were not touched stay what they are.
    """
    done: t.List[_Change] = []
    failure: t.Optional[St2Error] = None
    for change in changes:
        touched = failure is None
        if change.changed and failure is None:
            try:
                write_file(change.path, change.after)
            except St2Error as error:
                failure, touched = error, isinstance(error, VerifyError)
        done.append(change if touched else replace(change, after=change.before))
    return failure, done


def _wanted(params: t.Mapping[str, t.Any]) -> Wanted:
    collected = Collected()
    wanted: Wanted = {}
    for name, value in params["variables"].items():
        with collected.one():
            wanted[name] = _value(str(name), value if params["state"] == "present" else None)
    collected.raise_them()
    return wanted


def _value(name: str, value: t.Any) -> t.Optional[str]:
    if not _NAME.fullmatch(name):
        raise OptionError(f"variables: {name} cannot be the name of a variable: it may have letters, digits and _.")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise OptionError(f"variables: the value of {name} must be text. Put quotes around it.")
    if _UNFIT.search(str(value)):
        raise OptionError(f"variables: the value of {name} has more than one line, which no environment file supports.")
    return str(value)


def _plan(places: t.Sequence[Place], wanted: Wanted) -> t.List[_Change]:
    """What becomes of each file, or all that is wrong with them."""
    collected = Collected()
    changes = []
    for path in dict.fromkeys(place.path for place in places):
        with collected.one():
            before = read_file(path)
            try:
                after = edited(before, wanted)
            except BlockError as error:
                raise HostError(f"{path} {error}. Nothing was changed.") from None
            changes.append(_Change(path, tuple(one for one in places if one.path == path), before, after))
    collected.raise_them()
    return changes


def _result(root: str, changes: t.Sequence[_Change], wanted: Wanted) -> Result:
    restarts: t.Set[str] = set()
    warnings = []
    for change in changes:
        differing = change.differing(wanted)
        for place in change.places:
            shadows = _shadows(place, wanted)
            warnings += [
                f"{name} of {place.path} has no effect on {place.service}: {path} is read later and sets it, too."
                for name, path in shadows.items()
            ]
            if any(name not in shadows for name in differing):
                restarts.add(place.service)
    changed = [change for change in changes if change.changed]
    parts = [
        f"{change.path}: {', '.join(change.differing(wanted)) or 'the same values, in a separate block'}"
        for change in changed
    ]
    return Result(
        changed=bool(changed),
        msg="; ".join(parts) or "the variables are as wanted",
        returned={
            "files": [
                {"path": one.path, "services": [place.service for place in one.places], "changed": one.changed}
                for one in changes
            ],
            "restart_needed": [name for name in SERVICES if name in restarts and has_service(root, name)],
        },
        diff=[_diff(change, wanted) for change in changed],
        warnings=warnings,
    )


def _shadows(place: Place, wanted: Wanted) -> t.Dict[str, str]:
    """The variables that a later file has, each with that file."""
    found: t.Dict[str, str] = {}
    for path in place.later:
        there = read_environment_file(path)
        found.update({name: path for name, value in wanted.items() if value is not None and name in there})
    return found


def _diff(change: _Change, wanted: Wanted) -> t.Dict[str, str]:
    """What is about the variables that change; what is around them may be secret."""
    masking = Masking()
    sides: t.Tuple[t.List[str], t.List[str]] = ([], [])
    files = (change.before, change.after)
    if files[0].mode != files[1].mode and None not in (files[0].text, files[1].text):
        for side, file in zip(sides, files):
            side.append(f"# mode {file.mode:04o}")
    for name in change.differing(wanted):
        key = ("", name)
        for side, value in zip(sides, masking.pair(key, *(file.variables.get(name) for file in files))):
            if value is not None:
                side.append(f"{name}={value}")
    before, after = ("".join(f"{line}\n" for line in side) for side in sides)
    return {"before_header": change.path, "after_header": change.path, "before": before, "after": after}
