# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trigger types, and the triggers that rules hang on (st2common/services/triggers.py).

A type without parameters brings its one trigger along (the "shadow" of the type). For one with parameters, a trigger is
made for each set of parameters that a rule asks for, with a name that nobody can guess, and goes with the last rule.
A rule knows its trigger by that name alone: where the trigger goes, such a rule has none from then on.
"""

from __future__ import annotations

import typing as t
import uuid

from .database import Database, Record
from .schema_rules import check

_NUMBER = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
_UNITS = ["weeks", "days", "hours", "minutes", "seconds"]
_CRON = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second")
# st2common/constants/triggers.py
PARAMETERS: t.Mapping[str, t.Mapping[str, t.Any]] = {
    "st2.webhook": {"url": {"type": "string", "required": True}},
    "st2.IntervalTimer": {
        "timezone": {"type": "string"},
        "unit": {"enum": _UNITS, "required": True},
        "delta": {"type": "integer", "required": True},
    },
    "st2.DateTimer": {"timezone": {"type": "string"}, "date": {"type": "string", "required": True}},
    "st2.CronTimer": {"timezone": {"type": "string"}, **dict.fromkeys(_CRON, _NUMBER)},
}
"""StackStorm's own trigger types that take parameters; the only ones whose parameters are looked at."""
INTERNAL = (
    "st2.generic.actiontrigger",
    "st2.generic.notifytrigger",
    "st2.action.file_written",
    "st2.generic.inquiry",
    "st2.sensor.process_spawn",
    "st2.sensor.process_exit",
    "st2.key_value_pair.create",
    "st2.key_value_pair.update",
    "st2.key_value_pair.value_change",
    "st2.key_value_pair.delete",
)
"""StackStorm's own trigger types that take none."""


class TriggerMissing(Exception):
    """A rule without parameters whose trigger is not there: TriggerDoesNotExistException in StackStorm."""


def add_internal_types(database: Database) -> None:
    """Put StackStorm's own trigger types into the database, as its services do when they start."""
    with database.session():
        for name in INTERNAL:
            add_type(database, _type_document(name, {}))
        for name, properties in PARAMETERS.items():
            add_type(database, _type_document(name, _parameters_schema(properties)))


def add_type(database: Database, document: Record) -> Record:
    """Put a trigger type into the database, with its trigger where it takes no parameters; return the type."""
    if not document["parameters_schema"]:
        found = database.find("rule_triggers", document["ref"]) or {"ref_count": 0}
        shadow = _trigger(document["pack"], document["name"], document["ref"], {}, found["ref_count"])
        database.put("rule_triggers", shadow["ref"], shadow)
    return database.put("triggers", document["ref"], document)


def delete_type(database: Database, document: Record) -> None:
    """Take a trigger type out of the database, with its trigger where it takes no parameters."""
    database.delete("triggers", document["ref"])
    if not document["parameters_schema"]:
        database.delete("rule_triggers", document["ref"])


def trigger_of(database: Database, wanted: t.Mapping[str, t.Any]) -> str:
    """Return the ref of the trigger that a rule hangs on; one with parameters is made where there is none.

    :arg wanted: what the rule says, ``type`` and ``parameters``.

    Raises `TriggerMissing`, `SchemaViolation` for what StackStorm's own triggers do not take, and ValueError for a type
    that is no ref.
    """
    kind, parameters = wanted["type"], wanted.get("parameters") or {}
    if "." not in kind:
        raise ValueError(f"Invalid resource reference: {kind}")
    pack, name = kind.split(".", 1)
    if pack == "core" and name in PARAMETERS:
        check(parameters, _parameters_schema(PARAMETERS[name]))
    for trigger in database.all("rule_triggers", type=kind, parameters=parameters):
        return str(trigger["ref"])
    if not parameters:
        described = {"pack": pack, "type": kind, "parameters": parameters}
        raise TriggerMissing(
            "A simple trigger should have been created when registering triggertype. Cannot create trigger: "
            f"{described}."
        )
    made = _trigger(pack, str(uuid.uuid4()), kind, parameters)
    return str(database.put("rule_triggers", made["ref"], made)["ref"])


def hold(database: Database, ref: str) -> None:
    """Count one more rule that hangs on a trigger with parameters."""
    trigger = database.find("rule_triggers", ref)
    if trigger and trigger["parameters"]:
        database.put("rule_triggers", ref, {**trigger, "ref_count": trigger["ref_count"] + 1})


def release(database: Database, ref: str) -> None:
    """Count one rule less, and take a trigger with parameters away with the last of its rules."""
    trigger = database.find("rule_triggers", ref)
    if not trigger or not trigger["parameters"]:
        return
    if trigger["ref_count"] > 1:
        database.put("rule_triggers", ref, {**trigger, "ref_count": trigger["ref_count"] - 1})
    else:
        database.delete("rule_triggers", ref)


def put_rule(database: Database, document: Record) -> Record:
    """Put a rule into the database, and count it where it hangs; return it. Raises what `trigger_of` raises.

    :arg document: its ``trigger`` is what the rule says, and becomes a ref.
    """
    with database.session():
        ref = trigger_of(database, document["trigger"])
        before = database.find("rules", document["ref"])
        saved = database.put("rules", document["ref"], {**document, "trigger": ref})
        hold(database, ref)
        if before:
            release(database, before["trigger"])
        return saved


def shown_rule(database: Database, document: Record) -> Record:
    """Return a rule as the API shows it: with what its trigger is, or the mere ref of one that is gone."""
    trigger = database.find("rule_triggers", document["trigger"])
    if trigger is None:
        return document
    what = {"type": trigger["type"], "parameters": trigger["parameters"], "ref": trigger["ref"]}
    return {**document, "trigger": what}


def _trigger(pack: str, name: str, kind: str, parameters: t.Any, ref_count: int = 0) -> Record:
    document = {"pack": pack, "name": name, "ref": f"{pack}.{name}", "uid": f"trigger:{pack}:{name}"}
    return {**document, "type": kind, "parameters": dict(parameters), "ref_count": ref_count}


def _type_document(name: str, parameters_schema: t.Mapping[str, t.Any]) -> Record:
    return {
        "tags": [],
        "uid": f"trigger_type:core:{name}",
        "name": name,
        "ref": f"core.{name}",
        "description": f"The trigger type {name}",
        "pack": "core",
        "payload_schema": {},
        "parameters_schema": dict(parameters_schema),
    }


def _parameters_schema(properties: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}
