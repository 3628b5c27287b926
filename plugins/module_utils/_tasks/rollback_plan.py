# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The plan that goes back on a change set, and the planner that makes it."""

from __future__ import annotations

import os
import shutil
import typing as t

from .._change.change_sets import CONFIG, OVERRIDES, PACK, VIRTUALENV, ChangeSet, ChangeSets
from .._change.database import Database
from .._change.own_places import OwnPlaces
from .._change.planner import Staged
from .._change.session import View
from .._config.redaction import Redaction
from .._errors import Collected, DependencyError, HostError, VerifyError
from .._layout import NOWHERE
from .._pack.dependants import check_removal
from .._pack.plan import Plan
from .._rollback.history import Target, target_of
from .._rollback.obstacles import obstacles, state_of
from .._rollback.options import Options
from .._secrets import Redactor
from .pack_parts import Parts
from .pack_plan import TaskPlan
from .rollback_files import FormerFile, all_masked, former_file
from .rollback_packs import FormerPacks


class RollbackPlan(t.NamedTuple):
    """What going back changes.

    :arg target: What is gone back on.
    :arg task: What happens to packs, configs and overrides.
    """

    target: Target
    task: TaskPlan

    @property
    def goes_back(self) -> bool:
        """Whether files are put back, as they are not yet."""
        return self.target.undone_by is None

    @property
    def changed(self) -> bool:
        """As L(planner.Plan.changed)."""
        return self.goes_back or self.task.changed

    @property
    def acts(self) -> bool:
        """As L(planner.Plan.acts)."""
        return self.changed

    @property
    def parts(self) -> t.Mapping[str, t.Sequence[str]]:
        """As L(planner.Plan.parts)."""
        return self.task.parts


def change_sets(view: View) -> t.List[ChangeSet]:
    """The change sets of a host, without what an interrupted run left that is still to be undone.

    :raises HostError: when they cannot be read.
    """
    sets = ChangeSets(OwnPlaces(view.host))
    return [one for one in sets.all() if view.now(sets.path(one.id)) != NOWHERE]


