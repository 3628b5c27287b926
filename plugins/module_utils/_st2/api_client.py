# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A small client of StackStorm's REST API: JSON there and back, never past a deadline, errors told apart."""

from __future__ import annotations

import json
import re
import threading
import typing as t
import warnings
from urllib.parse import quote, urlsplit

from .._deadline import Deadline
from .._errors import DeadlineError, RegistrationError, TlsError, UnexpectedAnswerError, UnreachableError
from .._libraries import require
from .._printable import printable
from .._secrets import Credentials, Redactor, split_userinfo
from .api_errors import error_of
from .proxy import Proxy

# What StackStorm gives without asking for an administrator (st2common/config.py [api] max_page_size).
PAGE = 100
_CONNECT_SECONDS = 10.0
_BLOCK = 1 << 14
_LARGEST = 64 << 20
# For what a thread needs beside the time that its socket was given.
_GRACE_SECONDS = 0.2
_FRONT = re.compile(r"^(Failed to establish a new connection: )?(\[Errno -?\d+\] )?")


class ApiClient:
    """Talks to one StackStorm.

    :arg url: Of the API (or of the auth service), without userinfo and query, such as C(https://host/api/v1).
    :arg headers: With the credentials.
    :arg basic: Name and password for basic authentication.
    :arg verify: Whether to check certificates, or the PEM file to check them with.
    :arg proxy: For addresses that are not on this machine.
    :arg redactor: Cleans what is raised.
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
    ) -> None:
        self.url = url.rstrip("/")
        self.deadline = deadline
        self._headers = dict(headers or {})
        self._basic = basic or Credentials()
        self._verify = verify
        self._proxy = proxy or Proxy()
        self._redactor = redactor or Redactor()
        self._session: t.Any = None

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
        )

    def get(self, path: str, params: t.Optional[t.Mapping[str, str]] = None) -> t.Any:
        """What StackStorm has under a path such as C(/packs/sensu).

        :raises RegistrationError: one of its kinds for each kind of failure.
        :raises DeadlineError: when the answer does not come, or not wholly, in time.
        """
        return self._ask("GET", path, params=params)[0]

    def post(self, path: str, body: t.Any) -> t.Any:
        """As L(get)."""
        return self._ask("POST", path, body=body)[0]

    def put(self, path: str, body: t.Any) -> t.Any:
        """As L(get)."""
        return self._ask("PUT", path, body=body)[0]

    def delete(self, path: str, body: t.Any = None) -> t.Any:
        """As L(get)."""
        return self._ask("DELETE", path, body=body)[0]

    def list(self, path: str, params: t.Optional[t.Mapping[str, str]] = None) -> t.List[t.Dict[str, t.Any]]:
        """All of a list, page by page.

        Not all lists can be paged: those of rules and sensors know no C(offset) (st2common/openapi.yaml.j2). More than
        a page of these needs an administrator, who may ask for all at once.
        """
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

    def close(self) -> None:
        """Let go of the connection."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _ask(
        self, method: str, path: str, *, params: t.Optional[t.Mapping[str, str]] = None, body: t.Any = None
    ) -> t.Tuple[t.Any, t.Mapping[str, str]]:
        requests = require("requests")
        asked = f"{method} {path}"
        self.deadline.check(f"{asked} was about to be sent to StackStorm at {self.url}")
        try:
            response, content = self._exchange(requests, method, path, params, body)
        except (DeadlineError, RegistrationError):
            raise
        except requests.Timeout as error:
            raise self._too_late(asked, connected=not isinstance(error, requests.ConnectTimeout)) from None
        except (requests.RequestException, OSError, ValueError) as error:
            raise self._unsent(requests, error) from None
        return self._answer(response, content, asked), response.headers

    def _exchange(self, requests: t.Any, *request: t.Any) -> t.Tuple[t.Any, bytes]:
        """The answer and its body, within the deadline.

        In a thread of its own: neither a name service that hangs nor a server that drips can be given a time otherwise.
        """
        outcome: t.List[t.Any] = []

        def work() -> None:
            try:
                with self._send(requests, *request) as response:
                    outcome.append((response, self._content(response)))
            except Exception as error:
                outcome.append(error)

        thread = threading.Thread(target=work, daemon=True)
        with warnings.catch_warnings():
            # That certificates are not checked is what the task says.
            warnings.simplefilter("ignore")
            thread.start()
            thread.join(self.deadline.remaining() + _GRACE_SECONDS)
        if not outcome:
            self._session = None
            raise requests.ReadTimeout
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        answer: t.Tuple[t.Any, bytes] = outcome[0]
        return answer

    def _send(self, requests: t.Any, method: str, path: str, params: t.Any, body: t.Any) -> t.Any:
        if self._session is None:
            self._session = requests.Session()
            # Else requests would take proxies, .netrc and CA files from the environment once more.
            self._session.trust_env = False
        url = self.url + path
        remaining = max(0.05, self.deadline.remaining())
        return self._session.request(
            method,
            url,
            params=params,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/json",
                **({} if body is None else {"Content-Type": "application/json"}),
                **self._headers,
            },
            auth=(self._basic.username.encode(), self._basic.password.encode()) if self._basic else None,
            proxies={} if _is_loopback(url) else self._proxy.for_requests(url)[0],
            verify=self._verify,
            allow_redirects=False,
            stream=True,
            timeout=(min(_CONNECT_SECONDS, remaining), remaining),
        )

    def _content(self, response: t.Any) -> bytes:
        blocks: t.List[bytes] = []
        size = 0
        for block in response.iter_content(_BLOCK):
            if blocks:
                # Not for the first: an answer that is whole counts, however late it is.
                self.deadline.check(f"StackStorm at {self.url} was answering")
            blocks.append(block)
            size += len(block)
            if size > _LARGEST:
                raise UnexpectedAnswerError(f"{self.url} answers with more than {_LARGEST >> 20} MiB.")
        return b"".join(blocks)

    def _answer(self, response: t.Any, content: bytes, asked: str) -> t.Any:
        status = response.status_code
        if 300 <= status < 400:
            # Following it would take the credentials to wherever a server says.
            place = _place(response.headers.get("location", ""))
            raise UnexpectedAnswerError(
                f"{self.url} redirects to {self._redactor.text(place) or 'nowhere'}. "
                "Redirects are not followed, as credentials would go along; give the right api_url (and auth_url)."
            )
        document, is_json = _parse(content)
        if status >= 400:
            words = document.get("faultstring") if isinstance(document, dict) else None
            raise error_of(status, words if isinstance(words, str) else "", asked, self.url, self._redactor)
        if not is_json and content:
            raise UnexpectedAnswerError(
                f"{self.url} answers {asked} with something that is not JSON, so it is not StackStorm's API. "
                "Give the right api_url, such as https://HOST/api/v1."
            )
        return document

    def _too_late(self, asked: str, connected: bool) -> Exception:
        if self.deadline.remaining() and not connected:
            return UnreachableError(
                f"StackStorm at {self.url} cannot be reached: no connection within {_CONNECT_SECONDS:g} s. "
                "Look whether api_url is right and st2api runs."
            )
        return DeadlineError(
            f"The timeout of {self.deadline.seconds:g} s ran out while StackStorm at {self.url} was answering {asked}."
            f"{'' if asked.startswith('GET') else ' StackStorm may still go on with it.'}"
        )

    def _unsent(self, requests: t.Any, error: Exception) -> RegistrationError:
        reason = printable(self._redactor.text(_reason(error)))
        if isinstance(error, requests.exceptions.SSLError):
            return TlsError(
                f"StackStorm at {self.url} cannot be trusted: {reason}. Give ca_bundle with the authority of its "
                "certificate, or validate_certs=false where that is acceptable."
            )
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            # requests says so of a CA file that is not there.
            return TlsError(f"The request to StackStorm at {self.url} cannot be made: {reason}. Look at ca_bundle.")
        return UnreachableError(
            f"StackStorm at {self.url} cannot be reached: {reason}. Look whether api_url is right and st2api runs."
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
        raise UnexpectedAnswerError(f"StackStorm answers GET {path} with something that is no list of objects.")
    return value


def _identity(item: t.Mapping[str, t.Any]) -> str:
    return str(item.get("id") or item.get("ref") or json.dumps(item, sort_keys=True))


def _total(headers: t.Mapping[str, str], seen: int) -> int:
    text = headers.get("X-Total-Count", "")
    return int(text) if text.isdigit() else seen


def _is_loopback(url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d+){3}", host) is not None


def _place(location: str) -> str:
    clean = split_userinfo(location)[0]
    return printable(clean.partition("?")[0].partition("#")[0])


def _reason(error: BaseException) -> str:
    """What went wrong at the bottom: requests wraps urllib3's errors, which wrap the socket's."""
    inner = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    inner = getattr(inner, "reason", None) or inner
    text = str(inner)
    # urllib3 puts the object's address in front.
    text = text.rpartition("object at 0x")[2].partition(">: ")[2] or text.rpartition("): ")[2] or text
    return _FRONT.sub("", text).rstrip(".")
