# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The parameters of an action, held against what StackStorm's database says of them, before it is run."""

from __future__ import annotations

import difflib
import typing as t

from .._printable import printable

_SHOWN = 120
# What StackStorm makes of values before it looks at their types (st2common/util/casts.py): texts may become anything.
_TYPES: t.Mapping[str, t.Tuple[type, ...]] = {
    "integer": (int, float, str),
    "number": (int, float, str),
    "boolean": (bool, int, str),
    "array": (list, str),
    "object": (dict, str),
}

Schema = t.Mapping[str, t.Any]


def schemas_of(action: Schema, runner: Schema) -> t.Dict[str, t.Dict[str, t.Any]]:
    """The schema of each parameter of an action: those of its runner, with what the action itself says of them
    (st2common/util/schema/__init__.py get_schema_for_action_parameters).

    :arg action: As C(GET /actions/REF) gives it.
    :arg runner: As C(GET /runnertypes/NAME) gives it.
    """
    found: t.Dict[str, t.Dict[str, t.Any]] = {}
    for schemas in (runner.get("runner_parameters"), action.get("parameters")):
        for name, schema in schemas.items() if isinstance(schemas, dict) else ():
            found[name] = {**found.get(name, {}), **(schema if isinstance(schema, dict) else {})}
    return found


def misfits(values: Schema, schemas: t.Mapping[str, Schema]) -> t.List[str]:
    """What StackStorm would refuse, as clauses without values; not all of that is known here.

    :arg values: The parameters that are given.
    """
    found = [_unknown(name, schemas) for name in values if name not in schemas]
    for name, schema in schemas.items():
        if values.get(name) is not None:
            found += _misfit(printable(name[:_SHOWN]), values[name], schema)
        elif schema.get("required") is True and schema.get("default") is None:
            found.append(f"{printable(name[:_SHOWN])} is required and has no value")
    return found


def _unknown(name: str, schemas: t.Mapping[str, Schema]) -> str:
    known = [one for one, schema in schemas.items() if not schema.get("immutable")]
    close = difflib.get_close_matches(name, known, 1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return f"there is no parameter {printable(name[:_SHOWN])}{meant}; there are: {', '.join(sorted(known)) or 'none'}"


def _misfit(name: str, value: t.Any, schema: Schema) -> t.List[str]:
    if schema.get("immutable"):
        return [f"{name} is immutable, so it cannot be set"]
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        return []  # StackStorm renders it first.
    kind, choices = schema.get("type"), schema.get("enum")
    if isinstance(kind, str) and not isinstance(value, _TYPES.get(kind, (object,))):
        return [f"{name} is of the type {kind}, and cannot be a {_name_of(value)}"]
    if kind in ("integer", "number") and isinstance(value, str) and not _is_number(value, kind):
        return [f"{name} is of the type {kind}, and cannot be this text"]
    if isinstance(choices, list) and choices and str(value) not in map(str, choices):
        return [f"{name} must be one of {', '.join(map(str, choices))}"]
    return []


def _name_of(value: t.Any) -> str:
    return {dict: "dictionary", list: "list", bool: "boolean", str: "text"}.get(type(value), "number")


def _is_number(text: str, kind: str) -> bool:
    try:
        _number = int(text) if kind == "integer" else float(text)
    except ValueError:
        return False
    return True
