# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The places on a host that the collection uses beside StackStorm's own, and what StackStorm reserves."""

from __future__ import annotations

import os
import typing as t

# st2common/st2common/constants/pack.py SYSTEM_PACK_NAMES
SYSTEM_PACKS = ("chatops", "core", "linux", "packs")
# StackStorm registers every sub-directory of a packs path that holds a pack.yaml, and looks into every sub-directory
# for
# directories named after content types (st2common/st2common/content/loader.py _get_packs_from_dir,
# _get_content_from_dir).
# Nothing below this one has such a name at those depths.
STATE_DIRECTORY = ".stackstorm.st2"
NOWHERE = "/nonexistent"
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
        self.state = os.path.join(path, STATE_DIRECTORY)
        self.staging = os.path.join(self.state, "staging")
        self.releases = os.path.join(self.state, "releases")
        self.receipts = os.path.join(self.state, "receipts")

    def pack(self, ref: str) -> str:
        """Where StackStorm looks for the pack C(ref)."""
        return os.path.join(self.path, ref)

    def now(self, path: str) -> str:
        """Where the file or directory that belongs at C(path) is now; a place that does not exist when nowhere."""
        return self._moved.get(path, path) or NOWHERE

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

    def virtualenv(self, ref: str) -> str:
        """Where StackStorm looks for the virtualenv of the pack C(ref)."""
        return os.path.join(self.path, ref)

    def now(self, path: str) -> str:
        """As L(PacksDirectory.now)."""
        return self._moved.get(path, path) or NOWHERE


def state_directory(base_path: str) -> str:
    """Where the host's lock and journal are: beside packs and virtualenvs, one for the host."""
    return os.path.join(base_path, STATE_DIRECTORY)


def entries(directory: str) -> t.List[str]:
    """The names in a directory, sorted; none when it is not there."""
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
