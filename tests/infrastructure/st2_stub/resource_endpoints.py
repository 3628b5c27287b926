# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints about resources: lists, single ones, and what people make, change and delete by hand."""

from __future__ import annotations

import typing as t

from . import resource_files, triggers
from .accounts import Accounts, Identity
from .action_files import delete_files
from .api import Call, Listing, NotFound, Route, fault, page
from .database import Database, Record
from .executions import runner_document
from .paths import HostPaths
from .schema_rules import check
from .server import Answer
from .unique_keys import require_unique

# What each kind is called in URLs and in permissions.
PATHS = {
    "actions": "actions",
    "sensors": "sensortypes",
    "rules": "rules",
    "aliases": "actionalias",
    "policies": "policies",
    "triggers": "triggertypes",
}
WORDS = {
    "actions": "action",
    "sensors": "sensor_type",
    "rules": "rule",
    "aliases": "action_alias",
    "policies": "policy",
    "triggers": "trigger_type",
}
_NAMED = {"pack": "pack", "name": "name"}
_SHOWN = ("id", "ref")
# st2common/openapi.yaml.j2: what a list can be asked for; anything else in the query counts for nothing.
LISTINGS: t.Mapping[str, Listing] = {
    "actions": Listing({**_NAMED, "id": "id"}, _SHOWN, limit=None, excludable=("parameters", "notify")),
    "sensors": Listing(
        {**_NAMED, "id": "id", "enabled": "enabled", "trigger": "trigger_types"}, _SHOWN, limit=None, offset=False
    ),
    "rules": Listing(
        {**_NAMED, "id": "id", "enabled": "enabled", "trigger": "trigger", "action": "action.ref"},
        _SHOWN,
        limit=None,
        offset=False,
    ),
    "aliases": Listing(_NAMED, _SHOWN),
    "policies": Listing(_NAMED, _SHOWN),
    "triggers": Listing({**_NAMED, "id": "id"}, _SHOWN, lists=("id", "name")),
}
RUNNERS = Listing({"id": "id", "name": "name"}, lists=("id", "name"))
DELETE_ACTION = {
    "type": "object",
    "properties": {"remove_files": {"type": "boolean"}},
    "additionalProperties": False,
}
GUARDED = ("actions", "policies", "triggers", "sensors")
"""Of which what belongs to the pack core is left alone."""
_DOCUMENTS: t.Mapping[str, t.Callable[[Record], Record]] = {
    "actions": resource_files.action,
    "rules": resource_files.rule,
    "aliases": resource_files.alias,
    "policies": resource_files.policy,
}


