# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What packs, virtualenvs, kept releases and the collection's own places take of the disk."""

from __future__ import annotations

import os
import typing as t

from .._change.journal import CHANGES
from .._change.own_places import OwnPlaces
from .._change.session import View
from .._content.installed import InstalledPack
from .._content.metadata import read_identity
from .._errors import InvalidPackError
from .._layout import PacksDirectory, entries
from .._own_directory import STATE_DIRECTORY, open_own_directory
from .releases import kept_packs, releases

# What st_blocks counts in (inode(7)).
_BLOCK = 512
Described = t.Dict[str, t.Any]


class DiskUsage:
    """Measures one host, as C(du) does: blocks and not lengths, links not followed, and what has several names (files
    that virtualenvs share) counted once, first of all for the bases that virtualenvs are made from.

    :raises HostError: when what has the name of an own directory is not the collection's own.
    """

    def __init__(self, view: View) -> None:
        self._seen: t.Set[t.Tuple[int, int]] = set()
        self._directories = view.installation.directories
        places = OwnPlaces(view.host)
        places.require()
        self._own = {
            "bases": self._of(view.virtualenvs.bases),
            "staging": sum(map(self._of, (*places.stagings, *places.plans))),
            "changes": sum(self._of(os.path.join(os.path.dirname(path), CHANGES)) for path in places.stagings),
        }
        self._packs = self._by_name(directory.path for directory in self._directories)
        self._virtualenvs = self._by_name([view.virtualenvs.path])
        self._releases = {
            (directory.path, ref): self._of_releases(directory, ref)
            for directory in self._directories
            for ref in entries(directory.releases)
        }

    def pack(self, ref: str) -> Described:
        """What one pack takes, in all base paths."""
        kept = [one for (_path, of), found in self._releases.items() if of == ref for one in found]
        found = {"pack": self._packs.get(ref, 0), "virtualenv": self._virtualenvs.get(ref, 0)}
        return {**found, "releases": kept, "total": sum(found.values()) + sum(one["bytes"] for one in kept)}

    def total(self, refs: t.Container[str]) -> Described:
        """What all of it takes.

        :arg refs: The packs that are installed.
        """
        found = {
            "packs": sum(self._packs.values()),
            "virtualenvs": sum(self._virtualenvs.values()),
            "releases": sum(one["bytes"] for kept in self._releases.values() for one in kept),
            **self._own,
        }
        gone = [
            {"ref": ref, "releases": kept} for (_path, ref), kept in self._releases.items() if kept and ref not in refs
        ]
        return {**found, "total": sum(found.values()), "absent": gone}

    def _by_name(self, paths: t.Iterable[str]) -> t.Dict[str, int]:
        found: t.Dict[str, int] = {}
        for path in paths:
            for name in entries(path):
                if name != STATE_DIRECTORY:
                    found[name] = found.get(name, 0) + self._of(os.path.join(path, name))
        return found

    def _of_releases(self, directory: PacksDirectory, ref: str) -> t.List[Described]:
        if open_own_directory(os.path.join(directory.releases, ref)) is None:
            return []
        packs = {pack.path: pack for pack in kept_packs(directory, ref)}
        found = []
        for name in releases(directory, ref):
            path = os.path.join(directory.releases, ref, name)
            version, commit = _identity(packs.get(path))
            found.append({"name": name, "version": version, "commit": commit, "path": path, "bytes": self._of(path)})
        return found

    def _of(self, path: str) -> int:
        total = self._blocks(path)
        if not os.path.islink(path):
            for directory, names, files in os.walk(path):
                total += sum(self._blocks(os.path.join(directory, name)) for name in (*names, *files))
        return total

    def _blocks(self, path: str) -> int:
        try:
            status = os.lstat(path)
        except OSError:
            return 0  # It is gone by now.
        if (status.st_dev, status.st_ino) in self._seen:
            return 0
        self._seen.add((status.st_dev, status.st_ino))
        return status.st_blocks * _BLOCK


def _identity(kept: t.Optional[InstalledPack]) -> t.Tuple[t.Optional[str], t.Optional[str]]:
    if kept is None:
        return None, None
    try:
        return kept.version or read_identity(kept.location, kept.ref)[2], kept.commit
    except InvalidPackError:
        return None, kept.commit
