# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is wrong with a file of a pack, and where in it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class FileProblem:
    """One thing that is wrong, from which every message about it is made.

    :arg file: The path inside of the pack, as it can be shown.
    :arg subject: What is wrong: a key, an entry, a path.
    :arg clause: What is wrong with it, to follow the subject.
    :arg line: Counted from 1, C(None) for the file as a whole.
    :arg kind: The sort of problem, where one reader finds several: C(refused), C(unsafe), ...
    """

    file: str
    subject: str
    clause: str
    line: t.Optional[int] = None
    kind: str = ""

    @property
    def message(self) -> str:
        """What is wrong, without the place."""
        return f"{self.subject} {self.clause}" if self.subject else self.clause

    @property
    def with_line(self) -> str:
        """What is wrong, with the line, for one message about one file."""
        where = f" (line {self.line})" if self.line else ""
        return f"{self.subject}{where} {self.clause}" if self.subject else self.clause

    @property
    def with_place(self) -> str:
        """What is wrong, with file and line, for one message about several files."""
        where = f"{self.file}, line {self.line}," if self.line else self.file
        return f"{where} {self.message}"
