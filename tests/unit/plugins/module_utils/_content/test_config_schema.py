# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schemas: what StackStorm 3.9.0 takes, case by case, with the lines of what it refuses."""

from __future__ import annotations

import pytest
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._content.config_schema import (
    ConfigSchema,
    read_schema,
    schema_problems,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError

# What the validator of StackStorm 3.9.0 said of each (st2common/models/api/pack.py ConfigSchemaAPI).
ACCEPTED = [
    {},
    {"type": "string", "required": True, "secret": True, "position": 1, "immutable": False},
    {"type": "object", "properties": {"a": {"foo": 1, "format": "uri", "type": ["string", "integer"]}}},
    {"type": "object", "patternProperties": {"x": {"$ref": "#/properties/other"}}, "additionalProperties": False},
    {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
    {"enum": ["a"], "default": None, "pattern": "(", "id": "x", "$schema": "y", "title": "z"},
    {"minimum": 1, "exclusiveMinimum": True, "multipleOf": 0, "dependencies": {"a": ["b"]}, "definitions": {"d": {}}},
]
REFUSED = [
    (None, "type"),
    ({"foo": 1}, "additionalProperties"),
    ({"format": "uri"}, "additionalProperties"),
    ({"$ref": "#/properties/other"}, "additionalProperties"),
    ({"type": ["string", "integer"]}, "enum"),
    ({"type": "text"}, "enum"),
    ({"required": ["a"]}, "type"),
    ({"type": "object", "properties": {"a": {"required": ["b"]}}}, "type"),
    ({"secret": "yes"}, "type"),
    ({"enum": []}, "minItems"),
    ({"exclusiveMinimum": True}, "dependencies"),
    ({"items": True}, "anyOf"),
    ({"anyOf": []}, "minItems"),
    ({"properties": {"a": None}}, "type"),
    ({"multipleOf": -1}, "minimum"),
]


@pytest.mark.parametrize("item", ACCEPTED, ids=str)
def test_a_schema_is_accepted_as_stackstorm_accepts_it(item):
    assert schema_problems({"key": item}) == []


@pytest.mark.parametrize("item, rule", REFUSED, ids=str)
def test_a_schema_is_refused_as_stackstorm_refuses_it(item, rule):
    (problem,) = schema_problems({"key": item})
    assert problem.rule == rule and problem.path[0] == "key" and str(problem).startswith("key")


@pytest.mark.parametrize("document", [[], "text", {"a-b": {}}, {1: {}}, {True: {}}, {"a b": {}}], ids=str)
def test_keys_have_to_be_words(document):
    assert len(schema_problems(document)) == 1


def test_a_refused_schema_names_line_and_key(tmp_path):
    path = tmp_path / "config.schema.yaml"
    path.write_text("a:\n  type: string\nb:\n  type: string\n  colour: uri\n")
    with pytest.raises(InvalidPackError) as raised:
        read_schema(str(tmp_path))
    assert (
        f"{path}: b.colour has keywords that StackStorm does not know: colour (schema line 5)" in raised.value.message
    )


@pytest.mark.parametrize("content", ["", "# nothing\n", "{}\n", "- a\n", "a: [\n"])
def test_a_file_that_is_no_schema_is_refused(tmp_path, content):
    (tmp_path / "config.schema.yaml").write_text(content)
    with pytest.raises(InvalidPackError):
        read_schema(str(tmp_path))


def test_a_pack_may_have_no_schema_and_a_file_that_is_named_has_to_be_there(tmp_path):
    assert read_schema(str(tmp_path)) is None
    with pytest.raises(InvalidPackError):
        read_schema(str(tmp_path / "config.schema.yaml"))


def test_keys_that_only_references_use_are_known():
    other = {"type": "object", "items": {"$ref": "#/properties/site"}}
    schema = ConfigSchema(
        {"site": {}, "sites": {"patternProperties": {"x": {"$ref": "#/properties/site"}}}, "o": other}
    )
    assert schema.pseudo_keys == {"site"}


def test_all_real_schemas_are_accepted():
    folder = real_data()
    if folder is None:
        pytest.skip(MISSING)
    paths = sorted(folder.glob("exchange/packs/*/config.schema.yaml"))
    assert len(paths) == 40
    for path in paths:
        schema = read_schema(str(path))
        assert schema is not None and schema.attributes


# Found by importing the schemas of StackStorm's branch master, in July 2026.
REFUSED_LATER = {
    *("activedirectory", "algosec", "aws", "cisco_aci", "cisco_ise", "foreman", "freeipa", "hyperv", "libcloud"),
    *("menandmice", "napalm", "paloalto", "splunk", "sql", "trello", "ubersmith", "vcd", "vsphere"),
}


@pytest.mark.skipif(real_data() is None, reason=MISSING)
def test_real_schemas_by_the_rules_after_3_9():
    refused, taken = set(), set()
    for path in sorted((real_data() / "exchange" / "packs").glob("*/config.schema.yaml")):
        schema = read_schema(str(path))
        (refused if schema_problems(dict(schema.attributes), later=True) else taken).add(path.parent.name)
    assert refused and refused <= REFUSED_LATER
    assert not taken & REFUSED_LATER
