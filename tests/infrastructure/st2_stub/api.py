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
from .unique_keys import Conflict

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
        return self.admin and self.query.get("show_secrets", "").lower() in ("true", "1", "yes", "y")


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
        except Conflict as error:
            return Answer(409, {"conflict-id": error.identity, "faultstring": str(error)})
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


class Listing(t.NamedTuple):
    """What a list can be asked for (st2common/openapi.yaml.j2, controllers/resource.py supported_filters).

    * ``filters``: parameters of the query to what they are compared with, such as ``action.ref``.
    * ``always``: what ``include_attributes`` shows in any case.
    * ``limit``: how many records are shown where nothing is said; None for all.
    * ``offset``: whether it knows one.
    * ``excludable``: what ``exclude_attributes`` may name; anything where it is empty.
    * ``lists``: the filters that take several values, with commas.
    """

    filters: t.Mapping[str, str] = {}
    always: t.Tuple[str, ...] = ("id",)
    limit: t.Optional[int] = MAX_PAGE_SIZE
    offset: bool = True
    excludable: t.Tuple[str, ...] = ()
    lists: t.Tuple[str, ...] = ("id",)


def page(
    call: Call,
    documents: t.Sequence[t.Dict[str, t.Any]],
    listing: Listing,
    shown: t.Optional[t.Callable[[t.Dict[str, t.Any]], t.Dict[str, t.Any]]] = None,
) -> Answer:
    """Return one page of documents (controllers/resource.py _get_all).

    :arg shown: makes what is shown of a document.

    Raises ValueError for limits that make no sense, `Denied` for those that are an admin's.
    """
    include, exclude = _attributes(call, listing)
    chosen = [document for document in documents if _meets(call, document, listing)]
    limit = _limit(call, listing.limit)
    offset = _number(call, "offset", 0) if listing.offset else 0
    if offset >= 2**31:
        raise ValueError(f'Offset "{offset}" specified is more than 32-bit int')
    taken = [shown(each) if shown else each for each in chosen[offset : offset + limit if limit else None]]
    if include:
        names = (*include, *listing.always)
        taken = [_narrowed(each, names) for each in taken]
    body = [{name: value for name, value in each.items() if name not in exclude} for each in taken]
    headers = {"X-Total-Count": str(len(chosen)), **({"X-Limit": str(limit)} if limit else {})}
    return Answer(200, body, headers)


def _narrowed(document: t.Mapping[str, t.Any], names: t.Iterable[str]) -> t.Dict[str, t.Any]:
    """Return a document with some of its attributes, such as ``status`` or ``action.ref``."""
    found: t.Dict[str, t.Any] = {}
    for name in names:
        first, _dot, rest = name.partition(".")
        if first in document:
            value = document[first]
            found[first] = {**found.get(first, {}), **_narrowed(value, [rest])} if rest else value
    return found


def _meets(call: Call, document: t.Mapping[str, t.Any], listing: Listing) -> bool:
    for name, path in listing.filters.items():
        wanted = call.query.get(name)
        if not wanted:
            continue
        value: t.Any = document
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if not _same(value, wanted.split(",") if name in listing.lists else [wanted]):
            return False
    return True


def _same(value: t.Any, wanted: t.Sequence[str]) -> bool:
    if isinstance(value, bool):
        return value == (wanted[0].lower() in ("1", "true"))
    return wanted[0] in value if isinstance(value, list) else str(value) in wanted


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]+", text):
        raise ValueError(f'Parameter "{name}" is not of type integer')
    return int(text)


def _limit(call: Call, default: t.Optional[int]) -> int:
    """Return how many records may be shown; 0 for all."""
    if default is None and "limit" not in call.query:
        return 0
    limit = _number(call, "limit", default or 0)
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


def _attributes(call: Call, listing: Listing) -> t.Tuple[t.List[str], t.List[str]]:
    """Return which attributes are shown (nothing for all), and which are not."""
    include = [name for name in call.query.get("include_attributes", "").split(",") if name]
    exclude = [name for name in call.query.get("exclude_attributes", "").split(",") if name]
    if include and exclude:
        raise ValueError(
            "exclude_fields and include_fields arguments are mutually exclusive. You need to provide either one or "
            "another, but not both."
        )
    for name in exclude:
        if listing.excludable and name not in listing.excludable:
            raise ValueError(f"Invalid or unsupported exclude attribute specified: {name}")
    return include, exclude
