# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's side of HTTP: reads requests, logs them, lets faults happen, sends what the API answers."""

from __future__ import annotations

import dataclasses
import http.cookies
import json
import socket
import ssl
import struct
import threading
import typing as t
from urllib.parse import parse_qsl, urlsplit

from ..servers.http_base import CONNECTION_LOST, Handler, HttpServer
from .faults import Fault, meeting
from .registrars import Died


@dataclasses.dataclass
class Request:
    """A request as it came. Its repr has no values: neither of the query, nor of headers, nor of the body.

    * ``status``: of the answer; 0 while there is none, and where there never was one.
    """

    method: str
    path: str
    header_names: t.Tuple[str, ...]
    query: t.Dict[str, str] = dataclasses.field(repr=False)
    headers: t.Dict[str, str] = dataclasses.field(repr=False)
    raw: bytes = dataclasses.field(repr=False)
    status: int = 0

    @property
    def body(self) -> t.Any:
        """The body as JSON; None where there is none. Raises ValueError."""
        return json.loads(self.raw) if self.raw.strip() else None

    @property
    def cookies(self) -> t.Dict[str, str]:
        """The cookies by name."""
        jar = http.cookies.SimpleCookie(self.headers.get("Cookie", ""))
        return {name: morsel.value for name, morsel in jar.items()}

    def header(self, name: str) -> str:
        """Return a header by its name in any case; empty where it is missing."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


@dataclasses.dataclass
class Answer:
    """What is sent: a body that is text goes out as it is, anything else as JSON, None as nothing."""

    status: int
    body: t.Any = None
    headers: t.Dict[str, str] = dataclasses.field(default_factory=dict)

    def content(self) -> bytes:
        """Return the bytes of the body."""
        if self.body is None and self.status == 204:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class _StubHandler(Handler):
    def _take(self) -> None:
        parts = urlsplit(self.path)
        headers = dict(self.headers.items())
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        request = Request(self.command, parts.path, tuple(headers), query, headers, self.read_body())
        self.owner.log.append(request)
        try:
            self._answer(request)
        except CONNECTION_LOST:
            self.drop()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _take

    def note(self, status: int) -> None:
        """The log has the request already."""

    def _answer(self, request: Request) -> None:
        self.owner.do_late_work()
        fault = self.owner.fault_for(request)
        if fault.hang:
            if fault.work:
                self.owner.answer(request)
            if fault.call:
                fault.call(request)
            self.owner.stopping.wait()
            self.drop()
            return
        try:
            answer = self._work(request, fault)
        except Died:
            self._reset()
            return
        if fault.call:
            fault.call(request)
        if fault.delay:
            self.owner.stopping.wait(fault.delay)
        if fault.reset:
            self._reset()
            return
        if fault.close:
            self.drop()
            return
        if fault.status:
            kind = "text/html" if isinstance(fault.body, str) else "application/json"
            answer = Answer(fault.status, fault.body, {"Content-Type": kind})
        request.status = answer.status
        self._send(answer, fault.drip)

    def _work(self, request: Request, fault: Fault) -> Answer:
        if not fault.work:
            return Answer(500)
        if fault.late:
            self.owner.do_later(fault.late, request)
            return Answer(500)
        return t.cast("Answer", self.owner.answer(request))

    def _send(self, answer: Answer, pause: float) -> None:
        content = answer.content()
        headers = {"Content-Type": "application/json", **answer.headers}
        if not pause:
            self.reply(answer.status, content, headers)
            return
        self.send_response(answer.status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        for byte in content:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.owner.stopping.wait(pause):
                break

    def _reset(self) -> None:
        """Close with a reset: a connection that lingers for no time at all is not ended but torn."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


class StubServer(HttpServer):
    """One port of a stand-in.

    :arg answer: makes the answer to a request.
    :arg log: where requests go as they come, before they are answered.
    :arg faults: the misbehaviour that is ordered; the first that meets a request counts.
    :arg port: any free one by default.
    """

    handler = _StubHandler

    def __init__(
        self,
        answer: t.Callable[[Request], Answer],
        log: t.List[Request],
        faults: t.List[Fault],
        tls: t.Optional[ssl.SSLContext] = None,
        port: int = 0,
    ) -> None:
        self.answer = answer
        self.log = log
        self.faults = faults
        self._late: t.List[t.Tuple[int, Request]] = []
        self._lock = threading.Lock()
        super().__init__(tls=tls, port=port)

    def fault_for(self, request: Request) -> Fault:
        """Return the misbehaviour that is ordered for a request; one that changes nothing where there is none."""
        with self._lock:
            return meeting(list(self.faults), request.method, request.path) or Fault("")

    def do_later(self, requests: int, request: Request) -> None:
        """Answer a request, to nobody, when so many further ones have come."""
        with self._lock:
            self._late.append((requests, request))

    def do_late_work(self, everything: bool = False) -> None:
        """Count one further request, and do the work whose time has come; or all of it."""
        with self._lock:
            waiting = [(0 if everything else requests - 1, request) for requests, request in self._late]
            self._late = [(requests, request) for requests, request in waiting if requests > 0]
        for requests, request in waiting:
            if requests <= 0:
                self.answer(request)
