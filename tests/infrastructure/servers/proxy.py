# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forward proxy: plain http by GET, everything else by CONNECT, with basic auth and a log."""

from __future__ import annotations

import http.client
import select
import socket
import typing as t
from urllib.parse import urlsplit

from .http_base import CONNECTION_LOST, Handler, HttpServer

HOP_BY_HOP = {
    "connection",
    "proxy-connection",
    "proxy-authorization",
    "keep-alive",
    "transfer-encoding",
    "content-length",
}
Address = t.Tuple[str, int]
# Seconds for the server behind it to answer, also on a busy machine.
_LIMIT = 60.0


class _ProxyHandler(Handler):
    def do_CONNECT(self) -> None:
        host, _colon, port = self.path.rpartition(":")
        if not self._let_in(f"{host}:{port}"):
            return
        try:
            far = socket.create_connection(self.owner.address(host.strip("[]"), int(port)), _LIMIT)
        except OSError as error:
            self.reply(502, str(error).encode())
            return
        with far:
            self.send_response(200, "Connection established")
            self.end_headers()
            self.close_connection = True
            self._tunnel(far)

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        host, port = target.hostname or "", target.port or 80
        body = self.read_body()
        if not self._let_in(f"{host}:{port}"):
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        path = target.path + (f"?{target.query}" if target.query else "")
        try:
            address, number = self.owner.address(host, port)
            far = http.client.HTTPConnection(address, number, timeout=_LIMIT)
            far.request(self.command, path or "/", body or None, headers)
            answer = far.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.reply(502, str(error).encode())
            return
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
        self.reply(answer.status, content, kept)
        far.close()

    do_HEAD = do_POST = do_GET

    def _let_in(self, destination: str) -> bool:
        if not self.authorised("Proxy-Authorization"):
            self.reply(407, headers={"Proxy-Authenticate": 'Basic realm="proxy"'})
            return False
        self.owner.destinations.append(destination)
        if destination in self.owner.refused:
            self.reply(403, b"not allowed")
            return False
        return True

    def _tunnel(self, far: socket.socket) -> None:
        ends = {self.connection: far, far: self.connection}
        try:
            while not self.owner.stopping.is_set():
                ready = select.select(list(ends), [], [], 0.2)[0]
                for end in ready:
                    block = end.recv(65536)
                    if not block:
                        return
                    ends[end].sendall(block)
        except (*CONNECTION_LOST, OSError):
            self.drop()


class Proxy(HttpServer):
    """A forward proxy on loopback.

    :arg routes: ``host:port`` to the address to connect to instead; with ``{"github.com:443": ("127.0.0.1", port)}``
        and a server certificate for that name, a test has its own github.com.

    * ``destinations``: every ``host:port`` asked for by those who were let in, in order.
    * ``refused``: destinations to answer 403 for; may be changed while it runs.
    """

    handler = _ProxyHandler

    def __init__(
        self,
        username: t.Optional[str] = None,
        password: t.Optional[str] = None,
        routes: t.Optional[t.Mapping[str, Address]] = None,
    ) -> None:
        self.routes = dict(routes or {})
        self.destinations: t.List[str] = []
        self.refused: t.Set[str] = set()
        super().__init__(None, username, password)

    def address(self, host: str, port: int) -> Address:
        """Return where to connect for a destination."""
        return self.routes.get(f"{host}:{port}", (host, port))

    @property
    def authenticated_url(self) -> str:
        """The address with user name and password in it, as proxy variables carry them."""
        return self.url.replace("://", f"://{self.username}:{self.password}@") if self.username else self.url
