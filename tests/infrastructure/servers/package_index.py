# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small index of Python packages: wheels and source distributions made in code, behind the "simple" pages that pip
and uv read."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import re
import tarfile
import typing as t
import zipfile
from pathlib import Path

from .certificates import CertificateAuthority
from .http_base import Handler, HttpServer

STANDARD = (
    ("six", "1.16.0", ()),
    ("tinydep", "1.0.0", ()),
    ("tinydep", "2.0.0", ()),
    ("middledep", "1.0.0", ("tinydep>=1.0.0",)),
    ("conflictdep", "1.0.0", ("tinydep<2.0.0",)),
)
"""Name, version and requirements of what every `PackageIndex` has. There is no ``nosuchdep``."""


def build_wheel(
    directory: t.Union[str, Path],
    name: str,
    version: str,
    requires: t.Sequence[str] = (),
    code: str = "",
    tag: str = "py3-none-any",
    requires_python: str = "",
) -> Path:
    """Write a pure-python wheel with one module ``name``, whose ``__version__`` is ``version``; the same bytes always.

    :arg code: further lines of the module.
    :arg tag: which hosts it is for.
    """
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f'__version__ = "{version}"\n{code}',
        f"{info}/METADATA": _metadata(name, version, requires, requires_python),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{path},sha256={_digest(body)},{len(body.encode())}\n" for path, body in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    Path(directory).mkdir(parents=True, exist_ok=True)
    wheel = Path(directory) / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, body in files.items():
            entry = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, body)
    return wheel


def build_sdist(
    directory: t.Union[str, Path],
    name: str,
    version: str,
    requires: t.Sequence[str] = (),
    files: t.Optional[t.Mapping[str, str]] = None,
    requires_python: str = "",
) -> Path:
    """Write a source distribution of such a module, which is read and not built; the same bytes always.

    :arg files: what else is in it.
    """
    folder = f"{name}-{version}"
    contents = {
        "PKG-INFO": _metadata(name, version, requires, requires_python),
        f"{name}.py": f'__version__ = "{version}"\n',
        **(files or {}),
    }
    Path(directory).mkdir(parents=True, exist_ok=True)
    path = Path(directory) / f"{folder}.tar.gz"
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for file, body in sorted(contents.items()):
            member = tarfile.TarInfo(f"{folder}/{file}")
            member.size = len(body.encode())
            archive.addfile(member, io.BytesIO(body.encode()))
    path.write_bytes(gzip.compress(plain.getvalue(), mtime=0))
    return path


def _metadata(name: str, version: str, requires: t.Sequence[str], requires_python: str) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    return "".join(f"{line}\n" for line in (*lines, *(f"Requires-Dist: {one}" for one in requires)))


def _digest(body: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body.encode()).digest()).rstrip(b"=").decode()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class _SimpleHandler(Handler):
    def do_GET(self) -> None:
        if not self.authorised():
            self.reply(401, headers={"WWW-Authenticate": 'Basic realm="packages"'})
            return
        parts = self.path.split("#")[0].strip("/").split("/")
        if parts == ["simple"]:
            self._page({name: f"/simple/{name}/" for name in sorted(self.owner.names())})
        elif len(parts) == 2 and parts[0] == "simple" and parts[1] in self.owner.names():
            files = self.owner.files(parts[1])
            self._page({file.name: f"/files/{file.name}#sha256={_sha256(file)}" for file in files})
        elif len(parts) == 2 and parts[0] == "files" and (self.owner.directory / parts[1]).is_file():
            self.reply(200, (self.owner.directory / parts[1]).read_bytes(), {"Content-Type": "application/zip"})
        else:
            self.reply(404, b"not found")

    do_HEAD = do_GET

    def _page(self, links: t.Mapping[str, str]) -> None:
        anchors = "".join(
            f'<a href="{html.escape(link)}">{html.escape(text)}</a><br>\n' for text, link in links.items()
        )
        page = f"<!DOCTYPE html>\n<html><body>\n{anchors}</body></html>\n"
        self.reply(200, page.encode(), {"Content-Type": "text/html"})


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class PackageIndex(HttpServer):
    """Serves the wheels and source distributions in ``directory``: no internet is needed.

    It is made where missing, with the `STANDARD` ones.

    ``index_url`` is for ``pip --index-url``; 127.0.0.1 needs no TLS to be trusted.
    """

    handler = _SimpleHandler

    def __init__(
        self,
        directory: t.Union[str, Path],
        ca: t.Optional[CertificateAuthority] = None,
        username: t.Optional[str] = None,
        password: t.Optional[str] = None,
    ) -> None:
        self.directory = Path(directory)
        for name, version, requires in STANDARD:
            self.add(name, version, requires)
        super().__init__(ca, username, password)

    @property
    def index_url(self) -> str:
        """The address of the simple index, with a slash at the end."""
        return f"{self.url}/simple/"

    def add(self, name: str, version: str, requires: t.Sequence[str] = (), code: str = "") -> Path:
        """Add a wheel, as `build_wheel` makes it, and return its path."""
        return build_wheel(self.directory, name, version, requires, code)

    def files(self, name: str) -> t.List[Path]:
        """Return the files of a package, by its normalised name."""
        return [path for path in self._all() if _normal(path.name.split("-")[0]) == name]

    def names(self) -> t.Set[str]:
        """Return the normalised names of all packages."""
        return {_normal(path.name.split("-")[0]) for path in self._all()}

    def _all(self) -> t.List[Path]:
        return sorted([*self.directory.glob("*.whl"), *self.directory.glob("*.tar.gz")])

    def environment(self) -> t.Dict[str, str]:
        """Return the variables that make pip and uv use this index and nothing else of this machine's settings."""
        return only_index(self.index_url)


def only_index(url: str) -> t.Dict[str, str]:
    """Return the variables that make pip and uv use one index and nothing else of this machine's settings."""
    return {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": url,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_INDEX_URL": url,
        "UV_NO_CONFIG": "1",
    }
