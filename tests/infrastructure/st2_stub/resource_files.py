# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a resource's metadata in the database: one function for each kind."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from .config_values import plain
from .schema_rules import check

Content = t.Dict[str, t.Any]

RUNNERS = [
    "action-chain",
    "announcement",
    "http-request",
    "inquirer",
    "local-shell-cmd",
    "local-shell-script",
    "noop",
    "orquesta",
    "python-script",
    "remote-shell-cmd",
    "remote-shell-script",
    "winrm-cmd",
    "winrm-ps-cmd",
    "winrm-ps-script",
]
RULE_TYPES = ("standard", "backstop")
_ATTEMPTS = {"type": "integer", "required": True, "minimum": 1, "maximum": 5, "default": 2}
_ON_TOO_MANY = {"type": "string", "default": "delay", "enum": ["delay", "cancel"]}
_THRESHOLD = {"threshold": {"type": "integer", "required": True}, "action": _ON_TOO_MANY}
# st2common/policies/meta
POLICY_TYPES: t.Mapping[str, t.Mapping[str, t.Any]] = {
    "action.concurrency": _THRESHOLD,
    "action.concurrency.attr": {**_THRESHOLD, "attributes": {"type": "array", "items": {"type": "string"}}},
    "action.retry": {
        "retry_on": {"type": "string", "required": True, "enum": ["failure", "timeout"]},
        "max_retry_count": _ATTEMPTS,
        "delay": {"type": ["number", "null"], "minimum": 0, "maximum": 120},
    },
}
"""The types of policies, and what parameters each takes."""

# Null stands for "not said" in everything that is not required (models/api/base.py validate, allow_default_none).
_TEXT = {"type": ["string", "null"]}
_NEEDED = {"type": "string", "required": True}
_OBJECT = {"type": ["object", "null"]}
_COMMON = {
    **dict.fromkeys(("id", "ref", "uid", "pack", "metadata_file", "description"), _TEXT),
    "name": _NEEDED,
    "enabled": {"type": ["boolean", "null"]},
}
_TAGS = {"type": ["array", "null"], "items": {"type": "object"}}


def _schema(**properties: t.Any) -> Content:
    return {"type": "object", "properties": {**_COMMON, **properties}, "additionalProperties": False}


# models/api/action.py, rule.py, policy.py, trigger.py of st2common, as far as packs get them wrong
ACTION = _schema(
    runner_type=_NEEDED, entry_point=_TEXT, parameters=_OBJECT, output_schema=_OBJECT, tags=_TAGS, notify=_OBJECT
)
ALIAS = _schema(
    pack=_NEEDED,
    action_ref=_NEEDED,
    formats={"type": ["array", "null"]},
    **dict.fromkeys(("ack", "result", "extra", "immutable_parameters"), _OBJECT),
)
POLICY = _schema(resource_ref=_NEEDED, policy_type=_NEEDED, parameters=_OBJECT)
TRIGGER = {"type": "object", "properties": {"payload_schema": _OBJECT, "parameters_schema": _OBJECT, "tags": _TAGS}}
RULE = _schema(
    type=_OBJECT,
    trigger={"type": "object", "required": True, "properties": {"type": _NEEDED, "parameters": _OBJECT}},
    criteria=_OBJECT,
    action={"type": "object", "required": True, "properties": {"ref": _NEEDED, "parameters": _OBJECT}},
    context=_OBJECT,
    tags=_TAGS,
)


def ref_of(pack: str, name: t.Any) -> str:
    """Return the ref of a resource. Raises ValueError where the pack's name has a dot (models/system/common.py)."""
    if "." in pack:
        raise ValueError('Pack name should not contain "."')
    return f"{pack}.{name}"


def action(content: Content) -> Content:
    """Return the document of an action; raises what keeps StackStorm from registering it."""
    check(content, ACTION)
    runner = content["runner_type"]
    if runner not in RUNNERS:
        raise ValueError(
            f"RunnerType {runner} is not found. If you are using old and deprecated runner name, you need to switch to "
            "a new one. For more information, please see https://docs.stackstorm.com/upgrade_notes.html#st2-v0-9"
        )
    parameters = content.get("parameters") or {}
    _check_parameters(parameters)
    return {
        "tags": content.get("tags") or [],
        **_identity("action", content),
        "enabled": bool(content.get("enabled", True)),
        "entry_point": str(content.get("entry_point") or ""),
        "pack": content["pack"],
        "runner_type": runner,
        "parameters": parameters,
        "output_schema": content.get("output_schema") or {},
        "notify": content.get("notify") or {},
    }


def rule(content: Content) -> Content:
    """Return the document of a rule. Without a word about it, it is off. What its trigger is, `put_rule` finds out."""
    check(content, RULE)
    trigger = content["trigger"]
    return {
        "tags": content.get("tags") or [],
        **_identity("rule", content),
        "pack": content["pack"],
        "type": {"parameters": {}, "ref": "standard", **(content.get("type") or {})},
        "trigger": {"type": trigger["type"], "parameters": trigger.get("parameters") or {}},
        "criteria": content.get("criteria") or {},
        "action": {"parameters": {}, **content["action"]},
        "context": content.get("context") or {},
        "enabled": content.get("enabled", False) is not False,
    }


