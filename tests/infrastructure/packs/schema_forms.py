# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quirks of config.schema.yaml."""

from __future__ import annotations

import typing as t

from .form import Form, text
from .tree import to_yaml

PATH = "config.schema.yaml"


def _schema(name: str, valid: bool, reason: str, schema: t.Union[str, bytes, t.Any], settled: bool = True) -> Form:
    content = schema if isinstance(schema, (str, bytes)) else to_yaml(schema)
    return Form(f"schema-{name}", PATH, valid, reason, text(PATH, content), settled=settled)


def _good(name: str, reason: str, schema: t.Any) -> Form:
    return _schema(name, True, reason, schema)


def _bad(name: str, reason: str, schema: t.Any) -> Form:
    return _schema(name, False, reason, schema)


def _refused_later(name: str, reason: str, schema: t.Any) -> Form:
    """It parses, but StackStorm's registration refuses it: when an installer says so is its own decision."""
    return _schema(name, False, reason, schema, settled=False)


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
    _good("duplicate-keys", "the last one holds", "a: {type: integer}\na: {type: string}\n"),
    _bad("empty", "the file is empty", ""),
    _bad("comment", "the file holds only a comment", "# nothing yet\n"),
    _bad("list", "the file is a list", "- url\n"),
    _bad("broken", "the file does not parse", "url:\n  type: string\n required: true\n"),
    _bad("tabs", "the file is indented by tabs", "url:\n\ttype: string\n"),
    _bad("text", "the file is a sentence", "No configuration is needed.\n"),
    _refused_later("null-item", "an item is a mapping", {"url": None}),
    _refused_later(
        "top-level-typo", "an unknown keyword at the top level", {"url": {"type": "string", "requried": True}}
    ),
    _refused_later("type-list", "several types at the top level", {"url": {"type": ["string", "boolean"]}}),
    _refused_later("unknown-type", "text is no type", {"url": {"type": "text"}}),
    _refused_later("required-list", "required is a boolean", {"a": {"type": "object", "required": ["b"]}}),
    _refused_later("dashed-key", "keys are words without dashes", {"api-key": {"type": "string"}}),
    _refused_later("integer-key", "keys are text", {1: {"type": "string"}}),
)
