# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Configs and overrides that go along with packs, and what a new version of a pack does to the config that is there."""

from __future__ import annotations

import os
import typing as t

from .._change.database import Database
from .._change.planner import Staged
from .._change.session import View
from .._content.installed import Installation, InstalledPack
from .._errors import Collected, InvalidPackError
from .._pack.plan import PackPlan, Plan
from .._secrets import Redactor
from .pack_items import Item
from .pack_plan import TaskPlan

if t.TYPE_CHECKING:
    from .._config.opening import Opening
    from .._config.plan import ConfigPlan
    from .._config.planner import ConfigPlanner
    from .._override.plan import Plan as OverridePlan
    from .._override.planner import OverridePlanner


class PlannedInstallation(Installation):
    """The packs of a host as they will be once a plan is carried out; new ones lie where they were staged.

    :arg files: Where the new files of a pack lie, as L(Parts.files_of).
    """

    def __init__(self, before: Installation, plan: Plan, files: t.Callable[[PackPlan], str]) -> None:
        super().__init__([directory.path for directory in before.directories])
        self._before = before
        self._planned = {pack.ref: _planned(pack, files(pack)) for pack in plan.packs if pack.ref}

    def get(self, ref: str) -> t.Optional[InstalledPack]:
        """As L(Installation.get)."""
        return self._planned[ref] if ref in self._planned else self._before.get(ref)

    def refs(self) -> t.List[str]:
        """As L(Installation.refs)."""
        return sorted(ref for ref in {*self._before.refs(), *self._planned} if self.get(ref))


def _planned(pack: PackPlan, location: str) -> t.Optional[InstalledPack]:
    if pack.after is None:
        return None
    if not location:
        return pack.installed
    return InstalledPack(pack.ref, pack.name, pack.path, location, pack.base_path, pack.after.version)


class Parts:
    """Plans what goes along with the packs of one task.

    :arg installation: The packs as they are before it.
    :arg arriving: By ref, where the new files of packs lie that were not fetched.
    :ivar configs: The planners of configs, in the order of the plan.
    """

    def __init__(
        self,
        view: View,
        installation: Installation,
        database: Database,
        redactor: Redactor,
        arriving: t.Optional[t.Mapping[str, str]] = None,
    ) -> None:
        self._arriving = arriving or {}
        self._view = view
        self._installation = installation
        self._database = database
        self._redactor = redactor
        self.configs: t.List[ConfigPlanner] = []
        self._overrides: t.List[OverridePlanner] = []

    @property
    def warnings(self) -> t.Iterator[str]:
        """As L(planner.Planner.warnings)."""
        for config in self.configs:
            yield from config.warnings
        for override in self._overrides:
            yield from override.warnings

    def files_of(self, pack: PackPlan) -> str:
        """Where the new files of a pack lie; empty for one that gets none."""
        return pack.candidate.staged if pack.candidate else self._arriving.get(pack.ref, "")

    def plan(self, packs: Plan, items: t.Sequence[t.Tuple[str, Item]]) -> TaskPlan:
        """The whole plan; all that is wrong with configs and overrides is said at once.

        :arg items: What goes along, with the ref of its pack.
        """
        by_ref = {pack.ref: pack for pack in packs.packs if pack.after is not None}
        planned = PlannedInstallation(self._installation, packs, self.files_of)
        self._database.expect(
            configs=[ref for ref, item in items if item.has_config],
            resources=[ref for ref, item in items if item.overrides is not None],
        )
        configs: t.List[ConfigPlan] = []
        overrides: t.List[OverridePlan] = []
        openings: t.List[Opening] = []
        collected = Collected()
        for ref, pack in by_ref.items():
            if self.files_of(pack) and not any(ref == one and item.has_config for one, item in items):
                with collected.one(ref):
                    _check_config(self._view, pack, self.files_of(pack))
                    openings += self._openings(pack)
        for ref, item in items:
            comes = by_ref.get(ref)
            whole = comes is not None and comes.registration == "register" and not packs.types
            former = self._former_schema(comes) if comes else None
            with collected.one(ref):
                configs += self._config(ref, item, planned, former, whole)
            with collected.one(ref):
                overrides += self._override(ref, item, planned, whole)
        collected.raise_them()
        return TaskPlan(packs, tuple(configs), tuple(overrides), tuple(openings))

    def _openings(self, pack: PackPlan) -> t.Iterator[Opening]:
        """The schema that the database would go on to judge the pack's configs by, though its new version has none."""
        schema = self._former_schema(pack)
        if schema is None:
            return
        from .._config.opening import opening_of

        opening = opening_of(self._view, pack.ref, self.files_of(pack), schema)
        if opening:
            yield opening

    def _former_schema(self, pack: PackPlan) -> t.Optional[t.Mapping[str, t.Any]]:
        """The config schema that the database has, or may have, of another version than one that has none."""
        files = self.files_of(pack)
        if not files or os.path.lexists(os.path.join(files, "config.schema.yaml")):
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

    def stage(self, plan: TaskPlan) -> t.List[Staged]:
        """As L(planner.Planner.stage), one by one."""
        along = [config.stage(config_plan) for config, config_plan in zip(self.configs, plan.configs)]
        along += [override.stage(override_plan) for override, override_plan in zip(self._overrides, plan.overrides)]
        if plan.openings:
            from .._config.opening import stage

            along.append(Staged(telling=stage(self._view, plan.openings)))
        return along

    def verify(self, plan: TaskPlan) -> None:
        """As L(planner.Planner.verify)."""
        for config, config_plan in zip(self.configs, plan.configs):
            config.verify(config_plan)
        for override, override_plan in zip(self._overrides, plan.overrides):
            override.verify(override_plan)

    def verify_database(self, plan: TaskPlan) -> None:
        """As L(planner.Planner.verify_database)."""
        for config, config_plan in zip(self.configs, plan.configs):
            config.verify_database(config_plan)
        for override, override_plan in zip(self._overrides, plan.overrides):
            override.verify_database(override_plan)


def _check_config(view: View, pack: PackPlan, files: str) -> None:
    """Refuse a version whose schema refuses the config that is on the host: StackStorm could not register it."""
    path = os.path.join(view.host.configs_path, f"{pack.ref}.yaml")
    if pack.after is None or not os.path.lexists(view.now(path)):
        return
    from .._config.check import check_config
    from .._content.problem import sentence

    problems = check_config(files, view.now(path))
    if problems:
        raise InvalidPackError(
            f"{pack.ref} {pack.after.version} does not accept the config in {path}: "
            f"{sentence(problems)}. Nothing was changed: give the pack's item the config that it needs, or mend the "
            "config first.",
            ref=pack.ref,
        )
