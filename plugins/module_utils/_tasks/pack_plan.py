# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The plan of packs, configs and overrides as one, and the planner that makes it."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from .._change.database import Database
from .._change.session import Staged, View
from .._change.telling import Telling
from .._content.installed import Installation, InstalledPack
from .._errors import ApplyError, Collected, InvalidPackError
from .._pack.plan import PackPlan, Plan
from .._pack.planner import PackPlanner
from .._secrets import Redactor
from .pack_items import Item

if t.TYPE_CHECKING:
    from .._config.plan import ConfigPlan
    from .._config.planner import ConfigPlanner
    from .._override.plan import Plan as OverridePlan
    from .._override.planner import OverridePlanner


@dataclass(frozen=True)
class Opening:
    """A config schema in the database that the new version of a pack has no more, and that is opened.

    :arg location: Where the pack's new files are.
    :arg schema: The attributes that the database has.
    :arg values: Of the config that is on the host.
    """

    ref: str
    location: str
    schema: t.Mapping[str, t.Any] = field(repr=False)
    values: t.Mapping[str, t.Any] = field(repr=False)


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
        """As L(session.Plan.changed)."""
        return any(one.changed for one in self._all)

    @property
    def acts(self) -> bool:
        """As L(session.Plan.acts)."""
        return any(one.acts for one in self._all)

    @property
    def renewed(self) -> t.List[str]:
        """The packs that get other files, another virtualenv or config, or go."""
        packs = [pack.ref for pack in self.packs.packs if pack.renews_code]
        return packs + [config.ref for config in self.configs if config.renews]

    @property
    def telling(self) -> Telling:
        """What StackStorm is told, but for carriers."""
        found = Telling()
        for one in self._all:
            found = found.join(one.telling)
        return found

    @property
    def parts(self) -> t.Dict[str, t.Tuple[str, ...]]:
        """As L(session.Plan.parts)."""
        found: t.Dict[str, t.Tuple[str, ...]] = {}
        for one in self._all:
            for ref, parts in one.parts.items():
                found[ref] = tuple(dict.fromkeys((*found.get(ref, ()), *parts)))
        return found


class PlannedInstallation(Installation):
    """The packs of a host as they will be once a plan is carried out; new ones lie where they were staged."""

    def __init__(self, before: Installation, plan: Plan) -> None:
        super().__init__([directory.path for directory in before.directories])
        self._before = before
        self._planned = {pack.ref: _planned(pack) for pack in plan.packs if pack.ref}

    def get(self, ref: str) -> t.Optional[InstalledPack]:
        """As L(Installation.get)."""
        return self._planned[ref] if ref in self._planned else self._before.get(ref)

    def refs(self) -> t.List[str]:
        """As L(Installation.refs)."""
        return sorted(ref for ref in {*self._before.refs(), *self._planned} if self.get(ref))


def _planned(pack: PackPlan) -> t.Optional[InstalledPack]:
    if pack.after is None:
        return None
    if pack.candidate is None:
        return pack.installed
    location = pack.candidate.staged
    return InstalledPack(pack.ref, pack.name, pack.path, location, pack.base_path, pack.after.version)


