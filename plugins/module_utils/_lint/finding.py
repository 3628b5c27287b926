# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a rule finds. Data only."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

LEVELS = ("error", "warning", "info")
"""From the worst on. An error is what StackStorm or st2_pack refuses, or what cannot run; a warning what the Exchange's
checks or users would complain of; info is a hint."""


@dataclass(frozen=True)
class Finding:
    """One finding.

    :arg rule: The id of the rule.
    :arg level: One of L(LEVELS).
    :arg file: The path inside of the pack; V(.) for the pack as a whole.
    :arg line: Counted from 1, C(None) for the file as a whole; likewise C(column).
    :arg message: What is wrong, one line.
    :arg pack: The directory of the pack.
    """

    rule: str
    level: str
    file: str
    line: t.Optional[int]
    column: t.Optional[int]
    message: str
    pack: str = ""

    @property
    def place(self) -> t.Tuple[str, str, int, int, str, str]:
        """What findings are sorted by."""
        return (self.pack, self.file, self.line or 0, self.column or 0, self.rule, self.message)

    def as_dict(self) -> t.Dict[str, t.Any]:
        """The finding as the module returns it."""
        return {
            "rule": self.rule,
            "level": self.level,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "pack": self.pack,
        }


def count(findings: t.Iterable[Finding]) -> t.Dict[str, int]:
    """How many findings there are of each level."""
    counts = dict.fromkeys(LEVELS, 0)
    for finding in findings:
        counts[finding.level] += 1
    return counts
