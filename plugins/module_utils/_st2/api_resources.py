# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The resources of packs by StackStorm's REST API: read kind by kind, deleted one by one."""

from __future__ import annotations

import typing as t

from .._errors import MissingError, UnexpectedAnswerError
from .api_client import ApiClient, path_of
from .registration import Resource

_PATHS = {
    "sensors": "sensortypes",
    "actions": "actions",
    "rules": "rules",
    "aliases": "actionalias",
    "policies": "policies",
    "triggers": "triggertypes",
}
# What the items of a list are cut down to. Rules are taken whole: the type of their trigger is no field of theirs
# (st2common/models/api/rule.py RuleAPI.from_model looks it up), and triggers are not switched on and off.
_ATTRIBUTES = "ref,name,pack,enabled,metadata_file"
_CUT = {**dict.fromkeys(_PATHS, _ATTRIBUTES), "triggers": "ref,name,pack,metadata_file", "rules": ""}


def list_resources(client: ApiClient, kind: str, refs: t.Collection[str] = ()) -> t.List[Resource]:
    """All resources of one kind that the packs have, by one question.

    :arg refs: The packs; those of all packs when empty.
    """
    params = {"include_attributes": _CUT[kind]} if _CUT[kind] else {}
    if len(refs) == 1:
        params["pack"] = next(iter(refs))
    found = (_resource(kind, item) for item in client.list(f"/{_PATHS[kind]}", params))
    return [one for one in found if not refs or one.pack in refs]


def delete_resource(client: ApiClient, resource: Resource) -> None:
    """As L(Registrar.delete). StackStorm has no way to delete a sensor alone (st2api/controllers/v1/sensors.py): it is
    switched off instead, which ends its process, and stays in the database, disabled, until the pack is unloaded."""
    path = path_of(_PATHS[resource.kind], resource.ref)
    try:
        if resource.kind == "sensors":
            sensor = client.get(path)
            if not isinstance(sensor, dict):
                raise UnexpectedAnswerError(f"StackStorm does not answer GET {path} with a sensor.")
            client.put(path, {**sensor, "enabled": False})
        else:
            # Without a body the API breaks down for actions, and with remove_files it would delete files of the pack
            # (st2api/controllers/v1/actions.py delete).
            client.delete(path, {"remove_files": False} if resource.kind == "actions" else None)
    except MissingError:
        pass


def _resource(kind: str, item: t.Mapping[str, t.Any]) -> Resource:
    ref = str(item.get("ref") or "")
    pack, _dot, name = ref.partition(".")
    own_name = item.get("class_name") or item.get("name") if kind == "sensors" else item.get("name")
    enabled = item.get("enabled")
    return Resource(
        kind=kind,
        name=str(own_name or name),
        ref=ref,
        enabled=enabled if isinstance(enabled, bool) else None,
        metadata_file=str(item.get("metadata_file") or ""),
        pack=str(item.get("pack") or pack),
        trigger=_trigger(item) if kind == "rules" else "",
        orphaned=kind == "rules" and not isinstance(item.get("trigger"), dict),
    )


def _trigger(rule: t.Mapping[str, t.Any]) -> str:
    """The type of a rule's trigger; where that trigger is gone, what StackStorm still has of it."""
    trigger = rule.get("trigger")
    if isinstance(trigger, dict):
        trigger = trigger.get("type") or trigger.get("ref")
    return trigger if isinstance(trigger, str) else ""
