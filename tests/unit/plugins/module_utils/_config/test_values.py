# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values put together, compared and told apart."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._config.values import Changes, agrees, differences, merged


def test_mappings_go_together_and_anything_else_replaces():
    base = {"a": {"b": 1, "c": [1]}, "d": 1}
    assert merged(base, {"a": {"c": [2], "e": None}, "d": {"f": 1}}) == {
        "a": {"b": 1, "c": [2], "e": None},
        "d": {"f": 1},
    }
    assert base == {"a": {"b": 1, "c": [1]}, "d": 1}


@pytest.mark.parametrize(
    "database, wanted, agree",
    [
        ({"a": "********"}, {"a": "x"}, True),
        ({"a": "********"}, {"a": {"b": 1}}, True),
        ({"a": "********"}, {"a": None}, False),
        ("********", {"secret": "x", "b": 1}, True),
        ({"a": ["********", 1]}, {"a": ["x", 1]}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 5}, {"a": 5.0}, True),
        ({"a": "2026-01-31"}, {"a": datetime.date(2026, 1, 31)}, True),
        ({"a": "2026-01-30"}, {"a": datetime.date(2026, 1, 31)}, False),
        ({}, {"a": 1}, False),
        ({"a": 1, "b": 2}, {"a": 1}, False),
    ],
    ids=str,
)
def test_a_database_agrees_as_far_as_it_shows(database, wanted, agree):
    assert agrees(database, wanted) is agree


def test_differences_are_paths_in_the_order_of_the_configs():
    before = {"gone": 1, "a": {"b": 1, "c": {"d": 1}}, "l": [1], "same": 1}
    after = {"same": 1, "l": [1, 2], "a": {"b": 2, "c": {"d": 1, "e": 1}}, "new": {"x": 1}}
    found = differences(before, after)
    assert found == Changes(("a.c.e", "new"), ("gone",), ("a.b", "l"))
    assert found.all == ("a.c.e", "new", "gone", "a.b", "l")
    assert differences(before, after, lambda path: path == ("a",)).changed == ("a", "l")
