# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""config.schema.yaml as a JSON Schema: what StackStorm 3.9.0 takes when it registers a pack.

It follows st2common/models/api/pack.py ConfigSchemaAPI with st2common/util/schema/action_params.json and custom.json,
which are JSON Schema's draft 4 with a boolean C(required), C(secret), C(position) and C(immutable). As there, the
schema of a key of the config is held to more than the schemas inside of it: one type only, and no unknown keywords.
Inside, they are taken, since StackStorm looks there with C(additionalProperties) left out
(st2common/util/schema/__init__.py get_draft_schema).

Every C(description) is what the keyword must have, so that it can end a sentence.
"""

from __future__ import annotations

import typing as t

Rules = t.Dict[str, t.Any]

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_NESTED: Rules = {"$ref": "#/definitions/nested"}


def _positive(description: str = "a whole number that is not negative") -> Rules:
    return {"type": "integer", "minimum": 0, "description": description}


def _flag() -> Rules:
    return {"type": "boolean", "description": "true or false, at the key itself"}


def _text() -> Rules:
    return {"type": "string", "description": "a string"}


def _number() -> Rules:
    return {"type": "number", "description": "a number"}


def _schemas(description: str) -> Rules:
    return {"type": "object", "additionalProperties": _NESTED, "description": description}


def _list_of_schemas() -> Rules:
    return {"type": "array", "minItems": 1, "items": _NESTED, "description": "a list of schemas that is not empty"}


def _keywords(types: Rules) -> Rules:
    one_type = {"enum": list(TYPES)}
    strings = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}
    boolean_or_schema = {"anyOf": [{"type": "boolean"}, _NESTED], "description": "true, false or a schema"}
    keywords: Rules = {
        "default": {},
        # StackStorm's own schema says exclusiveMinimum, which its validator does not know.
        "multipleOf": {"type": "number", "minimum": 0, "description": "a number that is not negative"},
        "position": {"type": "number", "minimum": 0, "description": "a number that is not negative"},
        "additionalItems": boolean_or_schema,
        "additionalProperties": boolean_or_schema,
        "items": {"anyOf": [_NESTED, _list_of_schemas()], "description": "a schema, or a list of schemas"},
        "dependencies": {
            "type": "object",
            "additionalProperties": {"anyOf": [_NESTED, strings]},
            "description": "a mapping of schemas or of lists of keys",
        },
        "enum": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "description": "a list of different values that is not empty",
        },
        "type": dict(types, description=f"one of {', '.join(one_type['enum'])}"),
        "not": _NESTED,
    }
    keywords.update({name: _text() for name in ("id", "$schema", "title", "description", "pattern")})
    keywords.update({name: _number() for name in ("maximum", "minimum")})
    keywords.update(
        {
            name: _flag()
            for name in ("exclusiveMaximum", "exclusiveMinimum", "uniqueItems", "required", "secret", "immutable")
        }
    )
    keywords.update(
        {name: _positive() for length in ("Length", "Items", "Properties") for name in (f"max{length}", f"min{length}")}
    )
    keywords.update(
        {name: _schemas("a mapping of schemas") for name in ("definitions", "properties", "patternProperties")}
    )
    keywords.update({name: _list_of_schemas() for name in ("allOf", "anyOf", "oneOf")})
    return keywords


def _schema(types: Rules, *, unknown: bool) -> Rules:
    rules: Rules = {
        "type": "object",
        "properties": _keywords(types),
        "dependencies": {"exclusiveMaximum": ["maximum"], "exclusiveMinimum": ["minimum"]},
        "description": "a mapping, the schema of a value",
    }
    if not unknown:
        rules["additionalProperties"] = False
    return rules


_ONE = {"enum": list(TYPES)}
_SOME = {"anyOf": [_ONE, {"type": "array", "items": _ONE, "minItems": 1, "uniqueItems": True}]}


def _rules(nested: Rules) -> Rules:
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": "config.schema.yaml",
        "type": "object",
        "additionalProperties": {"$ref": "#/definitions/key"},
        "definitions": {"key": _schema(_ONE, unknown=False), "nested": nested},
    }


def _later_nested() -> Rules:
    rules = _schema(_SOME, unknown=False)
    rules["properties"]["format"] = _text()
    return rules


SCHEMA_RULES = _rules(_schema(_SOME, unknown=True))
# What is to follow 3.9: inside, unknown keywords are refused as well, C($ref) among them, for C("$ref": "#") leads to
# all of custom.json there (st2common/util/schema/__init__.py _LOCAL_SCHEMA_REGISTRY, on the branch master in 2026).
LATER_SCHEMA_RULES = _rules(_later_nested())
