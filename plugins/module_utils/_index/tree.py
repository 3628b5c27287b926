# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The files of a commit, read from a bare repository by one C(git cat-file --batch), without a checkout."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
import typing as t

from .._errors import InvalidPackError, SourceError
from .._file_changes import low_space
from .._file_tree import TreeEntry, is_bytecode, tree_digest
from .._printable import printable
from .._source.committed_files import CommittedFile
from .._source.git_program import Git
from .._source.repository import Repository

_LINK = "120000"
_SUBMODULE = "160000"
_EXECUTABLE = "100755"
# All of a commit's files together, which are bounded before, and what stands before each.
_MOST_ANSWERED = 2 << 30
# What a checkout would change in files; then nobody can tell the digest of one from the commit.
_CONVERTS = re.compile(rb"\beol=crlf\b|\bident\b|\bfilter=|\bworking-tree-encoding=")
_READ = (".yaml", ".yml", ".txt", ".png")
_LARGEST_READ = 8 << 20
# Errors that come of names that no directory can hold together, and of longer ones than any can.
_OF_THE_PACK = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)


class Committed(t.NamedTuple):
    """What a commit has.

    :arg time: When it was made, in seconds.
    :arg digest: Of its files, as L(directory_digest) gives it for a checkout; C(None) where attributes would change
        files in one.
    """

    time: int
    digest: t.Optional[str]


def write_files(
    git: Git, repository: Repository, directory: str, commit: str, target: str, *, whole: bool = False
) -> Committed:
    """Put the files of a commit into a directory of this run alone: those that say what the pack is with their content,
    all others empty.

    :arg directory: The bare repository.
    :arg target: Does not exist yet.
    :arg whole: Whether all files get their content, of which very long ones only have the beginning.
    :raises SourceError: when the commit cannot be read.
    :raises InvalidPackError: when it holds what no pack may hold.
    """
    files = [file for file in repository.list_files(directory, commit) if file.mode != _SUBMODULE]
    os.makedirs(target)
    blobs: t.Dict[str, t.List[CommittedFile]] = {}
    for file in files:
        _check_path(file.path)
        blobs.setdefault(file.blob, []).append(file)
    writer = _Writer(target, whole)
    try:
        for name, found in _objects(git, directory, [commit, *blobs]):
            if name == commit:
                writer.time = _committed(found.content)
            for file in blobs.get(name, ()):
                writer.add(file, found)
        writer.make_links()
    except OSError as error:
        if error.errno in _OF_THE_PACK:
            name = printable(os.path.relpath(os.fsdecode(error.filename or target), target)[:200])
            reason = "twice" if error.errno != errno.ENAMETOOLONG else "with a name that is too long"
            raise InvalidPackError(f"The pack holds {name} {reason}, which cannot be checked out.") from error
        raise SourceError(f"The files of a commit cannot be written: {error.strerror}.{low_space(target)}") from error
    return Committed(writer.time, None if writer.converts else tree_digest(sorted(writer.entries)))


class _Object(t.NamedTuple):
    """An object of git.

    :arg content: The beginning of it, which is all of anything that is read.
    :arg digest: SHA-256 of all of it.
    """

    content: bytes
    digest: str


class _Writer:
    """Writes files and remembers what they are. Links come last: nothing is written through one."""

    def __init__(self, target: str, whole: bool) -> None:
        self._target = target
        self._whole = whole
        self._links: t.Dict[str, bytes] = {}
        self.entries: t.List[TreeEntry] = []
        self.converts = False
        self.time = 0

    def add(self, file: CommittedFile, found: _Object) -> None:
        """One file with its content."""
        path = os.path.join(self._target, file.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if file.mode == _LINK:
            self._links[path] = found.content
            self._list(file, "link", os.fsdecode(found.content))
            return
        self._list(file, "file", found.digest)
        if os.path.basename(file.path) == ".gitattributes" and _CONVERTS.search(found.content):
            self.converts = True
        with open(path, "xb") as stream:
            if self._whole or file.path.endswith(_READ):
                stream.write(found.content)
        if self._whole and file.mode == _EXECUTABLE:
            os.chmod(path, 0o755)  # noqa: S103  # in a directory of this run alone

    def _list(self, file: CommittedFile, kind: str, digest: str) -> None:
        if not is_bytecode(file.path):
            self.entries.append(TreeEntry(file.path, kind, file.mode == _EXECUTABLE, digest))

    def make_links(self) -> None:
        """The links, too."""
        for path, content in self._links.items():
            if not content or b"\0" in content:
                raise InvalidPackError("The pack holds a link without a target, which cannot be checked out.")
            os.symlink(content, os.fsencode(path))


def _check_path(path: str) -> None:
    if "\ufffd" in path:
        raise InvalidPackError(f"The pack holds what no pack may hold: {path} is not a name in UTF-8.")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in path.split("/")) or "\0" in path:
        raise InvalidPackError(f"The pack holds what no pack may hold: {path} is not a path that git can check out.")


def _objects(git: Git, directory: str, names: t.Sequence[str]) -> t.Iterator[t.Tuple[str, _Object]]:
    """Each object by its name."""
    with tempfile.TemporaryFile(dir=git.scratch) as asked, tempfile.TemporaryFile(dir=git.scratch) as answer:
        asked.write("".join(f"{name}\n" for name in names).encode())
        asked.seek(0)
        git("cat-file", "--batch", "--buffer", cwd=directory, stdin=asked, answer=answer, most_written=_MOST_ANSWERED)
        answer.seek(0)
        for name in names:
            parts = answer.readline().split()
            if len(parts) != 3 or parts[0].decode("ascii", "replace") != name:
                raise SourceError(f"The repository lacks the object {name}, though it was fetched whole.")
            yield name, _read(answer, int(parts[2]))
            answer.read(1)


def _read(answer: t.IO[bytes], size: int) -> _Object:
    digest = hashlib.sha256()
    kept = b""
    while size > 0:
        block = answer.read(min(size, _LARGEST_READ))
        if not block:
            raise SourceError("The repository broke off in the middle of an object.")
        kept = kept or block
        digest.update(block)
        size -= len(block)
    return _Object(kept, digest.hexdigest())


def _committed(commit: bytes) -> int:
    """The time at which a commit was made, 0 for one that does not say."""
    match = re.search(rb"^committer .*> (\d{1,12}) [+-]\d+$", commit.split(b"\n\n", 1)[0], re.MULTILINE)
    return int(match.group(1)) if match else 0
