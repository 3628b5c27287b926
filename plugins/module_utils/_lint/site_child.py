# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Runs a rule of a site that is a Python file: a program of its own, for any Python from 3.7 on.

Its arguments are the file of the rule, a file of JSON about the pack, and a file for the answers: a line of JSON for
each finding, and one with C(done) at the end.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
import typing as t


class Pack:
    """What a rule gets.

    * ``path``: the directory of the pack.
    * ``ref``: its ref, None where there is none.
    * ``metadata``: the content of its pack.yaml, empty where that cannot be read.
    * ``files``: the paths of its files, inside of it.
    """

    def __init__(self, path: str, ref: t.Optional[str], metadata: t.Dict[str, t.Any], files: t.List[str]) -> None:
        self.path = path
        self.ref = ref
        self.metadata = metadata
        self.files = files

    def read(self, path: str) -> str:
        """Return the text of a file of the pack."""
        with open(os.path.join(self.path, path), encoding="utf-8", errors="replace") as stream:
            return stream.read()


def as_finding(answer: t.Any) -> t.Dict[str, t.Any]:
    """Return what a rule gave, a mapping or (file, line, message), as a mapping."""
    if isinstance(answer, dict):
        return answer
    file, line, message = answer
    return {"file": file, "line": line, "message": message}


def main() -> None:
    """Run the rule."""
    with open(sys.argv[2], encoding="utf-8") as stream:
        about = json.load(stream)
    with open(sys.argv[3], "w", encoding="utf-8") as answers:
        try:
            names = runpy.run_path(sys.argv[1])
            if not callable(names.get("check")):
                raise TypeError("it has no function check(pack)")
            for answer in names["check"](Pack(**about)) or ():
                answers.write(json.dumps(as_finding(answer)) + "\n")
        except Exception as error:
            traceback.print_exc()
            answers.write(json.dumps({"failed": f"{type(error).__name__}: {error}"}) + "\n")
        else:
            answers.write(json.dumps({"done": True}) + "\n")


if __name__ == "__main__":
    main()
