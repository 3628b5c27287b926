# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real git over HTTPS: `git http-backend` behind TLS and basic auth, with faults on demand."""

from __future__ import annotations

import dataclasses
import gzip
import subprocess
import typing as t
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..environment import clean_environment
from .certificates import CertificateAuthority
from .http_base import CONNECTION_LOST, Handler, HttpServer

BLOCK = 64 * 1024


@dataclasses.dataclass
class Faults:
    """What goes wrong, from the moment a field is set until it is reset.

    * ``delay``: seconds before each answer.
    * ``hang``: take the request and never answer (until the server stops).
    * ``status``: answer this status and nothing else, with the ``headers``.
    * ``redirect_to``: answer 302 to the same path below this address.
    * ``die_after``: break the connection off after so many bytes of the answer that carries the pack.
    * ``applies_to``: the paths (without query) that are meant; all by default.
    * ``times``: the number of requests that still go wrong; None means all.
    """

    delay: float = 0.0
    hang: bool = False
    status: t.Optional[int] = None
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    redirect_to: t.Optional[str] = None
    die_after: t.Optional[int] = None
    applies_to: t.Callable[[str], bool] = lambda path: True
    times: t.Optional[int] = None

    def concern(self, path: str) -> bool:
        """Whether this request is one to go wrong; counts it."""
        if not self.applies_to(path) or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class _GitHandler(Handler):
    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.read_body()
        path = unquote(urlsplit(self.path).path)
        faults: t.Optional[Faults] = self.owner.faults if self.owner.faults.concern(path) else None
        if faults and self._fail(faults):
            return
        if self.owner.private(path) and not self.authorised():
            # Without a Content-Length git waits for the rest of the answer.
            self.reply(401, headers={"WWW-Authenticate": 'Basic realm="packs"'})
            return
        self._run(path, body, faults.die_after if faults and self._asks_for_a_pack(body) else None)

    def _asks_for_a_pack(self, body: bytes) -> bool:
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return b"want " in body

    def _fail(self, faults: Faults) -> bool:
        if faults.delay:
            self.owner.stopping.wait(faults.delay)
        if faults.hang:
            self.owner.stopping.wait()
            self.note(0)
            self.drop()
        elif faults.status:
            self.reply(faults.status, headers=faults.headers)
        elif faults.redirect_to is not None:
            self.reply(302, headers={"Location": faults.redirect_to + self.path})
        else:
            return False
        return True

    def _run(self, path: str, body: bytes, die_after: t.Optional[int]) -> None:
        command = ["git", "http-backend"]
        environment = self._environment(path, body)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        assert process.stdin and process.stdout
        try:
            process.stdin.write(body)
            process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self._relay(process.stdout, die_after)
        except CONNECTION_LOST:
            self.drop()
        finally:
            process.kill()
            process.stdout.close()
            process.wait()

    def _environment(self, path: str, body: bytes) -> t.Dict[str, str]:
        """Return the variables of CGI (RFC 3875) as git http-backend reads them."""
        environment = {
            **clean_environment(),
            "GIT_PROJECT_ROOT": str(self.owner.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": urlsplit(self.path).query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": self.owner.username or "",
        }
        for header, variable in (("Git-Protocol", "GIT_PROTOCOL"), ("Content-Encoding", "HTTP_CONTENT_ENCODING")):
            if self.headers.get(header):
                environment[variable] = self.headers[header]
        return environment

    def _relay(self, output: t.IO[bytes], die_after: t.Optional[int]) -> None:
        status, headers = 200, []
        for line in iter(output.readline, b""):
            if not line.strip():
                break
            name, _colon, value = line.decode().strip().partition(": ")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        sized = any(name.lower() == "content-length" for name, _value in headers)
        if not sized:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        left = die_after
        for block in iter(lambda: output.read(BLOCK), b""):
            if left is not None and len(block) >= left:
                self._send(block[:left], sized)
                self.drop()
                return
            left = None if left is None else left - len(block)
            self._send(block, sized)
        if not sized:
            self.wfile.write(b"0\r\n\r\n")

    def _send(self, block: bytes, sized: bool) -> None:
        if block:
            self.wfile.write(block if sized else b"%x\r\n%s\r\n" % (len(block), block))
            self.wfile.flush()


class GitHttpsServer(HttpServer):
    """Serves the bare repositories below ``root``: ``<url>/<path>``, with or without ``.git``.

    :arg ca: None makes it plain http.
    :arg private: which paths (such as ``/group/pack.git/info/refs``) ask for the user name and password; all of them
        where a user name is given, none where not.

    ``faults`` may be changed while it runs.
    """

    handler = _GitHandler

    def __init__(
        self,
        root: t.Union[str, Path],
        ca: t.Optional[CertificateAuthority] = None,
        username: t.Optional[str] = None,
        password: t.Optional[str] = None,
        private: t.Callable[[str], bool] = lambda path: True,
    ) -> None:
        self.root = Path(root)
        self.private = private
        self.faults = Faults()
        super().__init__(ca, username, password)

    @property
    def fetches(self) -> t.List[str]:
        """The repositories that a pack was sent of, or refs listed in protocol 2: the path of each POST, in order."""
        ending = "/git-upload-pack"
        return [r.path[1 : -len(ending)] for r in self.requests if r.method == "POST" and r.path.endswith(ending)]
