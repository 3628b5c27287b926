# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm makes of a schema and of values before it holds one against the other.

All of it follows st2common/util/schema/__init__.py and st2common/util/deep_copy.py of StackStorm 3.9.0.
"""

from __future__ import annotations

import copy
import datetime
import math
import typing as t

from .._content.yaml_lines import Path

Schema = t.Dict[str, t.Any]

# SCHEMA_ANY_TYPE: what an empty schema stands for.
_ANY_TYPE = {"anyOf": [{"type": kind} for kind in ("array", "boolean", "integer", "number", "object", "string")]}
_LARGEST, _SMALLEST = (1 << 64) - 1, -(1 << 63)


class StackStormCrash(Exception):
    """StackStorm would end with an exception here, and say nothing that helps.

    :arg path: Of the key of the config.
    :arg message: A clause that follows the path.
    """

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


class _NotJson(Exception):
    """A value that JSON cannot hold."""


def effective_schema(attributes: t.Mapping[str, t.Any]) -> Schema:
    """The schema of a whole config: keys wrapped, and C(null) allowed where there is no default and no need.

    It follows get_schema_for_resource_parameters and modify_schema_allow_default_none.

    :raises StackStormCrash: for a schema that StackStorm accepts and cannot use.
    """
    if not attributes:
        return {}
    properties = {key: copy.deepcopy(schema or _ANY_TYPE) for key, schema in attributes.items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": True}
    _allow_null(schema, ())
    return schema


def _allow_null(schema: Schema, path: Path) -> None:
    for name, below in schema.get("properties", {}).items():
        optional = not below.get("required", False)
        if (optional or "default" in below) and below.get("default") is None:
            _add_null(below, (*path, name))
        kind = below.get("type")
        items = below.get("items", {})
        if _is(kind, "array") and items:
            if not isinstance(items, dict):
                raise StackStormCrash((*path, name), "has a list of schemas for its items, which StackStorm cannot use")
            _allow_null(items, (*path, name))
        if _is(kind, "object"):
            _allow_null(below, (*path, name))


def _add_null(schema: Schema, path: Path) -> None:
    # What has both and takes null in the first goes on to the second, as in StackStorm.
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema and not any(one.get("type", "string") == "null" for one in schema[keyword]):
            schema[keyword].append({"type": "null"})
            return
    if "anyOf" in schema or "oneOf" in schema:
        return
    kind = schema.get("type", "string")
    if kind == "null":
        raise StackStormCrash(path, "is optional and of the type null, and StackStorm cannot use such a schema")
    if not isinstance(kind, list):
        schema["type"] = [kind, "null"]
    elif "null" not in kind:
        kind.append("null")


def _is(kind: t.Any, wanted: str) -> bool:
    return kind == wanted or (isinstance(kind, list) and wanted in kind)


def with_defaults(values: t.Any, schema: Schema) -> t.Any:
    """A copy of values as StackStorm validates it: defaults filled in where a value is absent or null.

    It follows assign_default_values: not inside of what is absent, and not through patterns or additional properties.

    :arg schema: From L(effective_schema).
    """
    values = as_json(values)
    if isinstance(values, dict) and schema.get("type") == "object":
        _fill_object(values, schema)
    return values


def _fill_object(values: t.Any, schema: Schema) -> None:
    if not isinstance(values, dict):
        return
    properties = schema.get("properties", {})
    dependencies = schema.get("dependencies", {})
    for name, below in properties.items():
        if values.get(name) is None and "default" in below and _fits(name, values, properties, dependencies):
            values[name] = copy.deepcopy(below["default"])
        if values.get(name) is not None:
            _fill(values[name], below)


def _fits(name: str, values: Schema, properties: Schema, dependencies: Schema) -> bool:
    """Whether a default may be taken: what it depends on has a default too, or is there."""
    needed = dependencies.get(name, ())
    return all("default" in properties.get(other, {}) or other in values for other in needed)


def _fill_array(values: t.Any, schema: Schema) -> None:
    items = schema.get("items")
    if not isinstance(values, list) or not isinstance(items, dict):
        return
    for number, value in enumerate(values):
        if value is None and "default" in items:
            values[number] = copy.deepcopy(items["default"])
        if values[number] is not None:
            _fill(values[number], items)


def _fill(value: t.Any, schema: Schema) -> None:
    kind = schema.get("type")
    if _is(kind, "array"):
        _fill_array(value, schema)
    if _is(kind, "object"):
        _fill_object(value, schema)


def as_json(values: t.Any) -> t.Any:
    """A copy of values as StackStorm takes it: by way of JSON where that can hold them, so that a date is a text."""
    try:
        return _through_json(values)
    except _NotJson:
        return copy.deepcopy(values)


def _through_json(value: t.Any) -> t.Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise _NotJson
        return {key: _through_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_through_json(item) for item in value]
    return _scalar_through_json(value)


def _scalar_through_json(value: t.Any) -> t.Any:
    if isinstance(value, int) and _SMALLEST <= value <= _LARGEST:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    raise _NotJson
