# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of index documents, with every way in which such a server misbehaves."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from urllib.parse import urlsplit

from .certificates import CertificateAuthority
from .http_base import CONNECTION_LOST, Handler, HttpServer

Headers = t.Mapping[str, str]


@dataclasses.dataclass
class Document:
    """One answer.

    * ``body``: bytes or text as they are, anything else as JSON.
    * ``delay``: seconds before the answer begins.
    * ``drip``: seconds between each ``drip_size`` bytes of the body.
    * ``hang``: take the request and never answer.
    * ``truncate``: send so many bytes of the body, then break the connection off.
    * ``filler``: so many spaces before the body (JSON allows them): for answers of any size.
    * ``redirect_to``: answer 302 to this address.
    """

    body: t.Any = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Headers = dataclasses.field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    drip_size: int = 1
    hang: bool = False
    truncate: t.Optional[int] = None
    filler: int = 0
    redirect_to: t.Optional[str] = None

    def content(self) -> bytes:
        """Return the bytes of the body, without the filler."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Answer = t.Union[Document, bytes, str, t.Mapping[str, t.Any], t.List[t.Any], None]


class _IndexHandler(Handler):
    def do_GET(self) -> None:
        if not self.authorised():
            self.reply(401, headers={"WWW-Authenticate": 'Basic realm="index"'})
            return
        found = self.owner.documents.get(urlsplit(self.path).path, Document(b"not found", 404, "text/plain"))
        if callable(found):
            found = found(self)
        document = found if isinstance(found, Document) else Document(found)
        try:
            self._send(document)
        except CONNECTION_LOST:
            self.drop()

    do_HEAD = do_GET

    def _send(self, document: Document) -> None:
        if document.delay:
            self.owner.stopping.wait(document.delay)
        if document.hang:
            self.owner.stopping.wait()
            self.note(0)
            self.drop()
            return
        content = document.content()
        self.send_response(302 if document.redirect_to else document.status)
        if document.redirect_to:
            self.send_header("Location", document.redirect_to)
        self.send_header("Content-Type", document.content_type)
        self.send_header("Content-Length", str(document.filler + len(content)))
        for name, value in document.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(document, content)

    def _send_body(self, document: Document, content: bytes) -> None:
        block = b" " * 65536
        for start in range(0, document.filler, len(block)):
            self.wfile.write(block[: document.filler - start])
        if document.truncate is not None:
            self.wfile.write(content[: document.truncate])
            self.drop()
        elif document.drip:
            for start in range(0, len(content), document.drip_size):
                self.wfile.write(content[start : start + document.drip_size])
                self.wfile.flush()
                if self.owner.stopping.wait(document.drip):
                    self.drop()
                    return
        else:
            self.wfile.write(content)


class IndexServer(HttpServer):
    """Serves documents by their path.

    :arg documents: path (``/v1/index.json``) to an answer: a `Document`, or just its body; or a function that takes
        the request handler (``path``, ``headers``) and returns one. May be changed while it runs.
    """

    handler = _IndexHandler

    def __init__(
        self,
        documents: t.Mapping[str, t.Union[Answer, t.Callable[[t.Any], Answer]]],
        ca: t.Optional[CertificateAuthority] = None,
        username: t.Optional[str] = None,
        password: t.Optional[str] = None,
    ) -> None:
        self.documents: t.Dict[str, t.Any] = dict(documents)
        super().__init__(ca, username, password)
