# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API: which endpoints there are, who may use them, and how errors are said."""

from __future__ import annotations

import re
import typing as t

from .accounts import Accounts, Denied, Identity
from .config_values import Misuse
from .schema_rules import SchemaViolation
from .server import Answer, Request

MAX_PAGE_SIZE = 100


class NotFound(Exception):
    """What is asked for is not there: 404."""


class Call(t.NamedTuple):
    """A request that has passed the door."""

    request: Request
    identity: Identity
    body: t.Any
    admin: bool
    """Whether the one who asks may see secrets and any number of records."""

    @property
    def user(self) -> str:
        """The name of the one who asks; StackStorm's own user where nobody has to say."""
        return self.identity.account.username if self.identity.account else "stanley"

    @property
    def query(self) -> t.Mapping[str, str]:
        """The query's parameters."""
        return self.request.query

    @property
    def shows_secrets(self) -> bool:
        """Whether secrets are asked for by one who may see them; from others the wish is ignored."""
        return self.admin and self.query.get("show_secrets", "").lower() in ("true", "1")


Endpoint = t.Callable[..., Answer]


class Route(t.NamedTuple):
    """One endpoint: the pattern's groups become arguments."""

    method: str
    pattern: str
    endpoint: Endpoint
    permission: str = ""
    open: bool = False
    """Whether nobody has to say who they are."""


class Api:
    """Answers requests by routes. The order of the checks is StackStorm's: route, identity, permission, body."""

    def __init__(self, accounts: Accounts, routes: t.Sequence[Route]) -> None:
        self.accounts = accounts
        self.routes = [(route, re.compile(route.pattern)) for route in routes]

    def answer(self, request: Request) -> Answer:
        """Return the answer; anything unforeseen is a 500, as in StackStorm (middleware/error_handling.py)."""
        try:
            return self._dispatch(request)
        except Denied as error:
            return fault(error.status, str(error))
        except NotFound as error:
            return fault(404, str(error))
        except SchemaViolation as error:
            return fault(400, error.summary)
        except (ValueError, Misuse) as error:
            return fault(400, str(error))
        except Exception:
            return fault(500, "Internal Server Error")

    def _dispatch(self, request: Request) -> Answer:
        path = re.sub(r"^(?:/api|/auth)?(?:/v1)?(?=/|$)", "", request.path.rstrip("/"))
        for route, pattern in self.routes:
            found = pattern.fullmatch(path)
            if found and route.method == request.method:
                return self._call(route, request, found.groups())
        raise NotFound("The resource could not be found.")

    def _call(self, route: Route, request: Request, arguments: t.Sequence[str]) -> Answer:
        identity = Identity(None)
        if not route.open:
            headers = {name: request.header(name) for name in ("X-Auth-Token", "St2-Api-Key")}
            identity = self.accounts.identify(headers, request.query, request.cookies)
            if route.permission:
                self.accounts.require(identity, route.permission)
        try:
            body = request.body
        except ValueError as error:
            place = f"line {error.lineno} column {error.colno} (char {error.pos})"  # type: ignore[attr-defined]
            raise ValueError(f"Failed to parse request body: unexpected character: {place}") from None
        return route.endpoint(Call(request, identity, body, self.accounts.is_admin(identity)), *arguments)


def fault(status: int, text: str) -> Answer:
    """Return an error as StackStorm says it."""
    return Answer(status, {"faultstring": text})


def page(
    call: Call,
    documents: t.Sequence[t.Dict[str, t.Any]],
    filters: t.Sequence[str] = (),
    always: t.Sequence[str] = ("id",),
) -> Answer:
    """Return one page of documents (controllers/resource.py _get_all).

    :arg filters: the fields that the query may ask for.
    :arg always: what ``include_attributes`` shows in any case.

    Raises ValueError for limits that make no sense, `Denied` for those that are an admin's.
    """
    chosen = [
        document
        for document in documents
        if all(_same(document.get(key), call.query[key]) for key in filters if call.query.get(key))
    ]
    limit = _limit(call)
    offset = int(call.query.get("offset", 0))
    shown = chosen[offset : offset + limit if limit else None]
    headers = {"X-Total-Count": str(len(chosen)), **({"X-Limit": str(limit)} if limit else {})}
    return Answer(200, [_attributes(call, document, always) for document in shown], headers)


def _same(value: t.Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return value == (wanted.lower() in ("1", "true"))
    return str(value) in wanted.split(",")


def _limit(call: Call) -> int:
    """Return how many records may be shown; 0 for all."""
    limit = int(call.query.get("limit") or MAX_PAGE_SIZE)
    if limit == -1:
        if not call.admin:
            raise Denied(
                403, "Administrator access required to be able to specify limit=-1 and retrieve all the records"
            )
        return 0
    if limit == 0:
        raise ValueError(f'Limit, "{limit}" specified, must be a positive number or -1 for full result set.')
    if limit < -1:
        raise ValueError(f'Limit, "{limit}" specified, must be a positive number.')
    if limit > MAX_PAGE_SIZE and not call.admin:
        raise Denied(403, f'Limit "{limit}" specified, maximum value is "{MAX_PAGE_SIZE}"')
    return limit


def _attributes(call: Call, document: t.Dict[str, t.Any], always: t.Sequence[str]) -> t.Dict[str, t.Any]:
    include = [name for name in call.query.get("include_attributes", "").split(",") if name]
    exclude = [name for name in call.query.get("exclude_attributes", "").split(",") if name]
    if include and exclude:
        raise ValueError(
            "exclude_fields and include_fields arguments are mutually exclusive. You need to provide either one or "
            "another, but not both."
        )
    if include:
        return {name: value for name, value in document.items() if name in (*include, *always)}
    return {name: value for name, value in document.items() if name not in exclude}
