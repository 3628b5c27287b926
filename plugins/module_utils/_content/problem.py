# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is wrong with a config or a schema, told without any of its values."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .yaml_lines import Path, shown_path

MOST_SHOWN = 10


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    :arg path: Where in the config; empty for the whole of it.
    :arg rule: The keyword of the schema that is broken, such as C(required) or C(type); C(decrypt_kv) and C(crash) for
        what only StackStorm knows.
    :arg message: What must be, as a clause that follows the path. Never holds a value of the config.
    :arg schema_line: The line of the rule in C(config.schema.yaml), counted from 1.
    :arg config_line: The line in the file of the config, where the value came from one.
    """

    path: Path
    rule: str
    message: str
    schema_line: t.Optional[int] = None
    config_line: t.Optional[int] = None

    @property
    def key(self) -> str:
        """The path for people, such as C(hosts[0].name)."""
        return shown_path(self.path)

    def __str__(self) -> str:
        found = [
            f"{name} line {line}"
            for name, line in (("config", self.config_line), ("schema", self.schema_line))
            if line is not None
        ]
        places = ", ".join(found)
        return f"{self.key or 'the config'} {self.message}{f' ({places})' if places else ''}"

    def as_dict(self) -> t.Dict[str, t.Any]:
        """The problem as modules return it."""
        return {
            "key": self.key,
            "rule": self.rule,
            "msg": str(self),
            "schema_line": self.schema_line,
            "config_line": self.config_line,
        }


def sentence(problems: t.Sequence[Problem]) -> str:
    """The first few problems in one line, and how many more there are."""
    more = f"; and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
    return "; ".join(str(problem) for problem in problems[:MOST_SHOWN]) + more
