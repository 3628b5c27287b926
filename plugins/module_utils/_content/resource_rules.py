# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm 3.9.0 refuses of the metadata of a resource when it registers it.

Keys and their types are those of st2common/models/api/action.py (ActionAPI, ActionAliasAPI), rule.py (RuleAPI),
policy.py (PolicyAPI), trigger.py (TriggerTypeAPI) and sensor.py (SensorTypeAPI). C(null) stands for a key that is
missing, unless it is required (st2common/util/schema/__init__.py modify_schema_allow_default_none).
"""

from __future__ import annotations

import typing as t

from .._printable import printable
from .policy_rules import policy_refusals
from .yaml_lines import Path, shown_path

Clause = t.Tuple[Path, str]
"""Where something is wrong in the metadata, and what, as a clause that names it."""

REQUIRED: t.Mapping[str, t.Tuple[str, ...]] = {
    "actions": ("name", "runner_type"),
    "sensors": ("class_name", "entry_point"),
    "rules": ("name",),
    "aliases": ("name", "action_ref"),
    "policies": ("name", "resource_ref", "policy_type"),
    "triggers": ("name",),
}
RUNNERS = (
    *("action-chain", "announcement", "http-request", "inquirer", "noop", "orchestra", "orquesta", "python-script"),
    *("local-shell-cmd", "local-shell-script", "remote-shell-cmd", "remote-shell-script"),
    *("winrm-cmd", "winrm-ps-cmd", "winrm-ps-script"),
)
# st2common/operators.py get_allowed_operators
OPERATORS = frozenset(
    (
        *("matchwildcard", "matchregex", "regex", "iregex", "eq", "equals", "nequals", "neq", "ieq", "iequals"),
        *("contains", "icontains", "ncontains", "incontains", "startswith", "istartswith", "endswith", "iendswith"),
        *("lt", "lessthan", "gt", "greaterthan", "td_lt", "timediff_lt", "td_gt", "timediff_gt", "exists", "nexists"),
        *("inside", "in", "ninside", "nin", "search"),  # codespell:ignore nin
    )
)
_SHOWN = 60
_TYPES: t.Mapping[str, t.Tuple[type, str]] = {
    "string": (str, "a string"),
    "boolean": (bool, "true or false"),
    "object": (dict, "a mapping"),
    "array": (list, "a list"),
}
_COMMON = {
    **dict.fromkeys(("id", "ref", "uid", "pack", "name", "description", "metadata_file"), "string"),
    "enabled": "boolean",
}
_KEYS: t.Mapping[str, t.Mapping[str, str]] = {
    "actions": {
        **_COMMON,
        **{"runner_type": "string", "entry_point": "string", "parameters": "object", "output_schema": "object"},
        **{"tags": "array", "notify": "object"},
    },
    "aliases": {
        **_COMMON,
        **{"action_ref": "string", "formats": "array", "ack": "object", "result": "object", "extra": "object"},
        **{"immutable_parameters": "object"},
    },
    "policies": {**_COMMON, "resource_ref": "string", "policy_type": "string", "parameters": "object"},
    "rules": {
        **_COMMON,
        **{"type": "object", "trigger": "object", "criteria": "object", "action": "object", "context": "object"},
        "tags": "array",
    },
    "triggers": {
        **{key: kind for key, kind in _COMMON.items() if key != "enabled"},
        **{"payload_schema": "object", "parameters_schema": "object", "tags": "array"},
    },
}
_SENSOR = frozenset(
    (
        *(key for key in _COMMON if key != "name"),
        *("class_name", "artifact_uri", "entry_point", "trigger_types", "poll_interval"),
    )
)
# models/utils/sensor_type_utils.py MINIMUM_POLL_INTERVAL
_LEAST_INTERVAL = 5


def missing_keys(kind: str, resource: t.Mapping[t.Any, t.Any]) -> t.List[str]:
    """The keys that a resource must have and has not, or not as a string."""
    return [key for key in REQUIRED[kind] if not isinstance(resource.get(key), str) or not resource[key]]


def refusals(kind: str, resource: t.Mapping[t.Any, t.Any], ref: str) -> t.List[Clause]:
    """What makes registration refuse a resource, for what it must have, and whose it is.

    :arg ref: The pack's.
    """
    found: t.List[Clause] = [
        ((key,), f"{key} is {'not a string' if resource.get(key) is not None else 'missing'}")
        for key in missing_keys(kind, resource)
    ]
    pack = resource.get("pack")
    if pack and pack != ref:
        found.append((("pack",), f"it says that it belongs to the pack {printable(str(pack)[:_SHOWN])}"))
    if kind == "rules":
        for key, part in (("trigger", "type"), ("action", "ref")):
            value = resource.get(key)
            if not isinstance(value, dict) or not isinstance(value.get(part), str):
                found.append(((key,), f"{key} is not a mapping with a {part}"))
    return found


def further_refusals(kind: str, resource: t.Mapping[t.Any, t.Any]) -> t.Iterator[Clause]:
    """What else makes registration refuse a resource: keys and types, and what its kind demands.

    The parameters of actions are for L(action_refusals).
    """
    if kind == "sensors":
        yield from _sensor(resource)
        return
    yield from _keys(_KEYS[kind], resource, REQUIRED[kind], (), unknown=kind != "triggers")
    if kind == "aliases":
        yield from _formats(resource)
    elif kind == "rules":
        yield from _rule(resource)
    elif kind == "policies":
        yield from policy_refusals(resource)


def dropped_keys(kind: str, resource: t.Mapping[t.Any, t.Any]) -> t.Iterator[Path]:
    """Keys of sensors and triggers that StackStorm drops (st2common/services/triggers.py _add_trigger_models)."""
    if kind == "triggers":
        yield from ((str(key),) for key in resource if key not in _KEYS["triggers"])
    elif kind == "sensors":
        yield from ((str(key),) for key in resource if key not in _SENSOR)
        trigger_types = resource.get("trigger_types")
        for number, trigger in enumerate(trigger_types if isinstance(trigger_types, list) else ()):
            for key in trigger if isinstance(trigger, dict) else ():
                if key not in _KEYS["triggers"]:
                    yield "trigger_types", number, str(key)


def _keys(
    known: t.Mapping[str, str],
    resource: t.Mapping[t.Any, t.Any],
    required: t.Sequence[str],
    above: Path,
    *,
    unknown: bool = True,
) -> t.Iterator[Clause]:
    shown = f"{shown_path(above)}." if above else ""
    for key, value in resource.items():
        path = (*above, str(key))
        if key not in known:
            if unknown:
                yield path, f"the key {shown}{printable(str(key)[:_SHOWN])} is not accepted by StackStorm there"
        elif value is not None and key not in required:
            kind, text = _TYPES[known[key]]
            if not isinstance(value, kind):
                yield path, f"{shown}{key} is not {text}"


def _sensor(resource: t.Mapping[t.Any, t.Any]) -> t.Iterator[Clause]:
    """Of a sensor, only its trigger types are held against a schema (sensorsregistrar.py)."""
    interval = resource.get("poll_interval")
    if interval and not isinstance(interval, (int, float)):
        yield ("poll_interval",), "poll_interval is not a number"
    elif interval and interval < _LEAST_INTERVAL:
        yield ("poll_interval",), f"poll_interval is less than {_LEAST_INTERVAL} seconds"
    trigger_types = resource.get("trigger_types", [])
    if not isinstance(trigger_types, list):
        yield ("trigger_types",), "trigger_types is not a list"
        return
    for number, trigger in enumerate(trigger_types):
        above = ("trigger_types", number)
        if not isinstance(trigger, dict):
            yield above, "an item of trigger_types is not a mapping"
            continue
        if not isinstance(trigger.get("name"), str) or not trigger["name"]:
            yield above, "an item of trigger_types has no name"
        yield from _keys(_KEYS["triggers"], trigger, ("name",), above, unknown=False)


def _formats(alias: t.Mapping[t.Any, t.Any]) -> t.Iterator[Clause]:
    if "formats" not in alias:
        yield (), "formats is missing"
        return
    formats = alias["formats"]
    for number, one in enumerate(formats if isinstance(formats, list) else ()):
        path = ("formats", number)
        if isinstance(one, dict):
            representation = one.get("representation", [])
            if not isinstance(representation, list) or not all(isinstance(text, str) for text in representation):
                yield path, "the representation of a format is not a list of strings"
            if not isinstance(one.get("display", ""), str):
                yield path, "the display of a format is not a string"
        elif not isinstance(one, str):
            yield path, "a format is neither a string nor a mapping with display and representation"


def _rule(rule: t.Mapping[t.Any, t.Any]) -> t.Iterator[Clause]:
    trigger, action = rule.get("trigger"), rule.get("action")
    if isinstance(trigger, dict) and not isinstance(trigger.get("parameters", {}), (dict, type(None))):
        yield ("trigger", "parameters"), "trigger.parameters is not a mapping"
    if isinstance(action, dict):
        yield from _keys(
            {"ref": "string", "description": "string", "parameters": "object"}, action, ("ref",), ("action",)
        )
    criteria = rule.get("criteria")
    for key, value in criteria.items() if isinstance(criteria, dict) else ():
        path, shown = ("criteria", str(key)), printable(str(key)[:_SHOWN])
        if not isinstance(value, dict):
            yield path, f"the criterion {shown} is not a mapping with type and pattern"
        elif value.get("type") is None:
            yield path, f"the criterion {shown} has no type"
        elif value["type"] not in OPERATORS if isinstance(value["type"], str) else True:
            yield (*path, "type"), f"the criterion {shown} has a type that StackStorm does not know"
        elif value.get("pattern") is None:
            yield path, f"the criterion {shown} has no pattern"
