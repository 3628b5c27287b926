# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package index of static files, served as a web server does that chooses a page by what the client accepts."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .certificates import CertificateAuthority
from .http_base import Handler, HttpServer
from .package_index import only_index

JSON = "application/vnd.pypi.simple.v1+json"


class _StaticHandler(Handler):
    def do_GET(self) -> None:
        name = self.path.split("?")[0][len("/simple/") :]
        if name.endswith("/") or not name:
            name += "index.json" if JSON in self.headers.get("Accept", "") else "index.html"
        path = self.owner.directory / name
        if not self.path.startswith("/simple/") or ".." in name or not path.is_file():
            self.reply(404, b"not found")
            return
        self.owner.sent.append(name)
        kind = "text/html" if name.endswith(".html") else "application/octet-stream"
        self.reply(200, path.read_bytes(), {"Content-Type": JSON if name.endswith("index.json") else kind})

    do_HEAD = do_GET


class StaticPackageIndex(HttpServer):
    """Serves a directory below ``/simple/``. `sent` are the files that were, by their paths below it."""

    handler = _StaticHandler

    def __init__(self, directory: t.Union[str, Path], ca: t.Optional[CertificateAuthority] = None) -> None:
        self.directory = Path(directory)
        self.sent: t.List[str] = []
        super().__init__(ca)

    def environment(self) -> t.Dict[str, str]:
        """Return the variables that make pip and uv use this index and nothing else of this machine's settings."""
        return only_index(f"{self.url}/simple/")
