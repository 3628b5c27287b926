# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules of a site's own: commands, and Python files with a function C(check(pack)). They run as what they are."""

from __future__ import annotations

import json
import os
import re
import sys
import typing as t

from .._deadline import Deadline
from .._errors import DeadlineError, OptionError, St2Error
from .._printable import printable
from .._process import last_lines, run
from . import site_child
from .child_program import write_program
from .finding import LEVELS, Finding
from .rule import Rule

FAILED = Rule("site-rule", "error", "Custom rules finish, and only return findings.", "the option site_rules")
RULES = (FAILED,)
_LINE = re.compile(r"(?P<file>[^:\n]+):(?P<line>\d{1,9}):(?:(?P<column>\d{1,9}):)? *(?P<message>.+)\Z")
_RULE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}\Z")
_MOST_FINDINGS = 5000
_SHOWN = 200


class About(t.NamedTuple):
    """What rules get to see of a pack."""

    directory: str
    ref: t.Optional[str]
    metadata: t.Mapping[str, t.Any]
    files: t.Sequence[str]


class SiteRule(t.NamedTuple):
    """One file.

    :arg name: Of the file, without C(.py); the id of its findings is C(site-NAME), unless they say another.
    """

    name: str
    path: str

    @property
    def is_python(self) -> bool:
        """Whether it has a function C(check)."""
        return self.path.endswith(".py")


def find_site_rules(directory: t.Optional[str]) -> t.List[SiteRule]:
    """The rules in a directory: Python files, and others that can be executed. C(None) has none.

    :raises OptionError: when there is no such directory.
    """
    if directory is None:
        return []
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise OptionError(
            f"The directory of site_rules, {directory or repr(directory)}, cannot be read: {error.strerror}."
        ) from error
    found = []
    for name in names:
        path = os.path.join(directory, name)
        if name.startswith((".", "_")) or not os.path.isfile(path):
            continue
        if name.endswith(".py") or os.access(path, os.X_OK):
            found.append(SiteRule(re.sub(r"[^a-z0-9_.-]", "-", os.path.splitext(name)[0].lower()), path))
    return found


def run_site_rule(
    rule: SiteRule, about: About, *, seconds: float, environment: t.Mapping[str, str], scratch: str
) -> t.List[Finding]:
    """What a rule finds in a pack. One that fails, or takes too long, is a finding itself."""
    try:
        lines = _run(rule, about, seconds, environment, scratch)
        found = [_finding(rule, about, line) for line in lines[:_MOST_FINDINGS]]
    except (DeadlineError, _Failure) as error:
        reason = error.message if isinstance(error, St2Error) else str(error)
        return [FAILED.at(".", f"the rule {rule.path} failed: {printable(reason)}")]
    if len(lines) > _MOST_FINDINGS:
        found.append(FAILED.at(".", f"the rule {rule.path} returns more than {_MOST_FINDINGS} findings"))
    return found


class _Failure(Exception):
    """A rule that does not do what rules do."""


def _run(
    rule: SiteRule, about: About, seconds: float, environment: t.Mapping[str, str], scratch: str
) -> t.List[t.Union[str, t.Dict[str, t.Any]]]:
    deadline = Deadline(seconds)
    if not rule.is_python:
        argv = [rule.path, about.directory]
        try:
            done = run(argv, deadline=deadline, environment=environment, cwd=about.directory, check=False)
        except DeadlineError:
            raise
        except St2Error as error:
            raise _Failure(error.message) from error
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        # Linters end with 1 when they found something.
        if done.returncode not in (0, 1) or (done.returncode and not lines):
            raise _Failure(f"exit status {done.returncode} {last_lines(done.stderr, _SHOWN)}".strip())
        return list(lines)
    task, answers = (os.path.join(scratch, name) for name in ("site.json", "site-answers.json"))
    with open(task, "w", encoding="utf-8") as stream:
        metadata = json.loads(json.dumps(about.metadata, default=str, skipkeys=True))
        more = {"path": about.directory, "ref": about.ref, "metadata": metadata, "files": list(about.files)}
        json.dump(more, stream)
    with open(answers, "wb"):
        pass
    argv = [sys.executable, "-B", write_program(site_child, scratch), rule.path, task, answers]
    done = run(argv, deadline=deadline, environment=environment, cwd=about.directory, check=False)
    with open(answers, encoding="utf-8") as stream:
        found = [json.loads(line) for line in stream if line.endswith("}\n")]
    last = found.pop() if found else {}
    if "done" not in last:
        raise _Failure(str(last.get("failed") or f"exit status {done.returncode} {last_lines(done.stderr, _SHOWN)}"))
    return found


def _finding(rule: SiteRule, about: About, answer: t.Union[str, t.Dict[str, t.Any]]) -> Finding:
    if isinstance(answer, str):
        answer = _parsed(answer)
    name, level, message = (
        answer.get("rule") or f"site-{rule.name}",
        answer.get("level", "warning"),
        answer.get("message"),
    )
    if not isinstance(name, str) or not _RULE.match(name):
        raise _Failure(f"{name!r:.80} is not the name of a rule")
    if level not in LEVELS:
        raise _Failure(f"{level!r:.80} is no level; there are {', '.join(LEVELS)}")
    if not isinstance(message, str) or not message:
        raise _Failure("a finding has no message")
    line, column = answer.get("line"), answer.get("column")
    if not all(one is None or (isinstance(one, int) and not isinstance(one, bool)) for one in (line, column)):
        raise _Failure("a line or column is not a number")
    file = str(answer.get("file") or ".")
    if os.path.isabs(file):
        file = os.path.relpath(file, about.directory)
    own = Rule(name, level, f"A custom rule, {os.path.basename(rule.path)}.", rule.path)
    return own.at(printable(os.path.normpath(file)), printable(message), line or None, column or None)


def _parsed(line: str) -> t.Dict[str, t.Any]:
    if line.startswith("{"):
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
    match = _LINE.match(line)
    if match is None:
        raise _Failure(f"its output is not a finding: {line[:_SHOWN]}")
    column = match.group("column")
    return {
        "file": match.group("file"),
        "line": int(match.group("line")),
        "column": int(column) if column else None,
        "message": match.group("message"),
    }
