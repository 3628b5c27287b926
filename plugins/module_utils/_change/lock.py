# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The lock: one run of the collection at a time over the packs that it lies with, and no dead one can keep it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import stat
import time
import typing as t

from .._deadline import Deadline
from .._errors import LockError
from .._own_directory import make_own_directory, open_own_directory

if t.TYPE_CHECKING:
    from .liveness import Owner

_NAME = "lock"
_POLL_SECONDS = 0.05
_UNNAMED = "an unknown process"
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_ONLY_READABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
# What flock answers where there are no locks: NFS without a lock service, FUSE, a descriptor that cannot be written
# (NFS emulates flock by byte-range locks, and an exclusive one needs that).
_NO_LOCKS = (errno.ENOLCK, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
_MOST_BYTES = 4096
_ID = re.compile(rb'\{"id": "([0-9a-f]{16})"\}\n')


class HostLock:
    """The lock file of the packs of a host, or of all hosts that share them.

    The kernel holds the lock and lets go of it when its owner ends, however that happens; the file's text only tells
    people who the owner is. Its first line is the file's own and stays: by C(id) one lock is told from another.

    :arg directory: The collection's state directory; need not exist.
    """

    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, _NAME)
        self.id = ""
        self.problem: t.Optional[LockError] = None
        self._descriptor: t.Optional[int] = None
        self._refused: t.Optional[OSError] = None
        self._signed = False

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor is not None

    def acquire(self, deadline: Deadline, *, create: bool) -> bool:
        """Wait for the lock until the deadline.

        :arg create: Whether this run changes things: makes the lock file, and cannot go on without the lock. Who only
            looks needs none where there never was one, or where none is to be had; C(problem) says why then.
        :returns: Whether the lock is held now.
        :raises LockError: when another run still has it at the deadline, naming that run; with C(create) also when no
            lock is to be had here.
        :raises HostError: when what has the name of its directory is not the collection's own.
        """
        if self._descriptor is None and not self._take(deadline, create):
            return False
        if create and not self._signed and self._descriptor is not None:
            if self._refused is not None:
                raise self._unusable(self._refused)
            try:
                self._sign(self._descriptor)
            except OSError as error:
                raise self._unusable(error) from error
        return True

    def release(self) -> None:
        """Let the next run in; fine when it is not held."""
        if self._descriptor is not None:
            if self._signed:
                self._signed = False
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, len(self._first_line()))
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> HostLock:
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()

    def owner(self) -> Owner:
        """Who holds it: this process."""
        from .liveness import this_process

        return this_process(self.id)

    def _take(self, deadline: Deadline, create: bool) -> bool:
        try:
            descriptor = self._open(create)
        except OSError as error:
            self.problem = self._unusable(error)
            if create or error.errno not in _ONLY_READABLE:
                raise self.problem from error
            return False
        if descriptor is None:
            return False
        try:
            self._wait(descriptor, deadline)
            found = _ID.match(os.pread(descriptor, _MOST_BYTES, 0))
        except OSError as error:
            os.close(descriptor)
            if error.errno not in _NO_LOCKS:
                raise
            self.problem = self._without_locks(error)
            if create:
                raise self.problem from error
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self.id = found.group(1).decode() if found else ""
        return True

    def _open(self, create: bool) -> t.Optional[int]:
        self._refused = None
        path = os.path.dirname(self.path)
        directory = make_own_directory(path) if create else open_own_directory(path)
        if directory is None:
            return None
        with directory, directory.naming():
            path = directory.at(_NAME)
            try:
                descriptor = os.open(path, os.O_RDWR | _FLAGS | (create and os.O_CREAT), 0o644)
            except FileNotFoundError:
                return None
            except OSError as error:
                if create or error.errno not in _ONLY_READABLE:
                    raise
                # Who may only look can at least wait for the others, where the file system allows that.
                descriptor = os.open(path, os.O_RDONLY | _FLAGS)
                self._refused = error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "It is not a regular file", self.path)
        return descriptor

    def _first_line(self) -> bytes:
        return json.dumps({"id": self.id}).encode() + b"\n"

    def _sign(self, descriptor: int) -> None:
        """Say who the owner is. The line with the id is never written twice, so that no kill can lose it."""
        if not self.id:
            self.id = os.urandom(8).hex()
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, self._first_line(), 0)
        signature = {
            **self.owner().document(),
            "since": time.clock_gettime(time.CLOCK_MONOTONIC),
            "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        start = len(self._first_line())
        os.ftruncate(descriptor, start)
        os.pwrite(descriptor, json.dumps(signature).encode() + b"\n", start)
        self._signed = True

    def _wait(self, descriptor: int, deadline: Deadline) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                left = deadline.remaining()
                if not left:
                    raise LockError(self._refusal(descriptor, deadline)) from None
                time.sleep(min(_POLL_SECONDS, left))

    def _unusable(self, error: OSError) -> LockError:
        return LockError(
            f"The lock {self.path} cannot be used: {error.strerror}. Run as an account that may write there (become)."
        )

    def _without_locks(self, error: OSError) -> LockError:
        from .._mounts import mount_of

        mount = mount_of(self.path)
        where = f" on {mount.kind}, mounted at {mount.point}" if mount else ""
        return LockError(
            f"The lock {self.path}{where}, is not available: {error.strerror}. Without one, two runs would undo each "
            "other's work, so nothing was changed. Mount that file system with working locks: NFS as version 4, or "
            "as version 3 with rpc.statd and lockd on both sides and without nolock; if only this host uses it, "
            "local_lock=flock is sufficient."
        )

    def _refusal(self, descriptor: int, deadline: Deadline) -> str:
        return (
            f"Another run holds the lock {self.path}: {_named(descriptor)}. This run waited {deadline.seconds:g} s "
            "(timeout) and changed nothing. Wait for it to finish, or check that process."
        )


def _named(descriptor: int) -> str:
    """Who says of itself that it has the lock, and for how long."""
    try:
        document = json.loads(_ID.sub(b"", os.pread(descriptor, _MOST_BYTES, 0)))
        from .liveness import boot_id, owner_from

        owner = owner_from(document)
        # A run that was killed leaves its name; whoever has the lock now gave none.
        if owner is None or owner.is_gone():
            return _UNNAMED
        name = f"process {owner.pid} on {owner.host}"
        if owner.boot != boot_id():
            return f"{name}, since {document['taken']}"
        age = max(0.0, time.clock_gettime(time.CLOCK_MONOTONIC) - float(document["since"]))
        return f"{name}, for {age:.0f} s"
    except (OSError, ValueError, KeyError, TypeError):
        return _UNNAMED
