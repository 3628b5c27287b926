# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints about what packs contain: configs, their schemas, and resources of every kind."""

from __future__ import annotations

import typing as t

import yaml

from . import resource_files
from .accounts import Accounts
from .api import Call, NotFound, Route, fault, page
from .config_values import mask
from .database import Database, Record
from .paths import HostPaths
from .registrars import save_config
from .schema_rules import SchemaViolation
from .server import Answer

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
FILTERS = ("pack", "name", "enabled", "action_ref", "resource_ref", "policy_type")
DELETABLE = ("actions", "rules", "aliases", "policies", "triggers")
GUARDED = ("actions", "policies", "triggers", "sensors")
"""Of which what belongs to the pack core is left alone."""


class ContentEndpoints:
    """st2api/controllers/v1: pack_configs.py, pack_config_schemas.py, actions.py, sensors.py and their like."""

    def __init__(self, database: Database, paths: HostPaths, accounts: Accounts) -> None:
        self._database = database
        self._paths = paths
        self._accounts = accounts

    def routes(self) -> t.List[Route]:
        """Return the routes."""
        found = [
            Route("GET", "/configs", self.configs, "pack_list"),
            Route("GET", "/configs/([^/]+)", self.config, "pack_view"),
            Route("PUT", "/configs/([^/]+)", self.put_config, "pack_config"),
            Route("GET", "/config_schemas", self.schemas, "pack_list"),
            Route("GET", "/config_schemas/([^/]+)", self.schema, "pack_view"),
        ]
        for kind, path in PATHS.items():
            one = f"/{path}/([^/]+)"
            found.append(Route("GET", f"/{path}", self._of(self.resources, kind)))
            found.append(Route("GET", one, self._of(self.resource, kind)))
            if kind in DELETABLE:
                found.append(Route("DELETE", one, self._of(self.delete, kind)))
        found.append(Route("PUT", "/sensortypes/([^/]+)", self._of(self.put, "sensors")))
        found.append(Route("PUT", "/actions/([^/]+)", self._of(self.put, "actions")))
        return found

    # Configs

    def configs(self, call: Call) -> Answer:
        """GET /configs: one config without a schema, and the whole masked list is a 404."""
        answer = page(call, self._database.all("configs"))
        answer.body = [self._shown(call, config) for config in answer.body]
        return answer

    def config(self, call: Call, pack: str) -> Answer:
        """GET /configs/{pack}."""
        found = self._database.find("configs", pack) if self._database.find("packs", pack) else None
        if found is None:
            raise NotFound(f'Unable to identify resource with pack_ref "{pack}".')
        return Answer(200, self._shown(call, found))

    def put_config(self, call: Call, pack: str) -> Answer:
        """PUT /configs/{pack}: checks, writes the file, saves, and only then trips over a missing schema.

        Nobody asks whether there is such a pack. The file is written anew: keys sorted, 0644 where it was not there.
        """
        path = self._paths.config_file(pack)
        with self._database.session():
            before = self._database.find("configs", pack)
            try:
                saved = save_config(self._database, pack, call.body, path)
            except SchemaViolation as error:
                return fault(400, str(error))
            try:
                self._write(pack, call.body)
            except OSError:
                # The file comes first in StackStorm: where that fails, the database is as it was.
                if before is None:
                    self._database.delete("configs", pack)
                else:
                    self._database.put("configs", pack, before)
                raise
        return Answer(200, self._shown(call, saved))

    def _write(self, pack: str, values: t.Any) -> None:
        path = self._paths.config_file(pack)
        new = not path.exists()
        with open(path, "w") as file:
            file.write(yaml.safe_dump(values, default_flow_style=False))
        if new:
            path.chmod(0o644)

    def _shown(self, call: Call, config: Record) -> Record:
        if call.shows_secrets:
            return config
        schema = self._database.find("config_schemas", config["pack"])
        if schema is None:
            raise NotFound(f"Unable to find the ConfigSchemaDB instance. {{'pack': '{config['pack']}'}}")
        return {**config, "values": mask(config["values"], schema["attributes"])}

    def schemas(self, call: Call) -> Answer:
        """GET /config_schemas."""
        return page(call, self._database.all("config_schemas"))

    def schema(self, call: Call, pack: str) -> Answer:
        """GET /config_schemas/{pack}."""
        if not self._database.find("packs", pack):
            raise NotFound(f'Resource with a ref or id "{pack}" not found')
        found = self._database.find("config_schemas", pack)
        if found is None:
            raise NotFound(f'Unable to identify resource with pack_ref "{pack}".')
        return Answer(200, found)

    # Resources

    def resources(self, call: Call, kind: str) -> Answer:
        """GET /actions and its like, filtered by ``?pack=``."""
        documents = sorted(self._database.all(kind), key=lambda document: str(document["ref"]))
        return page(call, documents, FILTERS, always=("id", "ref"))

    def resource(self, call: Call, kind: str, ref_or_id: str) -> Answer:
        """GET /actions/{ref_or_id} and its like."""
        return Answer(200, self._find(kind, ref_or_id))

    def delete(self, call: Call, kind: str, ref_or_id: str) -> Answer:
        """DELETE /actions/{ref_or_id} and its like, in the database only. Sensors cannot be deleted."""
        document = self._find(kind, ref_or_id)
        self._accounts.require(call.identity, f"{WORDS[kind]}_delete", document["uid"])
        self._leave_core_alone(kind, document)
        self._database.delete(kind, document["ref"])
        return Answer(204)

    def put(self, call: Call, kind: str, ref_or_id: str) -> Answer:
        """PUT /actions/{ref_or_id}: the body replaces it. PUT /sensortypes/{ref_or_id}: ``enabled`` alone counts."""
        document = self._find(kind, ref_or_id)
        self._accounts.require(call.identity, f"{WORDS[kind]}_modify", document["uid"])
        self._leave_core_alone(kind, document)
        if kind == "sensors":
            new = {**document, "enabled": bool(call.body.get("enabled", False))}
        else:
            new = resource_files.action({**call.body, "pack": call.body.get("pack") or document["pack"]})
        return Answer(200, self._database.put(kind, new["ref"], new, before=document["ref"]))

    @staticmethod
    def _of(endpoint: t.Callable[..., Answer], kind: str) -> t.Callable[..., Answer]:
        return lambda call, *arguments: endpoint(call, kind, *arguments)

    @staticmethod
    def _leave_core_alone(kind: str, document: Record) -> None:
        if kind in GUARDED and document["pack"] == "core":
            raise ValueError("Resources belonging to system level packs can't be manipulated")

    def _find(self, kind: str, ref_or_id: str) -> Record:
        found = self._database.find(kind, ref_or_id)
        for document in [found] if found else self._database.all(kind, id=ref_or_id):
            return document
        raise NotFound(f'Resource with a reference or id "{ref_or_id}" not found')
