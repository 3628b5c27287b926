# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""One plan carried out: files are moved, StackStorm is told, both are read back; when anything fails, both are put
back."""

from __future__ import annotations

import typing as t

from .._errors import St2Error
from .database import Database
from .journal import Journal
from .on_disk import OnDisk
from .own_places import OwnPlaces
from .planner import P, Planner
from .recording import clean, recorded
from .registering import Registering
from .staging import Staging
from .telling import Telling
from .transaction import Transaction

_PUT_BACK = "Everything this task had changed was put back."


class Change:
    """One change of one host.

    :arg on_disk: Looks at the files as they are now.
    :arg unhealed: What an earlier run left to be told, and still is: by ref, the types.
    :ivar stuck: Packs of which something was changed and could not be put back.
    :ivar recorded: The id of the change set that it left; empty for none.
    """

    def __init__(
        self,
        places: OwnPlaces,
        staging: Staging,
        database: Database,
        on_disk: t.Callable[[], OnDisk],
        unhealed: t.Mapping[str, t.Sequence[str]],
    ) -> None:
        self.stuck: t.FrozenSet[str] = frozenset()
        self.recorded = ""
        self._places = places
        self.registering = Registering(database, staging)
        self._journal = Journal(places.state)
        self._staging = staging
        self._database = database
        self._on_disk = on_disk
        self._unhealed = unhealed

    @property
    def astray(self) -> t.FrozenSet[str]:
        """Packs of which StackStorm was told something that could not be put back."""
        return self.registering.astray.union(self.registering.lost)

    def carry_out(self, planner: Planner[P], plan: P) -> Telling:
        """Do it, all or nothing.

        :returns: What StackStorm was told.
        :raises St2Error: when it failed; all is as it was before then, or the message says what is not.
        """
        by = self._database.registrar.name
        change, staged = recorded(planner.stage(plan), self._places, self._staging, by)
        telling = staged.telling
        self.registering.prepare(telling, self._on_disk())
        transaction = Transaction(
            self._journal,
            self._staging,
            staged.moves,
            staged.closing,
            told=telling.types(),
            before=self.registering.before,
            unhealed=self._unhealed,
        )
        begun = False
        try:
            transaction.begin()
            begun = True
            self._make(planner, plan, telling, transaction)
        except BaseException as error:
            if begun:
                self._undo(transaction, telling, error)
            raise
        self.recorded = change
        return telling

    def clean(self) -> t.List[str]:
        """Remove what no change set needs any more; return warnings."""
        return clean(self._places) if self.recorded else []

    def _make(self, planner: Planner[P], plan: P, telling: Telling, transaction: Transaction) -> None:
        tell = self.registering
        tell.begin(telling, self._on_disk())
        transaction.carry_out()
        planner.verify(plan)
        tell.register(telling.first, self._on_disk())
        tell.register(telling.register, self._on_disk())
        transaction.close()
        tell.register(telling.closing, self._on_disk())
        # Last of what may be refused: nothing brings back what people made by hand in a pack.
        tell.unload(telling)
        planner.verify_database(plan)
        tell.commit(telling, self._on_disk())
        if not self._database.tells:
            tell.tell_nothing(plan.parts)
        transaction.end()

    def _undo(self, transaction: Transaction, telling: Telling, error: BaseException) -> None:
        try:
            whole = transaction.undo()
        except St2Error:
            self.stuck = transaction.refs
            self.registering.astray = frozenset(telling.types())
            raise
        left = self.registering.put_back(telling.types(), self._on_disk())
        if not self.registering.astray:
            transaction.end()
        if isinstance(error, St2Error):
            if whole and transaction.made:
                error.message += f" {_PUT_BACK}"
            error.message += left
