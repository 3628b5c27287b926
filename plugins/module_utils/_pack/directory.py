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

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._files import (
    TreeEntry,
    is_bytecode,
    list_tree,
    tree_digest,
    walk_tree,
)

# A worktree's or submodule's .git file, and the .git directory of a repository that is taken as a directory.
_NOT_CONTENT = (".git",)


def is_repository(path: str) -> bool:
    """Whether a local path is a git repository: a directory with a C(.git) directory, or a bare repository.

    A C(.git) file does not count (st2common/util/pack_management.py download_pack looks for a directory).
    """
    if os.path.isdir(os.path.join(path, ".git")):
        return True
    return os.path.isfile(os.path.join(path, "HEAD")) and os.path.isdir(os.path.join(path, "objects"))


def check_directory(path: str) -> None:
    """:raises SourceError: when C(path) is not a directory that can be read."""
    if not os.path.isdir(path):
        raise SourceError(f"The pack directory {path} does not exist on this host.")


def directory_digest(path: str) -> str:
    """The C(sha256:...) by which a directory's content is known.

    :raises SourceError: when the directory cannot be read, or holds what is neither file, link nor directory.
    """
    return tree_digest(directory_entries(path))


def directory_entries(path: str) -> t.List[TreeEntry]:
    """Every file and link of a directory that belongs to the pack.

    :raises SourceError: as L(directory_digest).
    """
    check_directory(path)
    try:
        entries = [entry for entry in list_tree(path) if entry.path not in _NOT_CONTENT]
    except OSError as error:
        raise SourceError(f"The pack directory {path} cannot be read: {error}.") from error
    special = [entry.path for entry in entries if entry.kind == "special"]
    if special:
        raise SourceError(
            f"The pack directory {path} holds devices, pipes or sockets, which no pack needs: {', '.join(special[:5])}."
        )
    return entries


def copy_directory(source: str, target: str) -> None:
    """Copy a pack directory: files with their executable bits, links as links, bytecode and C(.git) left out.

    :arg target: Does not exist yet.
    :raises SourceError: when something cannot be read.
    """
    check_directory(source)
    os.makedirs(target, mode=0o755)
    try:
        for path, status in walk_tree(source):
            if path in _NOT_CONTENT or is_bytecode(path):
                continue
            _copy(os.path.join(source, path), os.path.join(target, path), status)
    except OSError as error:
        raise SourceError(f"The pack directory {source} cannot be copied: {error}.") from error


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
    try:
        with tarfile.open(archive) as reader:
            for member in reader:
                _unpack(reader, member, target)
    except (OSError, tarfile.TarError) as error:
        raise SourceError(f"The archive {archive} cannot be unpacked: {error}.") from error


def _unpack(reader: tarfile.TarFile, member: tarfile.TarInfo, target: str) -> None:
    path = os.path.join(target, member.name)
    directory = os.path.dirname(path)
    os.makedirs(directory, mode=0o755, exist_ok=True)
    inside = os.path.realpath(directory) + os.sep
    if not inside.startswith(os.path.realpath(target) + os.sep) or os.path.basename(path) in ("", ".", ".."):
        raise SourceError(f"The archive holds {member.name}, which would lie outside of the pack.")
    if member.issym():
        os.symlink(member.linkname, path)
        return
    content = reader.extractfile(member) if member.isfile() else None
    if content is None:
        raise SourceError(f"The archive holds {member.name}, which is neither a file nor a link.")
    with content, open(path, "xb") as writer:
        shutil.copyfileobj(content, writer, 1 << 20)
    os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)


def _copy(source: str, target: str, status: os.stat_result) -> None:
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISREG(status.st_mode):
        # A file that is swapped for a link or a pipe after it was looked at is not followed.
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as reader, open(target, "xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
        os.chmod(target, 0o755 if status.st_mode & 0o100 else 0o644)
    else:
        raise SourceError(f"{source} is a device, pipe or socket, which no pack needs.")


def changed_files(recorded: t.Iterable[TreeEntry], present: t.Iterable[TreeEntry]) -> t.List[str]:
    """How the files of a pack differ from those it was installed with: sorted C("edited lib/x.py") and the like."""
    before = {entry.path: entry for entry in recorded}
    after = {entry.path: entry for entry in present}
    changes = [f"missing {path}" for path in before if path not in after]
    changes += [f"extra {path}" for path in after if path not in before]
    changes += [f"edited {path}" for path in before if path in after and before[path] != after[path]]
    return sorted(changes)
