# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which texts name a path above their pack."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._split.outside import names_path_above


@pytest.mark.parametrize(
    ("text", "depth", "found"),
    [
        (". ../../lib/common.sh", 1, True),
        (". ../../lib/common.sh", 2, False),
        ('open("../x")', 0, True),
        ("source=$HERE/../../x", 1, True),
        ("a../b", 0, False),
        (".../x", 0, False),
        ("no path .. at all", 0, False),
        ("", 0, False),
    ],
)
def test_paths(text, depth, found):
    assert names_path_above(text, depth) == found
