# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm 3.9.0 refuses of the parameters of an action when it registers it.

It follows st2common/util/schema/action_params.json and st2common/validators/api/action.py validate_action.
"""

from __future__ import annotations

import math
import typing as t

from .._printable import printable
from .config_schema import schema_problems
from .config_schema_rules import TYPES
from .resource_rules import Clause
from .runners import Parameter, is_known, parameters_of

_PLAIN = frozenset(("type", "description", "default", "required", "secret", "immutable", "position"))
_FLAGS = ("required", "secret", "immutable")
_SHOWN = 60
# st2common/util/schema/__init__.py RUNNER_PARAM_OVERRIDABLE_ATTRS
_OVERRIDABLE = frozenset(("default", "description", "enum", "immutable", "required"))
# Parameters of runners that have further keywords themselves; what an action says there is not compared.
_CONSTRAINED = frozenset(("notify", "route", "url_hosts_blacklist", "url_hosts_whitelist"))


def action_refusals(action: t.Mapping[t.Any, t.Any]) -> t.Iterator[Clause]:
    """What is wrong with the parameters of an action: each as a schema, all together, and against its runner's."""
    parameters = action.get("parameters")
    if not isinstance(parameters, dict):
        return
    odd = odd_parameters(parameters)
    for problem in schema_problems(odd) if odd else ():
        yield ("parameters", *problem.path), f"the parameter {printable(problem.key)} {problem.message}"
    yield from _positions(parameters)
    runner = str(action.get("runner_type"))
    if not is_known(runner):
        return
    known = parameters_of(runner)
    for name, schema in parameters.items():
        if isinstance(schema, dict):
            yield from _against_runner(str(name), schema, known.get(name))


def odd_parameters(parameters: t.Mapping[t.Any, t.Any]) -> t.Dict[t.Any, t.Any]:
    """The parameters that are not plainly right, as nearly all are: the library that finds out more takes its time."""
    return {name: schema for name, schema in parameters.items() if not _is_plain(name, schema)}


def _positions(parameters: t.Mapping[t.Any, t.Any]) -> t.Iterator[Clause]:
    positions: t.Dict[t.Any, str] = {}
    for name, schema in parameters.items():
        if not isinstance(schema, dict) or not isinstance(schema.get("position"), (int, float)):
            continue
        position = schema["position"]
        if position in positions:
            yield (
                ("parameters", str(name), "position"),
                f"the parameters {positions[position]} and {name} have the same position {position}",
            )
        positions[position] = str(name)
    if not all(map(math.isfinite, positions)):
        yield ("parameters",), "a position of the parameters is not a number that counts"
        return
    places = sorted(positions)
    if places and places != list(range(int(places[0]), int(places[0]) + len(places))):
        shown = ", ".join(map(str, places[:20]))
        yield ("parameters",), f"the positions of the parameters, {shown}, have gaps"


def _against_runner(name: str, schema: t.Mapping[t.Any, t.Any], runner: t.Optional[Parameter]) -> t.Iterator[Clause]:
    path = ("parameters", name)
    shown = printable(name[:_SHOWN])
    if "immutable" in schema and "default" not in schema and not (runner and runner.has_default):
        yield path, f"the parameter {shown} is immutable and has no default"
    if runner is None:
        return
    if "immutable" in schema and runner.immutable:
        yield path, f"the parameter {shown} is immutable in the runner and cannot be changed"
    for key, value in schema.items():
        if key == "type" and value != runner.type:
            yield (*path, key), f"the runner's parameter {shown} has the type {runner.type}, which cannot be changed"
        elif key == "secret" and value != runner.secret:
            yield (*path, key), f"whether the runner's parameter {shown} is secret cannot be changed"
        elif key not in (*_OVERRIDABLE, "type", "secret") and value is not None and name not in _CONSTRAINED:
            yield (*path, str(key)), f"the runner's parameter {shown} cannot be given {printable(str(key)[:_SHOWN])}"


def _is_plain(name: t.Any, schema: t.Any) -> bool:
    if not isinstance(name, str) or not name.isidentifier() or not isinstance(schema, dict):
        return False
    if not _PLAIN.issuperset(schema):
        return False
    if not isinstance(schema.get("description", ""), str) or schema.get("type", "string") not in TYPES:
        return False
    position = schema.get("position", 0)
    if isinstance(position, bool) or not isinstance(position, (int, float)) or position < 0:
        return False
    return all(isinstance(schema.get(flag, False), bool) for flag in _FLAGS)
