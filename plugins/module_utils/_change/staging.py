# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Staging: where a run prepares what it will move into place, and how that is cleared away."""

from __future__ import annotations

import os
import typing as t

from .._files import remove_tree
from .._layout import STATE_DIRECTORY, entries


class Staging:
    """The staging directories of one run: one below every directory that gets something.

    :arg elsewhere: A scratch directory to use instead of all of them, for a run that must leave the host alone.
    """

    def __init__(self, elsewhere: t.Optional[str] = None) -> None:
        self._elsewhere = elsewhere
        self._name = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._used: t.Set[str] = set()

    def root(self, staging: str) -> str:
        """This run's own directory below a staging directory, made when it is first asked for."""
        path = os.path.join(self._elsewhere or staging, self._name)
        if path not in self._used:
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            os.makedirs(path, mode=0o700, exist_ok=True)
            self._used.add(path)
        return path

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
        for path in sorted(self._used):
            try:
                remove_tree(path)
            except OSError as error:
                warnings.append(f"{path} is not needed any more and cannot be removed: {error}.")
        self._used.clear()
        return warnings

    @staticmethod
    def beside(path: str) -> str:
        """The staging directory on the file system of C(path)."""
        return os.path.join(os.path.dirname(path), STATE_DIRECTORY, "staging")


def debris(stagings: t.Iterable[str]) -> t.List[str]:
    """What runs that were killed left in staging directories."""
    return [os.path.join(staging, name) for staging in stagings for name in entries(staging)]
