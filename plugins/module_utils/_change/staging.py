# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Staging: where a run prepares what it will move into place, and how that is cleared away."""

from __future__ import annotations

import json
import os
import threading
import typing as t

from .._own_directory import STATE_DIRECTORY, OwnDirectory, make_own_directory

if t.TYPE_CHECKING:
    from .lock import HostLock

OWNER_FILE = "owner.json"
_NO_LOCK = "0" * 16


class Staging:
    """The staging directories of one run: one below every directory that gets something.

    Their name begins with the id of the lock that the run holds, and in each a file says which process it is.

    :arg elsewhere: A scratch directory to use instead of all of them, for a run that must leave the host alone.
    :arg lock: The lock that the run holds by the time that something is staged.
    """

    def __init__(self, elsewhere: t.Optional[str] = None, lock: t.Optional[HostLock] = None) -> None:
        self.elsewhere = elsewhere
        self._lock = lock
        self._name = ""
        self._used: t.Dict[str, t.Optional[OwnDirectory]] = {}
        self._making = threading.Lock()  # Virtualenvs are built side by side.

    @property
    def name(self) -> str:
        """The name of the run's own directory below every staging directory."""
        if not self._name:
            self._name = f"{(self._lock and self._lock.id) or _NO_LOCK}-{os.urandom(4).hex()}"
        return self._name

    def root(self, staging: str) -> str:
        """This run's own directory below a staging directory, made when it is first asked for.

        :raises HostError: when what has the name of the staging directory is not the collection's own.
        """
        with self._making:
            path = os.path.join(self.elsewhere or staging, self.name)
            if path not in self._used:
                self._make(staging, path)
        return path

    def _make(self, staging: str, path: str) -> None:
        if self.elsewhere:
            os.makedirs(path, mode=0o700)
            self._used[path] = None
            return
        directory = make_own_directory(staging)
        os.mkdir(self.name, 0o700, dir_fd=directory.descriptor)
        self._used[path] = directory
        self._sign(directory)

    def _sign(self, directory: OwnDirectory) -> None:
        from .liveness import this_process

        owner = this_process(self._lock.id if self._lock else "")
        with open(directory.at(f"{self.name}/{OWNER_FILE}"), "x", encoding="ascii") as stream:
            json.dump(owner.document(), stream)

    def path(self, staging: str, *parts: str) -> str:
        """A path below L(root) that does not exist yet, in a directory that does."""
        path = os.path.join(self.root(staging), *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def clear(self) -> t.List[str]:
        """Remove everything of this run.

        :returns: Warnings about what cannot be removed; the next run finds it as debris and tries again.
        """
        warnings = []
        for path, directory in sorted(self._used.items()):
            try:
                if directory is None:
                    from .._file_changes import remove_tree

                    remove_tree(path)
                else:
                    directory.remove(self.name)
            except OSError as error:
                warnings.append(f"{path} is no longer needed and cannot be removed: {error}.")
        self._used.clear()
        return warnings

    @staticmethod
    def beside(path: str) -> str:
        """The staging directory on the file system of C(path)."""
        return os.path.join(os.path.dirname(path), STATE_DIRECTORY, "staging")
