# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Everything that is asked over HTTP: one exchange, within a time and a size, that takes nothing from the environment.

It goes through requests. Only a client that has sent nothing but questions sends them by the standard library, as
importing requests takes longer than all else that a satisfied run does.
"""

from __future__ import annotations

import base64
import importlib.util
import os
import threading
import typing as t
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from ._deadline import Deadline
from ._libraries import require
from ._secrets import Credentials

if t.TYPE_CHECKING:
    # Who asks nobody, as with register=none, needs none of them.
    import http.client
    import ssl

CONNECT_SECONDS = 10.0
_BLOCK = 1 << 16
# For what a thread needs beside the time that its socket was given.
_GRACE_SECONDS = 0.2
_SHORTEST_SECONDS = 0.05
# What has a meaning in a URL, or is quoted already (requests/utils.py requote_uri).
_STAYS = "!#$%&'()*+,/:;=?@[]~"
_WITHOUT_BODY = (204, 304)
_PORTS = {"http": 80, "https": 443}


class HttpError(Exception):
    """An exchange that came to nothing.

    :arg reason: Why, as a clause without the URL.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongUrlError(HttpError):
    """A URL that nothing can be asked at."""


class UnreachedError(HttpError):
    """Nobody answers there: no such host, connection refused, broken off, or it does not speak HTTP."""


class UntrustedError(HttpError):
    """The server's certificate is not to be trusted, or it does not speak TLS."""


class AuthoritiesError(HttpError):
    """The file with the certificate authorities to trust cannot be read."""


class TooLateError(HttpError):
    """The answer did not come, or not wholly, before the deadline."""


class TooLargeError(HttpError):
    """The answer is larger than it may be."""


@dataclass(frozen=True)
class Request:
    """What is asked; C(repr) shows no secrets.

    :arg url: C(http) or C(https), without userinfo.
    :arg changes: Whether it is more than a question.
    :arg credentials: For basic authentication.
    :arg proxy: URL of the proxy to go through, possibly with userinfo and without scheme; C(None) for none.
    :arg verify: Whether to check certificates, or the PEM file or directory to check them with.
    """

    method: str
    url: str
    headers: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    body: t.Optional[bytes] = field(default=None, repr=False)
    credentials: Credentials = field(default_factory=Credentials)
    proxy: t.Optional[str] = field(default=None, repr=False)
    verify: t.Union[bool, str] = True
    changes: bool = False

    def all_headers(self) -> t.Dict[str, str]:
        """The headers, with one for the credentials."""
        basic = {"Authorization": _basic(self.credentials)} if self.credentials else {}
        return {"User-Agent": "stackstorm.st2", **self.headers, **basic}


class Answer(t.NamedTuple):
    """What a server answers, whatever its status; the names of headers are in lower case."""

    status: int
    reason: str
    headers: t.Mapping[str, str]
    content: bytes


