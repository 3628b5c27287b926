# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The way through the five rooms for packs: observe, resolve, plan, apply, verify."""

from __future__ import annotations

import contextlib
import os
import typing as t
from dataclasses import dataclass, field

from .._change.journal import Journal
from .._change.lock import HostLock
from .._change.own_places import OwnPlaces
from .._change.recovery import interrupted, recover
from .._change.staging import Staging, debris
from .._content.installed import Installation
from .._errors import ApplyError, HostError, MissingLibraryError, OptionError, St2Error
from .._layout import VirtualenvsDirectory
from .._process import Deadline
from .._st2.host import Host
from . import report
from .database import Database
from .options import Options
from .plan import Plan
from .planning import Planner

if t.TYPE_CHECKING:
    from .._secrets import Redactor


@dataclass
class Outcome:
    """What a run came to.

    :arg failure: The error that ended it, if one did; then C(plan) tells what was planned, and nothing of it stands.
    """

    plan: Plan = field(default_factory=lambda: Plan(()))
    warnings: t.List[str] = field(default_factory=list)
    failure: t.Optional[St2Error] = None
    rows: t.List[t.Dict[str, t.Any]] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the host is different now, or would be."""
        if self.failure is None:
            return self.plan.changed
        return bool(self.plan.recovery) or any(row["changed"] for row in self.rows)


class Run:
    """One run of the packs of one task on one host.

    :arg check: Plan only; nothing of the host is written.
    :arg scratch: A private directory for this run, outside of the host's StackStorm directories.
    :arg database: What StackStorm knows, and is told.
    """

    def __init__(
        self,
        host: Host,
        options: Options,
        *,
        check: bool,
        scratch: str,
        environment: t.Mapping[str, str],
        redactor: Redactor,
        database: Database,
        deadline: Deadline,
    ) -> None:
        self._host = host
        self._database = database
        self._options = options
        self._check = check
        self._scratch = scratch
        self._environment = environment
        self._redactor = redactor
        self._deadline = deadline
        self._places = OwnPlaces(host)
        self._journal = Journal(self._places.state)
        self._base_path = self._choose_base_path()
        if not os.path.isdir(self._base_path):
            raise HostError(
                f"The packs directory {self._base_path} does not exist. Is StackStorm installed here, and is "
                f"{host.st2_conf} "
                "its configuration (option st2_conf)?"
            )
        self._outcome = Outcome()
        self._applying = False
        self._stands = False

    def run(self) -> Outcome:
        """Walk through the rooms.

        :returns: The outcome, also of a failure: what it was about is in it.
        """
        with HostLock(self._places.state) as lock:
            staging = Staging(os.path.join(self._scratch, "staging") if self._check else None, lock)
            try:
                self._run(lock, staging)
            except MissingLibraryError:
                raise  # Nothing has happened yet; another Python may have it.
            except St2Error as error:
                self._fail(error)
            except OSError as error:
                self._fail(ApplyError(f"A file of this host cannot be read or written: {error}."))
            finally:
                # What a journal names is needed until its moves are undone.
                if not self._applying or not self._journal.exists():
                    self._outcome.warnings += staging.clear()
        return self._outcome

    def _run(self, lock: HostLock, staging: Staging) -> None:
        self._places.require()
        lock.acquire(self._deadline, create=False)
        recovery = self._recover(lock)
        untold = self._database.interrupted()
        self._outcome.plan = Plan((), recovery)
        planner = self._planner(staging)
        plan = planner.plan_at_rest()
        if plan is None and not self._check:
            alone = lock.held
            lock.acquire(self._deadline, create=True)
            if not alone:  # Until now another run may have been at work.
                recovery += self._recover(lock)
                self._outcome.plan = Plan((), recovery)
                planner = self._planner(staging)
        try:
            plan = plan or planner.make_plan()
        finally:
            self._outcome.warnings += planner.warnings + self._database.warnings
        others = [ref for ref in untold if ref not in {pack.ref for pack in plan.packs}]
        recovery = tuple(sorted({*recovery, *others}))
        self._outcome.plan = plan = Plan(plan.packs, recovery)
        if not self._check:
            if any(pack.action != "none" for pack in plan.packs):
                self._apply(plan, planner, staging)
            if untold:
                lock.acquire(self._deadline, create=True)
                self._mend(others)
        self._outcome.rows = report.rows(plan)

    def _recover(self, lock: HostLock) -> t.Tuple[str, ...]:
        """Put right what a killed run left, or in check mode say what would be put right."""
        found = interrupted(self._places)
        left = debris(self._places.stagings, lock) + self._journal.unfinished()
        # What is only in nobody's way can wait for a run that gets the lock.
        if not found and (not left or lock.problem):
            return ()
        if self._check:
            return found.refs
        lock.acquire(self._deadline, create=True)
        left = debris(self._places.stagings, lock) + self._journal.unfinished()
        recovered = recover(interrupted(self._places), left)
        self._outcome.warnings += recovered.warnings
        return recovered.refs

    def _planner(self, staging: Staging) -> Planner:
        moved = interrupted(self._places).moved if self._check else None
        return Planner(
            self._host,
            self._options,
            Installation(self._host.packs_base_paths, moved),
            VirtualenvsDirectory(self._host.virtualenvs_path, moved),
            base_path=self._base_path,
            staging=staging,
            scratch=self._scratch,
            deadline=self._deadline,
            environment=self._environment,
            redactor=self._redactor,
            database=self._database,
        )

    def _mend(self, refs: t.Sequence[str]) -> None:
        """Tell StackStorm of packs that an interrupted run was telling it of, and that this one is not about."""
        problem = self._database.mend(refs, Installation(self._host.packs_base_paths))
        if problem:
            plan = self._outcome.plan
            self._outcome.plan = Plan(plan.packs, tuple(ref for ref in plan.recovery if ref not in refs))
            self._outcome.warnings.append(
                f"StackStorm's database may have {', '.join(refs)} as an interrupted run left them: {problem}"
            )

    def _apply(self, plan: Plan, planner: Planner, staging: Staging) -> None:
        from .apply import apply
        from .verify import verify

        tools, warnings = planner.tools(staging, self._journal)
        self._outcome.warnings += warnings
        self._applying = True
        try:
            self._database.unload(plan)
            applied = apply(plan, planner.installation, planner.virtualenvs, tools)
            try:
                verify(plan, self._host.packs_base_paths, self._host.virtualenvs_path)
                now = Installation(self._host.packs_base_paths)
                self._database.register(plan, now)
                applied.commit()
            except BaseException:
                applied.undo()
                raise
        except BaseException as error:
            left = self._database.put_back(Installation(self._host.packs_base_paths))
            if isinstance(error, St2Error):
                error.message += left
            raise
        self._database.commit(plan, now)
        self._stands = True
        self._database.delete_surplus(plan.packs)

    def _fail(self, error: St2Error) -> None:
        self._outcome.failure = error
        error.step = error.step or HostError.default_step
        failed = report.Failure(error.ref or "", error.step or "", error.message)
        with contextlib.suppress(HostError):  # Where nothing can be believed that is read, nothing is told.
            self._outcome.rows = self._rows_of(failed)

    def _rows_of(self, failed: report.Failure) -> t.List[t.Dict[str, t.Any]]:
        # What is said of a failure is read back: also where putting back has failed.
        installation = Installation(self._host.packs_base_paths)
        if not self._outcome.plan.packs:
            return report.rows_of_requests(self._options.requests, installation, failed)
        return report.rows(
            self._outcome.plan,
            done=[pack.ref for pack in self._outcome.plan.packs] if self._stands else (),
            failed=failed,
            installation=installation,
            stuck=interrupted(self._places).refs if self._applying else (),
            astray=self._database.astray,
        )

    def _choose_base_path(self) -> str:
        asked = self._options.base_path
        if asked is None:
            return self._host.system_packs_path
        path = os.path.normpath(asked)
        if path not in self._host.packs_base_paths:
            raise OptionError(
                f"base_path is {asked}, but StackStorm on this host looks for packs only in "
                f"{', '.join(self._host.packs_base_paths)}. Add it to [content] packs_base_paths in "
                f"{self._host.st2_conf}."
            )
        return path
