# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A small client of StackStorm's REST API: JSON there and back, never past a deadline, errors told apart."""

from __future__ import annotations

import json
import re
import typing as t
from urllib.parse import quote, urlencode, urlsplit

from .._deadline import Deadline
from .._errors import DeadlineError, ForbiddenError, TlsError, UnexpectedAnswerError, UnreachableError
from .._http import (
    Answer,
    AuthoritiesError,
    HttpClient,
    HttpError,
    Request,
    TooLargeError,
    TooLateError,
    UntrustedError,
)
from .._printable import printable
from .._secrets import Credentials, Redactor, split_userinfo
from .proxy import Proxy

# What StackStorm gives without asking for an administrator (st2common/config.py [api] max_page_size).
PAGE = 100
_LARGEST = 64 << 20
_JSON = {"Content-Type": "application/json"}


class ApiClient:
    """Talks to one StackStorm.

    :arg url: Of the API (or of the auth service), without userinfo and query, such as C(https://host/api/v1).
    :arg headers: With the credentials.
    :arg basic: Name and password for basic authentication.
    :arg verify: Whether to check certificates, or the PEM file to check them with.
    :arg proxy: For addresses that are not on this machine.
    :arg redactor: Cleans what is raised.
    :arg light: As of L(HttpClient).
    """

    def __init__(
        self,
        url: str,
        *,
        deadline: Deadline,
        headers: t.Optional[t.Mapping[str, str]] = None,
        basic: t.Optional[Credentials] = None,
        verify: t.Union[bool, str] = True,
        proxy: t.Optional[Proxy] = None,
        redactor: t.Optional[Redactor] = None,
        light: bool = True,
    ) -> None:
        self.url = url.rstrip("/")
        self.deadline = deadline
        self._headers = dict(headers or {})
        self._basic = basic or Credentials()
        self._verify = verify
        self._proxy = proxy or Proxy()
        self._redactor = redactor or Redactor()
        self._light = light
        self._http = HttpClient(deadline, most_bytes=_LARGEST, light=light)
        self._gives_all = True

    def with_deadline(self, deadline: Deadline) -> ApiClient:
        """The same, with another time to give up: for the last word to StackStorm when the task's time is over."""
        return ApiClient(
            self.url,
            deadline=deadline,
            headers=self._headers,
            basic=self._basic,
            verify=self._verify,
            proxy=self._proxy,
            redactor=self._redactor,
            light=self._light,
        )

    def get(self, path: str, params: t.Optional[t.Mapping[str, str]] = None) -> t.Any:
        """What StackStorm has under a path such as C(/packs/sensu).

        :raises RegistrationError: one of its kinds for each kind of failure.
        :raises DeadlineError: when the answer does not come, or not wholly, in time.
        """
        return self._ask("GET", path, params=params)[0]

    def post(self, path: str, body: t.Any, *, changes: bool = True) -> t.Any:
        """As L(get).

        :arg changes: Whether it is more than a question with a body.
        """
        return self._ask("POST", path, body=body, changes=changes)[0]

    def put(self, path: str, body: t.Any) -> t.Any:
        """As L(get)."""
        return self._ask("PUT", path, body=body, changes=True)[0]

    def delete(self, path: str, body: t.Any = None) -> t.Any:
        """As L(get)."""
        return self._ask("DELETE", path, body=body, changes=True)[0]

    def list(
        self, path: str, params: t.Optional[t.Mapping[str, str]] = None, *, expected: int = 0
    ) -> t.List[t.Dict[str, t.Any]]:
        """All of a list: by one request where it has no more than a page, or StackStorm gives all of it at once.

        It does that for administrators, who are all accounts where it has no RBAC (st2api/controllers/resource.py
        validate_limit_query_param). Others get it page by page; but the lists of rules and sensors know no C(offset)
        (st2common/openapi.yaml.j2), so that more than a page of these needs an administrator.

        :arg expected: About how many there will be. More than a page is asked for at once in the first place.
        """
        if expected > PAGE:
            whole = self._all_of(path, params)
            if whole is not None:
                return whole
        found: t.List[t.Dict[str, t.Any]] = []
        known: t.Set[str] = set()
        total = 1
        while len(found) < total:
            page = {**(params or {}), "limit": str(PAGE), "offset": str(len(found))}
            items, headers = self._ask("GET", path, params=page)
            new = [item for item in _items(items, path) if _identity(item) not in known]
            known.update(map(_identity, new))
            found.extend(new)
            total = _total(headers, len(items))
            if not new and len(found) < total:
                return _items(self.get(path, {**(params or {}), "limit": "-1"}), path)
        return found

    def _all_of(self, path: str, params: t.Optional[t.Mapping[str, str]]) -> t.Optional[t.List[t.Dict[str, t.Any]]]:
        """A list by one request; C(None) where StackStorm does not give that to this account."""
        if not self._gives_all:
            return None
        try:
            return _items(self.get(path, {**(params or {}), "limit": "-1"}), path)
        except ForbiddenError:
            self._gives_all = False
            return None

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: t.Optional[t.Mapping[str, str]] = None,
        body: t.Any = None,
        changes: bool = False,
    ) -> t.Tuple[t.Any, t.Mapping[str, str]]:
        asked = f"{method} {path}"
        self.deadline.check(f"{asked} was about to be sent to StackStorm at {self.url}")
        url = self.url + path
        request = Request(
            method,
            f"{url}?{urlencode(params)}" if params else url,
            {"Accept": "application/json", **({} if body is None else _JSON), **self._headers},
            None if body is None else json.dumps(body).encode(),
            self._basic,
            None if _is_loopback(url) else self._proxy.for_url(url)[0],
            self._verify,
            changes,
        )
        try:
            answer = self._http.exchange(request)
        except HttpError as error:
            raise self._unanswered(error, asked) from None
        return self._document(answer, asked), answer.headers

    def _document(self, answer: Answer, asked: str) -> t.Any:
        status = answer.status
        if 300 <= status < 400:
            # Following it would take the credentials to wherever a server says.
            place = _place(answer.headers.get("location", ""))
            raise UnexpectedAnswerError(
                f"{self.url} redirects to {self._redactor.text(place) or 'nowhere'}. "
                "Redirects are not followed, since they would receive the credentials. Set the right api_url (and "
                "auth_url)."
            )
        document, is_json = _parse(answer.content)
        if status >= 400:
            words = document.get("faultstring") if isinstance(document, dict) else None
            from .api_errors import error_of

            raise error_of(status, words if isinstance(words, str) else "", asked, self.url, self._redactor)
        if not is_json and answer.content:
            raise UnexpectedAnswerError(
                f"{self.url} answers {asked} with something that is not JSON, so it is not StackStorm's API. Set the "
                "right api_url, such as https://HOST/api/v1."
            )
        return document

    def _unanswered(self, error: HttpError, asked: str) -> Exception:
        if isinstance(error, TooLateError):
            return DeadlineError(
                f"The timeout of {self.deadline.seconds:g} s ran out while StackStorm at {self.url} was answering "
                f"{asked}.{'' if asked.startswith('GET') else ' StackStorm may still be processing it.'}"
            )
        reason = printable(self._redactor.text(error.reason))
        if isinstance(error, TooLargeError):
            return UnexpectedAnswerError(f"{self.url} answers {asked} with more than {_LARGEST >> 20} MiB.")
        if isinstance(error, UntrustedError):
            return TlsError(
                f"StackStorm at {self.url} cannot be trusted: {reason}. Set ca_bundle to the authority of its "
                "certificate, or validate_certs=false if that is acceptable."
            )
        if isinstance(error, AuthoritiesError):
            return TlsError(f"The request to StackStorm at {self.url} cannot be made: {reason}. Check ca_bundle.")
        return UnreachableError(
            f"StackStorm at {self.url} cannot be reached: {reason}. Check that api_url is correct and st2api is "
            "running."
        )


def path_of(*parts: str) -> str:
    """A path of the API with every part quoted, such as C(/actions/sensu.check)."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _parse(content: bytes) -> t.Tuple[t.Any, bool]:
    try:
        return json.loads(content.decode("utf-8", "replace")), True
    except (ValueError, RecursionError):
        return None, False


def _items(value: t.Any, path: str) -> t.List[t.Dict[str, t.Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UnexpectedAnswerError(f"StackStorm answers GET {path} with something that is not a list of objects.")
    return value


def _identity(item: t.Mapping[str, t.Any]) -> str:
    return str(item.get("id") or item.get("ref") or json.dumps(item, sort_keys=True))


def _total(headers: t.Mapping[str, str], seen: int) -> int:
    text = headers.get("x-total-count", "")
    return int(text) if text.isdigit() else seen


def _is_loopback(url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d+){3}", host) is not None


def _place(location: str) -> str:
    clean = split_userinfo(location)[0]
    return printable(clean.partition("?")[0].partition("#")[0])
