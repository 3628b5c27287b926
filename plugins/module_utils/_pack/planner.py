# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""From options to the plan of packs: what is asked is resolved, what is there is looked at, and both are joined."""

from __future__ import annotations

import os
import typing as t

from .._change.database import Database
from .._change.session import View
from .._content.installed import InstalledPack, dependencies_of
from .._deadline import Deadline
from .._secrets import Redactor, url_secrets
from .observation import Observation
from .options import Options
from .plan import PackPlan, Plan, plan_installed
from .resolution import Asked, Resolution, already_there

if t.TYPE_CHECKING:
    from .._change.planner import Staged
    from .dependencies import Pack
    from .needed import Needed
    from .preparation import Preparation
    from .removal import Removals


class PackPlanner:
    """Plans and prepares what a task asks of packs.

    :arg base_path: The packs base path for packs that are not there yet.
    :ivar refs: Once there is a plan, the ref of each request that is to be present, by its C(id).
    """

    def __init__(
        self,
        view: View,
        options: Options,
        database: Database,
        *,
        base_path: str,
        scratch: str,
        deadline: Deadline,
        environment: t.Mapping[str, str],
        redactor: Redactor,
    ) -> None:
        for secret in url_secrets([*view.host.index_urls, *view.host.pip_opts]):
            redactor.add(secret)
        index = {"PIP_INDEX_URL": options.pip_index_url} if options.pip_index_url else {}
        self._observation = Observation(
            view, options, database, base_path=base_path, deadline=deadline, environment={**environment, **index}
        )
        self.installation = self._observation.installation
        self.warnings = self._observation.warnings
        self.refs: t.Dict[int, str] = {}
        self._view = view
        self._options = options
        self._database = database
        self._scratch = scratch
        self._deadline = deadline
        self._redactor = redactor
        self._made: t.Optional[Preparation] = None
        self._going: t.Optional[Removals] = None
        self._needed: t.Optional[Needed] = None
        self._asked = [
            Asked(request, latest=request.state == "latest")
            for request in options.requests
            if request.state != "absent"
        ]
        if options.lock:
            from .locked import Locking

            self._asked = Locking(options, self.warnings).of_task(self._asked)
        self._absent = [request for request in options.requests if request.state == "absent"]

    def at_rest(self) -> t.Optional[Plan]:
        """The plan when there is nothing to do, found without network and programs; C(None) when there may be."""
        if self._asked and self._options.verify == "content":
            return None
        resolution = Resolution()
        there: t.Dict[str, InstalledPack] = {}
        for asked in self._asked:
            pack = already_there(asked, self.installation)
            if pack is None:
                return None
            resolution.packs[pack.ref] = there[pack.ref] = pack
            resolution.asked.setdefault(pack.ref, []).append(asked)
        if self._options.dependencies != "skip" and self._lacks_dependencies(there):
            return None
        if self._options.signatures and not self._options.signatures.shown(resolution, self.installation):
            return None
        self._look(resolution)
        made = self._joined([self._plan_installed(pack, resolution) for pack in there.values()], resolution)
        return None if made.changed else made

    def make(self) -> Plan:
        """The plan, with everything it needs fetched into staging.

        :raises St2Error: when what is asked cannot be had or must not be installed; nothing has been changed then.
        """
        preparation = self._preparation()
        resolution = preparation.resolve(self._asked) if self._asked else Resolution()
        self.warnings += resolution.warnings
        self._look(resolution)
        staying = preparation.plans(resolution)
        return preparation.possible(self._joined(staying, resolution))

    def _look(self, resolution: Resolution) -> None:
        """Ask the database once for all packs."""
        going = [self._removals().ref_of(request) for request in self._absent]
        if self._options.dependencies != "skip" and any(map(_has_dependencies, resolution.packs.values())):
            from .needed import Needed

            self._needed = Needed(resolution.packs, self.installation)
        self._database.look([*resolution.packs, *(self._needed or ()), *filter(None, going)])
        self._observation.expect(resolution.packs)

    def _lacks_dependencies(self, packs: t.Mapping[str, InstalledPack]) -> bool:
        dependent = [pack for pack in packs.values() if dependencies_of(pack)]
        if not dependent:
            return False
        from .dependencies import Providers, missing

        return bool(missing(Providers(packs, self.installation), dependent))

    def _plan_installed(self, pack: InstalledPack, resolution: Resolution) -> PackPlan:
        self._observation.require_base_path(pack)
        facts = self._observation.facts_of(pack)
        policy = self._options.virtualenv
        return plan_installed(pack, facts, policy=policy, requested=resolution.requested(pack.ref))

    def _joined(self, staying: t.Sequence[PackPlan], resolution: Resolution) -> Plan:
        """The plan with what goes, which goes first: it may be in the way of what comes.

        :raises DependencyError: when something that stays, or comes, needs what is to go.
        """
        self.refs = {id(asked.request): ref for ref, found in resolution.asked.items() for asked in found}
        going: t.List[PackPlan] = []
        if self._absent or self._options.exclusive:
            removals = self._removals()
            going = removals.of_task(self._absent, resolution, staying)
            self.warnings += removals.warnings
        made = Plan((*going, *staying), self._database.types)
        if self._needed:
            made = made._replace(needed=self._needed.plans(self._database, self._options.virtualenv))
        return self._options.signatures.named(made) if self._options.signatures else made

    def stage(self, made: Plan) -> Staged:
        """Prepare everything aside."""
        return self._preparation().stage(made)

    def made_with(self, made: Plan) -> t.Dict[str, t.Dict[str, str]]:
        """As L(preparation.Preparation.made_with)."""
        return self._preparation().made_with(made) if self._made else {}

    def verify(self, made: Plan) -> None:
        """Read the packs again, and compare them with the plan.

        :raises VerifyError: naming what is different.
        """
        from .verify import verify

        verify(made, self._view.host.packs_base_paths, self._view.host.virtualenvs_path)
        directory = self.installation.directory(self._view.host.system_packs_path)
        if os.path.isdir(directory.blobs) or os.path.isdir(directory.plans):
            from .living import clean

            clean(self._view, directory)

    def verify_database(self, made: Plan) -> None:
        """With verify=database, read the resources of all packs that were registered, and compare them with the files.

        :raises VerifyError: naming what StackStorm does not have, or not as the files say.
        """
        if self._options.verify != "database" or self._database.lenient or not self._database.registrar.reads:
            return
        from .comparison import Comparison, verify_registered

        registered = [one.pack for one in made.telling.register]
        comparison = Comparison(View(self._view.host, self._view.staging), self._database, self._database.types)
        verify_registered(comparison, self._database, registered)

    def _preparation(self) -> Preparation:
        if self._made is None:
            from .preparation import Preparation

            self._made = Preparation(
                self._observation, scratch=self._scratch, deadline=self._deadline, redactor=self._redactor
            )
        return self._made

    def _removals(self) -> Removals:
        if self._going is None:
            from .removal import Removals

            self._going = Removals(self._observation)
        return self._going


def _has_dependencies(pack: Pack) -> bool:
    return bool(dependencies_of(pack) if isinstance(pack, InstalledPack) else pack.metadata.dependencies)
