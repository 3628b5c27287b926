# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What came of everything, as files that are published: for those who pushed, for people, and for programs."""

from __future__ import annotations

import json
import os
import typing as t

from .._errors import ApplyError
from .._file_changes import low_space, write_atomically
from .._files import read_regular_file
from .._index.build import Built
from .._index.inspection import Findings, Refused
from .._lint.inspection import sentence
from .problem import Problem
from .settings import Settings

_TEXT = "status.txt"
_JSON = "status.json"
_LARGEST = 16 << 20
_MOST_SHOWN = 200


class Report(t.NamedTuple):
    """What came of a run.

    :arg command: C(update) or C(build).
    :arg serial: Of the index.
    :arg changed: Whether the index or the page is another one than before.
    :arg files: How many package files are served.
    """

    command: str
    started: int
    finished: int
    serial: int
    packs: int
    changed: bool
    files: int
    problems: t.Tuple[Problem, ...]

    @property
    def serious(self) -> t.List[Problem]:
        """Problems that somebody has to do something about."""
        return [problem for problem in self.problems if not problem.is_notice]


def write_status(settings: Settings, report: Report, built: Built) -> None:
    """Write the files; those that would be what they are stay untouched, but for the one that tells times.

    :raises ApplyError: when one cannot be written.
    """
    files = {f"{ref}.txt": hosted_text(settings, ref, built) for ref in settings.hosted}
    files[_TEXT] = report_text(report)
    files[_JSON] = json.dumps(_document(report), indent=2, sort_keys=True) + "\n"
    directory = settings.status_dir
    try:
        os.makedirs(directory, exist_ok=True)
        for name, text in files.items():
            path, content = os.path.join(directory, name), text.encode("utf-8", "replace")
            if _content(path) != content:
                write_atomically(path, content)
        for name in os.listdir(directory):
            if name.endswith(".txt") and name not in files:
                os.unlink(os.path.join(directory, name))
    except OSError as error:
        raise ApplyError(
            f"The status cannot be written in {directory}: {error.strerror}.{low_space(settings.root)}"
        ) from error


def read_status(settings: Settings) -> t.Optional[str]:
    """What the last run came to, for people; C(None) before the first one."""
    content = _content(os.path.join(settings.status_dir, _TEXT))
    return None if content is None else content.decode("utf-8", "replace")


def hosted_text(settings: Settings, ref: str, built: Built) -> str:
    """What came of what was pushed for a pack."""
    lines: t.List[str] = []
    entry = built.entries.get(ref)
    if entry:
        commit = str(entry.get("commit") or "")[:7]
        lines.append(f"{ref} {entry['version']}{f' ({commit})' if commit else ''} is listed.")
        lines += _listed([one for one in built.findings.get(ref, ()) if one["level"] != "error"])
    refused = [one for one in built.refused if one.ref == ref]
    for one in refused:
        lines += _refused(ref, one)
    said = {one.reason for one in refused}
    lines += [one.reason for one in built.skipped if one.ref == ref and one.reason not in said]
    if not lines:
        lines.append(f"Nothing was pushed for {ref} yet. Push a commit and a tag such as v1.0.0.")
    return "\n".join([*lines, ""])


def _refused(ref: str, refused: Refused) -> t.Iterator[str]:
    errors = [one for one in refused.findings if one["level"] == "error"]
    told = ", because of these errors:" if errors else f": {refused.reason.rstrip('.')}."
    yield f"{ref} {refused.version} ({refused.commit[:7]}) is not listed{told}"
    yield from _listed(errors)


def _listed(findings: Findings) -> t.Iterator[str]:
    for one in findings[:_MOST_SHOWN]:
        yield f"  {one['level']}: {sentence(one)}"
    if len(findings) > _MOST_SHOWN:
        yield f"  and {len(findings) - _MOST_SHOWN} more"


def report_text(report: Report) -> str:
    """The state of everything, without times, so that it changes when something does."""
    packs = f"{report.packs} {'pack is' if report.packs == 1 else 'packs are'} listed, serial {report.serial}."
    lines = [packs]
    serious = report.serious
    lines.append(f"{len(serious)} {'problem' if len(serious) == 1 else 'problems'}{':' if serious else '.'}")
    lines += [f"- {problem.message}" for problem in serious]
    notices = [problem for problem in report.problems if problem.is_notice]
    lines += ["Notices:", *(f"- {problem.message}" for problem in notices)] if notices else []
    return "\n".join([*lines, ""])


def _document(report: Report) -> t.Dict[str, t.Any]:
    return {
        **report._asdict(),
        "problems": [{**problem._asdict(), "notice": problem.is_notice} for problem in report.problems],
        "healthy": not report.serious,
    }


def _content(path: str) -> t.Optional[bytes]:
    try:
        return read_regular_file(path, _LARGEST, follow=False)
    except OSError:
        return None
