# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide lists the rules as they are."""

from __future__ import annotations

from toolchain.lint_rules import GUIDE, with_table


def test_the_guide_lists_the_rules():
    text = GUIDE.read_text(encoding="utf-8")
    assert text == with_table(text), "run tests/toolchain/lint_rules.py"
