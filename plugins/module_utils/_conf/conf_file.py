# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The file C(st2.conf): read, written in one step, kept from a second writer."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import typing as t
from dataclasses import dataclass, field

from .._errors import ApplyError, HostError, VerifyError
from .._file_changes import backup_path, write_atomically
from .._st2.conf import read_conf, refused
from .._st2.conf_text import ConfTextError
from .document import Document
from .parsers import parse

_MODE_OF_BACKUPS = 0o600


@dataclass(frozen=True)
class ConfFile:
    """An C(st2.conf) as it is.

    :arg path: As the task names it; C(place) is where it lies when that is a link.
    :arg mode: Permission bits.
    """

    path: str
    place: str
    content: bytes = field(repr=False)
    document: Document = field(repr=False)
    mode: int
    uid: int
    gid: int


def read_conf_file(path: str) -> ConfFile:
    """Read the file.

    :raises HostError: when it is not there, cannot be read, or has a line that StackStorm cannot read.
    """
    content = read_conf(path)
    try:
        document = parse(content)
    except ConfTextError as error:
        raise refused(path, error) from None
    place = os.path.realpath(path)
    status = os.stat(place)
    return ConfFile(path, place, content, document, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


@contextlib.contextmanager
def alone(path: str) -> t.Iterator[None]:
    """Hold off other tasks that want to change the file.

    The directory is locked: the file itself is another one after each change.
    """
    try:
        descriptor = os.open(os.path.dirname(os.path.realpath(path)), os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield  # Reading the file says better what is wrong.
        return
    try:
        with contextlib.suppress(OSError):  # Some network file systems have no locks.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_conf_file(file: ConfFile, content: bytes, mode: int, uid: int, gid: int, backup: bool) -> str:
    """Put another file into its place.

    :arg backup: Whether to keep a copy of the old one.
    :returns: The path of the copy; empty when none was made.
    :raises ApplyError: when it cannot be written; then it is what it was.
    """
    kept = backup_path(file.place) if backup and content != file.content else ""
    try:
        if kept:
            write_atomically(kept, file.content, mode=_MODE_OF_BACKUPS, uid=file.uid, gid=file.gid)
        write_atomically(file.place, content, mode=mode, uid=uid, gid=gid)
    except OSError as error:
        if kept:  # A copy of what did not change is of no use.
            with contextlib.suppress(OSError):
                os.unlink(kept)
        raise _refusal(file, error) from error
    return kept


def _refusal(file: ConfFile, error: OSError) -> ApplyError:
    if isinstance(error, PermissionError):
        return ApplyError(
            f"This account may not change {file.place}, or give it to another owner or group: {error.strerror}. "
            "Run with become."
        )
    return ApplyError(f"{file.place} cannot be changed: {error.strerror}.")


def verify_conf_file(path: str, content: bytes, mode: int, uid: int, gid: int) -> None:
    """Read the file back.

    :raises VerifyError: when it is not what was written.
    """
    try:
        found = read_conf_file(path)
    except HostError as error:
        raise VerifyError(f"{path} was written, but cannot be read back. {error.message}") from error
    if (found.content, found.mode, found.uid, found.gid) != (content, mode, uid, gid):
        raise VerifyError(f"{path} was written, and is not what was written. Does something else change it as well?")
