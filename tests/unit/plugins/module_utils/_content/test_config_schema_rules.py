# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules as a schema of their own."""

from __future__ import annotations

import jsonschema

from ansible_collections.stackstorm.st2.plugins.module_utils._content.config_schema import schema_problems
from ansible_collections.stackstorm.st2.plugins.module_utils._content.config_schema_rules import (
    LATER_SCHEMA_RULES,
    SCHEMA_RULES,
)


def test_the_rules_are_a_valid_schema_and_describe_every_keyword():
    for rules in (SCHEMA_RULES, LATER_SCHEMA_RULES):
        jsonschema.Draft4Validator.check_schema(rules)
        for kind in rules["definitions"].values():
            for name, rule in kind["properties"].items():
                assert "description" in rule or "$ref" in rule or name == "default", name


def test_only_the_schema_of_a_key_itself_is_closed():
    key, nested = (SCHEMA_RULES["definitions"][name] for name in ("key", "nested"))
    assert key["additionalProperties"] is False and "additionalProperties" not in nested


def test_after_3_9_the_schemas_inside_are_closed_too():
    key, nested = (LATER_SCHEMA_RULES["definitions"][name] for name in ("key", "nested"))
    assert key["additionalProperties"] is False and nested["additionalProperties"] is False
    refers = {"hosts": {"type": "object", "patternProperties": {"^h": {"$ref": "#/properties/host"}}}}
    formats = {"hosts": {"type": "array", "items": {"type": "string", "format": "uri"}}}
    for schema, after in ((refers, ["hosts.patternProperties.^h.$ref"]), (formats, [])):
        assert schema_problems(schema) == []
        assert [problem.key for problem in schema_problems(schema, later=True)] == after
