# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A package index of static files: pages of HTML (PEP 503) and JSON (PEP 691) beside the files that they list.

C(simple/index.html) and C(simple/index.json) name the packages, C(simple/NAME/index.html) and C(index.json) the files
of one, which are in that directory, with the metadata of wheels (PEP 658) as C(FILE.metadata). A web server chooses
between the two forms by the C(Accept) header.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import typing as t
import zipfile
from email.parser import HeaderParser
from urllib.parse import quote

from .._bundle.layout import is_file_name
from .._file_changes import remove_tree, write_atomically
from .._files import TEMPORARY_PREFIX, read_regular_file
from .._html import text
from .._source.package_index import normal_name
from .package_resolver import PackageFile

HTML, JSON, METADATA = "index.html", "index.json", ".metadata"
# A host that has read a page goes on with the files on it.
GRACE_SECONDS = 3600.0
_STATE = "listed.json"
_MOST_METADATA = 8 << 20
_MOST_STATE = 64 << 20
_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,198}[a-z0-9])?\Z")
_VERSION = re.compile(r"[0-9][A-Za-z0-9._+!]*\Z")
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="pypi:repository-version" content="1.1">
<title>{title}</title>
</head>
<body>
{anchors}</body>
</html>
"""


class _Entry(t.NamedTuple):
    """A file as the pages list it.

    :arg requires_python: Empty for every Python.
    :arg metadata: SHA-256 of its metadata, empty where there is none beside it.
    """

    name: str
    version: str
    sha256: str
    size: int
    requires_python: str
    metadata: str


class Published(t.NamedTuple):
    """What became of a tree.

    :arg files: How many are listed.
    :arg refused: Names that no file of a package has.
    """

    files: int
    changed: bool
    refused: t.Tuple[str, ...]


def publish(tree: str, files: t.Iterable[PackageFile], *, state: str, now: float) -> Published:
    """Make a tree list some files, and no others.

    Files come before the pages that list them, and what no page lists any more stays for an hour. Equal files make
    equal pages, and a page that would be the same is not written.

    :arg tree: The directory; it is made where it is missing.
    :arg state: An existing directory for what is remembered from run to run; on the same file system.
    :arg now: Seconds since the epoch.
    :raises OSError: as the file system gives it; what is listed is there all the same.
    """
    os.makedirs(tree, exist_ok=True)
    memory = _Memory(os.path.join(state, _STATE))
    projects: t.Dict[str, t.Dict[str, PackageFile]] = {}
    refused = []
    for file in files:
        found = project_of(file.name)
        if found:
            projects.setdefault(found[0], {})[file.name] = file
        else:
            refused.append(file.name)
    changed = False
    listed: t.Set[str] = set()
    for project, wanted in sorted(projects.items()):
        folder = os.path.join(tree, project)
        os.makedirs(folder, exist_ok=True)
        entries = [_place(folder, wanted[name], memory) for name in sorted(wanted)]
        listed.update(f"{project}/{name}" for one in entries for name in (one.name, one.name + METADATA))
        entries.sort(key=lambda one: (_natural(one.version), one.name))
        changed |= _write_pages(folder, _project_html(project, entries), _project_json(project, entries))
    changed |= _write_pages(tree, _root_html(projects), _root_json(projects))
    changed |= _clear(tree, listed, memory, now)
    memory.keep({name for wanted in projects.values() for name in wanted})
    return Published(sum(map(len, projects.values())), changed, tuple(sorted(refused)))


def project_of(file: str) -> t.Optional[t.Tuple[str, str]]:
    """The normalised name of the package that a file is of, and the version; C(None) for a name that is none of these
    (binary distribution format; PEP 625)."""
    if not is_file_name(file):
        return None
    if file.endswith(".whl"):
        parts = file[: -len(".whl")].split("-")
        name, version = parts[0], parts[1] if len(parts) in (5, 6) else ""
    else:
        name, _dash, version = re.sub(r"\.(?:tar\.gz|zip)\Z", "", file).rpartition("-")
    project = normal_name(name)
    return (project, version) if _PROJECT.match(project) and _VERSION.match(version) else None


class _Memory:
    """What is known of files by their names, and since when some are not listed any more."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.entries: t.Dict[str, _Entry] = {}
        self.unlisted: t.Dict[str, float] = {}
        try:
            found = json.loads(read_regular_file(path, _MOST_STATE))
            self.entries = {str(name): _Entry(*entry) for name, entry in found["entries"].items()}
            self.unlisted = {str(name): float(since) for name, since in found["unlisted"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass  # It can all be found out again.

    def keep(self, names: t.Container[str]) -> None:
        """Write it, without what is known of other files."""
        entries = {name: list(entry) for name, entry in sorted(self.entries.items()) if name in names}
        document = {"entries": entries, "unlisted": dict(sorted(self.unlisted.items()))}
        _write(self._path, json.dumps(document, separators=(",", ":")).encode())


def _place(folder: str, file: PackageFile, memory: _Memory) -> _Entry:
    """Put a file and its metadata into the directory of its package, where they are not there already."""
    path = os.path.join(folder, file.name)
    known = memory.entries.get(file.name)
    size = os.path.getsize(file.path)
    there = os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) == size
    if known and there and (known.sha256, known.size) == (file.sha256, size) and _has_metadata(path, known):
        return known
    new = os.path.join(folder, f"{TEMPORARY_PREFIX}{file.name[:100]}.{os.getpid()}")
    try:
        _link(file.path, new)
        os.chmod(new, 0o644)
        os.replace(new, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)
    metadata = wheel_metadata(path) if file.name.endswith(".whl") else None
    said = metadata if metadata is not None else _information(path)
    if metadata is not None:
        _write(path + METADATA, metadata)
    requires_python = str(HeaderParser().parsestr(said.decode("utf-8", "replace")).get("Requires-Python") or "").strip()
    digest = hashlib.sha256(metadata).hexdigest() if metadata is not None else ""
    version = (project_of(file.name) or ("", ""))[1]
    entry = _Entry(file.name, version, file.sha256, size, " ".join(requires_python.split()), digest)
    memory.entries[file.name] = entry
    return entry


def _has_metadata(path: str, known: _Entry) -> bool:
    return not known.metadata or os.path.isfile(path + METADATA)


def _link(source: str, target: str) -> None:
    """Give a file a second name, or copy it where that cannot be."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(target)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copyfile(source, target)


def wheel_metadata(path: str) -> t.Optional[bytes]:
    """The metadata in a wheel; C(None) for something else, or one that is far too large."""
    try:
        with zipfile.ZipFile(path) as archive:
            project = project_of(os.path.basename(path))
            for name in archive.namelist():
                folder, slash, rest = name.partition(".dist-info/")
                if slash and rest == "METADATA" and project and normal_name(folder.split("-")[0]) == project[0]:
                    with archive.open(name) as stream:
                        content = stream.read(_MOST_METADATA + 1)
                    return content if len(content) <= _MOST_METADATA else None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        pass  # A wheel that cannot be read is listed without its metadata, and pip says what is wrong with it.
    return None


def _information(path: str) -> bytes:
    """What a source distribution says of the Python that it is for, as metadata."""
    from .._errors import SourceError
    from .sdists import read_sdist

    try:
        return b"Requires-Python: " + read_sdist(path).requires_python.encode()
    except SourceError:
        return b""


def _natural(version: str) -> t.List[t.Tuple[int, int, str]]:
    """A key that sorts versions as people do; it decides about nothing."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"\d+|[^\d.]+", version)]


def _project_html(project: str, entries: t.Sequence[_Entry]) -> bytes:
    return _html(f"Links for {project}", [_anchor(entry) for entry in entries])


def _anchor(entry: _Entry) -> str:
    attributes = f' data-requires-python="{text(entry.requires_python)}"' if entry.requires_python else ""
    if entry.metadata:
        # The first one is the name that pip before 23.3 knows (PEP 714).
        names = ("data-dist-info-metadata", "data-core-metadata")
        attributes += "".join(f' {name}="sha256={entry.metadata}"' for name in names)
    return f'<a href="{text(quote(entry.name))}#sha256={entry.sha256}"{attributes}>{text(entry.name)}</a><br>'


def _project_json(project: str, entries: t.Sequence[_Entry]) -> bytes:
    versions: t.Dict[str, None] = dict.fromkeys(entry.version for entry in entries)
    files = []
    for entry in entries:
        file: t.Dict[str, t.Any] = {
            "filename": entry.name,
            "url": quote(entry.name),
            "hashes": {"sha256": entry.sha256},
            "size": entry.size,
        }
        if entry.requires_python:
            file["requires-python"] = entry.requires_python
        # Not by its former name, which breaks pip before 23.2 (PEP 714).
        file["core-metadata"] = {"sha256": entry.metadata} if entry.metadata else False
        files.append(file)
    return _json({"meta": {"api-version": "1.1"}, "name": project, "versions": list(versions), "files": files})


def _root_html(projects: t.Iterable[str]) -> bytes:
    return _html("Simple index", [f'<a href="{text(name)}/">{text(name)}</a><br>' for name in sorted(projects)])


def _root_json(projects: t.Iterable[str]) -> bytes:
    return _json({"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in sorted(projects)]})


def _html(title: str, anchors: t.Iterable[str]) -> bytes:
    return _PAGE.format(title=text(title), anchors="".join(f"{anchor}\n" for anchor in anchors)).encode()


def _json(document: t.Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _write_pages(folder: str, html: bytes, document: bytes) -> bool:
    changed = _write(os.path.join(folder, JSON), document)
    return _write(os.path.join(folder, HTML), html) or changed


def _write(path: str, content: bytes) -> bool:
    """Write a file, if its content would be another; whether that is so."""
    with contextlib.suppress(OSError):
        if read_regular_file(path, max(len(content), 1), follow=False) == content:
            return False
    write_atomically(path, content)
    return True


def _clear(tree: str, listed: t.Set[str], memory: _Memory, now: float) -> bool:
    """Take away what is not listed: the pages of packages at once, files once their time is over."""
    changed = False
    unlisted: t.Dict[str, float] = {}
    for folder in sorted(os.listdir(tree)):
        path = os.path.join(tree, folder)
        if os.path.islink(path) or not os.path.isdir(path):
            if folder not in (HTML, JSON):
                os.unlink(path)
            continue
        names = os.listdir(path)
        is_listed = any(f"{folder}/{name}" in listed for name in names)
        for name in names:
            key = f"{folder}/{name}"
            if key in listed or (is_listed and name in (HTML, JSON)):
                continue
            since = min(memory.unlisted.get(key, now), now)
            if name in (HTML, JSON) or now >= since + GRACE_SECONDS:
                remove_tree(os.path.join(path, name))
                changed = True
            else:
                unlisted[key] = since
        with contextlib.suppress(OSError):
            os.rmdir(path)
    memory.unlisted = unlisted
    return changed
