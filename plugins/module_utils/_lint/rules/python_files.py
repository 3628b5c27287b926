# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules about the Python files of a pack. They are compiled, never imported."""

from __future__ import annotations

import os
import typing as t

from ..._printable import printable
from ..compiling import Compiled
from ..finding import Finding
from ..pack import Pack
from ..python_files import compilable, compiled
from ..rule import Rule
from .repository import LIMIT

SYNTAX = Rule(
    "python-syntax",
    "error",
    "The Python files of actions and sensors compile.",
    "StackStorm Exchange, Makefile; it cannot run",
)
ELSEWHERE = Rule(
    "python-syntax-elsewhere", "warning", "All other Python files compile.", "StackStorm Exchange, Makefile"
)
NEWER = Rule(
    "python-too-new",
    "warning",
    "No file requires a later Python than the oldest one that StackStorm supports (the option python_version).",
    "StackStorm Exchange, its checks on several Pythons; StackStorm 3.9 runs on Python 3.8 and later",
)
UNTESTED = Rule(
    "action-untested", "info", "Every Python action has a test.", "StackStorm Exchange, Makefile, which only prints it"
)
RULES = (SYNTAX, ELSEWHERE, NEWER, UNTESTED)
_MOST_NAMED = 5


def check(pack: Pack) -> t.Iterator[Finding]:
    """Check all Python files."""
    yield from _untested(pack)
    if not pack.runs_on_python_3:
        return
    for python, results in compiled(pack).items():
        name = os.path.basename(python)
        left = sum(path not in results for path in compilable(pack))
        if left:
            yield LIMIT.at(
                ".", f"{left} Python files were not compiled by {name}, after those that it cannot cope with"
            )
        for path, result in sorted(results.items()):
            yield from _one(path, result, name, pack.against.floor)


def _one(path: str, result: Compiled, python: str, floor: t.Tuple[int, int]) -> t.Iterator[Finding]:
    shown = printable(path)
    if result.error:
        rule = SYNTAX if path.startswith(("actions/", "sensors/")) else ELSEWHERE
        text = f"does not compile by {python} {result.version}: {result.error}"
        yield rule.at(shown, printable(text), result.line, result.column)
    elif result.newer:
        text = f"is not for Python {floor[0]}.{floor[1]}: {result.newer}"
        yield NEWER.at(shown, printable(text), result.line, result.column)


def _untested(pack: Pack) -> t.Iterator[Finding]:
    tests = {path.rpartition("/")[2] for path in pack.below("tests", ".py")}
    untested, number = [], 0
    for file in pack.resources("actions"):
        document = file.document
        if not isinstance(document, dict) or document.get("runner_type") != "python-script":
            continue
        number += 1
        entry_point = str(document.get("entry_point") or "")
        stem = os.path.basename(entry_point)[: -len(".py")]
        if not {f"test_action_{document.get('name')}.py", f"test_action_{stem}.py"} & tests:
            untested.append(str(document.get("name")))
    if untested:
        more = f" and {len(untested) - _MOST_NAMED} more" if len(untested) > _MOST_NAMED else ""
        named = printable(", ".join(name[:60] for name in untested[:_MOST_NAMED]))
        text = f"{len(untested)} of {number} Python actions have no tests/test_action_NAME.py: {named}{more}"
        yield UNTESTED.at(".", text)
