# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The Python files of a pack, compiled aside and never imported."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass

from .._deadline import Deadline
from .._errors import DeadlineError, St2Error
from .._process import last_lines, run
from . import python_child
from .child_program import write_program
from .pack import Pack

_SECONDS = 60.0
_MOST_BYTES = 1 << 20
_MOST_MEMORY = 1 << 30
_MOST_STOPS = 3


@dataclass(frozen=True)
class Compiled:
    """What came of a file.

    :arg error: Why it does not compile; empty when it does.
    :arg newer: What in it the oldest Python does not know.
    :arg names: What its top level may have; C(None) when that is not known.
    :arg version: Of the Python that compiled it.
    """

    error: str = ""
    newer: str = ""
    line: t.Optional[int] = None
    column: t.Optional[int] = None
    names: t.Optional[t.FrozenSet[str]] = None
    version: str = ""


def compilable(pack: Pack) -> t.List[str]:
    """The Python files of a pack, but for those that are too large for code that somebody wrote."""
    return [path for path in pack.below("", ".py") if _is_small(os.path.join(pack.directory, path))]


def _is_small(path: str) -> bool:
    try:
        return os.path.getsize(path) <= _MOST_BYTES
    except OSError:
        return False


def names_of(pack: Pack, path: str) -> t.Optional[t.FrozenSet[str]]:
    """What the top level of a file may have; C(None) when that is not known."""
    for results in compiled(pack).values():
        if path in results:
            return results[path].names
    return None


def compiled(pack: Pack) -> t.Mapping[str, t.Mapping[str, Compiled]]:
    """What came of all files, by path, for each interpreter.

    :raises St2Error: when an interpreter cannot be started, or does not know what to do.
    """
    if "compiled" not in pack.kept:
        files = compilable(pack)
        pack.kept["compiled"] = {python: _compile(pack, python, files) for python in pack.against.pythons}
    found: t.Mapping[str, t.Mapping[str, Compiled]] = pack.kept["compiled"]
    return found


def _compile(pack: Pack, python: str, files: t.List[str]) -> t.Dict[str, Compiled]:
    results: t.Dict[str, Compiled] = {}
    stops = 0
    while files and stops < _MOST_STOPS:
        answers, problem = _run(pack, python, files)
        done = [answer for answer in answers if "begin" not in answer]
        results.update(zip(files, map(_result, done)))
        begun = len(answers) - len(done)
        if not begun:
            raise St2Error(f"Python files cannot be compiled by {python}: {problem}.")
        if begun > len(done):
            results[files[len(done)]] = Compiled(f"Python does not finish with it ({problem})")
            stops += 1
        files = files[begun:]
    return results


def _run(pack: Pack, python: str, files: t.Sequence[str]) -> t.Tuple[t.List[t.Dict[str, t.Any]], str]:
    """The answers that the program gave, and how it ended."""
    task, answers = (os.path.join(pack.scratch, name) for name in ("compile.json", "compiled.json"))
    with open(task, "w", encoding="utf-8") as stream:
        paths = [os.path.join(pack.directory, path) for path in files]
        json.dump({"files": paths, "floor": list(pack.against.floor)}, stream)
    if os.path.exists(answers):
        os.unlink(answers)
    argv = [python, "-I", "-B", write_program(python_child, pack.scratch), task, answers]
    try:
        completed = run(
            argv, deadline=Deadline(_SECONDS), environment={}, cwd=pack.scratch, check=False, most_memory=_MOST_MEMORY
        )
        problem = f"exit status {completed.returncode} {last_lines(completed.stderr, 200)}".rstrip(" .")
    except DeadlineError as error:
        problem = error.message.rstrip(".")
    try:
        with open(answers, encoding="utf-8") as stream:
            # The last line may be only begun.
            return [json.loads(line) for line in stream if line.endswith("}\n")], problem
    except OSError:
        return [], problem


def _result(answer: t.Mapping[str, t.Any]) -> Compiled:
    names = answer.get("names")
    return Compiled(
        answer.get("error") or "",
        answer.get("newer") or "",
        answer.get("line") or None,
        answer.get("column") or None,
        None if names is None else frozenset(names),
        answer.get("version") or "",
    )
