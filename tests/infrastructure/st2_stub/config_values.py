# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Config schemas and config values: what StackStorm accepts, and what it hides."""

from __future__ import annotations

import copy
import datetime
import re
import typing as t

from .schema_rules import Schema, SchemaViolation, check

MASK = "********"
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
# What a schema may say of an attribute: draft 4 without "format", and StackStorm's own words
# (st2common/util/schema/action_params.json). Anything else is refused at the top level and let through below it.
KEYWORDS = frozenset(
    [
        "$ref",
        "$schema",
        "additionalItems",
        "additionalProperties",
        "allOf",
        "anyOf",
        "default",
        "definitions",
        "dependencies",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "id",
        "immutable",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "oneOf",
        "pattern",
        "patternProperties",
        "position",
        "properties",
        "required",
        "secret",
        "title",
        "type",
        "uniqueItems",
    ]
)


class Misuse(ValueError):
    """A secret value that is decrypted by hand: ValueValidationException in StackStorm."""


def plain(value: t.Any) -> t.Any:
    """Return a value as JSON holds it: dates become text, as in fast_deepcopy_dict."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else value


# Schemas


def check_config_schema(attributes: t.Any) -> None:
    """Raise `SchemaViolation` where StackStorm would not register a config schema (models/api/pack.py)."""
    if not isinstance(attributes, dict):
        raise SchemaViolation(f"{attributes!r} is not of type 'object'")
    for name, item in attributes.items():
        if not re.match(r"^\w+$", name):  # a name that is no text is a TypeError here, as there
            raise SchemaViolation(f"{name!r} does not match any of the regexes: '^\\\\w+$'")
        _check_item(item)


def _check_item(item: t.Any) -> None:
    if not isinstance(item, dict):
        raise SchemaViolation(f"{item!r} is not of type 'object'")
    unknown = sorted(set(item) - KEYWORDS)
    if unknown:
        raise SchemaViolation(f"Additional properties are not allowed ({unknown[0]!r} was unexpected)")
    if not isinstance(item.get("type", "string"), str):
        raise SchemaViolation(f"{item['type']!r} is not valid under any of the given schemas")
    for schema in _all_schemas(item):
        _check_keywords(schema)


def _check_keywords(schema: Schema) -> None:
    kinds = schema.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind not in TYPES:
            raise SchemaViolation(f"{kind!r} is not one of {sorted(TYPES)!r}")
    if not isinstance(schema.get("required", False), bool):
        raise SchemaViolation(f"{schema['required']!r} is not of type 'boolean'")
    if "enum" in schema and not schema["enum"]:
        raise SchemaViolation("[] is too short")
    for limit in ("Maximum", "Minimum"):
        if f"exclusive{limit}" in schema and limit.lower() not in schema:
            raise SchemaViolation(f"{limit.lower()!r} is a dependency of 'exclusive{limit}'")


def _all_schemas(schema: t.Any) -> t.Iterator[Schema]:
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword in ("properties", "patternProperties", "definitions"):
        for inner in (schema.get(keyword) or {}).values():
            yield from _all_schemas(inner)
    for keyword in ("items", "anyOf", "allOf", "oneOf", "not", "additionalProperties", "additionalItems"):
        inner = schema.get(keyword)
        for one in inner if isinstance(inner, list) else [inner]:
            yield from _all_schemas(one)


# Values


def check_config(schema: Schema, values: t.Any, pack: str, path: str) -> None:
    """Raise what StackStorm raises for values that a config schema refuses.

    st2common/util/pack.py validate_config_against_schema and util/schema validate: defaults are filled in and null is
    let through for what is optional, then draft 4 decides. The filled values are kept nowhere.

    Raises `SchemaViolation`, `Misuse` for ``decrypt_kv`` in a secret, and AttributeError for ``decrypt_kv`` in a key
    that the schema does not have.
    """
    root: t.Dict[str, t.Any] = {}
    if schema:
        root = {"type": "object", "properties": copy.deepcopy(dict(schema)), "additionalProperties": True}
        _allow_null(root)
    filled = plain(values)
    if root and isinstance(filled, dict):
        _fill_defaults(filled, root)
    try:
        check(filled, root)
    except SchemaViolation as error:
        message = f'Failed validating attribute "{error.attribute}" in config for pack "{pack}" ({path}): {error}'
        raise SchemaViolation(message, error.attribute) from None
    for key, value in filled.items():
        if isinstance(value, str) and ("{{" in value or "{%" in value) and "decrypt_kv" in value:
            item: t.Any = schema.get(key)
            if item.get("secret"):
                raise Misuse(
                    'Values specified as "secret: True" in config schema are automatically decrypted by default. Use '
                    'of "decrypt_kv" jinja filter is not allowed for such values. Please check the specified values in '
                    "the config or the default values in the schema."
                )


def _allow_null(schema: t.Dict[str, t.Any]) -> None:
    """Let null through where nothing is required, or where the default is null; what has no type becomes a string."""
    for item in schema["properties"].values():
        if item.get("default") is None and ("default" in item or not item.get("required", False)):
            _add_null(item)
        kinds = item.get("type")
        if _has_type(kinds, "array") and isinstance(item.get("items"), dict) and item["items"].get("properties"):
            _allow_null(item["items"])
        if _has_type(kinds, "object") and item.get("properties"):
            _allow_null(item)


def _add_null(item: t.Dict[str, t.Any]) -> None:
    for keyword in ("anyOf", "oneOf"):
        if keyword in item and not any(one.get("type", "string") == "null" for one in item[keyword]):
            item[keyword].append({"type": "null"})
            return
    kinds = item.get("type", "string")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    item["type"] = kinds if "null" in kinds else [*kinds, "null"]


def _has_type(kinds: t.Any, kind: str) -> bool:
    return kinds == kind or (isinstance(kinds, list) and kind in kinds)


def _fill_defaults(values: t.Dict[str, t.Any], schema: Schema) -> None:
    for name, item in (schema.get("properties") or {}).items():
        if "default" in item and values.get(name) is None:
            values[name] = copy.deepcopy(item["default"])
        _fill_below(values.get(name), item)


def _fill_below(value: t.Any, item: Schema) -> None:
    if isinstance(value, dict) and _has_type(item.get("type"), "object"):
        _fill_defaults(value, item)
    elif isinstance(value, list) and _has_type(item.get("type"), "array") and item.get("items"):
        schemas = item["items"] if isinstance(item["items"], list) else [item["items"]] * len(value)
        for index, schema in enumerate(schemas[: len(value)]):
            if value[index] is None and "default" in schema:
                value[index] = copy.deepcopy(schema["default"])
            _fill_below(value[index], schema)


# Secrets


def mask(values: t.Any, schema: Schema) -> t.Any:
    """Return a config's values with secrets hidden, as far as StackStorm hides them (st2common/util/secrets.py).

    What additionalProperties and patternProperties describe stays in clear. An attribute that is called ``secret``
    hides everything.
    """
    if schema.get("secret"):
        return MASK
    secret = {name: _secret_parts(item) for name, item in schema.items() if isinstance(item, dict)}
    return _hide(copy.deepcopy(values), {name: parts for name, parts in secret.items() if parts})


def _secret_parts(item: t.Any) -> t.Any:
    """Return True for a secret, a mapping or a list of what is secret below it, or something empty."""
    if not isinstance(item, dict):
        return None
    if item.get("secret"):
        return True
    if item.get("type") == "object":
        parts = {name: _secret_parts(inner) for name, inner in item.get("properties", {}).items()}
        return {name: part for name, part in parts.items() if part}
    if item.get("type") == "array":
        part = _secret_parts(item.get("items"))
        return [part] if part else None
    return None


def _hide(value: t.Any, parts: t.Any) -> t.Any:
    if parts is True:
        return MASK
    if isinstance(parts, list):
        return [_hide(item, parts[0]) for item in value]
    for name, part in parts.items():
        if name in value:  # a TypeError where the value is null: StackStorm answers 500 then
            value[name] = _hide(value[name], part)
    return value
