# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The archive of a bundle: written in one form only, and refused in every other. Every blob is hashed while it is read.

A member is a header of 512 bytes and the content; of links, devices, other modes or times, and of the long names and
sparse files that tar also knows, there are none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tarfile
import typing as t

from .._errors import SourceError
from .._printable import printable
from .layout import (
    INDEX,
    LARGEST_BLOB,
    MANIFEST,
    MOST_BLOBS,
    MOST_BYTES,
    MOST_DOCUMENT_BYTES,
    STEP,
    Manifest,
    content_digest,
    digest_of,
    is_blob,
    read_manifest,
    refusal,
)

_BLOCK = 512
_END = 2 * _BLOCK
_CHUNK = 1 << 20


class Member(t.NamedTuple):
    """A file in an archive.

    :arg offset: Where its content begins.
    """

    name: str
    offset: int
    size: int


def header(name: str, size: int) -> bytes:
    """The one header that a file of that name and size has in an archive of ours."""
    information = tarfile.TarInfo(name)
    information.size, information.mode = size, 0o644
    return information.tobuf(tarfile.USTAR_FORMAT, "ascii")


class Archive:
    """An archive that has been looked through: its members have names and sizes as they must; no content was read.

    :arg path: The file.
    :arg shown: What it is called, for messages.
    """

    def __init__(self, path: str, shown: str, stream: t.IO[bytes]) -> None:
        self.path = path
        self.shown = shown
        self._stream = stream
        self.size = os.fstat(stream.fileno()).st_size
        self.members = {member.name: member for member in self._members()}

    def read(self, name: str) -> bytes:
        """The content of C(bundle.json) or C(index.json).

        :raises SourceError: when it is not in there.
        """
        member = self.members.get(name)
        if member is None:
            raise refusal(self.shown, f"it has no {name}")
        return b"".join(self._blocks(member))

    def check(self) -> None:
        """Read every blob.

        :raises SourceError: for one whose content is not what its name says.
        """
        for name in filter(is_blob, self.members):
            self._copy(name, None)

    def copy(self, name: str, target: str) -> None:
        """Write a blob into a file.

        :arg target: Does not exist yet.
        :raises SourceError: as L(check); what was written is debris then.
        """
        with open(target, "xb") as stream:
            self._copy(name, stream)

    def write_part(self, names: t.Iterable[str], target: str) -> None:
        """Write an archive with some of the blobs.

        :arg target: Does not exist yet.
        :raises SourceError: as L(check); what was written is debris then.
        """
        with open(target, "xb") as stream:
            for name in sorted(names):
                size = self.members[name].size
                stream.write(header(name, size))
                self._copy(name, stream)
                stream.write(b"\0" * (-size % _BLOCK))
            stream.write(b"\0" * _END)

    def _copy(self, name: str, target: t.Optional[t.IO[bytes]]) -> None:
        digest = hashlib.sha256()
        for block in self._blocks(self.members[name]):
            digest.update(block)
            if target is not None:
                target.write(block)
        if f"sha256:{digest.hexdigest()}" != digest_of(name):
            raise refusal(self.shown, f"the content of {name} has the digest sha256:{digest.hexdigest()}")

    def _blocks(self, member: Member) -> t.Iterator[bytes]:
        self._stream.seek(member.offset)
        left = member.size
        while left:
            block = self._stream.read(min(left, _CHUNK))
            if not block:
                raise self._cut(member.name)
            left -= len(block)
            yield block
        if self._stream.read(-member.size % _BLOCK).strip(b"\0"):
            raise refusal(self.shown, f"there is something between {member.name} and what comes after it")

    def _members(self) -> t.Iterator[Member]:
        position, before, total = 0, "", 0
        for number in range(MOST_BLOBS + 3):
            self._stream.seek(position)
            block = self._stream.read(_BLOCK)
            where = f"behind {before}" if before else "at its beginning"
            if len(block) < _BLOCK:
                raise refusal(self.shown, f"it ends at byte {self.size}, {where}, before an archive may end")
            if not block.strip(b"\0"):
                self._require_end(position)
                return
            member = self._member(block, position, where)
            if member.name <= before:
                raise refusal(self.shown, f"{member.name} stands {where}, twice or out of order")
            total += member.size
            if number == MOST_BLOBS + 2 or total > MOST_BYTES:
                break
            position = member.offset + -(-member.size // _BLOCK) * _BLOCK
            if position > self.size:
                raise self._cut(member.name)
            before = member.name
            yield member
        raise refusal(self.shown, f"it holds more than {MOST_BLOBS} blobs or {MOST_BYTES >> 30} GiB")

    def _member(self, block: bytes, position: int, where: str) -> Member:
        try:
            # Nothing that it says is done; a header that says more than name and size is refused below.
            information = tarfile.TarInfo.frombuf(block, "ascii", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise refusal(self.shown, f"{where} is no header of a tar archive ({error})") from error
        shown = printable(information.name)[:200]
        if information.type != tarfile.REGTYPE:
            raise refusal(self.shown, f"{shown} ({where}) is no regular file")
        name, size = information.name, information.size
        if name not in (MANIFEST, INDEX) and not is_blob(name):
            raise refusal(
                self.shown, f"it holds {shown} ({where}), and may hold {MANIFEST}, {INDEX} and blobs/sha256/HEX alone"
            )
        largest = LARGEST_BLOB if is_blob(name) else MOST_DOCUMENT_BYTES
        if not 0 <= size <= largest:
            raise refusal(self.shown, f"{shown} has {size} bytes, and {largest} is the most")
        if block != header(name, size):
            raise refusal(self.shown, f"the header of {shown} says more than a name and a size, or says it otherwise")
        return Member(name, position + _BLOCK, size)

    def _require_end(self, position: int) -> None:
        self._stream.seek(position)
        if self.size - position != _END or self._stream.read().strip(b"\0"):
            raise refusal(self.shown, f"it goes on behind its end at byte {position}, or ends too early there")

    def _cut(self, name: str) -> SourceError:
        return refusal(self.shown, f"it ends at byte {self.size}, in the middle of {name}")


@contextlib.contextmanager
def open_archive(path: str, shown: str = "") -> t.Iterator[Archive]:
    """Open an archive and look through it.

    :arg shown: What it is called, for messages; C(path) by default.
    :raises SourceError: when it cannot be read or is none of ours.
    """
    shown = shown or path
    try:
        # Opening a pipe must not wait for somebody to write into it. It is closed below.
        stream = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    except OSError as error:
        raise SourceError(f"The bundle {shown} cannot be read: {error.strerror or error}.", step=STEP) from error
    with stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise refusal(shown, "it is no regular file")
        yield Archive(path, shown, stream)


def manifest_of(archive: Archive) -> Manifest:
    """What is in a bundle: C(bundle.json), and exactly the blobs that it lists.

    :raises SourceError: when these are others.
    """
    manifest = read_manifest(archive.read(MANIFEST), archive.shown)
    if content_digest(archive.read(INDEX)) != manifest.index_digest:
        raise refusal(archive.shown, f"the content of {INDEX} is not what {MANIFEST} says")
    listed = {blob.member: blob.size for blob in manifest.blobs}
    found = {name: member.size for name, member in archive.members.items() if is_blob(name)}
    for name in sorted({*listed, *found}):
        if name not in found:
            raise refusal(archive.shown, f"{MANIFEST} lists {name}, which is not in it")
        if name not in listed:
            raise refusal(archive.shown, f"it holds {name}, which {MANIFEST} does not list")
        if listed[name] != found[name]:
            raise refusal(archive.shown, f"{name} has {found[name]} bytes, and {listed[name]} by {MANIFEST}")
    return manifest


def write_archive(target: str, files: t.Mapping[str, t.Union[bytes, str]]) -> None:
    """Write an archive.

    :arg target: Does not exist yet.
    :arg files: By name in the archive, the content or the path of a file with it.
    :raises OSError: as the file system gives it.
    """
    with open(target, "xb") as stream:
        for name in sorted(files):
            content = files[name]
            if isinstance(content, bytes):
                stream.write(header(name, len(content)) + content)
                size = len(content)
            else:
                with open(content, "rb") as reader:
                    size = os.fstat(reader.fileno()).st_size
                    stream.write(header(name, size))
                    for block in iter(lambda: reader.read(_CHUNK), b""):  # used up at once
                        stream.write(block)
            stream.write(b"\0" * (-size % _BLOCK))
        stream.write(b"\0" * _END)
