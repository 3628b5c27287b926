# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Healing: what a run left that was interrupted is put right before anything else."""

from __future__ import annotations

import typing as t

from .._deadline import Deadline
from .._layout import Moved
from .._progress import begin
from .database import Database
from .debris import debris
from .lock import HostLock
from .on_disk import OnDisk
from .own_places import OwnPlaces
from .recovery import interrupted, recover
from .registering import Registering
from .staging import Staging


class Healing:
    """What one run does about earlier ones.

    :arg on_disk: Looks at the files as they are now.
    :arg warnings: Is told what the person who wrote the task should know.
    :ivar recovered: Packs of which something was put back, or would be.
    :ivar unhealed: By ref, the types that were being registered, and still have to be.
    """

    def __init__(
        self,
        places: OwnPlaces,
        lock: HostLock,
        staging: Staging,
        database: Database,
        on_disk: t.Callable[[], OnDisk],
        warnings: t.List[str],
    ) -> None:
        self.recovered: t.Tuple[str, ...] = ()
        self.unhealed: t.Mapping[str, t.Sequence[str]] = {}
        self._places = places
        self._lock = lock
        self._staging = staging
        self._database = database
        self._on_disk = on_disk
        self._warnings = warnings

    def suppose(self) -> Moved:
        """For check mode: see the host and the database as if all was put right.

        :returns: Where things really are.
        """
        found = interrupted(self._places)
        told = found.told if found.told and self._database.tells else {}
        self._database.suppose_healed(told)
        self.recovered = tuple(sorted({*found.refs, *told}))
        return found.moved

    def heal(self, deadline: Deadline) -> Moved:
        """Put all right, with the lock.

        :returns: Where things really are: at their places.
        """
        found = interrupted(self._places)
        left = debris(self._places.stagings, self._lock) + found.unfinished
        # What is only in nobody's way can wait for a run that gets the lock.
        if found.moves or (found.told and self._database.tells) or (left and not self._lock.problem):
            begin()  # What it puts right belongs to the result of the run that goes on.
            self._lock.acquire(deadline, create=True)
            self._recover()
        return {}

    def _recover(self) -> None:
        found = interrupted(self._places)  # Anew: until the lock was there, another run may have been at work.
        recovered = recover(found, debris(self._places.stagings, self._lock) + found.unfinished)
        self._warnings += recovered.warnings
        refs = {*self.recovered, *recovered.refs}
        self.unhealed = found.told
        if self.unhealed and self._database.tells:
            tell = Registering(self._database, self._staging)
            problem = tell.heal_after_crash(found, self._on_disk())
            if tell.remains:
                self._warnings.append(f"An earlier run was interrupted.{tell.remains}")
            if problem:
                self._warnings.append(problem)
            else:
                refs.update(self.unhealed)
                self.unhealed = {}
        self.recovered = tuple(sorted(refs))
