# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The host's lock: one run of the collection at a time, and no dead one can keep it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
import typing as t

from .._errors import LockError
from .._process import Deadline

_POLL_SECONDS = 0.05
_UNNAMED = "a process that has not said who it is"


class HostLock:
    """The lock file of a host.

    The kernel holds the lock and lets go of it when its owner ends, however that happens; the file's text only tells
    people who the owner is.

    :arg directory: The collection's state directory of the host; need not exist.
    """

    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, "lock")
        self._descriptor: t.Optional[int] = None
        self._signed = False

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor is not None

    def acquire(self, deadline: Deadline, *, create: bool) -> bool:
        """Wait for the lock until the deadline.

        :arg create: Whether to make the lock file; without, a host that never had one needs no waiting.
        :returns: Whether the lock is held now.
        :raises LockError: when another run still has it at the deadline, naming that run.
        """
        if self._descriptor is None:
            descriptor = self._open(create)
            if descriptor is None:
                return False
            try:
                self._wait(descriptor, deadline)
            except BaseException:
                os.close(descriptor)
                raise
            self._descriptor = descriptor
        if create and not self._signed:
            self._signed = True
            self._write(json.dumps(_signature()).encode())
        return True

    def release(self) -> None:
        """Let the next run in; fine when it is not held."""
        if self._descriptor is not None:
            if self._signed:
                self._signed = False
                with contextlib.suppress(OSError, LockError):
                    self._write(b"")
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> HostLock:
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()

    def _open(self, create: bool) -> t.Optional[int]:
        try:
            if create:
                os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
            return os.open(self.path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not create:
                return None
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> LockError:
        return LockError(
            f"The lock {self.path} cannot be used: {error.strerror}. Run as an account that may write there (become)."
        )

    def _write(self, text: bytes) -> None:
        """Say who the owner is. The file that was locked may have been opened for reading only."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                os.write(descriptor, text)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._unusable(error) from error

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

    def _refusal(self, descriptor: int, deadline: Deadline) -> str:
        owner = self._owner(descriptor)
        return (
            f"Another run has the lock {self.path}: {owner}. This run waited {deadline.seconds:g} s (timeout) "
            "and changed nothing. Wait for it to end, or look at that process."
        )

    @staticmethod
    def _owner(descriptor: int) -> str:
        try:
            owner = json.loads(os.pread(descriptor, 4096, 0))
            if owner["host"] == socket.gethostname() and not _is_alive(owner["pid"]):
                return _UNNAMED  # A run that was killed leaves its name; whoever has the lock now gave none.
            age = max(0.0, time.clock_gettime(time.CLOCK_MONOTONIC) - float(owner["since"]))
            return f"process {owner['pid']} on {owner['host']}, for {age:.0f} s"
        except (ValueError, KeyError, TypeError):
            return _UNNAMED


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _signature() -> t.Dict[str, t.Any]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.clock_gettime(time.CLOCK_MONOTONIC),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
