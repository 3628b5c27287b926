# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""From options to the plan of packs: what is asked is resolved, what is there is looked at, and both are joined."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from .._change.database import Database
from .._change.session import Staged, View
from .._change.telling import KnownPack
from .._content.installed import InstalledPack, dependencies_of
from .._content.receipt import Contents
from .._deadline import Deadline
from .._errors import DependencyError, InvalidPackError, OptionError
from .._layout import SYSTEM_PACKS, PacksDirectory
from .._secrets import Redactor, url_secrets
from . import dependencies, plan
from .candidate import Candidate, Wanted
from .options import Options
from .removal import Removals
from .resolution import Asked, Resolution, already_there
from .satisfaction import satisfied
from .virtualenv import Interpreters, Settings, may_stay, observe_virtualenv

if t.TYPE_CHECKING:
    from .._source.git_program import Git
    from .comparison import Comparison
    from .fetch import Fetcher
    from .upstream import Upstream
    from .virtualenv_build import VirtualenvBuilder


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
        host = view.host
        self.installation = view.installation
        self.virtualenvs = view.virtualenvs
        self.warnings = [warning for request in options.requests for warning in request.warnings]
        self._database = database
        self._host = host
        self._options = options
        self._base_path = base_path
        self._staging = view.staging
        self._view = view
        self._comparison: t.Optional[Comparison] = None
        self._scratch = scratch
        self._deadline = deadline
        self._redactor = redactor
        for secret in url_secrets([*host.index_urls, *host.pip_opts]):
            redactor.add(secret)
        self._environment = self._with_index(environment)
        self._reached: t.Optional[Upstream] = None
        self._settings = Settings(
            host.python_binary, host.virtualenv_opts, (*host.pip_opts, *options.pip_args), host.st2_site_packages
        )
        self._interpreters = Interpreters(deadline, self._environment)
        self._asked = [
            Asked(request, latest=request.state == "latest")
            for request in options.requests
            if request.state != "absent"
        ]
        self._absent = [request for request in options.requests if request.state == "absent"]
        self._removals = Removals(view, self.installation, database, base_path=base_path, purge=options.purge)
        self.refs: t.Dict[int, str] = {}

    def at_rest(self) -> t.Optional[plan.Plan]:
        """The plan when there is nothing to do, found without network and programs; C(None) when there may be."""
        if self._asked and self._options.verify == "content":
            return None
        resolution = Resolution()
        for asked in self._asked:
            pack = already_there(asked, self.installation)
            if pack is None:
                return None
            resolution.packs[pack.ref] = pack
            resolution.asked.setdefault(pack.ref, []).append(asked)
        self._database.look([*resolution.packs, *filter(None, map(self._removals.ref_of, self._absent))])
        self._expect(resolution)
        if self._options.dependencies != "skip":
            providers = dependencies.Providers(resolution.packs, self.installation)
            if dependencies.missing(providers, resolution.packs.values()):
                return None
        made = self._plan_of(
            [self._plan_present(ref, pack, resolution) for ref, pack in resolution.packs.items()], resolution
        )
        return None if made.changed else made

    def make(self) -> plan.Plan:
        """The plan, with everything it needs fetched into staging.

        :raises St2Error: when what is asked cannot be had or must not be installed; nothing has been changed then.
        """
        resolution, fetcher = Resolution(), None
        if self._asked:
            fetcher = self._fetcher()
            resolution = self._upstream().resolver(self.installation, fetcher).resolve(self._asked)
        self.warnings += resolution.warnings
        self._database.look([*resolution.packs, *filter(None, map(self._removals.ref_of, self._absent))])
        self._expect(resolution)
        made = {ref: self._plan_present(ref, pack, resolution) for ref, pack in resolution.packs.items()}
        for number, (ref, pack_plan) in enumerate(made.items()):
            if fetcher and pack_plan.action == "repair" and pack_plan.installed and not pack_plan.installed.head:
                made[ref] = self._plan_renewal(pack_plan, fetcher, number)
        providers = dependencies.Providers(resolution.packs, self.installation)
        order = dependencies.in_order(resolution.candidates(), providers)
        rest = [ref for ref in made if ref not in order]
        return self._plan_of([made[ref] for ref in (*rest, *order)], resolution)

    def _plan_of(self, staying: t.Sequence[plan.PackPlan], resolution: Resolution) -> plan.Plan:
        """The plan with what goes, which goes first: it may be in the way of what comes.

        :raises DependencyError: when something that stays, or comes, needs what is to go.
        """
        self.refs = {id(asked.request): ref for ref, found in resolution.asked.items() for asked in found}
        going = self._removals.of_requests(self._absent)
        both = [made.ref for made in going if made.ref in resolution.packs]
        if both:
            askers = ", ".join(sorted({asked.asker for ref in both for asked in resolution.asked[ref]}))
            raise DependencyError(
                f"{', '.join(both)} is to be absent, but {askers} asks for it. Nothing was changed: take it off the "
                "list, or set its state to present.",
                ref=both[0],
            )
        refs = {made.ref for made in going if made.action == "remove"}
        if self._options.exclusive:
            needed = dependencies.needed_by(resolution.packs, self.installation)
            going += self._removals.of_others(needed | refs)
        elif refs and self._options.dependencies != "skip":
            dependencies.check_removal(sorted(refs), self.installation, resolution.packs)
        self._removals.warn_of_waiting_rules(going)
        self.warnings += self._removals.warnings
        for made in staying:
            self._look_for_what_is_in_the_way(made)
        return plan.Plan((*going, *staying), self._database.types)

    def _expect(self, resolution: Resolution) -> None:
        """Let the database be asked once for what is looked at of all packs."""
        compares = self._options.verify == "database"
        if compares or self._options.prune:
            refs = [ref for ref in resolution.packs if ref not in SYSTEM_PACKS]
            self._database.expect(resources=refs, configs=refs if compares else ())
        if compares and refs and not self._database.registrar.reads:
            self.warnings.append(
                "verify=database could compare nothing: only StackStorm's API tells what its database has. Give "
                "register=api with api_key, auth_token, or api_username and api_password."
            )

    def _compared(self, ref: str, location: str, known: KnownPack) -> KnownPack:
        if self._options.verify != "database" or not self._database.registrar.reads:
            return known
        if self._comparison is None:
            from .comparison import Comparison

            self._comparison = Comparison(self._view, self._database, self._database.types)
        known = self._comparison.known(ref, location, known)
        self.warnings += self._comparison.warnings
        return known

    def verify_database(self, made: plan.Plan) -> None:
        """With verify=database, read the resources of all packs that were registered, and compare them with the files.

        :raises VerifyError: naming what StackStorm does not have, or not as the files say.
        """
        if self._options.verify != "database" or self._database.lenient or not self._database.registrar.reads:
            return
        from .comparison import Comparison, verify_registered

        registered = [pack for pack in made.packs if pack.registration == "register"]
        comparison = Comparison(View(self._host, self._staging), self._database, self._database.types)
        verify_registered(comparison, self._database, registered)

    def _displaced(self, base_path: str, ref: str, label: str) -> t.Optional[plan.Displaced]:
        from .in_the_way import displaced_by

        return displaced_by(self.installation.directory(base_path), ref, label)

    def _look_for_what_is_in_the_way(self, made: plan.PackPlan) -> None:
        if made.builds_virtualenv:
            from .._content.obstacle import require_own_place

            place = self.virtualenvs.virtualenv(made.ref)
            require_own_place(place, self.virtualenvs.now(place), "virtualenv", made.ref)
        if made.displaced and made.after:
            self.warnings.append(
                f"{made.path} is {made.displaced.text}. It makes room for {made.ref} {made.after.version}, and is kept "
                f"as {made.displaced.kept}."
            )

    def stage(self, made: plan.Plan) -> Staged:
        """Prepare everything aside."""
        from .ownership import resolve_ownership
        from .stage import Tools, stage

        ownership, warnings = resolve_ownership(self._options.owner, self._options.group, self._host.pack_group)
        self.warnings += warnings
        tools = Tools(self._staging, self._builder, self._git, ownership, self._options.keep_releases)
        return Staged(stage(made, self.installation, self.virtualenvs, tools), (), made.telling)

    def verify(self, made: plan.Plan) -> None:
        """Read the packs again, and compare them with the plan.

        :raises VerifyError: naming what is different.
        """
        from .verify import verify

        verify(made, self._host.packs_base_paths, self._host.virtualenvs_path)

    def _plan_present(self, ref: str, pack: t.Union[Candidate, InstalledPack], resolution: Resolution) -> plan.PackPlan:
        requested = tuple(dict.fromkeys(asked.request.requested for asked in resolution.asked[ref]))
        policy = self._options.virtualenv
        installed = self.installation.get(ref)
        self._check_base_path(installed)
        if isinstance(pack, Candidate):
            facts = self._facts(ref, pack.staged, adopted=False)
            if installed:
                directory = self.installation.directory(installed.base_path)
                facts = replace(facts, contents=_contents_of(installed, directory))
            facts = replace(facts, known=self._database.pack(ref, installed, pack.staged))
            base_path = self._base_path_for(installed)
            facts = replace(facts, displaced=self._displaced(base_path, ref, dependencies.label(pack)))
            return plan.plan_candidate(pack, installed, facts, policy=policy, requested=requested, base_path=base_path)
        directory = self.installation.directory(pack.base_path)
        facts = self._facts(ref, pack.location, adopted=pack.receipt is None or pack.receipt.adopted)
        stays = pack
        if self._options.verify == "content" and not pack.is_system:
            facts, stays = self._look_for_edits(pack, facts)
        if not pack.is_system:
            known = self._compared(ref, pack.location, self._database.pack(ref, pack, pack.location))
            facts = replace(facts, known=known)
        remembered = None
        proof = resolution.proven.get(ref)
        if proof and (not satisfied(pack, proof.wanted.version) if pack.receipt else pack.head):
            resolved = replace(proof.resolved, asked=proof.wanted.version or "")
            remembered = plan.adopted(pack, proof.wanted.source, resolved, dependencies_of(pack))
        if facts.edits:
            self._displaced(pack.base_path, ref, "what was installed there")
        if remembered or facts.edits:
            facts = replace(facts, contents=_contents_of(stays, directory))
        return plan.plan_installed(
            pack, facts, policy=policy, requested=requested, remembered=remembered, restored=stays
        )

    def _look_for_edits(self, pack: InstalledPack, facts: plan.Facts) -> t.Tuple[plan.Facts, InstalledPack]:
        """The facts with the edits in them, and what undoing those makes of the pack."""
        from . import inspection

        directory = self.installation.directory(pack.base_path)
        known = inspection.as_installed(pack, directory)
        edits = inspection.edited_files(known, directory, self._git)
        if not edits:
            return facts, pack
        # What the files that are there now require says nothing about the ones that come back.
        fits = facts.virtualenv_fits and not any(edit.endswith(".txt") for edit in edits)
        facts = replace(facts, edits=edits, virtualenv_fits=fits)
        return facts, inspection.restored(known, edits, self._git)

    def _plan_renewal(self, repair: plan.PackPlan, fetcher: Fetcher, number: int) -> plan.PackPlan:
        """A pack without a repository of its own is repaired from where it came from."""
        installed = repair.installed
        receipt = installed.receipt if installed else None
        if installed is None or receipt is None:
            return repair
        candidate = fetcher.fetch(Wanted(receipt.source, receipt.commit or None, repair.ref), 10_000 + number)
        if candidate.digest != receipt.digest:
            raise InvalidPackError(
                f"{repair.ref} was edited ({', '.join(repair.edits[:5])}), and its source "
                f"{receipt.source.url} is not what "
                "was installed any more. Ask for it with state=latest to take what is there now.",
                ref=repair.ref,
            )
        # The request is still what it was asked as.
        return replace(repair, candidate=candidate, contents_after=candidate.contents)

    def _check_base_path(self, installed: t.Optional[InstalledPack]) -> None:
        if installed and self._options.base_path and installed.base_path != self._base_path:
            raise OptionError(
                f"base_path asks for {installed.ref} in {self._base_path}, but it is in {installed.base_path}. "
                "Packs are not moved from one to the other: remove it there first (state=absent).",
                ref=installed.ref,
            )

    def _base_path_for(self, installed: t.Optional[InstalledPack]) -> str:
        if installed is None or self._options.base_path:
            return self._base_path
        return installed.base_path

    def _facts(self, ref: str, location: str, *, adopted: bool) -> plan.Facts:
        virtualenv = observe_virtualenv(self.virtualenvs, ref)
        if self._options.virtualenv == "never" or virtualenv.health == "absent":
            return plan.Facts(virtualenv=virtualenv.health)
        fits = may_stay(virtualenv, self._settings, self._interpreters, location, adopted=adopted)
        return plan.Facts(virtualenv=virtualenv.health, virtualenv_fits=fits)

    def _upstream(self) -> Upstream:
        if self._reached is None:
            from .upstream import Upstream

            self._reached = Upstream(
                self._host,
                self._options,
                scratch=self._scratch,
                deadline=self._deadline,
                environment=self._environment,
                redactor=self._redactor,
            )
            self.warnings += self._reached.warnings
        return self._reached

    def _git(self) -> Git:
        return self._upstream().git()

    def _fetcher(self) -> Fetcher:
        staging = self.installation.directory(self._base_path).staging
        return self._upstream().fetcher(os.path.dirname(self._staging.path(staging, "fetched", "any")))

    def _builder(self) -> VirtualenvBuilder:
        from .virtualenv_backend import choose_backend
        from .virtualenv_build import VirtualenvBuilder

        backend = choose_backend(
            self._options.virtualenv_backend, self._settings, self._host.virtualenv_binary, self._environment
        )
        return VirtualenvBuilder(
            self.virtualenvs,
            backend,
            self._interpreters.look(self._settings.python),
            staging=self._staging,
            deadline=self._deadline,
            environment=self._upstream().proxy.apply_to(self._environment),
            redactor=self._redactor,
        )

    def _with_index(self, environment: t.Mapping[str, str]) -> t.Dict[str, str]:
        if self._options.pip_index_url:
            return {**environment, "PIP_INDEX_URL": self._options.pip_index_url}
        return dict(environment)


def _contents_of(pack: InstalledPack, directory: PacksDirectory) -> Contents:
    from .inspection import contents_of

    return contents_of(pack, directory)
