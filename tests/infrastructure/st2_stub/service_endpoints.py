# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other endpoints: tokens, who one is, the version, executions."""

from __future__ import annotations

import re
import typing as t

from .accounts import Accounts
from .api import Call, Listing, NotFound, Route, page
from .database import Database
from .executions import ACTIONS, Executions, Outcome, action_document
from .schema_rules import check
from .server import Answer
from .workflows import Actions

EXECUTION = {
    "type": "object",
    "properties": {"action": {"type": "string", "required": True}, "parameters": {"type": ["object", "null"]}},
}
PACKS = {"type": "object", "properties": {"packs": {"type": "array", "items": {"type": "string"}, "required": True}}}


class ServiceEndpoints:
    """st2auth's tokens, and of st2api what is not about packs."""

    def __init__(
        self, database: Database, accounts: Accounts, executions: Executions, actions: Actions, version: str
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._executions = executions
        self._actions = actions
        self._version = version

    def auth_routes(self) -> t.List[Route]:
        """Return the routes of st2auth."""
        return [Route("POST", "/tokens", self.new_token, open=True)]

    def routes(self) -> t.List[Route]:
        """Return the routes of st2api."""
        return [
            Route("GET", "", self.root, open=True),
            Route("GET", "/user", self.user),
            Route("GET", "/executions", self.list, "execution_list"),
            Route("POST", "/executions", self.start),
            Route("GET", "/executions/([^/]+)", self.get),
            Route("GET", r"/actions/(packs\.\w+|core\.noop)", self.action),
            Route("DELETE", "/executions/([^/]+)", self.cancel),
        ]

    def new_token(self, call: Call) -> Answer:
        """POST /tokens, with basic auth."""
        account = self._accounts.log_in(call.request.header("Authorization"))
        token = self._accounts.new_token(account, float((call.body or {}).get("ttl") or 86400))
        document = {
            "user": account.username,
            "token": token.token,
            "expiry": token.expiry.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "metadata": {},
            "service": False,
            "id": self._database.new_id(),
        }
        return Answer(201, document)

    def root(self, call: Call) -> Answer:
        """GET /: which release it is."""
        return Answer(
            200,
            {"version": self._version, "docs_url": f"http://docs.stackstorm.com/{self._version.rsplit('.', 1)[0]}"},
        )

    def user(self, call: Call) -> Answer:
        """GET /user: who asks, and how that is known."""
        identity, rbac = call.identity, self._accounts.rbac
        authentication = {"method": identity.method, "location": identity.location}
        if identity.expiry:
            authentication["token_expire"] = identity.expiry.strftime("%Y-%m-%dT%H:%M:%SZ")
        roles = [identity.account.role] if rbac and identity.account else []
        document = {
            "username": call.user,
            "authentication": authentication,
            "rbac": {"enabled": rbac, "roles": roles, "is_admin": call.admin},
        }
        return Answer(200, document)

    def list(self, call: Call) -> Answer:
        """GET /executions, the newest first unless told otherwise; with ``?parent=``, the tasks of a workflow."""
        documents = self._executions.list(call.query.get("parent", ""), call.query.get("action", ""))
        if not call.query.get("sort_asc"):
            documents.reverse()
        return page(call, documents, Listing({"status": "status", "id": "id"}))

    def start(self, call: Call) -> Answer:
        """POST /executions."""
        body = call.body or {}
        check(body, EXECUTION)
        action = body["action"]
        document = None if action in ACTIONS else self._database.find("actions", action)
        if action not in ACTIONS and document is None:
            raise ValueError(f'Action "{action}" cannot be found.')
        self._accounts.require(call.identity, "action_execute", re.sub(r"^(\w+)\.", r"action:\1:", action))
        parameters = body.get("parameters") or {}
        if document is not None:
            return self._start_other(document, parameters, call.user)
        if "packs" in ACTIONS[action][2]:
            check(parameters, PACKS)
        execution = self._actions.start(action, parameters, call.user)
        return Answer(201, execution.document(self._database.new_id))

    def _start_other(self, action: t.Dict[str, t.Any], parameters: t.Dict[str, t.Any], user: str) -> Answer:
        """An action of a pack. Nothing of it is run: it succeeds, and its result is what it was given."""
        if not action.get("enabled", True):
            raise ValueError(f'Unable to execute. Action "{action["ref"]}" is disabled.')
        known = {"type": "object", "properties": action.get("parameters") or {}, "additionalProperties": False}
        check(parameters, known)
        outcome = Outcome("succeeded", {"stdout": "", "stderr": "", "exit_code": 0, "result": parameters})
        execution = self._executions.start(action["ref"], parameters, user, lambda _execution: outcome, action)
        return Answer(201, execution.document(self._database.new_id))

    def get(self, call: Call, identity: str) -> Answer:
        """GET /executions/{id}: each asking moves it on. Whoever may see the action may see what it does."""
        action = self._executions.action_of(identity)
        if action:
            # The permission that it names is none that anybody could be granted (st2-rbac-backend: resolvers.py).
            self._accounts.require(
                call.identity, "action_view", f"execution:{identity}", named="execution_view", implied_by=()
            )
        document = self._executions.poll(identity)
        if document is None:
            raise NotFound(f'Unable to identify resource with id "{identity}".')
        return Answer(200, document)

    def action(self, call: Call, ref: str) -> Answer:
        """GET /actions/{ref} of one of StackStorm's own."""
        if ref not in ACTIONS:
            raise NotFound(f'Resource with a ref or id "{ref}" not found')
        uid = "action:" + ref.replace(".", ":", 1)
        self._accounts.require(call.identity, "action_view", uid, implied_by=("action_execute",))
        return Answer(200, action_document(ref, self._database.new_id))

    def cancel(self, call: Call, identity: str) -> Answer:
        """DELETE /executions/{id}; one that is over is a fault with status 200."""
        self._accounts.require(call.identity, "execution_stop", f"execution:{identity}")
        try:
            document = self._executions.cancel(identity)
        except ValueError as error:
            return Answer(200, {"faultstring": str(error)})
        if document is None:
            raise NotFound(f'Unable to identify resource with id "{identity}".')
        return Answer(200, document)
