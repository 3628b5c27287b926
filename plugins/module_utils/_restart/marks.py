# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which services are still to be restarted, kept until the next start of the system.

A task that changes a setting says so once; the next one finds everything as asked. So that no restart is forgotten that
was put off, or that an interrupted play did not come to, it is noted in C(/run), which systemd empties when it starts.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from .._errors import RestartError
from .._file_changes import write_atomically
from .._files import read_regular_file
from .._st2.services import SERVICES

DIRECTORY = "run/stackstorm.st2/restart"


def now() -> float:
    """Seconds of the clock by which systemd says when a service started (C(*TimestampMonotonic))."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


class Marks:
    """One file for each service, with the moment since when it goes on with something old.

    :arg root: As L(Host.root).
    """

    def __init__(self, root: str) -> None:
        self._directory = os.path.join(root or "/", DIRECTORY)

    def read(self) -> t.Dict[str, float]:
        """The services that were to be restarted, each with the moment of the last change to it.

        :raises RestartError: when a file cannot be read.
        """
        found: t.Dict[str, float] = {}
        for service in SERVICES:
            with self._errors():
                try:
                    found[service] = float(read_regular_file(self._path(service), 64, follow=False))
                except FileNotFoundError:
                    continue
                except ValueError:
                    found[service] = now()  # Somebody else wrote it; a restart too many does no harm.
        return found

    def add(self, services: t.Iterable[str], moment: float) -> None:
        """Note that services are to be restarted. Raises RestartError."""
        for service in services:
            with self._errors():
                os.makedirs(self._directory, mode=0o755, exist_ok=True)
                write_atomically(self._path(service), f"{moment:f}\n".encode())

    def remove(self, services: t.Iterable[str]) -> None:
        """Note that services need no restart any more. Raises RestartError."""
        for service in services:
            with self._errors(), contextlib.suppress(FileNotFoundError):
                os.unlink(self._path(service))

    def _path(self, service: str) -> str:
        return os.path.join(self._directory, service)

    @contextlib.contextmanager
    def _errors(self) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RestartError(
                f"{self._directory}, which contains the services that still need a restart, cannot be used: "
                f"{error.strerror or error}. Restarting services requires root (become)."
            ) from None
