# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a result says of disk and database, held against what is there."""

from __future__ import annotations

import typing as t

from infrastructure.snapshot import Snapshot, compare

from .catalogue import REFS
from .properties import Moment, differences, require
from .steps import Run
from .truth import OVERRIDDEN

STATES = ("current", "stale", "absent", "unknown")
Change = t.Tuple[Snapshot, Snapshot]


# (a) What a result says is what is there


def check_truth(moment: Moment) -> None:
    """What a result says of disk and database is what is there."""
    said, before, after = moment.said, moment.before, moment.after
    if (not said.changed or moment.step.phase == "stage") and not moment.pasts:
        require("a", before.files == after.files, f"nothing put in place, but {compare(before.files, after.files)}")
    difference = differences(before.database, after.database)
    if moment.step.register == "none" or not (said.changed or moment.pasts or moment.failed):
        require("a", not difference, f"unchanged, but the database has other {difference}")
    if moment.step.module in ("st2_pack", "st2_rollback"):
        for row in said.returned.get("packs", ()):
            _check_row(moment, row)
    elif moment.step.module == "st2_register":
        for row in said.returned.get("packs", ()):
            if row["ref"] in REFS:
                _check_state(moment, row["ref"], row["database_state"], ["pack", "config", "overrides"])
    elif "database_state" in said.returned:
        parts = ["config"] if moment.step.module == "st2_pack_config" else _concerned(moment.step.arguments)
        _check_state(moment, moment.step.arguments["pack"], said.returned["database_state"], parts)


def _check_row(moment: Moment, row: t.Mapping[str, t.Any]) -> None:
    ref = row["ref"]
    if ref not in REFS:
        return
    version = row["after"]["version"] if row["after"] else None
    there = moment.after.versions.get(ref)
    if moment.step.phase != "stage" or moment.failed:
        require("a", version == there, f"{ref} is said to be {version} now and is {there}")
    if not moment.pasts:
        version = row["before"]["version"] if row["before"] else None
        there = moment.before.versions.get(ref)
        require("a", version == there, f"{ref} is said to have been {version} and was {there}")
    items = [item for item in moment.step.items if item["name"] == ref]
    parts = {"config": ["config"], "overrides": _concerned(items[0].get("overrides", {}) if items else {})}
    for part in parts:
        if part in row:
            _check_state(moment, ref, row[part]["database_state"], parts[part])
    _check_state(
        moment, ref, row["database_state"], ["pack", *(one for part in parts if part in row for one in parts[part])]
    )


def _concerned(arguments: t.Mapping[str, t.Any]) -> t.List[str]:
    """The kinds of resources that a task about overrides compares."""
    return [kind for kind in OVERRIDDEN if kind in arguments] or ["overrides"]


def _check_state(moment: Moment, ref: str, state: str, parts: t.Sequence[str]) -> None:
    register, after = moment.step.register, moment.after
    require("a", state in STATES, f"{state} is none of {STATES}")
    if register == "none":
        # A task in two phases says of what it puts in place that StackStorm was not told of it.
        known = ("stale", "unknown") if moment.step.phase and not moment.failed else ("unknown",)
        require("a", state in known, f"with register=none {ref} is said to be {state}")
        return
    refs = [one for one in REFS if after.there(one)] if ref == "_global" else [ref]
    if state == "current":
        # Of a pack that is not there, nobody can tell by registering it.
        for one in (one for one in refs if moment.step.module != "st2_pack_config" or after.there(one)):
            asked = ["files" if part == "pack" and one in moment.excused else part for part in parts]
            # What the database has beyond the files is for pruning, and a config there is warned of.
            asked = [part for part in asked if part != "config" or not _warns_of_config(moment, one)]
            wrong = [part for part in asked if (one, part) not in after.agreeing]
            require("a", not wrong, f"{one} is said to be current in the database, which has another {wrong}")
    elif state == "absent":
        there = bool(after.database["configs"].get(ref)) if parts == ["config"] else after.knows(ref)
        require("a", not there, f"{ref} is said to be absent from the database, which has it")
    elif register == "api" and not moment.failed and not _registers_in_part(moment.step) and not _says_why(moment):
        there = after.there(ref) or (ref == "_global" and refs)
        require("a", not there, f"{ref} is only {state} after a task that succeeded: {parts}")


def _warns_of_config(moment: Moment, ref: str) -> bool:
    """Whether a result warns of a config in the database that has no file."""
    return any(f"database has a config of {ref}, and " in warning for warning in moment.said.warnings)


def _says_why(moment: Moment) -> bool:
    """Whether a task about overrides, which does not register whole packs, names what it cannot mend."""
    return any(words in moment.said.message for words in ("does not have all of the pack", "cannot register the pack"))


def _registers_in_part(step: Run) -> bool:
    return "register_types" in step.arguments or "fail_on_failure" in step.arguments


# (f) Going back restores what was there


def check_restored(moment: Moment, changes: t.Mapping[str, Change]) -> None:
    """A task that went back has put back all files that the change had changed, and no others.

    :arg changes: By id, all files before and after each change that is known.
    """
    said = moment.said.returned
    if moment.failed or "change" not in said or said["undone"] not in changes:
        return
    old, new = changes[said["undone"]]
    for path in sorted({*old, *new, *moment.before.files, *moment.after.files}):
        now = moment.after.files.get(path)
        if old.get(path) != new.get(path):
            require("f", now == old.get(path), f"{path} was {old.get(path)} before change {said['undone']}, is {now}")
        elif not moment.pasts:
            require("f", now == moment.before.files.get(path), f"{path} is not of change {said['undone']}: {now}")
