# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Changes of files: atomic writes, atomic exchange of directories, copies and removal of trees, and syncing of them."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import tempfile
import time
import typing as t

from ._file_tree import walk_tree
from ._files import TEMPORARY_PREFIX

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_LITTLE_SPACE = 8 << 20
_FEW_FILES = 500


def write_atomically(path: str, content: bytes, *, mode: int = 0o644, uid: int = -1, gid: int = -1) -> None:
    """Write C(content) to C(path) so that every reader, and every crash, sees the old file or the whole new one.

    :arg path: Absolute path; its directory exists.
    :arg mode: Permission bits, set before the file gets its name.
    :arg uid: Its owner and C(gid) its group, set before that too; -1 for those of this account.
    :raises OSError: as the file system gives it; then C(path) is what it was.
    """
    directory = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            if (uid, gid) != (-1, -1):
                os.fchown(stream.fileno(), uid, gid)
            os.fchmod(stream.fileno(), mode)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_directory(directory)


def backup_path(path: str) -> str:
    """The name for a copy of a file that is about to change, beside it; Ansible's own form."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime())
    return f"{path}.{os.getpid()}.{stamp}~"


def sync_directory(path: str) -> None:
    """Make the names in the directory C(path) survive a power cut, where the file system can."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_trees(paths: t.Iterable[str]) -> None:
    """Make everything that lies below some paths survive a power cut.

    One call for each file system they are on (syncfs); where there is none, each file and directory.

    :raises OSError: when what was written is not on disk.
    """
    devices: t.Dict[int, t.List[str]] = {}
    for path in paths:
        devices.setdefault(os.lstat(path).st_dev, []).append(path)
    for found in devices.values():
        if not _sync_file_system(os.path.dirname(found[0])):
            for path in found:
                _sync_tree(path)


def _sync_file_system(directory: str) -> bool:
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError):
        return False
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if syncfs(descriptor) == 0:
            return True
        code = ctypes.get_errno()
        if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
            return False
        raise OSError(code, os.strerror(code), directory)
    finally:
        os.close(descriptor)


def _sync_tree(path: str) -> None:
    for name in (path, *(os.path.join(path, below) for below, _status in walk_tree(path, skip=()))):
        if os.path.isfile(name) and not os.path.islink(name):
            descriptor = os.open(name, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    if os.path.isdir(path) and not os.path.islink(path):
        for directory, _names, _files in os.walk(path):
            sync_directory(directory)


def exchange(one: str, other: str) -> bool:
    """Exchange the names of two existing files or directories in one step (renameat2 with RENAME_EXCHANGE).

    :returns: C(False) when this system or file system has no such call; nothing has changed then.
    :raises OSError: when the call exists and failed.
    """
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    result = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_RENAME_EXCHANGE))
    if result == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), one, None, other)


def copy_tree(source: str, target: str) -> None:
    """Copy a directory with all that it holds: links as links, modes, times, and owners where this account may.

    :arg target: Does not exist yet.
    :raises OSError: when something cannot be read or written, or is neither file, link nor directory.
    """
    shutil.copytree(source, target, symlinks=True)
    for directory, names, files in os.walk(source):
        for path in [directory, *(os.path.join(directory, name) for name in names + files)]:
            copy = os.path.join(target, os.path.relpath(path, source))
            one, other = os.lstat(path), os.lstat(copy)
            if (one.st_uid, one.st_gid) != (other.st_uid, other.st_gid):
                os.lchown(copy, one.st_uid, one.st_gid)


def low_space(path: str) -> str:
    """A sentence (after a blank) about a file system that is all but full; nothing where there is room.

    :arg path: Existing or not, on that file system.
    """
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    free, files = status.f_bavail * status.f_frsize, status.f_favail
    if free >= _LITTLE_SPACE and (files >= _FEW_FILES or not status.f_files):
        return ""
    more = f" and {files} files" if status.f_files else ""
    return f" The file system of {path} has room for only {free >> 10} KiB{more} more."


def remove_tree(path: str) -> None:
    """Remove a directory tree, a file or a link; what is not there is fine.

    Directories without write permission are opened, as a pack may hold some; the one above C(path) is never touched.
    """
    if not os.path.lexists(path):
        return
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return

    try:
        _remove_directory(path)
    except (RecursionError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EMFILE:
            raise
        _flatten(path)
        _remove_directory(path)


def _remove_directory(path: str) -> None:
    tried: t.Set[str] = set()

    def unlock(_function: t.Callable[[str], t.Any], name: str, error: t.Any) -> None:
        if not os.path.lexists(name):
            return
        if name in tried or error[1].errno == errno.EMFILE:
            raise error[1]
        tried.add(name)
        if name != path:
            os.chmod(os.path.dirname(name), 0o700)
        if os.path.isdir(name) and not os.path.islink(name):
            os.chmod(name, 0o700)
            shutil.rmtree(name, onerror=unlock)
        else:
            os.unlink(name)

    shutil.rmtree(path, onerror=unlock)


def _flatten(path: str) -> None:
    """Bring all directories of a tree to its top: Python's own removal goes only some hundred levels deep."""
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        waiting = os.listdir(top)
        number = 0
        while waiting:
            with contextlib.suppress(OSError):
                directory = os.open(waiting.pop(), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
                try:
                    for name in os.listdir(directory):
                        number += 1
                        os.rename(name, f"{TEMPORARY_PREFIX}{number}", src_dir_fd=directory, dst_dir_fd=top)
                        waiting.append(f"{TEMPORARY_PREFIX}{number}")
                finally:
                    os.close(directory)
    finally:
        os.close(top)
