# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Blobs of bundles on a host: what one has already is not sent again. They lie in a place of the collection's own.

Beside the blobs there is a file that says for which packs they are: a blob stays while one of these is installed, or
kept as an earlier release.
"""

from __future__ import annotations

import json
import os
import typing as t

from .._errors import SourceError
from .._file_changes import low_space
from .._files import file_digest
from .._own_directory import OwnDirectory, make_own_directory, open_own_directory, remove_own
from .archive import open_archive
from .layout import Blob, is_blob

_NAMES = "packs.json"
_INCOMING = ".incoming"
_MOST_NAMES_BYTES = 64 << 20


class MissingBlobsError(SourceError):
    """Blobs that are neither on the host nor were sent.

    :arg blobs: Which; C(digests) are theirs.
    """

    def __init__(self, message: str, blobs: t.Sequence[Blob], step: t.Optional[str]) -> None:
        super().__init__(message, step=step)
        self.digests = [blob.digest for blob in blobs]


class BlobCache:
    """The blobs on a host.

    :arg path: The directory of all of them, in an own place.
    :arg elsewhere: A scratch directory that takes what comes, for a run that must leave the host alone.
    """

    def __init__(self, path: str, elsewhere: t.Optional[str] = None) -> None:
        self._path = path
        self._elsewhere = elsewhere
        self._found: t.Dict[str, str] = {}

    def find(self, blob: Blob) -> t.Optional[str]:
        """Where a blob is; C(None) when it is not there, or is not whole any more.

        :raises HostError: when what has the name of the directory is not the collection's own.
        """
        if blob.digest not in self._found:
            with self._opened() as directory:
                path = os.path.join(self._path, _file_name(blob.digest))
                if directory and _is_whole(directory.at(_file_name(blob.digest)), blob):
                    self._found[blob.digest] = path
        return self._found.get(blob.digest)

    def missing(self, blobs: t.Iterable[Blob]) -> t.List[Blob]:
        """Those that L(find) does not find, each once."""
        return list({blob.digest: blob for blob in blobs if self.find(blob) is None}.values())

    def take(self, archive: str, shown: str, blobs: t.Iterable[Blob]) -> None:
        """Take blobs from an archive that has them. All of the archive is looked at before anything is written.

        :arg shown: What the archive is called, for messages.
        :raises SourceError: when the archive is not whole, or holds what it must not.
        """
        wanted = {blob.member: blob for blob in blobs}
        with open_archive(archive, shown) as opened:
            names = [name for name in opened.members if is_blob(name) and name in wanted]
            if not names:
                return
            opened.check()
            try:
                if self._elsewhere:
                    for name in names:
                        target = os.path.join(self._elsewhere, _file_name(wanted[name].digest))
                        opened.copy(name, target)
                        self._found[wanted[name].digest] = target
                    return
                with make_own_directory(self._path) as directory:
                    for name in names:
                        file = _file_name(wanted[name].digest)
                        directory.remove(_INCOMING)
                        opened.copy(name, directory.at(_INCOMING))
                        os.rename(directory.at(_INCOMING), directory.at(file))
                        self._found[wanted[name].digest] = os.path.join(self._path, file)
            except OSError as error:
                reason = error.strerror or error
                raise SourceError(
                    f"{shown} cannot be stored in {self._path}: {reason}.{low_space(self._path)}"
                ) from error

    def remember(self, holders: t.Mapping[Blob, t.Collection[str]]) -> None:
        """Keep in mind for which packs blobs are, each named by its commit or the digest of its content."""
        if self._elsewhere:
            return
        with make_own_directory(self._path) as directory:
            known = _read_names(directory)
            for blob, named in holders.items():
                if directory.has(_file_name(blob.digest)):
                    known[blob.digest] = sorted({*known.get(blob.digest, ()), *named})
            _write_names(directory, known)

    def clean(self, living: t.Container[str]) -> None:
        """Remove the blobs that are for no pack of these.

        :arg living: Commits, and digests of content.
        """
        with self._opened() as directory:
            if directory is None:
                return
            known = _read_names(directory)
            kept = {digest: named for digest, named in known.items() if any(one in living for one in named)}
            files = {_file_name(digest) for digest in kept}
            for name in directory.names():
                if name not in (*files, _NAMES):
                    directory.remove(name)
            if kept:
                if kept != known:
                    _write_names(directory, kept)
                return
        remove_own(self._path)

    def _opened(self) -> t.Any:
        return open_own_directory(self._path) or _NoDirectory()


class _NoDirectory:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_error: object) -> None:
        """There is nothing to close."""


def _file_name(digest: str) -> str:
    return digest[len("sha256:") :]


def _is_whole(path: str, blob: Blob) -> bool:
    """Whether a file is a blob: after a power cut one of that name may be empty."""
    if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) != blob.size:
        return False
    return file_digest(path) == _file_name(blob.digest)


def _read_names(directory: OwnDirectory) -> t.Dict[str, t.List[str]]:
    try:
        found = json.loads(directory.read(_NAMES, _MOST_NAMES_BYTES))
        return {str(digest): [str(one) for one in named] for digest, named in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write_names(directory: OwnDirectory, names: t.Mapping[str, t.Sequence[str]]) -> None:
    directory.write(_NAMES, json.dumps(names, sort_keys=True, separators=(",", ":")).encode())
