# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a pack says is to be ignored, and why."""

from __future__ import annotations

import fnmatch
import itertools
import re
import typing as t
from dataclasses import dataclass, field

from .._printable import printable
from .finding import Finding
from .pack import MOST_TEXT, Pack
from .rule import Rule

IGNORE_FILE = ".st2-lint.yml"
FILE = Rule("ignore-file", "error", "The ignore file can be read.", IGNORE_FILE)
REASON = Rule("ignore-reason", "error", "Every ignored finding has a reason.", IGNORE_FILE)
UNKNOWN = Rule("ignore-unknown", "warning", "Ignored rules exist.", IGNORE_FILE)
UNUSED = Rule("ignore-unused", "warning", "All ignored findings still exist.", IGNORE_FILE)
RULES = (FILE, REASON, UNKNOWN, UNUSED)
_COMMENT = re.compile(r"#\s*st2-lint:\s*ignore\[([^\]\n]{1,500})\]")
_MARK = b"st2-lint:"
_KEYS = ("rule", "path", "reason")
_MOST_ENTRIES = 2000
_MOST_COMMENTS = 500


@dataclass
class Ignore:
    """One thing to ignore.

    :arg rule: The id of a rule.
    :arg path: Pattern of paths in the pack.
    :arg lines: The lines of the file that it is about, empty for all.
    :arg file: Where it is said, with C(line).
    """

    rule: str
    path: str
    reason: str
    file: str
    line: t.Optional[int]
    lines: t.Tuple[int, ...] = ()
    used: bool = field(default=False, compare=False)

    def covers(self, finding: Finding) -> bool:
        """Whether it is about a finding."""
        if self.rule != finding.rule or (self.lines and finding.line not in self.lines):
            return False
        return self.path == finding.file or (not self.lines and fnmatch.fnmatchcase(finding.file, self.path))


def read_ignores(pack: Pack, name: str = IGNORE_FILE) -> t.Tuple[t.List[Ignore], t.List[Finding]]:
    """What a pack says is to be ignored, and what is wrong with how it says so.

    :arg name: The file, a path inside of the pack.
    """
    ignores: t.List[Ignore] = []
    findings: t.List[Finding] = []
    if pack.has(name):
        _read_file(pack, name, ignores, findings)
    for path in pack.files:
        content = pack.content(path, MOST_TEXT)
        if content and _MARK in content and b"\0" not in content and path != name:
            ignores.extend(_comments(printable(path), content.decode("utf-8", "replace")))
    return ignores, findings


def _read_file(pack: Pack, name: str, ignores: t.List[Ignore], findings: t.List[Finding]) -> None:
    file = pack.yaml(name)
    if file.error:
        problem, line, column = file.problem
        findings.append(FILE.at(file.shown, problem, line, column))
        return
    document = file.document
    entries = document.get("ignore") if isinstance(document, dict) else None
    if not isinstance(entries, list) or set(document) != {"ignore"}:
        findings.append(FILE.at(file.shown, "must be a mapping with one key, ignore, which is a list", 1))
        return
    for number, entry in enumerate(entries[:_MOST_ENTRIES]):
        path = ("ignore", number)
        line, column = file.position(path)
        if not isinstance(entry, dict) or not isinstance(entry.get("rule"), str) or set(entry) - set(_KEYS):
            text = f"an entry must be a mapping with {', '.join(_KEYS)}"
            findings.append(FILE.at(file.shown, text, line, column))
        elif not isinstance(entry.get("reason"), str) or not entry["reason"].strip():
            text = f"it does not say why {printable(entry['rule'][:60])} is to be ignored"
            findings.append(REASON.at(file.shown, text, line, column))
        else:
            pattern = str(entry.get("path") or "*")
            ignores.append(Ignore(entry["rule"], pattern, entry["reason"].strip(), file.shown, line))


def _comments(path: str, text: str) -> t.Iterator[Ignore]:
    lines = text.splitlines()
    # A comment of its own is about the next line that is none.
    following = len(lines) + 1
    found: t.List[Ignore] = []
    for number in range(len(lines), 0, -1):
        line = lines[number - 1]
        match = _COMMENT.search(line)
        if match is not None:
            about = (number,) if line[: match.start()].strip() else (number, following)
            reason = line[match.end() :].strip(" -:")
            found.extend(Ignore(rule.strip(), path, reason, path, number, about) for rule in match.group(1).split(","))
        if not line.lstrip().startswith("#"):
            following = number
    return itertools.islice(reversed(found), _MOST_COMMENTS)


def divide(
    findings: t.Iterable[Finding], ignores: t.Sequence[Ignore]
) -> t.Tuple[t.List[Finding], t.List[t.Tuple[Finding, Ignore]]]:
    """The findings that stay, and those that are ignored with what says so."""
    stay: t.List[Finding] = []
    ignored: t.List[t.Tuple[Finding, Ignore]] = []
    for finding in findings:
        found = [ignore for ignore in ignores if ignore.covers(finding)]
        for ignore in found:
            ignore.used = True
        if found:
            ignored.append((finding, found[0]))
        else:
            stay.append(finding)
    return stay, ignored


def useless(ignores: t.Iterable[Ignore], known: t.Container[str], asked: t.Container[str]) -> t.Iterator[Finding]:
    """What is to be ignored and is no rule, or was not found.

    :arg known: All rules.
    :arg asked: Those of this run: of others nobody knows whether they find anything.
    """
    for ignore in ignores:
        shown = printable(ignore.rule[:60])
        if ignore.rule not in known:
            yield UNKNOWN.at(ignore.file, f"there is no rule {shown} to ignore", ignore.line)
        elif not ignore.used and ignore.rule in asked:
            where = "" if ignore.lines else f" in {printable(ignore.path[:100])}"
            yield UNUSED.at(ignore.file, f"{shown} is to be ignored{where}, but was not found", ignore.line)
