# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Planners of a task in two phases: one run stages everything and keeps it, another puts exactly that in place.

Both only know files. What StackStorm is told is a step of its own, once for all nodes.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from .._change.kept_plans import CONTENT, KeptPlan, KeptPlans, nothing_fits
from .._change.planner import Staged
from .._change.session import View
from .._content.installed import Installation, identity_of
from .._errors import VerifyError
from .._layout import VirtualenvsDirectory
from .plan_digest import Digests, digests_of

if t.TYPE_CHECKING:
    from .pack_plan import TaskPlan, TaskPlanner

Identity = t.Callable[[str], str]


@dataclass(frozen=True)
class PhasePlan:
    """What one phase does.

    :arg task: What the whole task does, where it was planned by this run.
    :arg digests: Of that.
    :arg kept: A plan that was staged before.
    :arg done: Whether that is carried out already.
    """

    changed: bool
    acts: bool
    task: t.Optional[TaskPlan] = None
    digests: t.Optional[Digests] = None
    kept: t.Optional[KeptPlan] = None
    done: bool = False
    parts: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)


def identities(installation: Installation) -> Identity:
    """By what the packs of a host are known."""

    def identity(ref: str) -> str:
        pack = installation.get(ref)
        return identity_of(pack) if pack else ""

    return identity


class StagePlanner:
    """Plans a task as a whole, and keeps what was staged of it.

    :arg inner: Plans it as a whole.
    :arg asked: As L(asked.asked_digest).
    :arg anew: Whether what is asked may be something else each time.
    :arg shown: What the task will return.
    """

    def __init__(
        self,
        view: View,
        inner: TaskPlanner,
        plans: KeptPlans,
        asked: str,
        *,
        anew: bool,
        shown: t.Callable[[PhasePlan], t.Mapping[str, t.Any]],
    ) -> None:
        self.inner = inner
        self._view = view
        self._plans = plans
        self._asked = asked
        self._anew = anew
        self._shown = shown

    @property
    def warnings(self) -> t.List[str]:
        """As L(planner.Planner.warnings)."""
        return self.inner.warnings

    def at_rest(self) -> t.Optional[PhasePlan]:
        """As L(planner.Planner.at_rest): also when it is staged already."""
        kept = self._plans.find(self._asked)
        if kept and kept.moves and not self._anew and self._waits(kept):
            return PhasePlan(False, False, kept=kept)
        task = self.inner.at_rest()
        return PhasePlan(False, False, task, self._digests(task)) if task else None

    def make(self) -> PhasePlan:
        """As L(planner.Planner.make)."""
        task = self.inner.make()
        digests = self._digests(task)
        kept = self._plans.find(self._asked)
        if kept and kept.digest == digests.plan:
            if self._plans.is_done(kept, identities(self._view.installation)) and not task.acts:
                return PhasePlan(False, False, task, digests)
            if kept.moves and self._waits(kept):
                return PhasePlan(False, False, kept=kept)
        return PhasePlan(task.changed, True, task, digests)

    def _waits(self, kept: KeptPlan) -> bool:
        return not self._plans.differences(kept, identities(self._view.installation))

    def _digests(self, task: TaskPlan) -> Digests:
        return digests_of(task, self.inner.packs.installation, self.inner.configs)

    def stage(self, plan: PhasePlan) -> Staged:
        """Prepare everything aside, and keep it there; nothing is moved.

        :raises St2Error: when something cannot be prepared, or kept.
        """
        task = plan.task
        if task is None:
            return Staged()
        packs = (*task.packs.packs, *task.packs.needed)
        refs = [pack.ref for pack in packs if pack.ref]
        before = identities(self._view.installation)
        after = {
            pack.ref: (pack.candidate.commit or pack.candidate.digest)
            if pack.candidate
            else before(pack.ref)
            if pack.after is not None
            else ""
            for pack in packs
            if pack.ref
        }
        staged = self.inner.stage(task) if task.acts else Staged()
        self._plans.clean(refs)
        kept = KeptPlan(
            plan.digests.plan if plan.digests else "",
            self._asked,
            tuple(refs),
            {ref: before(ref) for ref in refs},
            after,
            task.parts,
            self._shown(plan),
            task.changed,
            (*staged.moves, *staged.closing),
        )
        self._plans.keep(kept, self._watched(task))
        return Staged()

    def _watched(self, task: TaskPlan) -> t.Iterator[t.Tuple[str, str, str]]:
        """What must not change any more: configs that the new schemas were held against, and the files of packs that
        are replaced, which nobody had worked in."""
        configs = {config.ref for config in task.configs}
        for pack in task.packs.packs:
            if pack.candidate and pack.ref not in configs:
                yield pack.ref, "config", os.path.join(self._view.host.configs_path, f"{pack.ref}.yaml")
            if pack.candidate and pack.before and not pack.edits and not pack.kept_work:
                yield pack.ref, CONTENT, pack.path

    def verify(self, plan: PhasePlan) -> None:
        """Nothing was put in place."""

    def verify_database(self, plan: PhasePlan) -> None:
        """Nobody was told anything."""


