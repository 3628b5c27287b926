# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_entry_point_info): whether StackStorm can start the Python code of packs."""

from __future__ import annotations

import typing as t

from .._change.session import undisturbed
from .._content.names import check_ref
from .._deadline import Deadline
from .._entry_points.accounts import account_of
from .._entry_points.check import Checks
from .._entry_points.found import EntryPoint, entry_points_of
from .._errors import St2Error
from .._task import Result, Task

_MOST_TOLD = 20


def check_entry_points(task: Task) -> Result:
    """Check the Python entry points of the packs that a task names, or of all.

    :raises St2Error: for options and hosts that cannot be used. What is found is in the result, which fails by
        C(fail_on_error) alone.
    """
    params, host = task.params, task.host
    view = undisturbed(host, task.scratch)
    names = [check_ref("pack", name) for name in params["pack"] or ()]
    refs = list(dict.fromkeys(names)) if params["pack"] is not None else view.installation.refs()
    kinds = ("action", "sensor") if params["import"] else ()
    checks = Checks(
        host,
        lambda ref: view.virtualenvs.now(view.virtualenvs.virtualenv(ref)),
        environment=task.environment,
        scratch=task.scratch,
        deadline=Deadline(params["timeout"]),
        redactor=task.redactor,
        accounts={kind: account_of(host.root, kind) for kind in kinds} if kinds else None,
    )
    points: t.List[EntryPoint] = []
    missing = []
    for ref in refs:
        pack = view.installation.get(ref)
        if pack is None or not pack.is_there:
            missing.append(ref)
            continue
        found = entry_points_of(pack)
        if found:
            checks.check(pack, found)
        points += found
    msg = _line(points, missing, len(refs) - len(missing), bool(kinds))
    wrong = bool(missing or any(point.error for point in points))
    return Result(
        msg=msg,
        returned={"entry_points": [point.as_dict() for point in points], "missing": missing},
        failure=St2Error(msg, step="entry_points") if wrong and params["fail_on_error"] else None,
    )


def _line(points: t.Sequence[EntryPoint], missing: t.Sequence[str], packs: int, imported: bool) -> str:
    wrong = [f"{point.pack}.{point.name} ({point.path}: {point.error})" for point in points if point.error]
    sentences = [f"Not installed: {', '.join(missing)}."] if missing else []
    more = len(wrong) - _MOST_TOLD
    if wrong:
        sentences.append(
            f"StackStorm cannot run {len(wrong)} of {len(points)} Python entry points: "
            f"{'; '.join(wrong[:_MOST_TOLD])}{f'; and {more} more' if more > 0 else ''}."
        )
    if sentences:
        return " ".join(sentences)
    entry_points = "1 Python entry point" if len(points) == 1 else f"{len(points)} Python entry points"
    verb = "compiles" if len(points) == 1 else "compile"
    imports = " and can be imported" if imported else ""
    return f"{entry_points} of {packs} {'pack' if packs == 1 else 'packs'} {verb}{imports}"
