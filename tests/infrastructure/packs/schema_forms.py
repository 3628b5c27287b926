# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quirks of config.schema.yaml."""

from __future__ import annotations

import typing as t

from .form import Form, text
from .tree import to_yaml

PATH = "config.schema.yaml"


def _schema(name: str, valid: bool, reason: str, schema: t.Union[str, bytes, t.Any]) -> Form:
    content = schema if isinstance(schema, (str, bytes)) else to_yaml(schema)
    return Form(f"schema-{name}", PATH, valid, reason, text(PATH, content))


def _good(name: str, reason: str, schema: t.Any) -> Form:
    return _schema(name, True, reason, schema)


def _bad(name: str, reason: str, schema: t.Any) -> Form:
    return _schema(name, False, reason, schema)


HOSTS = {
    "host": {
        "type": "object",
        "properties": {"address": {"type": "string", "required": True}, "password": {"type": "string", "secret": True}},
    },
    "hosts": {"type": "object", "patternProperties": {r"^\w+$": {"$ref": "#/properties/host"}}},
}
CRLF = b"url:\r\n  type: string\r\n  required: true\r\n"

FORMS: t.Tuple[Form, ...] = (
    _good("boolean-required", "required is a boolean at each property", {"url": {"type": "string", "required": True}}),
    _good(
        "nested-boolean-required",
        "required is a boolean at each depth",
        {"a": {"type": "object", "properties": {"b": {"type": "object", "properties": {"c": {"required": True}}}}}},
    ),
    _good("reference", "$ref points into the whole schema, wrapped in properties", HOSTS),
    _good(
        "additional-properties",
        "additionalProperties may be a schema",
        {"map": {"type": "object", "additionalProperties": {"type": "string", "secret": True}}},
    ),
    _good(
        "secret", "secret is StackStorm's own keyword", {"token": {"type": "string", "secret": True, "required": True}}
    ),
    _good("any-of", "anyOf is known", {"port": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}),
    _good("position", "position is StackStorm's own keyword", {"a": {"type": "string", "position": 1}}),
    _good("jinja-default", "a default may be a template", {"a": {"type": "string", "default": "{{ st2kv.system.a }}"}}),
    _good("null-default", "a default may be null", {"a": {"type": "string", "default": None}}),
    _good(
        "wrong-default", "defaults are not checked against their type", {"port": {"type": "integer", "default": "8088"}}
    ),
    _good(
        "nested-typo",
        "an unknown keyword below the top level is ignored",
        {"a": {"type": "object", "properties": {"b": {"type": "string", "requried": True}}}},
    ),
    _good("empty-item", "an item may say nothing", {"anything": {}}),
    _good("enum", "enum is known", {"level": {"type": "string", "enum": ["low", "high"], "default": "low"}}),
    _good("crlf", "line ends do not matter", CRLF),
    _good("non-ascii", "UTF-8 is fine", {"a": {"type": "string", "description": "caf\u00e9"}}),
    _good("anchors", "anchors are YAML", "a: &a\n  type: string\nb: *a\n"),
    _bad("duplicate-keys", "a key stands twice", "a: {type: integer}\na: {type: string}\n"),
    _bad("merge-key", "there is a merge key", "a: &a {type: string}\nb: {<<: *a}\n"),
    _bad("empty", "the file is empty", ""),
    _bad("comment", "the file holds only a comment", "# nothing yet\n"),
    _bad("list", "the file is a list", "- url\n"),
    _bad("broken", "the file does not parse", "url:\n  type: string\n required: true\n"),
    _bad("tabs", "the file is indented by tabs", "url:\n\ttype: string\n"),
    _bad("text", "the file is a sentence", "No configuration is needed.\n"),
    _bad("null-item", "an item is a mapping", {"url": None}),
    _bad("top-level-typo", "an unknown keyword at the top level", {"url": {"type": "string", "requried": True}}),
    _bad("type-list", "several types at the top level", {"url": {"type": ["string", "boolean"]}}),
    _bad("unknown-type", "text is no type", {"url": {"type": "text"}}),
    _bad("required-list", "required is a boolean", {"a": {"type": "object", "required": ["b"]}}),
    _bad("dashed-key", "keys are words without dashes", {"api-key": {"type": "string"}}),
    _bad("integer-key", "keys are text", {1: {"type": "string"}}),
)