class HttpClient:
    """Exchanges with one server after the other; keeps connections open in between.

    Redirects are answers like others: to follow one means to decide whether credentials go along.

    :arg deadline: For every exchange.
    :arg most_bytes: Of an answer, unpacked.
    :arg light: Whether the standard library will do until something else than a question is sent.
    """

    def __init__(self, deadline: Deadline, *, most_bytes: int, light: bool = True) -> None:
        self._deadline = deadline
        self._most_bytes = most_bytes
        self._light = light
        self._session: t.Any = None
        self._connection: t.Optional[http.client.HTTPConnection] = None
        self._leads_to: t.Any = None

    def exchange(self, request: Request) -> Answer:
        """Send a request and give the whole answer.

        It is done in a thread of its own: neither a name service that hangs nor a server that drips can be given a
        time otherwise.

        :raises HttpError: one of its kinds.
        :raises MissingLibraryError: without requests, where it is needed.
        """
        _check(request)
        self._light = self._light and not request.changes and _is_plain(request.proxy)
        send = self._ask_lightly if self._light else self._send
        # Not in the thread, which is in a hurry.
        importlib.import_module("http.client") if self._light else require("requests")
        outcome: t.List[t.Union[Answer, Exception]] = []

        def work() -> None:
            try:
                outcome.append(send(request))
            except Exception as error:
                outcome.append(error if isinstance(error, HttpError) else self._judged(error))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(self._deadline.remaining() + _GRACE_SECONDS)
        if not outcome:
            self._session = self._connection = None  # They are the thread's now.
            raise TooLateError("it did not answer in time")
        found = outcome[0]
        if isinstance(found, Exception):
            self.close()  # Nobody knows what is still to come over it.
            raise found from None
        if _is_cut(found):
            self.close()
            raise UnreachedError("the connection was closed in the middle of the answer")
        return found

    def close(self) -> None:
        """Let go of connections."""
        for one in (self._session, self._connection):
            if one is not None:
                one.close()
        self._session = self._connection = None

    def _send(self, request: Request) -> Answer:
        requests = require("requests")
        if self._session is None:
            self._session = requests.Session()
            # Else requests would take proxies, .netrc and CA files from the environment once more.
            self._session.trust_env = False
        if request.verify is False:
            # It would print a warning each time; that certificates are not checked is what the task says.
            requests.packages.urllib3.disable_warnings()
        try:
            with self._session.request(
                request.method,
                request.url,
                data=request.body,
                headers=request.all_headers(),
                proxies={urlsplit(request.url).scheme: _with_scheme(request.proxy)} if request.proxy else {},
                verify=request.verify,
                allow_redirects=False,
                stream=True,
                timeout=self._seconds(),
            ) as response:
                content = self._content(response.iter_content(_BLOCK))
                return Answer(response.status_code, response.reason or "", _lower(response.headers), content)
        except requests.exceptions.SSLError as error:
            # Among its causes is, before urllib3 2, one for another name that is no error of ssl.
            raise UntrustedError(_reason(_bottom(error))) from None

    def _ask_lightly(self, request: Request) -> Answer:
        leads_to = (urlsplit(request.url)[:2], request.proxy, request.verify)
        connection = self._connection
        if connection is not None and connection.sock is not None and leads_to == self._leads_to:
            try:
                return self._ask(connection, request)
            except ConnectionError:
                if request.method != "GET":
                    raise
                # The server has closed it meanwhile.
        self.close()
        connection = self._connection = _connection(request, self._seconds()[0])
        self._leads_to = leads_to
        connection.connect()
        return self._ask(connection, request)

    def _ask(self, connection: http.client.HTTPConnection, request: Request) -> Answer:
        connection.sock.settimeout(self._seconds()[1])
        parts = urlsplit(request.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = request.all_headers()
        if request.proxy and parts.scheme == "http":
            target = f"{parts.scheme}://{parts.netloc}{target}"
            headers.update(_proxy_headers(request.proxy))
        connection.request(request.method, quote(target, safe=_STAYS), request.body, headers)
        response = connection.getresponse()
        content = self._content(iter(lambda: response.read(_BLOCK), b""))
        return Answer(response.status, response.reason, _lower(response.headers), content)

    def _seconds(self) -> t.Tuple[float, float]:
        """How long connecting may take, and how long nothing may come."""
        remaining = max(_SHORTEST_SECONDS, self._deadline.remaining())
        return min(CONNECT_SECONDS, remaining), remaining

    def _content(self, blocks: t.Iterable[bytes]) -> bytes:
        kept: t.List[bytes] = []
        size = 0
        for block in blocks:
            if kept and not self._deadline.remaining():
                # Not for the first: an answer that is whole counts, however late it is.
                raise TooLateError("it responded too slowly")
            kept.append(block)
            size += len(block)
            if size > self._most_bytes:
                raise TooLargeError(f"the answer is larger than {self._most_bytes >> 20} MiB")
        return b"".join(kept)

    def _judged(self, error: Exception) -> HttpError:
        import socket
        import ssl

        bottom = _bottom(error)
        if not self._deadline.remaining():
            return TooLateError("it did not answer in time")
        if isinstance(bottom, ssl.SSLError):
            return UntrustedError(_reason(bottom))
        if isinstance(bottom, socket.timeout):
            return UnreachedError(f"no connection within {CONNECT_SECONDS:g} s")
        if isinstance(error, ValueError):
            return WrongUrlError(_reason(bottom))
        return UnreachedError(_reason(bottom))


def _lower(headers: t.Any) -> t.Dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _is_cut(answer: Answer) -> bool:
    """Whether less came than was announced, which neither way of asking always looks at."""
    announced = answer.headers.get("content-length", "")
    if not announced.isdigit() or "content-encoding" in answer.headers or answer.status in _WITHOUT_BODY:
        return False
    return len(answer.content) < int(announced)


def _check(request: Request) -> None:
    parts = _usable(request.url)
    if parts is None or parts.scheme not in _PORTS:
        raise WrongUrlError("the URL is not of the form http://HOST:PORT/PATH or https://HOST/PATH")
    if request.proxy and _usable(_with_scheme(request.proxy)) is None:
        raise WrongUrlError("the URL of the proxy is not of the form http://HOST:PORT")
    if parts.scheme == "https" and isinstance(request.verify, str) and not os.access(request.verify, os.R_OK):
        raise AuthoritiesError(f"the certificate authorities in {request.verify} cannot be read")


def _usable(url: str) -> t.Any:
    """The parts of a URL; C(None) where nothing can be reached by it."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _with_scheme(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_plain(proxy: t.Optional[str]) -> bool:
    """Whether the standard library can go through a proxy; it cannot where TLS or SOCKS leads to the proxy itself."""
    return not proxy or urlsplit(_with_scheme(proxy)).scheme == "http"


def _connection(request: Request, seconds: float) -> http.client.HTTPConnection:
    """A connection that is not open yet, to the server or its proxy."""
    import http.client

    parts = urlsplit(request.url)
    first = urlsplit(_with_scheme(request.proxy)) if request.proxy else parts
    host, port = first.hostname or "", first.port or _PORTS[first.scheme]
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds)
    connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=_tls(request.verify))
    if request.proxy:
        connection.set_tunnel(parts.hostname or "", parts.port or 443, _proxy_headers(request.proxy))
    return connection


def _tls(verify: t.Union[bool, str]) -> ssl.SSLContext:
    import ssl

    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    authorities = verify if isinstance(verify, str) else _authorities_of_requests()
    is_directory = authorities is not None and os.path.isdir(authorities)
    return ssl.create_default_context(
        cafile=None if is_directory else authorities, capath=authorities if is_directory else None
    )


def _authorities_of_requests() -> t.Optional[str]:
    """The authorities that requests trusts where nothing else is said; C(None) for those of the system, which
    distributions have in their place."""
    certifi = importlib.util.find_spec("certifi")
    path = os.path.join(os.path.dirname(certifi.origin), "cacert.pem") if certifi and certifi.origin else ""
    return path if os.path.isfile(path) else None


def _basic(credentials: Credentials, encoding: str = "utf-8") -> str:
    pair = f"{credentials.username}:{credentials.password}"
    return f"Basic {base64.b64encode(pair.encode(encoding)).decode()}"


def _proxy_headers(proxy: str) -> t.Dict[str, str]:
    parts = urlsplit(_with_scheme(proxy))
    if parts.username is None:
        return {}
    credentials = Credentials(unquote(parts.username), unquote(parts.password or ""))
    return {"Proxy-Authorization": _basic(credentials, "latin-1")}  # As requests has it.


def _bottom(error: BaseException) -> BaseException:
    """What went wrong first: requests wraps urllib3's errors, which wrap the socket's."""
    seen: t.List[BaseException] = []
    below: t.Optional[BaseException] = error
    while below is not None and below not in seen:
        seen.append(below)
        # Others than urllib3 have there what they were busy with when it happened.
        context = below.__context__ if type(below).__module__.startswith("urllib3.") else None
        wrapped = (getattr(below, "reason", None), *below.args, below.__cause__, context)
        below = next((one for one in wrapped if isinstance(one, BaseException)), None)
    return seen[-1]


def _reason(error: BaseException) -> str:
    from http.client import HTTPException

    text = str(getattr(error, "strerror", None) or error).rstrip(".")
    if (isinstance(error, HTTPException) and not isinstance(error, OSError)) or not text:
        return f"{type(error).__name__}: {text}".rstrip(": ")
    return text
