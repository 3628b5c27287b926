# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HTTP servers share: a loopback port, TLS, a request log, basic auth, and an end that does not hang."""

from __future__ import annotations

import base64
import http.server
import socket
import socketserver
import ssl
import sys
import threading
import typing as t

from .certificates import CertificateAuthority

CONNECTION_LOST = (ConnectionError, ssl.SSLError, TimeoutError, socket.timeout)


class Request(t.NamedTuple):
    """A request that was answered: the path has its query; the status is 0 where the connection was dropped."""

    method: str
    path: str
    status: int
    authenticated: bool
    """Whether the request carried credentials, right or wrong."""


class _ThreadingServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    owner: HttpServer

    def server_bind(self) -> None:
        # Not HTTPServer's: that one asks the name service for this machine's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def get_request(self) -> t.Tuple[socket.socket, t.Any]:
        connection, address = super().get_request()
        self.owner.connections += 1
        connection.settimeout(60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def finish_request(self, request: t.Any, client_address: t.Any) -> None:
        # The handshake happens here, in the connection's own thread: a client that stalls holds up nobody else.
        if self.owner.tls is not None:
            request = self.owner.tls.wrap_socket(request, server_side=True)
        self.owner.open_sockets.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self.owner.open_sockets.discard(request)
            if self.owner.tls is not None:
                request.close()

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, (*CONNECTION_LOST, ValueError)):
            self.owner.errors.append(error)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. Subclasses answer; every answer is logged with its server."""

    protocol_version = "HTTP/1.1"
    server: _ThreadingServer

    @property
    def owner(self) -> t.Any:
        """The `HttpServer` that this connection belongs to."""
        return self.server.owner

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002
        """Say nothing: the log is a list."""

    def log_request(self, code: t.Union[int, str] = "-", size: t.Union[int, str] = "-") -> None:
        """Note the request with the status of its answer."""
        self.note(int(code))

    def note(self, status: int) -> None:
        """Put this request into the log."""
        # What is not HTTP at all (TLS, say) is refused before there are headers or a path.
        headers: t.Mapping[str, str] = getattr(self, "headers", None) or {}
        credentials = bool(headers.get("Authorization") or headers.get("Proxy-Authorization"))
        self.owner.requests.append(Request(self.command or "", getattr(self, "path", ""), status, credentials))

    def reply(self, status: int, body: bytes = b"", headers: t.Optional[t.Mapping[str, str]] = None) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def drop(self) -> None:
        """Break the connection off, in the way a dying server does."""
        self.close_connection = True
        _break_off(self.connection)

    def authorised(self, header: str = "Authorization") -> bool:
        """Whether the request carries the server's user name and password; true where it has none."""
        if self.owner.username is None:
            return True
        wanted = base64.b64encode(f"{self.owner.username}:{self.owner.password}".encode()).decode()
        return self.headers.get(header) == f"Basic {wanted}"

    def read_body(self) -> bytes:
        """Return the body of the request, whether it is sized or chunked."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if not size:
                return b"".join(parts)


def _break_off(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class HttpServer:
    """A threaded HTTP(S) server on a free port of 127.0.0.1, from construction to `stop` (or the end of ``with``).

    :arg ca: with an authority the server speaks TLS, with a certificate from it.
    :arg username, password: with these it asks for basic auth.
    :arg port: a port of its own; any free one by default.

    ``interface`` and ``own_port`` are for subclasses that other hosts shall reach, at a port that they know.

    * ``requests``: the `Request` log; ``connections`` counts connections, also those without a request.
    * ``errors``: exceptions of the server itself; `stop` raises the first.
    """

    handler: t.ClassVar[t.Type[Handler]] = Handler
    interface: t.ClassVar[str] = "127.0.0.1"
    own_port: t.ClassVar[int] = 0

    def __init__(
        self,
        ca: t.Optional[CertificateAuthority] = None,
        username: t.Optional[str] = None,
        password: t.Optional[str] = None,
        tls: t.Optional[ssl.SSLContext] = None,
        port: int = 0,
    ) -> None:
        self.username = username
        self.password = password
        self.tls = tls or (ca.server_context() if ca else None)
        self.requests: t.List[Request] = []
        self.connections = 0
        self.errors: t.List[t.Any] = []
        self.stopping = threading.Event()
        self.open_sockets: t.Set[socket.socket] = set()
        self._server = _ThreadingServer((self.interface, port or self.own_port), self.handler)
        self._server.owner = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def clear(self) -> None:
        """Forget the requests and connections so far."""
        self.requests.clear()
        self.connections = 0

    @property
    def quiet(self) -> bool:
        """Whether nobody has connected since the start or the last `clear`."""
        return not self.connections

    def stop(self) -> None:
        """End the server; waiting answers are let go. Raises what went wrong in it."""
        self.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()
        for connection in list(self.open_sockets):
            _break_off(connection)
        if self.errors:
            raise self.errors[0]

    def __enter__(self) -> t.Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
