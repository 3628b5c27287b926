# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON schema as StackStorm reads it: draft 4, with a boolean ``required`` at each property."""

from __future__ import annotations

import pprint
import textwrap
import typing as t

import jsonschema

Schema = t.Mapping[str, t.Any]


class SchemaViolation(Exception):
    """A value that its schema refuses: jsonschema's ValidationError in StackStorm, and like there no ValueError.

    The text is what jsonschema 3.2 says; ``summary`` is its first sentence, ``attribute`` the dotted path of the value.
    """

    def __init__(self, message: str, attribute: str = "", summary: str = "") -> None:
        super().__init__(message)
        self.attribute = attribute
        self.summary = summary or message


def _properties(validator: t.Any, properties: Schema, instance: t.Any, schema: Schema) -> t.Iterator[t.Any]:
    if not validator.is_type(instance, "object"):
        return
    for name, subschema in properties.items():
        if name in instance:
            yield from validator.descend(instance[name], subschema, path=name, schema_path=name)
        elif isinstance(subschema, dict) and subschema.get("required", False):
            error = jsonschema.ValidationError(
                f"{name!r} is a required property",
                validator="required",
                validator_value=subschema["required"],
                instance=instance,
                schema=schema,
            )
            error.path.appendleft(name)
            error.schema_path.extend([name, "required"])
            yield error


def _nothing(validator: t.Any, value: t.Any, instance: t.Any, schema: Schema) -> t.Iterator[t.Any]:
    return iter(())


# The properties of an object say by themselves whether they are required, so the keyword means nothing beside them.
_extend: t.Any = jsonschema.validators.extend
_Validator: t.Any = _extend(jsonschema.Draft4Validator, {"properties": _properties, "required": _nothing})


def check(instance: t.Any, schema: Schema) -> None:
    """Raise `SchemaViolation` for the most telling violation, if there is one."""
    error = jsonschema.exceptions.best_match(_Validator(dict(schema)).iter_errors(instance))
    if error is not None:
        raise SchemaViolation(_describe(error), ".".join(map(str, error.path)), error.message)


def _describe(error: t.Any) -> str:
    """Say what jsonschema 3.2 says of an error; newer releases order the keys of what they quote differently."""
    place = "".join(f"[{step!r}]" for step in list(error.relative_schema_path)[:-1])
    value = "".join(f"[{step!r}]" for step in error.relative_path)
    return (
        f"{error.message}\n\nFailed validating {error.validator!r} in schema{place}:\n{_quoted(error.schema)}"
        f"\n\nOn instance{value}:\n{_quoted(error.instance)}"
    )


def _quoted(value: t.Any) -> str:
    return textwrap.indent(pprint.pformat(value, width=72), "    ")
