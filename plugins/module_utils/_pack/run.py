# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The way through the five rooms for packs: observe, resolve, plan, apply, verify."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from .._change.journal import Journal, pending
from .._change.lock import HostLock
from .._change.recovery import interrupted, recover
from .._change.staging import Staging, debris
from .._content.installed import Installation
from .._errors import ApplyError, HostError, MissingLibraryError, OptionError, St2Error
from .._layout import PacksDirectory, VirtualenvsDirectory, state_directory
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
        self._state = state_directory(host.base_path)
        self._journal = Journal(self._state)
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
        staging = Staging(os.path.join(self._scratch, "staging") if self._check else None)
        with HostLock(self._state) as lock:
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
                if self._check or not self._journal.exists():
                    self._outcome.warnings += staging.clear()
        return self._outcome

    def _run(self, lock: HostLock, staging: Staging) -> None:
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
        left = debris(self._stagings()) + self._journal.unfinished()
        moves = self._journal.read()
        if moves is None and not left:
            return ()
        if self._check:
            return interrupted(moves)
        lock.acquire(self._deadline, create=True)
        refs = recover(self._journal, debris(self._stagings()))
        if refs:
            self._outcome.warnings.append(
                f"An earlier run was interrupted while it changed {', '.join(refs)}: what was there before "
                "was put back."
            )
        return refs

    def _stagings(self) -> t.List[str]:
        host = self._host
        stagings = [PacksDirectory(path).staging for path in host.packs_base_paths]
        stagings.append(VirtualenvsDirectory(host.virtualenvs_path).staging)
        stagings += [Staging.beside(os.path.join(path, "any")) for path in (host.configs_path, host.overrides_path)]
        return stagings

    def _planner(self, staging: Staging) -> Planner:
        moves = self._journal.read() if self._check else None
        moved = pending(moves) if moves else None
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
        # What is said of a failure is read back: also where putting back has failed.
        installation = Installation(self._host.packs_base_paths)
        if self._outcome.plan.packs:
            stuck = interrupted(self._journal.read()) if self._applying and self._journal.exists() else ()
            done = [pack.ref for pack in self._outcome.plan.packs] if self._stands else ()
            self._outcome.rows = report.rows(
                self._outcome.plan,
                done=done,
                failed=failed,
                installation=installation,
                stuck=stuck,
                astray=self._database.astray,
            )
        else:
            self._outcome.rows = report.rows_of_requests(self._options.requests, installation, failed)

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
