# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the database is known to have."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.known import WORDS, KnownConfig, overall


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ([], "unknown"),
        (["current", "current"], "current"),
        (["absent", "absent"], "absent"),
        (["current", "absent"], "current"),
        (["current", "unknown", "absent"], "unknown"),
        (["current", "stale", "unknown"], "stale"),
    ],
)
def test_one_word_for_several(states, word):
    assert overall(states) == word and word in WORDS


def test_the_values_of_a_config_are_not_shown():
    assert "hunter2" not in repr(KnownConfig("api", True, {"password": "hunter2"}))
