# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters of actions that StackStorm would refuse, and those that it would take."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._action_run.parameters import misfits, schemas_of

ACTION = {
    "parameters": {
        "name": {"type": "string", "required": True},
        "count": {"type": "integer", "default": 1},
        "share": {"type": "number"},
        "deep": {"type": "boolean"},
        "hosts": {"type": "array"},
        "options": {"type": "object"},
        "kind": {"type": "string", "enum": ["A", "AAAA"]},
        "timeout": {"default": 5},
        "fixed": {"immutable": True, "default": "x"},
        "anything": {},
        "must": {"required": True, "default": "there"},
    }
}
RUNNER = {"runner_parameters": {"timeout": {"type": "integer", "default": 600}, "env": {"type": "object"}}}
SCHEMAS = schemas_of(ACTION, RUNNER)


def test_an_action_changes_parameters_of_its_runner():
    assert SCHEMAS["timeout"] == {"type": "integer", "default": 5} and "env" in SCHEMAS
    assert schemas_of({}, {"runner_parameters": None}) == {}
    assert schemas_of({"parameters": {"odd": None}}, {}) == {"odd": {}}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"count": 3, "share": 0.5, "deep": True, "hosts": ["a"], "options": {"a": 1}, "kind": "A", "anything": [1]},
        {"count": "3", "share": "0.5", "deep": "true", "hosts": "a,b", "options": "{}", "kind": None},
        {"count": "{{ st2kv.system.count }}", "kind": "{% if 1 %}A{% endif %}", "env": {"A": "b"}, "timeout": 60},
    ],
)
def test_what_fits(given):
    assert misfits({"name": "x", **given}, SCHEMAS) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": None}, "name is required and has no value"),
        ({"counts": 1}, "there is no parameter counts (did you mean count?)"),
        ({"zzz": 1}, "there is no parameter zzz; there are: anything, count"),
        ({"fixed": "y"}, "fixed is immutable"),
        ({"count": [1]}, "count is of the type integer, and cannot be a list"),
        ({"count": "many"}, "count is of the type integer, and cannot be this text"),
        ({"hosts": {"a": 1}}, "hosts is of the type array, and cannot be a dictionary"),
        ({"options": True}, "options is of the type object, and cannot be a boolean"),
        ({"deep": []}, "deep is of the type boolean, and cannot be a list"),
        ({"kind": "MX"}, "kind must be one of A, AAAA"),
        ({"timeout": {}}, "timeout is of the type integer, and cannot be a dictionary"),
    ],
)
def test_what_does_not_fit_is_said_without_its_value(given, said):
    (clause,) = misfits({"name": "x", **given}, SCHEMAS)
    assert clause.startswith(said) and "MX" not in clause and "many" not in clause


def test_an_action_without_parameters():
    assert misfits({"a": 1}, {}) == ["there is no parameter a; there are: none"]
