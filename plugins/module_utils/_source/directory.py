# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Plain directories as a source of packs: copied as they are, known by the digest of their content."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import typing as t

from .._content.boundary import listed, path_problem
from .._content.no_manifest import MANIFEST, no_manifest
from .._errors import InvalidPackError, SourceError
from .._file_tree import TreeEntry, as_known, is_bytecode, tree_digest, tree_entry, walk_tree
from .._printable import printable

# A worktree's or submodule's .git file, and the .git directory of a repository that is taken as a directory.
_NOT_CONTENT = (".git",)
# Reading that much takes seconds. Files may claim more, and directories like /proc never end.
_MOST_BYTES = 1 << 30
_MOST_FILES = 200_000
_LONGEST_READ = 16 << 20
_LONGEST_SHOWN = 200


def check_directory(path: str) -> None:
    """:raises SourceError: when C(path) is not a directory that can be read."""
    if not os.path.isdir(path):
        raise SourceError(f"The pack directory {path} does not exist on this host.")


def pack_path(source: str, subdir: str) -> str:
    """The directory of a pack in a directory.

    :arg subdir: Relative, maybe empty.
    :raises SourceError: when it leads out of C(source) by a link.
    """
    path = os.path.join(source, subdir) if subdir else source
    if subdir and not os.path.realpath(path).startswith(os.path.join(os.path.realpath(source), "")):
        raise SourceError(f"The directory {subdir} is not in {source}: a link leads out of that.")
    return path


def directory_digest(path: str) -> str:
    """The C(sha256:...) by which a directory's content is known.

    :raises SourceError: when the directory cannot be read, or holds what is neither file, link nor directory.
    :raises InvalidPackError: when it is no pack, or too large to be one.
    """
    return tree_digest(directory_entries(path))


def directory_entries(path: str) -> t.List[TreeEntry]:
    """Every file and link of a directory that belongs to the pack.

    :raises SourceError: as L(directory_digest).
    """
    check_directory(path)
    try:
        entries = [tree_entry(path, name, status) for name, status in _survey(path)]
    except OSError as error:
        raise SourceError(f"The pack directory {path} cannot be read: {_reason(error)}.") from error
    return as_known(path, entries)


def _survey(path: str) -> t.List[t.Tuple[str, os.stat_result]]:
    """What of a directory belongs to the pack; looked through before anything of it is read."""
    if not os.path.lexists(os.path.join(path, MANIFEST)):
        raise no_manifest(path, path)
    found: t.List[t.Tuple[str, os.stat_result]] = []
    size = 0
    for name, status in walk_tree(path, strict=True):
        if name in _NOT_CONTENT or is_bytecode(name):
            continue
        found.append((name, status))
        size += status.st_size
        if size > _MOST_BYTES or len(found) > _MOST_FILES:
            limits = f"{_MOST_FILES} files or {_MOST_BYTES >> 20} MiB"
            raise InvalidPackError(f"The pack directory {path} holds more than {limits}, which is too much for a pack.")
    special = [printable(name) for name, status in found if not _is_content(status)]
    if special:
        raise SourceError(
            f"The pack directory {path} holds devices, pipes or sockets, which are not allowed in a pack: "
            f"{listed(special)}."
        )
    problems = list(filter(None, (path_problem(name) for name, _status in found)))
    if problems:
        raise InvalidPackError(f"The pack holds what no pack may hold: {listed(problems, separator='; ')}.")
    return found


def _reason(error: OSError) -> str:
    name = printable(os.fsdecode(error.filename or ""))
    return f"{error.strerror}{f' ({name[:_LONGEST_SHOWN]})' if name else ''}"


def _is_content(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)


def _is_lent(status: os.stat_result, owner: int) -> bool:
    """Whether a file may have been linked into a pack by somebody who cannot read it; all could read the copy."""
    return status.st_nlink > 1 and status.st_uid != owner and not status.st_mode & stat.S_IROTH


def copy_directory(source: str, target: str) -> None:
    """Copy a pack directory: files with their executable bits, links as links, bytecode and C(.git) left out.

    :arg target: Does not exist yet.
    :raises SourceError: when something cannot be read.
    :raises InvalidPackError: as L(directory_digest).
    """
    check_directory(source)
    if os.path.realpath(target).startswith(os.path.join(os.path.realpath(source), "")):
        raise SourceError(f"{source} cannot be a pack: it holds the place where packs are prepared.")
    try:
        found = _survey(source)
        os.makedirs(target, mode=0o755)
        with _Opened(source) as opened:
            for path, _status in found:
                _copy(opened, path, os.path.join(target, path))
    except OSError as error:
        raise SourceError(f"The pack directory {source} cannot be copied: {_reason(error)}.") from error