def alias(content: Content) -> Content:
    """Return the document of an alias."""
    check(content, ALIAS)
    return {
        **_identity("action_alias", content),
        "pack": content["pack"],
        "enabled": content.get("enabled", True) is not False,
        "action_ref": content["action_ref"],
        "formats": content.get("formats") or [],
        **{key: content.get(key) or {} for key in ("ack", "result", "extra", "immutable_parameters")},
    }


def policy(content: Content) -> Content:
    """Return the document of a policy, defaults of its type filled in. Raises what keeps StackStorm from taking it."""
    check(content, POLICY)
    if content["policy_type"] not in POLICY_TYPES:
        raise ValueError(f'Referenced policy_type "{content["policy_type"]}" doesnt exist')  # codespell:ignore doesnt
    known = POLICY_TYPES[content["policy_type"]]
    usual = {name: item["default"] for name, item in known.items() if "default" in item}
    given = {name: value for name, value in (content.get("parameters") or {}).items() if value is not None}
    parameters = {**usual, **given}
    check(parameters, {"type": "object", "properties": known, "additionalProperties": False})
    return {
        **_identity("policy", content),
        "pack": content["pack"],
        "enabled": content.get("enabled", True) is not False,
        "resource_ref": content["resource_ref"],
        "policy_type": content["policy_type"],
        "parameters": parameters,
    }


def trigger(content: Content) -> Content:
    """Return the document of a trigger type. Raises KeyError without a name."""
    check(content, TRIGGER)
    return {
        "tags": content.get("tags") or [],
        **_identity("trigger_type", {**content, "name": content["name"]}),
        "pack": content["pack"],
        "payload_schema": content.get("payload_schema") or {},
        "parameters_schema": content.get("parameters_schema") or {},
    }


def sensor(content: Content, path: Path) -> t.Tuple[Content, t.List[Content]]:
    """Return the document of a sensor and those of the trigger types that it brings along.

    StackStorm looks at hardly anything in a sensor: not at the schema, and whatever text ``enabled`` is, the database
    makes it true (sensorsregistrar.py, models/utils/sensor_type_utils.py).

    :arg path: its metadata file.
    """
    if (content.get("poll_interval") or 99) < 5:
        raise ValueError("Minimum possible poll_interval is 5 seconds")
    where = {"pack": content["pack"], "metadata_file": content["metadata_file"]}
    triggers = [trigger({**each, **where}) for each in content.get("trigger_types") or []]
    name = content.get("class_name")
    module = "sensors." + str(content["entry_point"]).replace("/", ".").replace(".py", "")
    document = {
        **_identity("sensor_type", {**content, "name": name}),
        "pack": content["pack"],
        "artifact_uri": f"file://{path.parent / content['entry_point']}",
        "entry_point": f"{module}.{name}",
        "trigger_types": [each["ref"] for each in triggers],
        "poll_interval": content.get("poll_interval"),
        "enabled": None if content.get("enabled", True) is None else bool(content.get("enabled", True)),
    }
    return {key: value for key, value in document.items() if value is not None}, triggers


def load(content: t.Any, pack: str, relative: str) -> Content:
    """Return metadata with the pack and its own place in it. Raises where it names another pack, or is no mapping."""
    content = plain(content)
    named = content.get("pack", None)
    if named and named != pack:
        raise ValueError(f'Model is in pack "{pack}" but field "pack" is different: {named}')
    content["pack"] = pack
    content["metadata_file"] = relative
    return t.cast("Content", content)


def _identity(kind: str, content: Content) -> Content:
    pack, name = content["pack"], content["name"]
    found = {
        "uid": f"{kind}:{pack}:{name}",
        "metadata_file": content.get("metadata_file"),
        "name": name,
        "ref": ref_of(pack, name),
        "description": content.get("description"),
    }
    return {key: value for key, value in found.items() if value is not None}


def _check_parameters(parameters: t.Mapping[str, t.Any]) -> None:
    positions: t.Dict[t.Any, str] = {}
    for name, item in parameters.items():
        if not re.match(r"^\w+$", name):
            raise ValueError(
                f'Parameter name "{name}" is invalid. Valid characters for parameter name are [a-zA-Z0-0_].'
            )
        if "position" in item and item["position"] in positions:
            other = positions[item["position"]]
            raise ValueError(
                f"Parameters {name} and {other} have same position {item['position']}. Position values have to be "
                "unique."
            )
        if "position" in item:
            positions[item["position"]] = name
    places = sorted(positions)
    if places and places != list(range(places[0], places[-1] + 1)):
        raise ValueError(f"Positions supplied {places} for parameters are not contiguous.")
