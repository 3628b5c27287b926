# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_rollback_info): which changes of a host can be gone back on."""

from __future__ import annotations

import typing as t

from .._change.change_sets import CONFIG, OVERRIDES, PACK, VIRTUALENV, ChangeSet, State
from .._change.session import View, undisturbed
from .._errors import HostError
from .._rollback.history import target_of, undoing
from .._rollback.obstacles import obstacles
from .._task import Result, Task
from .rollback_plan import change_sets

Row = t.Dict[str, t.Any]


def describe_changes(task: Task) -> Result:
    """Describe the change sets of a host, the newest one first.

    :raises HostError: when they cannot be read.
    """
    view = undisturbed(task.host, task.scratch)
    sets = change_sets(view)
    rows = [_row(one, sets, view) for one in reversed(sets)]
    possible = sum(row["restorable"] for row in rows)
    return Result(
        msg=f"{len(rows)} {'change' if len(rows) == 1 else 'changes'}, {possible} can be gone back on",
        returned={"changes": rows},
    )


def _row(one: ChangeSet, sets: t.Sequence[ChangeSet], view: View) -> Row:
    undone_by = undoing(sets, one)
    problems: t.List[str] = []
    if undone_by is None:
        try:
            problems = [found.text for found in obstacles(target_of(sets, one.id).changes, view.now)]
        except OSError as error:
            raise HostError(f"What change {one.id} left cannot be read: {error}. Run as root (become).") from error
    return {
        "change": one.id,
        "time": one.time,
        "registered": one.registered,
        "undoes": one.undoes or None,
        "undone_by": undone_by.id if undone_by else None,
        "restorable": undone_by is None and not problems,
        "problems": problems,
        "packs": [
            {"ref": part.ref, "before": _identity(part.before), "after": _identity(part.after)} for part in one.of(PACK)
        ],
        "virtualenvs": [part.ref for part in one.of(VIRTUALENV)],
        "configs": [part.ref for part in one.of(CONFIG)],
        "overrides": [part.ref for part in one.of(OVERRIDES)],
    }


def _identity(state: t.Optional[State]) -> t.Optional[t.Dict[str, t.Optional[str]]]:
    if state is None:
        return None
    known = (("commit", state.commit), ("digest", state.digest))
    return {"version": state.version or None, **{name: value for name, value in known if value}}