class _Opened:
    """A tree whose directories are opened one below the other: none can be swapped for a link meanwhile."""

    def __init__(self, root: str) -> None:
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        self.owner = os.fstat(self._root).st_uid
        self._path: t.Optional[str] = None
        self._descriptor = -1

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._close()
        os.close(self._root)

    def directory(self, path: str) -> int:
        """A descriptor of a directory, for C(dir_fd); it holds until another one is asked for."""
        if path != self._path:
            self._close()
            descriptor = os.dup(self._root)
            for name in filter(None, path.split("/")):
                try:
                    below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
                finally:
                    os.close(descriptor)
                descriptor = below
            self._path, self._descriptor = path, descriptor
        return self._descriptor

    def _close(self) -> None:
        if self._path is not None:
            os.close(self._descriptor)
            self._path = None


def pack_directory(source: str, archive: str) -> None:
    """Write the files of a pack directory that belong to the pack into a tar archive.

    :raises SourceError: as L(directory_entries).
    """
    with tarfile.open(archive, "w") as writer:
        for entry in directory_entries(source):
            information = tarfile.TarInfo(entry.path)
            path = os.path.join(source, entry.path)
            if entry.kind == "link":
                information.type, information.linkname = tarfile.SYMTYPE, entry.digest
                writer.addfile(information)
            else:
                information.mode = 0o755 if entry.executable else 0o644
                with open(path, "rb") as reader:
                    information.size = os.fstat(reader.fileno()).st_size
                    writer.addfile(information, reader)


def unpack_directory(archive: str, target: str) -> None:
    """Make a pack directory of an archive that L(pack_directory) wrote. Nothing is written outside of it.

    :arg target: Does not exist yet.
    :raises SourceError: when the archive cannot be read, or holds anything else.
    """
    os.makedirs(target, mode=0o755)
    size = number = 0
    try:
        # Opening a pipe must not wait for somebody to write into it; a packed archive could unpack to anything.
        with open(archive, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise SourceError(f"The archive {archive} is not a regular file.")
            with tarfile.open(fileobj=t.cast(t.Any, _Bounded(stream)), mode="r:") as reader:
                for member in reader:
                    size += member.size
                    number += 1
                    if size > _MOST_BYTES or number > _MOST_FILES:
                        raise SourceError(f"The archive {archive} is too large for a pack.")
                    _unpack(reader, member, target)
    except (OSError, ValueError, tarfile.TarError) as error:
        raise SourceError(f"The archive {archive} cannot be unpacked: {error}.") from error


class _Bounded:
    """A file of which nothing is read that does not fit into memory, as a header of an archive may ask."""

    def __init__(self, stream: t.IO[bytes]) -> None:
        self._stream = stream
        self.seek = stream.seek
        self.tell = stream.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_READ:
            raise tarfile.ReadError("a header in it is too large")
        return self._stream.read(size)


def _unpack(reader: tarfile.TarFile, member: tarfile.TarInfo, target: str) -> None:
    shown = printable(member.name[:200])
    parts = member.name.split("/")
    directory = target
    for part in parts[:-1]:
        directory = os.path.join(directory, part)
        if part in ("", ".", "..") or os.path.islink(directory):
            raise SourceError(f"The archive holds {shown}, which would be outside of the pack.")
    if parts[-1] in ("", ".", "..") or path_problem(member.name):
        raise SourceError(f"The archive holds {shown}, which no pack may hold.")
    os.makedirs(directory, mode=0o755, exist_ok=True)
    path = os.path.join(directory, parts[-1])
    if member.issym():
        os.symlink(member.linkname, path)
        return
    content = reader.extractfile(member) if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) else None
    if content is None or member.sparse is not None:
        raise SourceError(f"The archive holds {shown}, which is neither a file nor a link.")
    with content, open(path, "xb") as writer:
        shutil.copyfileobj(content, writer, 1 << 20)
    os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)


def _copy(opened: _Opened, path: str, target: str) -> None:
    folder, name = os.path.split(path)
    directory = opened.directory(folder)
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=directory), target)
        return
    # What is swapped for a link or a pipe after it was looked at is not followed.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    with os.fdopen(descriptor, "rb") as reader:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"{printable(path)} is a device, pipe or socket, which is not allowed in a pack.")
        if _is_lent(status, opened.owner):
            raise InvalidPackError(
                f"{printable(path)} has another name (a hard link), belongs to another account than the pack, and is "
                "not for everybody to read: everybody could read its copy."
            )
        with open(target, "xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
    os.chmod(target, 0o755 if status.st_mode & 0o100 else 0o644)


def changed_files(recorded: t.Iterable[TreeEntry], present: t.Iterable[TreeEntry]) -> t.List[str]:
    """How the files of a pack differ from those it was installed with: sorted C("edited lib/x.py") and the like."""
    before = {entry.path: entry for entry in recorded}
    after = {entry.path: entry for entry in present}
    changes = [f"missing {path}" for path in before if path not in after]
    changes += [f"extra {path}" for path in after if path not in before]
    changes += [f"edited {path}" for path in before if path in after and before[path] != after[path]]
    return sorted(changes)