class TaskPlanner:
    """Plans a task about packs, with what goes along with them.

    :arg packs: Plans the packs themselves.
    """

    def __init__(
        self, view: View, packs: PackPlanner, items: t.Sequence[Item], database: Database, redactor: Redactor
    ) -> None:
        self._view = view
        self._packs = packs
        self._items = items
        self._database = database
        self._redactor = redactor
        self.configs: t.List[ConfigPlanner] = []
        self._overrides: t.List[OverridePlanner] = []

    @property
    def warnings(self) -> t.List[str]:
        """As L(session.Planner.warnings)."""
        found = list(self._packs.warnings)
        for config in self.configs:
            found += config.warnings
        for override in self._overrides:
            found += override.warnings
        return list(dict.fromkeys(found))

    def at_rest(self) -> t.Optional[TaskPlan]:
        """As L(session.Planner.at_rest)."""
        packs = self._packs.at_rest()
        if packs is None:
            return None
        plan = self._with_items(packs)
        return None if plan.changed else plan

    def make(self) -> TaskPlan:
        """As L(session.Planner.make)."""
        plan = self._with_items(self._packs.make())
        if not plan.changed:
            return plan
        from .restart import restart_needed

        found = restart_needed(self._view, self._packs.installation, self._database, plan.renewed, plan.telling)
        return plan._replace(restarts=found)

    def _with_items(self, packs: Plan) -> TaskPlan:
        """The whole plan; all that is wrong with configs and overrides is said at once."""
        by_ref = {pack.ref: pack for pack in packs.packs if pack.after is not None}
        items = [(self._packs.refs[id(item.request)], item) for item in self._items]
        if not items and not any(pack.candidate for pack in by_ref.values()):
            return TaskPlan(packs)
        planned = PlannedInstallation(self._packs.installation, packs)
        self._database.expect(
            configs=[ref for ref, item in items if item.has_config],
            resources=[ref for ref, item in items if item.overrides is not None],
        )
        self.configs, self._overrides = [], []
        configs: t.List[ConfigPlan] = []
        overrides: t.List[OverridePlan] = []
        openings: t.List[Opening] = []
        collected = Collected()
        for ref, pack in by_ref.items():
            if pack.candidate and not any(ref == one and item.has_config for one, item in items):
                with collected.one(ref):
                    _check_config(self._view, pack)
                    openings += self._openings(pack)
        for ref, item in items:
            whole = by_ref[ref].registration == "register" and not packs.types
            with collected.one(ref):
                configs += self._config(ref, item, planned, self._former_schema(by_ref[ref]), whole)
            with collected.one(ref):
                overrides += self._override(ref, item, planned, whole)
        collected.raise_them()
        return TaskPlan(packs, tuple(configs), tuple(overrides), tuple(openings))

    def _openings(self, pack: PackPlan) -> t.Iterator[Opening]:
        """The schema that the database would go on to judge the pack's configs by, though its new version has none."""
        schema = self._former_schema(pack)
        if schema is None or pack.candidate is None:
            return
        from .._config.document import config_path, read_config
        from .._st2.stale_config import is_open_for

        path = config_path(self._view.host.configs_path, pack.ref)
        values = read_config(path, self._view.now(path)).values
        if not is_open_for(schema, values):
            yield Opening(pack.ref, pack.candidate.staged, schema, values)

    def _former_schema(self, pack: PackPlan) -> t.Optional[t.Mapping[str, t.Any]]:
        """The config schema that the database has, or may have, of another version than one that has none."""
        if pack.candidate is None or os.path.lexists(os.path.join(pack.candidate.staged, "config.schema.yaml")):
            return None
        if self._database.registrar.reads:
            return self._database.config_schema(pack.ref) if pack.known.version else None
        if not self._database.tells or pack.installed is None:
            return None
        from .._content.config_schema import read_schema

        try:
            found = read_schema(pack.installed.location)
        except InvalidPackError:  # So that StackStorm never took it.
            return None
        return found.attributes if found else None

    def _config(
        self,
        ref: str,
        item: Item,
        planned: Installation,
        former: t.Optional[t.Mapping[str, t.Any]],
        registered: bool,
    ) -> t.Iterator[ConfigPlan]:
        options = item.config_options(ref)
        if options is None:
            return
        from .._config.observe import PackPlace
        from .._config.planner import ConfigPlanner

        planner = ConfigPlanner(self._view, self._database, options, self._redactor)
        self.configs.append(planner)
        pack = planned.get(ref)
        yield planner.make(PackPlace(pack.path, pack.location) if pack else None, stored=former, registered=registered)

    def _override(self, ref: str, item: Item, planned: Installation, registered: bool) -> t.Iterator[OverridePlan]:
        options = item.override_options(ref)
        if options is None:
            return
        from .._override.planner import OverridePlanner

        planner = OverridePlanner(self._view, self._database, options, planned, registered=registered)
        self._overrides.append(planner)
        yield planner.make()

    def stage(self, plan: TaskPlan) -> Staged:
        """As L(session.Planner.stage)."""
        along = [config.stage(config_plan) for config, config_plan in zip(self.configs, plan.configs)]
        along += [override.stage(override_plan) for override, override_plan in zip(self._overrides, plan.overrides)]
        along += [self._open(opening) for opening in plan.openings]
        # After what reads the packs where they were fetched: staging takes them from there.
        staged = self._packs.stage(plan.packs) if plan.packs.acts else Staged()
        for one in along:
            staged = staged.join(one)
        return staged

    def _open(self, opening: Opening) -> Staged:
        from .._change.carrier import stage_opening

        try:
            first = stage_opening(
                self._view.host, self._view.staging, opening.ref, opening.location, opening.schema, opening.values
            )
        except OSError as error:
            raise ApplyError(f"The schema of {opening.ref} cannot be prepared: {error}.", ref=opening.ref) from error
        return Staged(telling=Telling(first=(first,)))

    def verify(self, plan: TaskPlan) -> None:
        """As L(session.Planner.verify)."""
        if plan.packs.acts:
            self._packs.verify(plan.packs)
        for config, config_plan in zip(self.configs, plan.configs):
            config.verify(config_plan)
        for override, override_plan in zip(self._overrides, plan.overrides):
            override.verify(override_plan)

    def verify_database(self, plan: TaskPlan) -> None:
        """As L(session.Planner.verify_database); versions of packs are read back when they are registered."""
        self._packs.verify_database(plan.packs)
        for config, config_plan in zip(self.configs, plan.configs):
            config.verify_database(config_plan)
        for override, override_plan in zip(self._overrides, plan.overrides):
            override.verify_database(override_plan)


def _check_config(view: View, pack: PackPlan) -> None:
    """Refuse a version whose schema refuses the config that is on the host: StackStorm could not register it."""
    path = os.path.join(view.host.configs_path, f"{pack.ref}.yaml")
    if pack.candidate is None or not os.path.lexists(view.now(path)):
        return
    from .._config.check import check_config
    from .._content.problem import sentence

    problems = check_config(pack.candidate.staged, view.now(path))
    if problems:
        raise InvalidPackError(
            f"{pack.ref} {pack.candidate.metadata.version} does not take the config that is in {path}: "
            f"{sentence(problems)}. Nothing was changed: give the pack's item the config that it needs, or mend the "
            "config first.",
            ref=pack.ref,
        )