class RollbackPlanner:
    """Plans going back on a change set."""

    def __init__(self, view: View, options: Options, database: Database, redactor: Redactor) -> None:
        self.warnings: t.List[str] = []
        self._view = view
        self._options = options
        self._database = database
        self._redactor = redactor
        self._packs: t.Optional[FormerPacks] = None
        self._files: t.List[FormerFile] = []
        self.parts: t.Optional[Parts] = None

    def at_rest(self) -> t.Optional[RollbackPlan]:
        """As L(planner.Planner.at_rest)."""
        plan = self.make()
        return None if plan.changed else plan

    def make(self) -> RollbackPlan:
        """The plan.

        :raises St2Error: naming all that cannot be restored; nothing has been changed then.
        """
        self.warnings = []
        target = target_of(change_sets(self._view), self._options.change)
        if target.undone_by is not None:
            return RollbackPlan(target, self._registration(target.changes))
        self._require_restorable(target.changes)
        packs = self._packs = FormerPacks(self._view, self._database, target.changes)
        self._database.expect(resources=packs.refs, configs=packs.refs)
        self._database.look(packs.refs)
        plan = Plan(tuple(packs.plans()), self._database.types)
        self._require_not_needed(plan)
        going = [pack for pack in plan.packs if pack.after is None and pack.action == "remove"]
        if going:
            from .._pack.unloading import losses

            self.warnings += losses(self._database, going)
        return RollbackPlan(target, self._with_files(plan, packs.arriving))

    def _registration(self, changes: ChangeSet) -> TaskPlan:
        """The plan for a change that was gone back on: StackStorm is told where it does not have what is there."""
        packs = FormerPacks(self._view, self._database, changes)
        self._database.expect(resources=packs.refs)
        self._database.look(packs.refs)
        self.parts = None
        return TaskPlan(Plan(tuple(map(packs.staying, packs.refs)), self._database.types))

    def _require_restorable(self, changes: ChangeSet) -> None:
        collected = Collected()
        for one in obstacles(changes, self._view.now):
            with collected.one(one.ref):
                raise HostError(f"Change {changes.id} cannot be gone back on: {one.text}", ref=one.ref)
        collected.raise_them()

    def _require_not_needed(self, plan: Plan) -> None:
        going = [pack.ref for pack in plan.packs if pack.action == "remove"]
        try:
            check_removal(going, self._view.installation, {})
        except DependencyError as error:
            error.message = error.message.partition(" Nothing was")[0] + " Nothing was changed: remove those first."
            raise

    def _with_files(self, plan: Plan, arriving: t.Mapping[str, str]) -> TaskPlan:
        parts = self.parts = Parts(
            self._view, self._view.installation, self._database, self._redactor, arriving=arriving
        )
        self._files = self._former_files()
        items = [(file.ref, t.cast(t.Any, file)) for file in self._files]
        made = parts.plan(plan, items)
        self.warnings += parts.warnings
        by_ref = {file.ref: file for file in self._files}
        configs = tuple(by_ref[config.ref].as_it_was(config) for config in made.configs)
        for planner, config in zip(parts.configs, configs):
            # Which of the values were given as secrets, nobody remembers.
            planner.redaction = Redaction(None, all_masked(config.before.values, config.values or {}))
        overrides = tuple(
            by_ref[one.pack].overrides_as_they_were(one, _content(self._view.now(one.path))) for one in made.overrides
        )
        made = made._replace(configs=configs, overrides=overrides)
        from .restart import restart_needed

        renewed = [*made.renewed, *(pack.ref for pack in plan.packs if pack.virtualenv in ("restored", "removed"))]
        installation = self._view.installation
        return made._replace(restarts=restart_needed(self._view, installation, self._database, renewed, made.telling))

    def _former_files(self) -> t.List[FormerFile]:
        changes = self._target_changes()
        collected = Collected()
        found = []
        refs = dict.fromkeys(part.ref for part in changes.parts if part.what in (CONFIG, OVERRIDES))
        for ref in refs:
            with collected.one(ref):
                of_pack = [part for part in changes.parts if part.ref == ref and part.what in (CONFIG, OVERRIDES)]
                found.append(former_file(self._view, of_pack))
        collected.raise_them()
        return found

    def _target_changes(self) -> ChangeSet:
        return target_of(change_sets(self._view), self._options.change).changes

    def stage(self, plan: RollbackPlan) -> Staged:
        """Name the moves that put everything back, with the files of configs and overrides prepared aside."""
        if not plan.goes_back or self._packs is None or self.parts is None:
            return Staged(telling=plan.task.telling)
        packs = self._packs
        staged = Staged(packs.moves(), packs.emptied(), plan.task.packs.telling, (), plan.target.changes.id)
        for one in self.parts.stage(plan.task):
            staged = staged.join(one)
        kept = {part.live: part.kept for part in plan.target.changes.of(OVERRIDES) if part.kept}
        for move in staged.moves:
            if move.what == OVERRIDES and move.staged and move.live in kept:
                _give_as(move.staged, kept[move.live])
        return staged

    def verify(self, plan: RollbackPlan) -> None:
        """Look whether everything is what it was before the change.

        :raises VerifyError: naming the first thing that is not.
        """
        if not plan.goes_back or self.parts is None:
            return
        changes = plan.target.changes
        for part in changes.parts:
            if part.what == PACK:
                there = state_of(part, changes.salt, str)
                if (there.identity if there else "") != (part.before.identity if part.before else ""):
                    wanted = part.before.short if part.before else "no pack"
                    found = there.short if there else "no pack"
                    raise VerifyError(
                        f"{part.live} was put back as {wanted}, but {found} was read back.",
                        ref=part.ref,
                    )
            elif part.what == VIRTUALENV and os.path.lexists(part.live) != bool(part.before):
                raise VerifyError(f"The virtualenv {part.live} was put back, but is not what it was.", ref=part.ref)
        self.parts.verify(plan.task)

    def verify_database(self, plan: RollbackPlan) -> None:
        """As L(planner.Planner.verify_database); versions of packs are read back when they are registered."""
        if self.parts is not None:
            self.parts.verify_database(plan.task)


def _content(path: str) -> t.Optional[bytes]:
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as stream:
            return stream.read()
    except OSError:
        return None


def _give_as(path: str, like: str) -> None:
    """Give a file the mode and owner of another, as far as this account may."""
    status = os.stat(like)
    shutil.copymode(like, path)
    if (status.st_uid, status.st_gid) != (os.stat(path).st_uid, os.stat(path).st_gid):
        os.chown(path, status.st_uid, status.st_gid)
