# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values against schemas, as StackStorm 3.9.0 judges them, and messages without any of the values."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._config.validation import (
    check_values,
    nested_decryptions,
    unknown_keys,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._content.config_schema import ConfigSchema, read_schema
from ansible_collections.stackstorm.st2.plugins.module_utils._content.yaml_lines import lines_of

CANARY = "c4nary"
SITE = {"type": "object", "properties": {"host": {"type": "string", "required": True}}, "additionalProperties": False}
SITES = {"site": SITE, "sites": {"type": "object", "patternProperties": {"^[a-z]+$": {"$ref": "#/properties/site"}}}}
ENDLESS = {"$ref": "#/properties/a/properties/b"}
JINJA = "{{ st2kv.system.x }}"

# Every row was answered by StackStorm 3.9.0's own code (st2common/util/pack.py validate_config_against_schema).
ACCEPTED = [
    ({"a": {"type": "string", "required": True, "default": "x"}}, {}),
    ({"a": {"type": "string"}}, {"a": None}),
    ({"a": {"type": "string"}}, {"unknown": [1]}),
    ({"a": {"type": "string"}}, {"a": JINJA}),
    ({"a": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}, {"a": JINJA}),
    ({"a": {"required": True}}, {"a": 5}),
    ({"a": {"default": "x"}}, {"a": 5}),
    ({"a": {"type": "string", "format": "uri"}}, {"a": "no uri"}),
    ({"a": {"type": "object", "properties": {"b": {}}}}, {"a": {"c": 1}}),
    (SITES, {"sites": {"one": {"host": "h"}}}),
    (SITES, {"sites": {"ONE": 5}}),
    ({"a": {"type": "object", "properties": {"b": {"required": True}}}}, {}),
    ({"a": {"type": "string"}}, None),
]
REFUSED = [
    ({"a": {"type": "string", "required": True}}, {}, "a", "required"),
    ({"a": {"type": "string", "required": True}}, {"a": None}, "a", "type"),
    ({"a": {"enum": ["x"], "type": "string"}}, {"a": None}, "a", "enum"),
    ({"a": {"type": "integer"}}, {"a": "80"}, "a", "type"),
    ({"a": {"type": "integer"}}, {"a": True}, "a", "type"),
    ({"a": {"type": "integer"}}, {"a": 5.0}, "a", "type"),
    ({"a": {"type": "boolean"}}, {"a": JINJA}, "a", "type"),
    ({"a": {}, "b": {"enum": [1]}}, {"b": 1}, "b", "type"),
    ({"a": {"default": None}}, {"a": 5}, "a", "type"),
    ({"a": {"type": "integer", "default": "x"}}, {}, "a", "type"),
    ({"a": {"type": "array", "items": {"type": "string"}}}, {"a": ["x", None]}, "a[1]", "type"),
    ({"a": {"type": "object", "properties": {"b": {"required": True}}}}, {"a": {}}, "a.b", "required"),
    (SITES, {"sites": {"one": {}}}, "sites.one.host", "required"),
    (SITES, {"sites": {"one": {"host": "h", "x": 1}}}, "sites.one", "additionalProperties"),
    ({"a": {"type": "string", "pattern": "^x"}}, {"a": "y"}, "a", "pattern"),
    ({"a": {"type": "string", "pattern": "("}}, {"a": "y"}, "a", "pattern"),
    ({"a": {"type": "integer", "multipleOf": 0}}, {"a": 1}, "a", "multipleOf"),
    ({"a": {"type": "integer", "minimum": 2}}, {"a": 1}, "a", "minimum"),
    ({"a": {"oneOf": [{"type": "integer"}, {"minimum": 0}]}}, {"a": 1}, "a", "oneOf"),
    ({"a": {"type": "string", "maxLength": 1}}, {"a": "xy"}, "a", "maxLength"),
    ({"a": {"type": "object", "properties": {"b": {"$ref": "#/properties/no"}}}}, {"a": {"b": 1}}, "a.b", "$ref"),
    ({"a": {"type": "object", "properties": {"b": {"$ref": "file:///etc/passwd"}}}}, {"a": {"b": 1}}, "a.b", "$ref"),
    (
        {"a": {"type": "object", "properties": {"b": {"$ref": "#/properties/a/properties/b"}}}},
        {"a": {"b": 1}},
        "",
        "crash",
    ),
    ({"a": {"type": "array", "items": [{"type": "string"}]}}, {}, "a", "crash"),
    ({"a": {"type": "null"}}, {}, "a", "crash"),
    ({"a": {}}, [], "", "type"),
    ({"a": {}}, "text", "", "type"),
    ({"a": {}}, {1: 2}, "1", "crash"),
    ({"a": {}}, {"a": {"b": {True: 1}}}, "a.b.True", "crash"),
    ({"a": {}}, {"a": 1 << 63}, "a", "crash"),
    ({"b": {}}, {"a": {"b"}}, "a", "crash"),
    ({"a": {"type": "string", "secret": True}}, {"a": "{{ x | decrypt_kv }}"}, "a", "decrypt_kv"),
    ({"a": {"type": "string", "secret": True, "default": "{{ x | decrypt_kv }}"}}, {}, "a", "decrypt_kv"),
    ({"a": {"type": "string"}}, {"b": "{{ x | decrypt_kv }}"}, "b", "crash"),
]


@pytest.mark.parametrize("attributes, values", ACCEPTED, ids=str)
def test_a_config_is_accepted_as_stackstorm_accepts_it(attributes, values):
    assert check_values(ConfigSchema(attributes), values) == []


