# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Installed packs on their way into StackStorm's database: observed, compared, planned, verified."""

from __future__ import annotations

import os
import typing as t

from .._change.database import Database
from .._change.known import CURRENT, STALE, UNKNOWN, KnownPack
from .._change.on_disk import OnDisk
from .._change.planner import Staged
from .._change.session import View
from .._content.installed import InstalledPack
from .._content.resources import check_config_schema, read_content
from .._errors import Collected, HostError, InvalidPackError, VerifyError
from .._pack.comparison import Comparison, verify_registered
from .._pack.description import problem_of
from .._st2.registration import PackFiles
from .options import Options
from .plan import PackPlan, Plan

if t.TYPE_CHECKING:
    from .._config.opening import Opening


class RegisterPlanner:
    """Plans the registration of the packs of one task.

    :ivar warnings: What the person who wrote the task should know.
    """

    def __init__(self, view: View, options: Options, database: Database) -> None:
        self.warnings: t.List[str] = []
        self._view = view
        self._options = options
        self._database = database
        self._installation = view.installation
        self._on_disk = OnDisk(view.host, self._installation, database.records)

    def at_rest(self) -> t.Optional[Plan]:
        """The plan when there is nothing to do; C(None) when there is."""
        plan = self.make()
        return None if plan.acts else plan

    def make(self) -> Plan:
        """The plan.

        :raises St2Error: for packs that are not there or that StackStorm would refuse, all at once, and when the
            database does not answer.
        """
        self.warnings = []
        packs = self._packs()
        refs = [pack.ref for pack in packs]
        self._database.expect(resources=refs, configs=refs)
        self._database.look(refs)
        comparison = Comparison(self._view, self._database, self._options.types)
        plans: t.List[PackPlan] = []
        collected = Collected()
        for pack in packs:
            with collected.one(pack.ref):
                plans.append(self._plan(pack, comparison))
        collected.raise_them()
        self.warnings += comparison.warnings
        openings = tuple(self._openings(plans))
        return Plan(tuple(plans), self._options.types, elsewhere=self._unrecorded(refs), openings=openings)

    def _openings(self, plans: t.Sequence[PackPlan]) -> t.Iterator[Opening]:
        """The schemas that the database would go on to judge configs by, though the packs have none any more."""
        types = self._options.types
        if (types and "config" not in types) or not self._database.registrar.reads:
            return
        for plan in plans:
            location = os.path.realpath(plan.files.path)
            if not plan.registers or os.path.lexists(os.path.join(location, "config.schema.yaml")):
                continue
            schema = self._database.config_schema(plan.ref) if plan.known.version else None
            if schema is not None:
                from .._config.opening import opening_of

                opening = opening_of(self._view, plan.ref, location, schema)
                if opening:
                    yield opening

    def _unrecorded(self, refs: t.Sequence[str]) -> t.Tuple[str, ...]:
        """The packs that another host has registered, which is not recorded here yet."""
        if not self._options.elsewhere:
            return ()
        from .._change.registering import told_elsewhere

        records = self._database.records
        return tuple(ref for ref in refs if records.read(ref) != told_elsewhere(ref, self._database, self._on_disk))

    def _packs(self) -> t.List[InstalledPack]:
        """The packs of the task.

        :raises HostError: naming those that are not there.
        :raises InvalidPackError: naming those without a C(pack.yaml) that StackStorm reads.
        """
        refs = self._options.packs or self._installation.refs()
        collected = Collected()
        found: t.List[InstalledPack] = []
        missing = [ref for ref in refs if self._installation.get(ref) is None]
        with collected.one():
            if missing:
                places = ", ".join(self._view.host.packs_base_paths)
                raise HostError(
                    f"{', '.join(missing)} cannot be registered: there is no such pack in {places}. Install "
                    f"{'it' if len(missing) == 1 else 'them'} first (st2_pack), or leave packs out to register all "
                    "that are there."
                )
        for pack in filter(None, map(self._installation.get, refs)):
            problem = problem_of(pack) if pack.is_there else f"{pack.path} leads to no pack."
            if problem and self._options.fail_on_failure:
                with collected.one(pack.ref):
                    raise InvalidPackError(f"{pack.ref} cannot be registered: {problem}", ref=pack.ref)
            elif problem:
                self.warnings.append(f"{pack.ref} is left out, as StackStorm cannot register it: {problem}")
            else:
                found.append(pack)
        collected.raise_them()
        return found

    def _plan(self, pack: InstalledPack, comparison: Comparison) -> PackPlan:
        known = self._known(pack, comparison)
        plan = PackPlan(PackFiles(pack.ref, pack.path), pack.version or "", known, known.differences)
        if not plan.registers:
            return plan
        self._check_config(pack)
        return plan._replace(left_out=self._refused(pack))

    def _known(self, pack: InstalledPack, comparison: Comparison) -> KnownPack:
        """What is known of a pack with its config and overrides."""
        known = self._database.pack(pack.ref, pack, pack.location)
        if self._options.elsewhere:
            return self._registered_elsewhere(pack, known, comparison)
        if self._database.registrar.reads:
            return comparison.known(pack.ref, pack.location, known)
        stale = tuple(self._not_recorded(pack.ref))
        return known._replace(state=STALE, settled=False, differences=stale) if stale else known

    def _registered_elsewhere(self, pack: InstalledPack, known: KnownPack, comparison: Comparison) -> KnownPack:
        """What is known of a pack that another host of the cluster has registered from the same files.

        :raises VerifyError: naming what the database does not have as the files of this host say.
        """
        if not self._database.registrar.reads:
            return known._replace(state=UNKNOWN, settled=True)
        found = (
            comparison.differences(pack.ref, pack.location)
            if known.version == (pack.version or "")
            else (f"version {known.version or '(none)'} instead of {pack.version}",)
        )
        if found:
            raise VerifyError(
                f"Another host of the cluster was to register {pack.ref}, but the database does not match the files "
                f"of this host: {', '.join(found)}.",
                ref=pack.ref,
            )
        return known._replace(state=CURRENT, settled=True)

    def _not_recorded(self, ref: str) -> t.Iterator[str]:
        """What was last registered of config and overrides from other files, where only records tell."""
        types = self._options.types
        try:
            config, overrides = self._on_disk.config(ref), self._on_disk.overrides(ref)
        except OSError as error:
            raise HostError(f"Config or overrides of {ref} cannot be read: {error}.", ref=ref) from error
        if (not types or "config" in types) and config and self._database.config(ref, config).recorded != config:
            yield "config (other values)"
        if (not types or set(types) - {"config"}) and self._database.overrides(ref, overrides) is False:
            yield "overrides (others)"

    def _refused(self, pack: InstalledPack) -> t.Tuple[str, ...]:
        """What StackStorm would refuse of a pack, where that is to be left out.

        :raises InvalidPackError: where it is not, naming each file and line.
        """
        strict = self._options.fail_on_failure
        refused = list(read_content(pack.location, pack.ref, strict=strict).left_out)
        try:
            check_config_schema(pack.location)
        except InvalidPackError as error:
            if strict:
                error.message = f"{pack.ref} cannot be registered: {error.message}"
                raise
            refused.append(error.message.rstrip("."))
        self.warnings += [f"{pack.ref}: StackStorm leaves out what it refuses: {problem}." for problem in refused]
        return tuple(refused)

    def _check_config(self, pack: InstalledPack) -> None:
        """Refuse a config that the schema of its pack refuses: the API breaks down over it, whatever
        C(fail_on_failure) says (st2api, controllers/v1/packs.py, C(PackRegisterController.post)).

        :raises InvalidPackError: naming each value and line.
        """
        path = os.path.join(self._view.host.configs_path, f"{pack.ref}.yaml")
        types = self._options.types
        if (types and "config" not in types) or not os.path.lexists(self._view.now(path)):
            return
        from .._config.check import check_config
        from .._content.problem import sentence

        try:
            problems = check_config(pack.location, self._view.now(path))
        except InvalidPackError:
            return  # The schema itself is refused.
        if problems:
            raise InvalidPackError(
                f"{pack.ref} cannot be registered: the schema of the pack does not accept the config in {path}: "
                f"{sentence(problems)}. Fix the config first (st2_pack_config).",
                ref=pack.ref,
            )

    def stage(self, plan: Plan) -> Staged:
        """Prepare what opens schemas; no other files are."""
        if not plan.openings:
            return Staged(telling=plan.telling)
        from .._config.opening import stage

        return Staged(telling=plan.telling.join(stage(self._view, plan.openings)))

    def verify(self, plan: Plan) -> None:
        """No file has changed."""

    def verify_database(self, plan: Plan) -> None:
        """Read the database again, and compare it with the files of all that was registered.

        :raises VerifyError: naming what StackStorm does not have as the files say.
        """
        if self._database.registrar.reads and self._options.fail_on_failure:
            verify_registered(
                Comparison(self._view, self._database, self._options.types), self._database, plan.registered
            )
