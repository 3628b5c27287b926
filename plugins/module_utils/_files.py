# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Regular files: read without being led to anything else."""

from __future__ import annotations

import errno
import hashlib
import os
import stat

# What the names of files begin with that are being written, see L(_file_changes.write_atomically).
TEMPORARY_PREFIX = ".new-"


class UnfitFileError(OSError):
    """A file that is there and must not be read: a device, a pipe, or far too large. C(strerror) says which."""


def read_regular_file(path: str, most_bytes: int, *, follow: bool = True) -> bytes:
    """The content of a regular file.

    Anything else is not even opened: a pipe would wait, C(/dev/zero) never end, and opening some devices does things.

    :arg most_bytes: More than any file of its kind has.
    :arg follow: Whether it may be a link to one.
    :raises UnfitFileError: when it is no regular file, or a larger one.
    :raises OSError: when it cannot be read.
    """
    _require_regular(path, os.stat(path, follow_symlinks=follow))
    more = os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | more)) as stream:
        status = os.fstat(stream.fileno())
        _require_regular(path, status)
        # read() reserves what it is asked for; files of /proc have no size.
        content = stream.read(min(status.st_size or most_bytes, most_bytes) + 1)
    if len(content) > most_bytes:
        raise UnfitFileError(errno.EFBIG, f"It has more than {most_bytes} bytes", path)
    return content


def _require_regular(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise UnfitFileError(errno.EINVAL, "It is not a regular file", path)


def file_digest(path: str) -> str:
    """SHA-256 of a regular file, in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