def test_an_exclusive_limit_is_what_it_is_in_the_stackstorm_that_has_these_libraries():
    """StackStorm 3.9 takes these rules from later drafts, in which a limit is never exclusive by a second keyword."""
    schema = ConfigSchema({"a": {"type": "integer", "minimum": 1, "exclusiveMinimum": True}})
    found = [problem.rule for problem in check_values(schema, {"a": 1})]
    assert found == ([] if hasattr(jsonschema, "Draft7Validator") else ["minimum"])
    assert check_values(schema, {"a": 2}) == [] and check_values(schema, {"a": 0})


@pytest.mark.parametrize("attributes, values, key, rule", REFUSED, ids=str)
def test_a_config_is_refused_as_stackstorm_refuses_it(attributes, values, key, rule):
    (problem,) = check_values(ConfigSchema(attributes), values)
    assert (problem.key, problem.rule) == (key, rule)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "integer"},
        {"type": "string", "enum": ["x"]},
        {"type": "string", "pattern": "^x"},
        {"type": "string", "maxLength": 2},
        {"type": "string", "not": {"type": "string"}},
        {"anyOf": [{"type": "integer"}]},
        {"type": "array", "items": {"type": "integer"}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "string", "dependencies": {"a": {"type": "integer"}}, "minimum": 1, "allOf": [{"type": "integer"}]},
    ],
    ids=str,
)
def test_no_message_has_a_value(item):
    for value in (CANARY, [CANARY], {"a": CANARY}, f"{{{{ {CANARY} }}}}"):
        found = check_values(ConfigSchema({"a": item, "b": {"required": True}}), {"a": value, "c": CANARY})
        assert found and CANARY not in "".join(f"{problem}{problem!r}{problem.as_dict()}" for problem in found)


def test_lines_of_schema_and_config_are_named(tmp_path):
    path = tmp_path / "config.schema.yaml"
    path.write_text("host:\n  type: string\nport:\n  description: x\n  type: integer\nname:\n  required: true\n")
    text = "# c\nhost: 1\nport: x\n"
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    found = check_values(read_schema(str(path)), yaml.safe_load(text), lines_of(node))
    assert [str(problem) for problem in found] == [
        "host must be string or null, and is integer (config line 2, schema line 2)",
        "name is required and has no value (schema line 6)",
        "port must be integer or null, and is string (config line 3, schema line 5)",
    ]


@pytest.mark.parametrize(
    "item, value, from_schema",
    [
        ({"type": "string", "required": True}, {"a": None}, False),
        ({"enum": ["x"], "required": True}, {"a": None}, False),
        ({"type": "integer", "default": "x"}, {"a": None}, True),
        ({"type": "integer", "default": "x"}, {}, True),
        ({"type": "integer", "default": 1}, {"a": "x"}, False),
        ({"type": "object", "properties": {"b": {"type": "string", "required": True}}}, {"a": {"b": None}}, False),
        ({"type": "object", "properties": {"b": {"type": "string", "default": 1}}}, {"a": {"b": None}}, True),
    ],
    ids=str,
)
def test_only_what_comes_from_the_schema_is_called_its_default(item, value, from_schema):
    (problem,) = check_values(ConfigSchema({"a": item}), value)
    assert ("a default of the schema" in str(problem)) is from_schema


def test_an_expression_where_no_text_may_be_is_explained():
    (problem,) = check_values(ConfigSchema({"a": {"type": "integer"}}), {"a": JINJA})
    assert "an expression" in str(problem) or "of an expression" in str(problem)


def test_without_a_schema_only_what_cannot_be_stored_is_refused():
    assert check_values(None, {"a": [1, None, {"b": "{{ x | decrypt_kv }}"}]}) == []
    assert [problem.rule for problem in check_values(None, {2: 1})] == ["crash"]


def test_decrypt_kv_inside_of_another_key_is_found():
    secret = {"type": "string", "secret": True}
    schema = ConfigSchema(
        {
            "a": {"type": "object", "properties": {"b": secret, "c": {"type": "string"}}},
            "d": {"type": "array", "items": {"type": "object", "properties": {"e": secret}}},
        }
    )
    expression = "{{ x | decrypt_kv }}"
    values = {"a": {"b": expression, "c": expression}, "d": [{}, {"e": expression}]}
    assert check_values(schema, values) == []
    assert nested_decryptions(schema, values) == ["a.b", "d[1].e"]
    assert nested_decryptions(None, values) == []


def test_unknown_keys_are_found_where_the_schema_names_all():
    named = {"type": "object", "properties": {"b": {}}}
    schema = ConfigSchema({"a": named, "open": {**named, "additionalProperties": True}, "free": {"type": "object"}})
    values = {"a": {"b": 1, "x": 1}, "open": {"y": 1}, "free": {"z": 1}, "w": 1}
    assert unknown_keys(schema, values) == [("a", "x"), ("w",)]
    assert unknown_keys(None, values) == []


def test_real_examples_are_accepted_and_empty_configs_as_often_as_counted():
    folder = real_data()
    if folder is None:
        pytest.skip(MISSING)
    empty = examples = 0
    for path in folder.glob("exchange/packs/*/config.schema.yaml"):
        schema = read_schema(str(path))
        empty += not check_values(schema, {})
        for example in path.parent.glob("*.example"):
            examples += 1
            assert check_values(schema, yaml.safe_load(example.read_bytes())) == [], example
    # StackStorm 3.9.0's own validator gives these for the same files.
    assert (empty, examples) == (10, 40)
