# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The collection's own places on one host, all of them."""

from __future__ import annotations

import os
import typing as t

from .._files import TEMPORARY_PREFIX
from .._layout import PLANS, PacksDirectory, VirtualenvsDirectory
from .._own_directory import STATE_DIRECTORY, OwnDirectory, open_own_directory
from .._st2.host import Host
from .records import DIRECTORY as RECORDS
from .staging import Staging


class OwnPlaces:
    """Where a host has what the collection keeps beside StackStorm's own files.

    Several hosts may share a directory of packs. So what one run says to another (lock, journal) and what is known of
    the database lies there, with the packs.

    :arg host: Of whose directories it is.
    """

    def __init__(self, host: Host) -> None:
        packs = host.system_packs_path
        # Up to 0.2.0 lock and journal were here; a host without a directory of packs has nothing else.
        self.former_state = os.path.join(host.base_path, STATE_DIRECTORY)
        self.state = os.path.join(packs, STATE_DIRECTORY) if os.path.isdir(packs) else self.former_state
        self.records = os.path.join(self.state, RECORDS)
        self._packs = [PacksDirectory(path) for path in host.packs_base_paths]
        self._virtualenvs = VirtualenvsDirectory(host.virtualenvs_path)
        self.stagings = [
            *(directory.staging for directory in self._packs),
            self._virtualenvs.staging,
            *(Staging.beside(os.path.join(path, "any")) for path in (host.configs_path, host.overrides_path)),
        ]

    @property
    def plans(self) -> t.List[str]:
        """Where trees and files are kept on purpose, under the digest of a plan."""
        return [os.path.join(os.path.dirname(path), PLANS) for path in self.stagings]

    def require(self) -> bool:
        """See that nothing else has the name of one of them. To be called before anything is believed or changed.

        :returns: Whether something lies there that a run may have left, and that is to be looked at: a journal, or
            anything in a staging directory.
        :raises HostError: when a link, a file or somebody else's directory has.
        """
        found = False
        for path in self._all():
            try:
                directory = open_own_directory(path)
            except PermissionError:
                continue  # Who uses it is told.
            if directory is not None:
                with directory:
                    found = found or self._is_disturbed(path, directory)
        return found

    def unfinished(self) -> t.List[str]:
        """What runs left that were killed while they wrote a journal or a record.

        :raises HostError: when what has the name of such a directory is not the collection's own.
        """
        found = []
        for path in (self.state, self.records):
            directory = open_own_directory(path)
            if directory is not None:
                with directory:
                    found += [f"{path}/{name}" for name in directory.names() if name.startswith(TEMPORARY_PREFIX)]
        return found

    def _is_disturbed(self, path: str, directory: OwnDirectory) -> bool:
        if path in self.stagings:
            return bool(directory.names())
        if path in (self.state, self.former_state, self.records):
            return any(name.startswith(("journal", TEMPORARY_PREFIX)) for name in directory.names())
        return False

    def _all(self) -> t.Iterator[str]:
        yield from dict.fromkeys((self.state, self.former_state, self.records, *self.stagings))
        for directory in self._packs:
            yield from (directory.releases, directory.receipts)
        yield from (*self.plans, self._virtualenvs.bases)