class SwapPlanner:
    """Puts in place what was staged.

    :arg inner: Gives the planner of the whole task, where that is needed.
    :arg check: Whether nothing is changed: then a task that was not staged is told as a whole.
    """

    def __init__(
        self, view: View, inner: t.Callable[[], TaskPlanner], plans: KeptPlans, asked: str, *, check: bool
    ) -> None:
        self._view = view
        self._make_inner = inner
        self._inner: t.Optional[TaskPlanner] = None
        self._plans = plans
        self._asked = asked
        self._check = check

    @property
    def inner(self) -> TaskPlanner:
        """The planner of the whole task."""
        if self._inner is None:
            self._inner = self._make_inner()
        return self._inner

    @property
    def warnings(self) -> t.List[str]:
        """As L(planner.Planner.warnings)."""
        return self._inner.warnings if self._inner else []

    def at_rest(self) -> t.Optional[PhasePlan]:
        """As L(planner.Planner.at_rest)."""
        kept = self._plans.find(self._asked)
        identity = identities(self._view.installation)
        if kept and self._plans.is_done(kept, identity):
            return PhasePlan(False, False, kept=kept, done=True)
        if kept and not self._plans.differences(kept, identity):
            return None
        task = self.inner.at_rest()
        return self._whole(task) if task else None

    def make(self) -> PhasePlan:
        """As L(planner.Planner.make).

        :raises HostError: when nothing that was staged fits.
        """
        kept = self._plans.find(self._asked)
        problems = self._plans.differences(kept, identities(self._view.installation)) if kept else []
        if kept and not problems:
            return PhasePlan(kept.changed, True, kept=kept, parts=kept.parts)
        if problems or not self._check:
            raise nothing_fits(problems)
        return self._whole(self.inner.make())

    def _whole(self, task: TaskPlan) -> PhasePlan:
        digests = digests_of(task, self.inner.packs.installation, self.inner.configs)
        return PhasePlan(task.changed, False, task, digests)

    def stage(self, plan: PhasePlan) -> Staged:
        """Everything was prepared before."""
        return Staged(self._plans.moves(plan.kept, self._view.staging)) if plan.kept else Staged()

    def verify(self, plan: PhasePlan) -> None:
        """Read the packs again, and compare them with what was staged.

        :raises VerifyError: naming what is different.
        """
        host, kept = self._view.host, plan.kept
        if kept is None:
            return
        from .._pack.virtualenv import observe_virtualenv

        identity = identities(Installation(host.packs_base_paths))
        for ref, known in kept.after.items():
            if identity(ref) != known:
                raise VerifyError(
                    f"{ref} was staged as {known or 'to be removed'}, but {identity(ref) or 'no pack'} was read back.",
                    ref=ref,
                )
        for move in kept.moves:
            if move.what == "virtualenv" and move.staged:
                virtualenv = observe_virtualenv(VirtualenvsDirectory(host.virtualenvs_path), move.ref)
                if virtualenv.health != "ok":
                    raise VerifyError(
                        f"The virtualenv of {move.ref} that was staged is {virtualenv.health} at {virtualenv.path}.",
                        ref=move.ref,
                    )

    def verify_database(self, plan: PhasePlan) -> None:
        """Nobody was told anything. What the host has now is no longer before other plans."""
        if plan.kept:
            self._plans.clean(plan.kept.refs, plan.kept.digest)
