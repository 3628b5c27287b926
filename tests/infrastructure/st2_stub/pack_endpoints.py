# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints about packs: lists, installation, removal, registration, the index, views of their files."""

from __future__ import annotations

import mimetypes
import typing as t
from pathlib import Path

from .accounts import Accounts
from .api import Call, Listing, NotFound, Route, fault, page
from .database import Database
from .pack_index import PackIndex
from .paths import HostPaths
from .registrars import register
from .schema_rules import SchemaViolation, check
from .server import Answer
from .workflows import Actions

TYPES = [
    "all",
    "runner",
    "action",
    "actions",
    "trigger",
    "triggers",
    "sensor",
    "sensors",
    "rule",
    "rules",
    "rule_type",
    "rule_types",
    "alias",
    "aliases",
    "policy_type",
    "policy_types",
    "policy",
    "policies",
    "config",
    "configs",
]
_TEXTS = {"type": "array", "items": {"type": "string"}}
INSTALL = {
    "type": "object",
    "properties": {
        "packs": {**_TEXTS, "required": True},
        "force": {"type": "boolean"},
        "skip_dependencies": {"type": "boolean"},
    },
}
UNINSTALL = {"type": "object", "properties": {"packs": _TEXTS}}
REGISTER = {
    "type": "object",
    "properties": {
        "types": {"type": "array", "items": {"enum": TYPES}},
        "packs": _TEXTS,
        "fail_on_failure": {"type": "boolean"},
    },
}
SEARCH = {"type": "object", "properties": {"query": {"type": "string"}, "pack": {"type": "string"}}}
REF = r"(?!index|views)([^/]+)"
"""A pack whose ref starts with index or views cannot be had by itself (openapi.yaml.j2)."""
TOO_LARGE = 500_000


class PackEndpoints:
    """st2api/controllers/v1/packs.py and pack_views.py."""

    def __init__(
        self, database: Database, paths: HostPaths, index: PackIndex, actions: Actions, accounts: Accounts
    ) -> None:
        self._accounts = accounts
        self._database = database
        self._paths = paths
        self.index = index
        self._actions = actions

    def routes(self) -> t.List[Route]:
        """Return the routes, the more special before the more general."""
        return [
            Route("GET", "/packs", self.list, "pack_list"),
            Route("POST", "/packs/install", self.install, "pack_install"),
            Route("POST", "/packs/uninstall", self.uninstall, "pack_uninstall"),
            Route("POST", "/packs/register", self.register, "pack_register"),
            Route("GET", "/packs/index", self.whole_index, "pack_search"),
            Route("POST", "/packs/index/search", self.search, "pack_search"),
            Route("GET", "/packs/index/health", self.health, "pack_views_index_health"),
            Route("GET", "/packs/views/files/([^/]+)", self.files, "pack_view"),
            Route("GET", "/packs/views/file/([^/]+)/(.+)", self.file, "pack_view"),
            Route("GET", f"/packs/{REF}", self.get, "pack_view"),
        ]

    def list(self, call: Call) -> Answer:
        """GET /packs."""
        packs = sorted(self._database.all("packs"), key=lambda pack: str(pack["ref"]))
        return page(call, packs, Listing({"ref": "ref", "name": "name", "id": "id"}))

    def get(self, call: Call, ref_or_id: str) -> Answer:
        """GET /packs/{ref_or_id}."""
        return Answer(200, self._find(ref_or_id))

    def install(self, call: Call) -> Answer:
        """POST /packs/install: unknown keys are let through, an empty list too."""
        body = call.body or {}
        check(body, INSTALL)
        parameters = {"packs": body["packs"]}
        parameters.update({key: True for key in ("force", "skip_dependencies") if body.get(key)})
        return self._start(call, "packs.install", parameters)

    def uninstall(self, call: Call) -> Answer:
        """POST /packs/uninstall: without packs it is an AttributeError, so a 500."""
        check(call.body or {}, UNINSTALL)
        return self._start(call, "packs.uninstall", {"packs": (call.body or {})["packs"]})

    def register(self, call: Call) -> Answer:
        """POST /packs/register: what an invalid config does wrong here stays unsaid, a bare 500."""
        body = call.body or {}
        check(body, REGISTER)
        try:
            counts = register(
                self._paths,
                self._database,
                body.get("types", ("all",)),
                body.get("packs", ()),
                body.get("fail_on_failure", True),
            )
        except SchemaViolation:
            return fault(500, "Internal Server Error")
        return Answer(200, counts)

    def whole_index(self, call: Call) -> Answer:
        """GET /packs/index."""
        entries, statuses = self.index.entries()
        return Answer(200, {"status": statuses, "index": entries})

    def search(self, call: Call) -> Answer:
        """POST /packs/index/search: a query wins over a pack; neither is a 500."""
        body = call.body or {}
        check(body, SEARCH)
        if "query" in body:
            return Answer(200, self.index.search(body["query"]))
        return Answer(200, self.index.get(body["pack"]) or [])

    def health(self, call: Call) -> Answer:
        """GET /packs/index/health."""
        return Answer(200, self.index.health())

    def files(self, call: Call, ref_or_id: str) -> Answer:
        """GET /packs/views/files/{ref_or_id}: the text files that were there at registration."""
        pack = self._find(ref_or_id)
        found = []
        for relative in pack["files"]:
            path = Path(pack["path"]) / relative
            if path.is_file() and path.stat().st_size <= TOO_LARGE and b"\0" not in path.read_bytes()[:1024]:
                content = path.read_text(encoding="utf-8", errors="replace")
                found.append({"file_path": relative, "content": content})
        return Answer(200, found)

    def file(self, call: Call, ref_or_id: str, relative: str) -> Answer:
        """GET /packs/views/file/{ref_or_id}/{path}."""
        pack = self._find(ref_or_id)
        path = Path(pack["path"]) / relative
        if ".." in relative.split("/") or not path.is_file():
            raise NotFound("File not found")
        kind = mimetypes.guess_type(relative)[0] if not relative.endswith((".yaml", ".yml")) else None
        return Answer(200, path.read_bytes(), {"Content-Type": kind or "application/octet-stream"})

    def _find(self, ref_or_id: str) -> t.Dict[str, t.Any]:
        found = self._database.find("packs", ref_or_id)
        for pack in [found] if found else self._database.all("packs", id=ref_or_id):
            return pack
        raise NotFound(f'Resource with a ref or id "{ref_or_id}" not found')

    def _start(self, call: Call, action: str, parameters: t.Dict[str, t.Any]) -> Answer:
        # As for any execution (controllers/v1/actionexecutions.py _handle_schedule_execution).
        self._accounts.require(call.identity, "action_execute", "action:" + action.replace(".", ":", 1))
        return Answer(202, {"execution_id": self._actions.start(action, parameters, call.user).id})
