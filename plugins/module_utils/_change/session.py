# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""One run of a task that changes a host: the lock, what an interrupted run left, the plan, the change, and its undoing.

Packs, configs and overrides are changes of one kind: files are moved, StackStorm is told, both are read back, and both
are put back when anything fails.
"""

from __future__ import annotations

import os
import typing as t

from .._content.installed import Installation
from .._deadline import Deadline
from .._errors import ApplyError, HostError, MissingLibraryError, St2Error
from .._layout import NOWHERE, Moved, VirtualenvsDirectory
from .._st2.host import Host
from .database import Database
from .lock import HostLock
from .own_places import OwnPlaces
from .staging import Staging

if t.TYPE_CHECKING:
    from .healing import Healing
    from .on_disk import OnDisk
    from .planner import Plan, Planner


class View:
    """A host as a plan sees it: as it is, or will be once what an interrupted run left is put back.

    :arg moved: Where things really are while that waits, see L(journal.pending).
    :arg staging: Where new files are prepared; outside of the host's directories in check mode.
    """

    def __init__(self, host: Host, staging: Staging, moved: t.Optional[Moved] = None) -> None:
        self.host = host
        self.staging = staging
        self.moved = moved or {}

    @property
    def installation(self) -> Installation:
        """The packs, each read when it is asked for."""
        return Installation(self.host.packs_base_paths, self.moved)

    @property
    def virtualenvs(self) -> VirtualenvsDirectory:
        """The virtualenvs of packs."""
        return VirtualenvsDirectory(self.host.virtualenvs_path, self.moved)

    def now(self, path: str) -> str:
        """Where the file that belongs at a path is; a place that does not exist when nowhere."""
        return self.moved.get(path, path) or NOWHERE


def undisturbed(host: Host, scratch: str) -> View:
    """The view of a host for a task that only reads.

    :arg scratch: A private directory of that task.
    :raises HostError: when what has the name of an own directory is not the collection's own.
    """
    places = OwnPlaces(host)
    if not places.require():
        return View(host, Staging(scratch))
    from .recovery import interrupted

    return View(host, Staging(scratch), interrupted(places).moved)


P = t.TypeVar("P", bound="Plan")


class Outcome(t.Generic[P]):
    """What a run came to.

    :ivar plan: What was planned; C(None) when it failed before.
    :ivar failure: The error that ended it, if one did.
    :ivar stands: Whether all of the plan is done, or would be; a failure after that is about what comes last.
    :ivar recovered: Packs of which something was put back first, or would be.
    :ivar stuck: Packs of which something was changed and could not be put back.
    :ivar astray: Packs of which StackStorm was told something that could not be put back.
    :ivar recorded: The id of the change set that it left, as a result has it; empty when it left none.
    """

    def __init__(self) -> None:
        self.recorded: t.Dict[str, str] = {}
        self.plan: t.Optional[P] = None
        self.warnings: t.List[str] = []
        self.failure: t.Optional[St2Error] = None
        self.stands = False
        self.recovered: t.Tuple[str, ...] = ()
        self.stuck: t.FrozenSet[str] = frozenset()
        self.astray: t.FrozenSet[str] = frozenset()

    @property
    def changed(self) -> bool:
        """Whether the host, or StackStorm's database, is different now, or would be."""
        planned = self.stands and self.plan is not None and self.plan.changed
        return planned or bool(self.recovered or self.stuck or self.astray)


class Session(t.Generic[P]):
    """One run on one host.

    :arg planner_for: Gives the planner for a view of the host.
    :arg check: Plan only; nothing of the host is written.
    :arg scratch: A private directory for this run, outside of the host's StackStorm directories.
    """

    def __init__(
        self,
        host: Host,
        database: Database,
        planner_for: t.Callable[[View], Planner[P]],
        *,
        check: bool,
        scratch: str,
        deadline: Deadline,
    ) -> None:
        self._host = host
        self._database = database
        self._planner_for = planner_for
        self._check = check
        self._deadline = deadline
        self._places = OwnPlaces(host)
        self._lock = HostLock(self._places.state)
        self._staging = Staging(os.path.join(scratch, "staging") if check else None, self._lock)
        self._healing: t.Optional[Healing] = None
        self._outcome: Outcome[P] = Outcome()

    def run(self) -> Outcome[P]:
        """Observe, resolve, plan, change, verify.

        :returns: The outcome, also of a failure: what it was about is in it.
        """
        with self._lock:
            try:
                self._run()
            except MissingLibraryError:
                raise  # Nothing has happened yet; another Python may have it.
            except St2Error as error:
                self._fail(error)
            except OSError as error:
                self._fail(ApplyError(f"A file of this host cannot be read or written: {error}."))
            finally:
                # What a journal names is needed until its moves are undone.
                if not self._outcome.stuck:
                    self._outcome.warnings += self._staging.clear()
        return self._outcome

    def _run(self) -> None:
        disturbed = self._places.require()
        self._lock.acquire(self._deadline, create=False)
        planner = self._observe(disturbed)
        plan = planner.at_rest()
        if plan is None and not self._check:
            alone = self._lock.held
            self._lock.acquire(self._deadline, create=True)
            if not alone:  # Until now another run may have been at work.
                self._database.forget()
                planner = self._observe(self._places.require())
        try:
            self._outcome.plan = plan = plan or planner.make()
            if plan.acts and not self._check:
                self._lock.acquire(self._deadline, create=True)
                self._change(planner, plan)
        finally:
            self._outcome.warnings += [*planner.warnings, *self._database.warnings]
        self._outcome.stands = True

    def _observe(self, disturbed: bool) -> Planner[P]:
        """Put right what a killed run left, or in check mode see the host as if that were done; then look."""
        moved = self._heal() if disturbed else {}
        return self._planner_for(View(self._host, self._staging, moved))

    def _heal(self) -> Moved:
        """Where things really are, when putting them right has to wait."""
        from .healing import Healing

        if self._healing is None:
            self._healing = Healing(
                self._places, self._lock, self._staging, self._database, self._on_disk, self._outcome.warnings
            )
        moved = self._healing.suppose() if self._check else self._healing.heal(self._deadline)
        self._outcome.recovered = self._healing.recovered
        return moved

    def _change(self, planner: Planner[P], plan: P) -> None:
        from .change import Change

        unhealed = self._healing.unhealed if self._healing else {}
        change = Change(self._places, self._staging, self._database, self._on_disk, unhealed)
        try:
            telling = change.carry_out(planner, plan)
        finally:
            self._outcome.stuck, self._outcome.astray = change.stuck, change.astray
        self._outcome.stands = True
        self._outcome.recorded = {"change": change.recorded} if change.recorded else {}
        self._outcome.warnings += change.clean()
        change.registering.delete(telling.delete)

    def _on_disk(self) -> OnDisk:
        from .on_disk import OnDisk

        return OnDisk(self._host, Installation(self._host.packs_base_paths), self._database.records)

    def _fail(self, error: St2Error) -> None:
        error.step = error.step or HostError.default_step
        self._outcome.failure = error
