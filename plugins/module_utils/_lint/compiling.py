# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Python files compiled by an interpreter of its own, in one process for all of them, and never imported."""

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

_SECONDS = 60.0
_MOST_MEMORY = 1 << 30
_MOST_STOPS = 3
# Newer than any: nothing is too new.
_NO_FLOOR = (99, 0)


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


def compile_files(
    python: str,
    paths: t.Sequence[str],
    *,
    scratch: str,
    floor: t.Tuple[int, int] = _NO_FLOOR,
    deadline: t.Optional[Deadline] = None,
) -> t.List[Compiled]:
    """What came of files, in their order. Those after the third that Python does not come back from are left out.

    No code of the files or of the interpreter's C(site-packages) is run.

    :arg floor: The oldest Python that they are to run on; by default, they are only compiled.
    :arg deadline: Of all together; each of the few processes has a minute at most.
    :raises DeadlineError: when the deadline passes.
    :raises St2Error: when the interpreter cannot be started, or does not know what to do.
    """
    results: t.List[Compiled] = []
    stops = 0
    while len(results) < len(paths) and stops < _MOST_STOPS:
        answers, problem = _run(python, paths[len(results) :], scratch, floor, deadline)
        done = [answer for answer in answers if "begin" not in answer]
        results += map(_result, done)
        begun = len(answers) - len(done)
        if not begun:
            raise St2Error(f"Python files cannot be compiled by {python}: {problem}.")
        if begun > len(done):
            results.append(Compiled(f"Python does not finish with it ({problem})"))
            stops += 1
    return results


def _run(
    python: str, paths: t.Sequence[str], scratch: str, floor: t.Tuple[int, int], deadline: t.Optional[Deadline]
) -> t.Tuple[t.List[t.Dict[str, t.Any]], str]:
    """The answers that the program gave, and how it ended."""
    task, answers = (os.path.join(scratch, name) for name in ("compile.json", "compiled.json"))
    with open(task, "w", encoding="utf-8") as stream:
        json.dump({"files": list(paths), "floor": list(floor)}, stream)
    if os.path.exists(answers):
        os.unlink(answers)
    argv = [python, "-I", "-S", "-B", write_program(python_child, scratch), task, answers]
    own = Deadline(min(_SECONDS, deadline.remaining()) if deadline else _SECONDS)
    try:
        completed = run(argv, deadline=own, environment={}, cwd=scratch, check=False, most_memory=_MOST_MEMORY)
        problem = f"exit status {completed.returncode} {last_lines(completed.stderr, 200)}".rstrip(" .")
    except DeadlineError as error:
        if deadline:
            deadline.check(f"{python} was compiling Python files")
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
