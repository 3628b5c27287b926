# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The places on a host that the collection uses beside StackStorm's own, and what StackStorm reserves."""

from __future__ import annotations

import errno
import os
import typing as t

from ._own_directory import STATE_DIRECTORY, OwnDirectory, open_own_directory

# st2common/st2common/constants/pack.py SYSTEM_PACK_NAMES
SYSTEM_PACKS = ("chatops", "core", "linux", "packs")
NOWHERE = "/nonexistent"
# In an own directory, what was staged to be put in place later, each under the digest of its plan.
PLANS = "staged"
Moved = t.Mapping[str, t.Optional[str]]


class PacksDirectory:
    """One of the host's packs base paths, with the collection's own places in it.

    All of them are on the file system of the packs, so that a rename puts a pack in place.

    :arg path: Absolute path of the packs base path.
    :arg moved: Where things really are while an interrupted run waits to be undone, see L(transaction.pending).
    """

    def __init__(self, path: str, moved: t.Optional[Moved] = None) -> None:
        self.path = path
        self._moved = moved or {}
        self._opened: t.Dict[str, OwnDirectory] = {}
        self.state = os.path.join(path, STATE_DIRECTORY)
        self.staging = os.path.join(self.state, "staging")
        self.releases = os.path.join(self.state, "releases")
        self.receipts = os.path.join(self.state, "receipts")
        self.plans = os.path.join(self.state, PLANS)
        self.blobs = os.path.join(self.state, "blobs")

    def pack(self, ref: str) -> str:
        """Where StackStorm looks for the pack C(ref)."""
        return os.path.join(self.path, ref)

    def now(self, path: str) -> str:
        """Where the file or directory that belongs at C(path) is now; a place that does not exist when nowhere."""
        return self._moved.get(path, path) or NOWHERE

    def read(self, path: str, most_bytes: int) -> bytes:
        """The content of an own file that belongs at C(path), wherever it is now. Its directory is opened once.

        :raises HostError: when what has the name of that directory is not the collection's own.
        :raises OSError: when it cannot be read.
        """
        where, name = os.path.split(self.now(path))
        directory = self._opened.get(where) or open_own_directory(where)
        if directory is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self._opened[where] = directory
        return directory.read(name, most_bytes)

    def receipt(self, ref: str) -> str:
        """The file that says how the pack C(ref) came here."""
        return os.path.join(self.receipts, f"{ref}.json")

    def contents(self, ref: str) -> str:
        """The file with the resources and, for packs without C(.git), the files of the pack C(ref)."""
        return os.path.join(self.receipts, f"{ref}.contents.json")


class VirtualenvsDirectory:
    """The directory of the pack virtualenvs, C(<base_path>/virtualenvs), with the collection's own places in it.

    :arg moved: As for L(PacksDirectory).
    """

    def __init__(self, path: str, moved: t.Optional[Moved] = None) -> None:
        self.path = path
        self._moved = moved or {}
        self.state = os.path.join(path, STATE_DIRECTORY)
        self.staging = os.path.join(self.state, "staging")
        self.bases = os.path.join(self.state, "bases")
        self.plans = os.path.join(self.state, PLANS)

    def virtualenv(self, ref: str) -> str:
        """Where StackStorm looks for the virtualenv of the pack C(ref)."""
        return os.path.join(self.path, ref)

    def now(self, path: str) -> str:
        """As L(PacksDirectory.now)."""
        return self._moved.get(path, path) or NOWHERE


def entries(directory: str) -> t.List[str]:
    """The names in a directory, sorted; none when it is not there."""
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
