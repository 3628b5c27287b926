# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_lint): packs checked by rules, and what they find told and written."""

from __future__ import annotations

import os
import re
import shutil
import sys
import typing as t

from .._errors import OptionError, St2Error
from .._lint import catalogue
from .._lint.check import Report, Wanted, check_pack, find_packs
from .._lint.finding import LEVELS, count
from .._lint.output import write_reports
from .._lint.pack import Against
from .._lint.site_rules import find_site_rules
from .._task import Result, Task

_SITE = "site-"


def check_packs(task: Task) -> Result:
    """Check the packs that a task names.

    :raises St2Error: for options that cannot be used. What is found is in the result, which fails by C(fail_on) alone.
    """
    params = task.params
    wanted = _wanted(task)
    packs = find_packs([_absolute(task, path) for path in params["path"]])
    reports = [check_pack(directory, named, wanted, task.scratch) for directory, named in packs]
    outputs = [dict(output, path=_absolute(task, output["path"])) for output in params["output"]]
    written = write_reports(reports, outputs, check=task.check)
    found = [finding for report in reports for finding in report.findings]
    counts = count(found)
    msg = _line(reports, counts)
    failing = LEVELS[: LEVELS.index(params["fail_on"]) + 1] if params["fail_on"] in LEVELS else ()
    failure = St2Error(msg, step="lint") if any(counts[level] for level in failing) else None
    return Result(
        changed=bool(written),
        msg=msg,
        returned={
            "findings": [finding.as_dict() for finding in found],
            "counts": counts,
            "packs": [
                {
                    "path": report.directory,
                    "ref": report.ref,
                    "counts": count(report.findings),
                    "ignored": len(report.ignored),
                }
                for report in reports
            ],
            "written": written,
        },
        failure=failure,
    )


def _wanted(task: Task) -> Wanted:
    params = task.params
    site_rules = tuple(find_site_rules(params["site_rules"] and _absolute(task, params["site_rules"])))
    known = {rule.id for rule in catalogue.RULES}
    for option in ("rules", "skip"):
        for name in params[option]:
            # What a site's rules call their findings, only they know.
            if name not in known and not (site_rules or name.startswith(_SITE)):
                raise OptionError(
                    f"{option} names {name or repr(name)}, which is not a rule. The guide lists all rules."
                )
    if not params["ignore_file"] or params["ignore_file"].startswith("/") or ".." in params["ignore_file"].split("/"):
        raise OptionError(f"ignore_file is {params['ignore_file'] or repr('')}; it must be a path inside of the packs.")
    pythons = tuple(map(_program, params["python"])) or (sys.executable,)
    return Wanted(
        Against(_stackstorm(params["stackstorm_version"]), pythons, _floor(params["python_version"])),
        tuple(params["rules"]),
        tuple(params["skip"]),
        params["ignore_file"],
        site_rules,
        float(params["timeout"]),
        task.environment,
    )


def _absolute(task: Task, path: str) -> str:
    return os.path.abspath(os.path.join(task.params["chdir"] or "", path))


def _stackstorm(text: str) -> str:
    if not re.fullmatch(r"\d+\.\d+(?:\.\d+|dev)", text, re.ASCII):
        raise OptionError(f"stackstorm_version is {text or repr(text)}; it must be a version like 3.9.0.")
    return text


def _program(python: str) -> str:
    found = shutil.which(python)
    if found is None:
        raise OptionError(f"python names {python}, and this program does not exist.")
    return found


def _floor(text: str) -> t.Tuple[int, int]:
    match = re.fullmatch(r"3\.(\d{1,2})", text, re.ASCII)
    if match is None:
        raise OptionError(f"python_version is {text or repr(text)}; it must be a version like 3.8.")
    return 3, int(match.group(1))


def _line(reports: t.Sequence[Report], counts: t.Mapping[str, int]) -> str:
    packs = reports[0].name if len(reports) == 1 else f"{len(reports)} packs"
    told = [f"{counts[level]} {word}{'' if counts[level] == 1 else 's'}" for level, word in _WORDS if counts[level]]
    if not told:
        return f"{packs}: nothing found"
    worst = next(level for level in LEVELS if counts[level])
    report, first = next((one, finding) for one in reports for finding in one.findings if finding.level == worst)
    place = f"{report.path_of(first)}:{first.line}" if first.line else report.path_of(first)
    more = ", the first:" if sum(counts.values()) > 1 else ":"
    return f"{packs}: {', '.join(told)}{more} {place}: {first.rule}: {first.message}"


_WORDS = (("error", "error"), ("warning", "warning"), ("info", "hint"))
