# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What StackStorm makes of schemas and values before it compares them."""

from __future__ import annotations

import datetime
import math

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._config.defaults import (
    StackStormCrash,
    as_json,
    effective_schema,
    with_defaults,
)


def effective(item):
    return effective_schema({"key": item})["properties"]["key"]


@pytest.mark.parametrize(
    "item, kind",
    [
        ({"type": "string"}, ["string", "null"]),
        ({"type": "string", "default": None, "required": True}, ["string", "null"]),
        ({"type": "string", "required": True}, "string"),
        ({"type": "string", "default": "x"}, "string"),
        ({"default": None}, ["string", "null"]),
        ({"enum": [1]}, ["string", "null"]),
    ],
)
def test_null_is_allowed_where_nothing_is_needed(item, kind):
    assert effective(item)["type"] == kind


def test_alternatives_get_a_null_and_an_empty_schema_is_any_type():
    assert effective({"anyOf": [{"type": "integer"}]})["anyOf"][-1] == {"type": "null"}
    assert {"type": "null"} in effective({})["anyOf"] and len(effective({})["anyOf"]) == 7


def test_it_goes_into_objects_and_the_objects_of_arrays():
    nested = effective({"type": "object", "properties": {"a": {"type": "array", "items": {"properties": {"b": {}}}}}})
    assert nested["properties"]["a"]["items"]["properties"]["b"]["type"] == ["string", "null"]


def test_the_schema_that_was_given_stays_as_it_was():
    item = {"type": "object", "properties": {"a": {"type": "string"}}}
    effective(item)
    assert item == {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "item, path", [({"type": "array", "items": [{}]}, ("key",)), ({"type": "null"}, ("key",))], ids=str
)
def test_what_makes_stackstorm_crash_is_told(item, path):
    with pytest.raises(StackStormCrash) as raised:
        effective(item)
    assert raised.value.path == path


def test_defaults_fill_what_is_absent_or_null_and_not_what_is_behind_patterns():
    schema = effective_schema(
        {
            "a": {"type": "integer", "default": 1},
            "b": {"type": "object", "properties": {"c": {"type": "string", "default": "x"}}},
            "d": {"type": "array", "items": {"type": "object", "properties": {"e": {"default": 2}}}},
            "f": {"type": "object", "patternProperties": {".": {"properties": {"g": {"default": 3}}}}},
        }
    )
    filled = with_defaults({"a": None, "b": {}, "d": [{}, {"e": None}], "f": {"x": {}}}, schema)
    assert filled == {"a": 1, "b": {"c": "x"}, "d": [{"e": 2}, {"e": 2}], "f": {"x": {}}}
    assert with_defaults({}, schema) == {"a": 1}


def test_values_go_by_way_of_json_where_that_can_hold_them():
    assert as_json({"a": datetime.date(2026, 1, 31), "b": math.nan, "c": [1.5]}) == {
        "a": "2026-01-31",
        "b": None,
        "c": [1.5],
    }
    kept = {1: datetime.date(2026, 1, 31)}
    assert as_json(kept) == kept and as_json(kept) is not kept
