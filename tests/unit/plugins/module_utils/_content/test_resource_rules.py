# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What StackStorm refuses of the metadata of resources, and what it drops."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.resource_rules import (
    dropped_keys,
    further_refusals,
    missing_keys,
    refusals,
)

RULE = {"name": "a", "trigger": {"type": "core.st2.webhook"}, "action": {"ref": "core.noop"}}
ALIAS = {"name": "a", "action_ref": "core.noop", "formats": ["a", {"display": "b", "representation": ["c"]}]}
GOOD = {
    "actions": {
        "name": "a",
        "runner_type": "noop",
        "description": None,
        "parameters": None,
        "enabled": None,
        "tags": [],
    },
    "sensors": {"class_name": "A", "entry_point": "a.py", "poll_interval": 5, "trigger_types": [{"name": "b"}]},
    "rules": {**RULE, "criteria": {"trigger.a": {"type": "eq", "pattern": False}}, "tags": [], "context": {}},
    "aliases": {**ALIAS, "ack": {"enabled": False}, "result": {}, "extra": {}},
    "policies": {
        "name": "a",
        "resource_ref": "b.c",
        "policy_type": "action.retry",
        "parameters": {"retry_on": "failure"},
    },
    "triggers": {"name": "a", "payload_schema": {}, "parameters_schema": None, "other": 1},
}


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_right(kind):
    resource = dict(GOOD[kind], pack="demo")
    assert refusals(kind, resource, "demo") == []
    assert list(further_refusals(kind, resource)) == []
    assert missing_keys(kind, resource) == []


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_missing(kind):
    for key in missing_keys(kind, {}):
        found = refusals(kind, {name: value for name, value in GOOD[kind].items() if name != key}, "demo")
        assert found == [((key,), f"{key} is missing")]
        assert (((key,), f"{key} is not a string")) in refusals(kind, {**GOOD[kind], key: 5}, "demo")
    assert refusals(kind, {**GOOD[kind], "pack": "other"}, "demo") == [
        (("pack",), "it says that it belongs to the pack other")
    ]


@pytest.mark.parametrize(
    ("kind", "change", "path", "clause"),
    [
        ("actions", {"parameter": {}}, ("parameter",), "the key parameter is not accepted by StackStorm there"),
        ("actions", {"enabled": "yes"}, ("enabled",), "enabled is not true or false"),
        ("actions", {"notify": []}, ("notify",), "notify is not a mapping"),
        ("actions", {"tags": {}}, ("tags",), "tags is not a list"),
        ("actions", {"description": 5}, ("description",), "description is not a string"),
        ("aliases", {"formats": "a"}, ("formats",), "formats is not a list"),
        (
            "aliases",
            {"formats": [None]},
            ("formats", 0),
            "a format is neither a string nor a mapping with display and representation",
        ),
        (
            "aliases",
            {"formats": [{"representation": "a"}]},
            ("formats", 0),
            "the representation of a format is not a list of strings",
        ),
        ("aliases", {"formats": [{"display": 1}]}, ("formats", 0), "the display of a format is not a string"),
        (
            "rules",
            {"action": {"ref": "a.b", "params": {}}},
            ("action", "params"),
            "the key action.params is not accepted by StackStorm there",
        ),
        (
            "rules",
            {"trigger": {"type": "a", "parameters": []}},
            ("trigger", "parameters"),
            "trigger.parameters is not a mapping",
        ),
        ("rules", {"criteria": {"a": 1}}, ("criteria", "a"), "the criterion a is not a mapping with type and pattern"),
        ("rules", {"criteria": {"a": {}}}, ("criteria", "a"), "the criterion a has no type"),
        (
            "rules",
            {"criteria": {"a": {"type": []}}},
            ("criteria", "a", "type"),
            "the criterion a has a type that StackStorm does not know",
        ),
        ("rules", {"criteria": {"a": {"type": "eq"}}}, ("criteria", "a"), "the criterion a has no pattern"),
        ("triggers", {"payload_schema": []}, ("payload_schema",), "payload_schema is not a mapping"),
        ("sensors", {"poll_interval": 4}, ("poll_interval",), "poll_interval is less than 5 seconds"),
        ("sensors", {"poll_interval": "10"}, ("poll_interval",), "poll_interval is not a number"),
        ("sensors", {"trigger_types": {}}, ("trigger_types",), "trigger_types is not a list"),
        ("sensors", {"trigger_types": [1]}, ("trigger_types", 0), "an item of trigger_types is not a mapping"),
        ("sensors", {"trigger_types": [{}]}, ("trigger_types", 0), "an item of trigger_types has no name"),
        (
            "sensors",
            {"trigger_types": [{"name": "a", "payload_schema": 1}]},
            ("trigger_types", 0, "payload_schema"),
            "trigger_types[0].payload_schema is not a mapping",
        ),
    ],
)
def test_what_is_wrong(kind, change, path, clause):
    assert list(further_refusals(kind, {**GOOD[kind], **change})) == [(path, clause)]


def test_an_alias_needs_formats():
    alias = {key: value for key, value in ALIAS.items() if key != "formats"}
    assert list(further_refusals("aliases", alias)) == [((), "formats is missing")]


def test_what_is_dropped():
    assert list(dropped_keys("triggers", GOOD["triggers"])) == [("other",)]
    sensor = {**GOOD["sensors"], "colour": 1, "trigger_types": [{"name": "a", "payload": {}}]}
    assert list(dropped_keys("sensors", sensor)) == [("colour",), ("trigger_types", 0, "payload")]
    assert list(dropped_keys("actions", {"colour": 1})) == []
