# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints about configs and their schemas."""

from __future__ import annotations

import typing as t

import yaml

from .api import Call, Listing, NotFound, Route, fault, page
from .config_values import mask
from .database import Database, Record
from .paths import HostPaths
from .registrars import save_config
from .schema_rules import SchemaViolation
from .server import Answer

LISTING = Listing({"id": "id"})


class ConfigEndpoints:
    """st2api/controllers/v1: pack_configs.py and pack_config_schemas.py."""

    def __init__(self, database: Database, paths: HostPaths) -> None:
        self._database = database
        self._paths = paths

    def routes(self) -> t.List[Route]:
        """Return the routes."""
        return [
            Route("GET", "/configs", self.configs, "pack_list"),
            Route("GET", "/configs/([^/]+)", self.config, "pack_view"),
            Route("PUT", "/configs/([^/]+)", self.put_config, "pack_config"),
            Route("GET", "/config_schemas", self.schemas, "pack_list"),
            Route("GET", "/config_schemas/([^/]+)", self.schema, "pack_view"),
        ]

    def configs(self, call: Call) -> Answer:
        """GET /configs: one config without a schema, and the whole masked list is a 404."""
        answer = page(call, self._database.all("configs"), LISTING)
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
        return page(call, self._database.all("config_schemas"), LISTING)

    def schema(self, call: Call, pack: str) -> Answer:
        """GET /config_schemas/{pack}."""
        if not self._database.find("packs", pack):
            raise NotFound(f'Resource with a ref or id "{pack}" not found')
        found = self._database.find("config_schemas", pack)
        if found is None:
            raise NotFound(f'Unable to identify resource with pack_ref "{pack}".')
        return Answer(200, found)
