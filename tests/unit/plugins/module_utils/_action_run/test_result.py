# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results held against what is expected, and results that are too long."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._action_run.result import (
    differences,
    first_differences,
    shortened,
)

FOUND = {"result": {"name": "a", "ips": ["1", "2"], "up": True}, "exit_code": 0, "stderr": ""}


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {"exit_code": 0},
        {"result": {"ips": ["1", "2"]}},
        {"result": {"up": True, "name": "a"}, "stderr": ""},
        FOUND,
    ],
)
def test_what_is_as_expected(expected):
    assert differences(expected, FOUND) == []


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"exit_code": 1}, 'result.exit_code is "0" instead of "1"'),
        ({"exit_code": "0"}, 'result.exit_code is "0" of another type (int) instead of "0"'),
        ({"exit_code": False}, 'result.exit_code is "0" instead of "false"'),
        ({"result": {"ips": ["1"]}}, 'result.result.ips is "["1", "2"]" instead of "["1"]"'),
        ({"result": {"up": 1}}, 'result.result.up is "true" instead of "1"'),
        ({"result": {"missing": None}}, "result.result.missing is missing"),
        ("text", "result is "),
        ([], "result is "),
    ],
)
def test_what_is_not_is_told_with_its_place(expected, said):
    (clause,) = differences(expected, FOUND)
    assert clause.startswith(said)


def test_dictionaries_in_lists_have_to_be_equal():
    assert differences([{"a": 1}], [{"a": 1}]) == [] and differences([{"a": 1}], [{"a": 1, "b": 2}])


def test_only_the_first_differences_are_told():
    clauses = differences({str(number): number for number in range(9)}, {})
    assert first_differences(clauses).endswith("result.4 is missing; and 4 more")
    assert len(differences("x" * 5000, "y" * 5000)[0]) < 400


@pytest.mark.parametrize(
    "value",
    [
        {"stdout": "x" * 10**6, "result": {"a": 1}},
        {"result": list(range(10**5))},
        {"result": [{"name": "n" * 50, "text": "t" * 500}] * 1000},
        {str(number): None for number in range(20000)},
        {"result": [["y" * 300] * 10] * 100},
    ],
)
def test_long_results_are_shortened(value):
    short = shortened(value, 20000)
    assert 5000 < len(json.dumps(short)) < 22000
    assert value.get("result") != {"a": 1} or short["result"] == {"a": 1}, "what is short stays"


def test_short_results_stay():
    assert shortened(FOUND) == FOUND and shortened({}) == {} and shortened({"a": "x" * 1000}) == {"a": "x" * 1000}
