# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The plan of packs, configs and overrides as one, and the planner that makes it."""

from __future__ import annotations

import typing as t

from .._change.database import Database
from .._change.session import View
from .._pack.plan import Plan
from .._pack.planner import PackPlanner
from .._secrets import Redactor

if t.TYPE_CHECKING:
    from .._change.planner import Staged
    from .._change.telling import Telling
    from .._config.opening import Opening
    from .._config.plan import ConfigPlan
    from .._config.planner import ConfigPlanner
    from .._override.plan import Plan as OverridePlan
    from .pack_items import Item
    from .pack_parts import Parts


class TaskPlan(t.NamedTuple):
    """What one task does to packs, their configs and their overrides.

    :arg restarts: The services that go on with old code or config afterwards.
    """

    packs: Plan
    configs: t.Tuple[ConfigPlan, ...] = ()
    overrides: t.Tuple[OverridePlan, ...] = ()
    openings: t.Tuple[Opening, ...] = ()
    restarts: t.Tuple[str, ...] = ()

    @property
    def _all(self) -> t.Sequence[t.Any]:
        return (self.packs, *self.configs, *self.overrides)

    @property
    def changed(self) -> bool:
        """As L(planner.Plan.changed)."""
        return any(one.changed for one in self._all)

    @property
    def acts(self) -> bool:
        """As L(planner.Plan.acts)."""
        return any(one.acts for one in self._all)

    @property
    def renewed(self) -> t.List[str]:
        """The packs that get other files, another virtualenv or config, or go."""
        packs = [pack.ref for pack in self.packs.packs if pack.renews_code]
        return packs + [config.ref for config in self.configs if config.renews]

    @property
    def telling(self) -> Telling:
        """What StackStorm is told, but for carriers."""
        from .._change.telling import Telling

        found = Telling()
        for one in self._all:
            found = found.join(one.telling)
        return found

    @property
    def parts(self) -> t.Dict[str, t.Tuple[str, ...]]:
        """As L(planner.Plan.parts)."""
        found: t.Dict[str, t.Tuple[str, ...]] = {}
        for one in self._all:
            for ref, parts in one.parts.items():
                found[ref] = tuple(dict.fromkeys((*found.get(ref, ()), *parts)))
        return found


class TaskPlanner:
    """Plans a task about packs, with what goes along with them.

    :arg packs: Plans the packs themselves.
    """

    def __init__(
        self, view: View, packs: PackPlanner, items: t.Sequence[Item], database: Database, redactor: Redactor
    ) -> None:
        self._view = view
        self.packs = packs
        self._items = items
        self._database = database
        self._redactor = redactor
        self._parts: t.Optional[Parts] = None

    @property
    def configs(self) -> t.Sequence[ConfigPlanner]:
        """The planners of the configs that the plan is about."""
        return self._parts.configs if self._parts else ()

    @property
    def warnings(self) -> t.List[str]:
        """As L(planner.Planner.warnings)."""
        return list(dict.fromkeys([*self.packs.warnings, *(self._parts.warnings if self._parts else ())]))

    def at_rest(self) -> t.Optional[TaskPlan]:
        """As L(planner.Planner.at_rest)."""
        packs = self.packs.at_rest()
        if packs is None:
            return None
        plan = self._with_parts(packs)
        return None if plan.changed else plan

    def make(self) -> TaskPlan:
        """As L(planner.Planner.make)."""
        plan = self._with_parts(self.packs.make())
        if not plan.changed:
            return plan
        from .restart import restart_needed

        found = restart_needed(self._view, self.packs.installation, self._database, plan.renewed, plan.telling)
        return plan._replace(restarts=found)

    def _with_parts(self, packs: Plan) -> TaskPlan:
        items = [(self.packs.refs[id(item.request)], item) for item in self._items]
        if not items and not any(pack.candidate for pack in packs.packs):
            return TaskPlan(packs)
        from .pack_parts import Parts

        self._parts = Parts(self._view, self.packs.installation, self._database, self._redactor)
        return self._parts.plan(packs, items)

    def stage(self, plan: TaskPlan) -> Staged:
        """As L(planner.Planner.stage)."""
        from .._change.planner import Staged

        along = self._parts.stage(plan) if self._parts else ()
        # After what reads the packs where they were fetched: staging takes them from there.
        staged = self.packs.stage(plan.packs) if plan.packs.acts else Staged()
        for one in along:
            staged = staged.join(one)
        return staged

    def verify(self, plan: TaskPlan) -> None:
        """As L(planner.Planner.verify)."""
        if plan.packs.acts:
            self.packs.verify(plan.packs)
        if self._parts:
            self._parts.verify(plan)

    def verify_database(self, plan: TaskPlan) -> None:
        """As L(planner.Planner.verify_database); versions of packs are read back when they are registered."""
        self.packs.verify_database(plan.packs)
        if self._parts:
            self._parts.verify_database(plan)
