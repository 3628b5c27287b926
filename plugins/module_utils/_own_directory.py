# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Directories of the collection's own that lie where others may write: opened, never trusted.

Packs, virtualenvs, configs and overrides lie in directories that C(st2) or the group C(st2packs) may write, so somebody
else may have made, or replaced, what has the name of an own directory there. Each is therefore opened name by name,
no link is followed, and what is used afterwards is what was opened, whatever has its name by then.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from ._errors import HostError
from ._files import read_regular_file

# StackStorm registers every sub-directory of a packs path that holds a pack.yaml, and looks into every sub-directory
# for directories named after content types (st2common/st2common/content/loader.py _get_packs_from_dir,
# _get_content_from_dir). Nothing below this one has such a name at those depths.
STATE_DIRECTORY = ".stackstorm.st2"
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DESCRIPTORS = "/proc/self/fd"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class OwnDirectory:
    """An own directory that has been opened; closed with the block, or with the last use of the object.

    :arg path: What it is called, for messages.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        # Without /proc (a bare chroot) by its name, which was the right one when it was opened.
        through = f"{_DESCRIPTORS}/{descriptor}"
        self._through = through if os.path.isdir(through) else path

    def at(self, name: str) -> str:
        """A path to something in it that leads through the opened directory, for as long as that is open."""
        return os.path.join(self._through, name)

    def names(self) -> t.List[str]:
        """What is in it, sorted."""
        return sorted(os.listdir(self.descriptor))

    def has(self, name: str) -> bool:
        """Whether something has that name."""
        return os.path.lexists(self.at(name))

    def read(self, name: str, most_bytes: int) -> bytes:
        """The content of a regular file.

        :raises OSError: when it cannot be read, or is a link, no regular file, or larger than C(most_bytes).
        """
        with self.naming():
            return read_regular_file(self.at(name), most_bytes, follow=False)

    def write(self, name: str, content: bytes, *, mode: int = 0o644) -> None:
        """Write a file as L(_file_changes.write_atomically) does.

        :raises OSError: as the file system gives it.
        """
        from ._file_changes import write_atomically

        with self.naming():
            write_atomically(self.at(name), content, mode=mode)

    def remove(self, name: str) -> None:
        """Remove a file, a link or a whole tree; what is not there is fine.

        :raises OSError: as the file system gives it.
        """
        from ._file_changes import remove_tree

        with self.naming():
            remove_tree(self.at(name))

    def sync(self) -> None:
        """Make its names survive a power cut."""
        from ._file_changes import sync_directory

        sync_directory(self.at(""))

    @contextlib.contextmanager
    def naming(self) -> t.Iterator[None]:
        """Let errors name the paths that people know."""
        try:
            yield
        except OSError as error:
            for attribute in ("filename", "filename2"):
                found = getattr(error, attribute)
                if isinstance(found, str) and found.startswith(self._through):
                    setattr(error, attribute, self.path + found[len(self._through) :])
            raise

    def close(self) -> None:
        """Let go of it; fine when that was done."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> OwnDirectory:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def open_own_directory(path: str) -> t.Optional[OwnDirectory]:
    """Open an own directory.

    :arg path: Absolute. What is above its C(.stackstorm.st2) is as the host's settings have it, and may be links; in a
        path without that name, all but the last name is.
    :returns: C(None) when it is not there.
    :raises HostError: when a name in it is a link or a file, or belongs to somebody else, or others may write there.
    :raises OSError: when it cannot be opened.
    """
    root, names = _split(path)
    try:
        return OwnDirectory(path, _open(root, names))
    except (FileNotFoundError, NotADirectoryError):
        return None


def make_own_directory(path: str) -> OwnDirectory:
    """As L(open_own_directory), with what is missing made.

    :raises HostError: as there.
    :raises OSError: when it cannot be made.
    """
    root, names = _split(path)
    try:
        descriptor = _open(root, names, make=True)
    except FileNotFoundError:
        os.makedirs(root, mode=0o755, exist_ok=True)
        descriptor = _open(root, names, make=True)
    return OwnDirectory(path, descriptor)


def open_parent(path: str, *, make: bool = False) -> t.Optional[OwnDirectory]:
    """The directory of a path: an own one as L(open_own_directory) opens it, any other as it is.

    :arg make: Whether to make an own one that is missing.
    :returns: C(None) when it is not there.
    :raises HostError: as there.
    :raises OSError: when it cannot be opened.
    """
    directory = os.path.dirname(path)
    if is_own(path):
        return make_own_directory(directory) if make else open_own_directory(directory)
    try:
        return OwnDirectory(directory, os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except (FileNotFoundError, NotADirectoryError):
        return None


def remove_own(path: str) -> None:
    """Remove what lies at a path in an own directory; what is not there is fine.

    :raises HostError: as L(open_own_directory).
    :raises OSError: as the file system gives it.
    """
    directory = open_own_directory(os.path.dirname(path))
    if directory is not None:
        with directory:
            directory.remove(os.path.basename(path))


def is_own(path: str) -> bool:
    """Whether a path lies in an own directory."""
    return f"/{STATE_DIRECTORY}/" in path


def root_of(path: str) -> str:
    """The directory of packs, virtualenvs, ... in which an own path lies."""
    return path.rpartition(f"/{STATE_DIRECTORY}/")[0]


def _split(path: str) -> t.Tuple[str, t.List[str]]:
    root, found, below = f"{path}/".rpartition(f"/{STATE_DIRECTORY}/")
    if not found:
        return os.path.dirname(path), [os.path.basename(path)]
    return root, [STATE_DIRECTORY, *filter(None, below.split("/"))]


def _open(root: str, names: t.Sequence[str], *, make: bool = False) -> int:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    path = root
    for name in names:
        above, path = descriptor, os.path.join(path, name)
        try:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o700 if name == "changes" else 0o755, dir_fd=above)
            try:
                descriptor = os.open(name, _FLAGS, dir_fd=above)
            except OSError as error:
                if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                    raise
                raise _refusal(path, _kind(path)) from None
        finally:
            os.close(above)
        try:
            _require_own(path, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
    return descriptor


def _kind(path: str) -> str:
    try:
        return f"a symbolic link to {os.readlink(path)}"
    except OSError:
        return "no directory"


def _require_own(path: str, status: os.stat_result) -> None:
    if status.st_uid not in (0, os.geteuid()):
        raise _refusal(
            path,
            f"a directory of the account {status.st_uid}",
            f"run as that account (become_user), or give it to root: chown -R root {path}",
        )
    if status.st_mode & _WRITABLE_BY_OTHERS:
        raise _refusal(
            path,
            f"a directory that others may write (mode {stat.S_IMODE(status.st_mode):04o})",
            f"chmod -R go-w {path}",
        )


def _refusal(path: str, kind: str, remedy: str = "") -> HostError:
    return HostError(
        f"{path} must be a directory that only root or this account can write to, since this collection keeps its own "
        f"files there, but it is {kind}. Nothing in it was read or changed. "
        + (f"Check its content, then {remedy}." if remedy else "Check who created it, then remove it.")
    )
