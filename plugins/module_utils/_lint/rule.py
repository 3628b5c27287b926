# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a rule is."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._content.yaml_lines import Path
from .._printable import printable
from .finding import Finding
from .pack import YamlFile

_LONGEST = 600


@dataclass(frozen=True)
class Rule:
    """One rule.

    :arg id: Words with dashes.
    :arg level: One of C(finding.LEVELS).
    :arg text: What it demands, one line.
    :arg source: What in StackStorm or the Exchange it follows.
    """

    id: str
    level: str
    text: str
    source: str

    def at(self, file: str, message: str, line: t.Optional[int] = None, column: t.Optional[int] = None) -> Finding:
        """A finding of this rule."""
        message = printable(message if len(message) <= _LONGEST else f"{message[:_LONGEST]}...")
        return Finding(self.id, self.level, file, line, column if line else None, message)

    def of(self, file: YamlFile, path: Path, message: str) -> Finding:
        """A finding about a part of a YAML file."""
        line, column = file.position(path)
        return self.at(file.shown, message, line, column)
