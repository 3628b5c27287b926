# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the rules of st2_pack_lint in its guide: made of the rules, and written there when run as a program."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_lint.rst"
_BEGIN, _END = ".. rules begin here\n", ".. rules end here\n"


def with_table(text: str) -> str:
    """Return the text of the guide with the table as it is to be."""
    head, rest = text.split(_BEGIN)
    _old, tail = rest.split(_END)
    return f"{head}{_BEGIN}\n{_table()}\n{_END}{tail}"


def _table() -> str:
    from ansible_collections.stackstorm.st2.plugins.module_utils._lint.catalogue import RULES
    from ansible_collections.stackstorm.st2.plugins.module_utils._lint.finding import LEVELS

    lines = [
        ".. csv-table::",
        "   :header: Rule, Level, Requirement, Source",
        "   :widths: 20 10 40 30",
        "   :escape: \\",
        "",
    ]
    for rule in sorted(RULES, key=lambda one: (LEVELS.index(one.level), one.id)):
        cells = (f"``{rule.id}``", rule.level, _escaped(rule.text), _escaped(rule.source))
        lines.append("   " + ", ".join(f'"{cell}"' for cell in cells))
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    for character in '*_`|"':
        # The table takes one backslash away, the text the other.
        text = text.replace(character, f"\\\\{character}")
    return text


def main() -> None:
    """Write the table."""
    sys.path.insert(0, str(ROOT / ".cache" / "link"))
    GUIDE.write_text(with_table(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