class ResourceEndpoints:
    """st2api/controllers/v1: actions.py, sensors.py, rules.py and their like."""

    def __init__(self, database: Database, paths: HostPaths, accounts: Accounts) -> None:
        self._database = database
        self._paths = paths
        self._accounts = accounts

    def routes(self) -> t.List[Route]:
        """Return the routes."""
        found = [
            Route("GET", "/runnertypes", self.runners),
            Route("GET", "/runnertypes/([^/]+)", self.runner),
            Route("GET", "/triggers", self.rule_triggers),
            Route("PUT", "/sensortypes/([^/]+)", self._of(self.put, "sensors")),
            Route("PUT", "/actions/([^/]+)", self._of(self.put, "actions")),
        ]
        for kind, path in PATHS.items():
            one = f"/{path}/([^/]+)"
            found.append(Route("GET", f"/{path}", self._of(self.resources, kind)))
            found.append(Route("GET", one, self._of(self.resource, kind)))
            if kind in _DOCUMENTS:
                found.append(Route("POST", f"/{path}", self._of(self.post, kind)))
            if kind != "sensors":
                found.append(Route("DELETE", one, self._of(self.delete, kind)))
        return found

    def resources(self, call: Call, kind: str) -> Answer:
        """GET /actions and its like. Rules and sensors know no offset, and they and actions no limit of their own."""
        documents = self._database.all(kind)
        if kind == "triggers":
            documents.sort(key=lambda document: str(document["ref"]))
        elif kind != "sensors":
            documents.sort(key=lambda document: (str(document["pack"]), str(document["name"])))
        return page(call, documents, LISTINGS[kind], self._shown if kind == "rules" else None)

    def resource(self, call: Call, kind: str, ref_or_id: str) -> Answer:
        """GET /actions/{ref_or_id} and its like."""
        found = self._find(kind, ref_or_id)
        return Answer(200, self._shown(found) if kind == "rules" else found)

    def post(self, call: Call, kind: str) -> Answer:
        """POST /actions, /rules, /actionalias, /policies: made by hand, so that no file of the pack has it."""
        return Answer(201, self.make(kind, call.body or {}, call.user, call.identity))

    def make(self, kind: str, body: t.Mapping[str, t.Any], user: str, identity: t.Optional[Identity] = None) -> Record:
        """Make a resource as people do, by hand; return it as it is shown. Raises what StackStorm has against it."""
        body = {"metadata_file": "", **({"pack": "default"} if kind in ("actions", "rules") else {}), **body}
        document = _DOCUMENTS[kind](body)
        if identity:
            self._accounts.require(identity, f"{WORDS[kind]}_create", document["uid"])
        if kind == "actions":
            self._leave_core_alone(kind, document)
            self._require_actions_directory(document["pack"])
        require_unique(self._database, kind, document)
        if kind != "rules":
            return self._database.put(kind, document["ref"], document)
        try:
            return self._shown(triggers.put_rule(self._database, {**document, "context": {"user": user}}))
        except triggers.TriggerMissing:
            wanted = document["trigger"]["type"]
            raise ValueError(
                f'Trigger "{wanted}" defined in the rule does not exist in system or it\'s missing required '
                '"parameters" attribute'
            ) from None

    def delete(self, call: Call, kind: str, ref_or_id: str) -> Answer:
        """DELETE /actions/{ref_or_id} and its like. Sensors cannot be deleted.

        An action takes its files in the pack with it where the body says ``remove_files``.
        """
        body = call.body or {}
        if kind == "actions":
            check(body, DELETE_ACTION)
        document = self._find(kind, ref_or_id)
        self._accounts.require(call.identity, f"{WORDS[kind]}_delete", document["uid"])
        self._leave_core_alone(kind, document)
        if kind == "triggers":
            triggers.delete_type(self._database, document)
        else:
            self._database.delete(kind, document["ref"])
        if kind == "rules":
            triggers.release(self._database, document["trigger"])
        if kind == "actions" and body.get("remove_files"):
            try:
                delete_files(self._paths.find_pack(document["pack"]), document)
            except OSError as error:
                self._database.put(kind, document["ref"], document)  # it is back, as another one: with a new id
                return fault(403 if isinstance(error, PermissionError) else 500, str(error))
        return Answer(204)

    def put(self, call: Call, kind: str, ref_or_id: str) -> Answer:
        """PUT /actions/{ref_or_id}: the body replaces it. PUT /sensortypes/{ref_or_id}: ``enabled`` alone counts."""
        document = self._find(kind, ref_or_id)
        self._accounts.require(call.identity, f"{WORDS[kind]}_modify", document["uid"])
        self._leave_core_alone(kind, document)
        if kind == "sensors":
            new = {**document, "enabled": bool((call.body or {}).get("enabled", False))}
        else:
            body = {"metadata_file": "", **(call.body or {})}
            new = resource_files.action({**body, "pack": body.get("pack") or document["pack"]})
            self._require_actions_directory(new["pack"])
        return Answer(200, self._database.put(kind, new["ref"], new, before=document["ref"]))

    def runners(self, call: Call) -> Answer:
        """GET /runnertypes."""
        return page(call, [runner_document(name) for name in resource_files.RUNNERS], RUNNERS)

    def runner(self, call: Call, name_or_id: str) -> Answer:
        """GET /runnertypes/{name_or_id}."""
        for name in resource_files.RUNNERS:
            document = runner_document(name)
            if name_or_id in (name, document["id"]):
                return Answer(200, document)
        raise NotFound(f'Resource with a name or id "{name_or_id}" not found')

    def rule_triggers(self, call: Call) -> Answer:
        """GET /triggers: all of them, whatever the query says."""
        found = self._database.all("rule_triggers")
        return Answer(200, [{key: each[key] for key in each if key != "ref_count"} for each in found])

    @staticmethod
    def _of(endpoint: t.Callable[..., Answer], kind: str) -> t.Callable[..., Answer]:
        return lambda call, *arguments: endpoint(call, kind, *arguments)

    @staticmethod
    def _leave_core_alone(kind: str, document: Record) -> None:
        if kind in GUARDED and document["pack"] == "core":
            raise ValueError("Resources belonging to system level packs can't be manipulated")

    def _require_actions_directory(self, pack: str) -> None:
        if not any((base / pack / "actions").is_dir() for base in self._paths.packs_base_paths):
            searched = ",".join(map(str, self._paths.packs_base_paths))
            raise ValueError(
                f'Content pack "{pack}" is not found or doesn\'t contain actions directory. Searched in: {searched}'
            )

    def _shown(self, rule: Record) -> Record:
        return triggers.shown_rule(self._database, rule)

    def _find(self, kind: str, ref_or_id: str) -> Record:
        found = self._database.find(kind, ref_or_id)
        for document in [found] if found else self._database.all(kind, id=ref_or_id):
            return document
        raise NotFound(f'Resource with a reference or id "{ref_or_id}" not found')
