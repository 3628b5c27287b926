# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_conf): from a task to a result."""

from __future__ import annotations

import typing as t

from .._conf.conf_file import ConfFile, alone, read_conf_file, verify_conf_file, write_conf_file
from .._conf.options import ConfOptions, options_from
from .._conf.plan import ConfPlan, make_plan
from .._conf.report import Report
from .._conf.restart import readers_of
from .._conf.shadowing import Shadow, find_shadows
from .._errors import Collected, St2Error
from .._st2.host import root_of
from .._st2.service_start import read_service_start
from .._st2.services import SERVICES, has_service
from .._task import Result, Task


def converge_conf(task: Task) -> Result:
    """Bring options of C(st2.conf) to what a task asks for.

    :raises St2Error: for options and files that cannot be used; a later failure is in the result.
    """
    path = task.params["st2_conf"]
    with alone(path):
        options, file = _observe(task.params)
        plan = make_plan(file, options)
        root = root_of(path)
        starts = [start for start in (read_service_start(root, name) for name in SERVICES) if start]
        shadows = find_shadows(path, options.wanted, starts)
        report = Report(plan)
        result = Result(
            changed=plan.changed,
            msg=report.line(),
            returned={
                "path": path,
                "options": report.options(),
                "shadowed_by": [shadow.as_dict() for shadow in shadows],
                "restart_needed": _restarts(root, plan, shadows),
                "backup_file": None,
            },
            diff=report.diff(),
            warnings=report.warnings(shadows),
        )
        if plan.changed and not task.check:
            _change(plan, options, result)
        return result


def _observe(params: t.Mapping[str, t.Any]) -> t.Tuple[ConfOptions, ConfFile]:
    """Both, or all that is wrong with either."""
    collected = Collected()
    options: t.List[ConfOptions] = []
    files: t.List[ConfFile] = []
    with collected.one():
        options.append(options_from(params))
    with collected.one():
        files.append(read_conf_file(params["st2_conf"]))
    collected.raise_them()
    return options[0], files[0]


def _change(plan: ConfPlan, options: ConfOptions, result: Result) -> None:
    attributes = plan.mode, plan.uid, plan.gid
    backup = write_conf_file(plan.file, plan.content, *attributes, options.backup)
    result.returned["backup_file"] = backup or None
    try:
        verify_conf_file(plan.file.path, plan.content, *attributes)
    except St2Error as error:
        result.failure = error


def _restarts(root: str, plan: ConfPlan, shadows: t.Sequence[Shadow]) -> t.List[str]:
    """The services of this host that go on with another value than the file has, and do read it from there."""
    kept = {(shadow.wanted.key, shadow.service) for shadow in shadows}
    keys = [change.wanted.key for change in plan.changes if change.changed]
    needed = {name for key in keys for name in readers_of(key) if (key, name) not in kept}
    return [name for name in SERVICES if name in needed and has_service(root, name)]
