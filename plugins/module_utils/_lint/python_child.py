# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Compiles Python files and imports none of them: a program of its own, for any Python from 3.7 on.

Its arguments are a file of JSON, with C(files) and C(floor), the oldest Python that they are to run on, and a file for
the answers: a line of JSON before each file, and one after it, so that it shows which one it did not come back from.
"""

from __future__ import annotations

import ast
import json
import sys
import typing as t
import warnings

_LEVELS = 4


def names(body: t.Sequence[t.Any], levels: int = _LEVELS) -> t.Iterator[str]:
    """The names that the top level of a file may have; C(*) for any."""
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id
        elif levels and isinstance(node, (ast.If, ast.Try, ast.With)):
            for part in ("body", "orelse", "finalbody", "handlers"):
                below = getattr(node, part, [])
                yield from names([one for each in below for one in getattr(each, "body", [each])], levels - 1)
                yield from names(below, levels - 1)


def compile_file(path: str, floor: t.Tuple[int, int]) -> t.Dict[str, t.Any]:
    """What is wrong with a file, else the names that it has."""
    with open(path, "rb") as stream:
        source = stream.read()
    try:
        tree = compile(source, path, "exec", ast.PyCF_ONLY_AST, True)
        compile(t.cast(ast.Module, tree), path, "exec", 0, True)
    except SyntaxError as error:
        return {"error": error.msg, "line": error.lineno, "column": error.offset}
    except (ValueError, MemoryError, RecursionError, OverflowError, LookupError) as error:
        return {"error": f"{type(error).__name__}: {error}", "line": None, "column": None}
    found: t.Dict[str, t.Any] = {"names": sorted(set(names(t.cast(ast.Module, tree).body)))}
    if sys.version_info[:2] > floor and sys.version_info >= (3, 8):
        try:
            ast.parse(source, path, feature_version=floor)
        except SyntaxError as error:
            found.update({"newer": error.msg, "line": error.lineno, "column": error.offset})
        except (ValueError, MemoryError, RecursionError):
            pass
    return found


def write_line(stream: t.TextIO, value: t.Dict[str, t.Any]) -> None:
    """Write a line of JSON, at once."""
    stream.write(json.dumps(value) + "\n")
    stream.flush()


def main() -> None:
    """Compile all files."""
    warnings.simplefilter("ignore")
    version = ".".join(map(str, sys.version_info[:2]))
    with open(sys.argv[1], encoding="utf-8") as stream:
        task = json.load(stream)
    with open(sys.argv[2], "w", encoding="utf-8") as answers:
        for number, path in enumerate(task["files"]):
            write_line(answers, {"begin": number})
            write_line(answers, dict(compile_file(path, tuple(task["floor"])), version=version))


if __name__ == "__main__":
    main()
