# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a change of packs needs before it begins: packs that are fetched, plans of those that come, virtualenvs."""

from __future__ import annotations

import os
import typing as t

from .._change.planner import Staged
from .._content.installed import InstalledPack, dependencies_of
from .._content.origin import Resolved
from .._content.receipt import Contents, Receipt
from .._deadline import Deadline
from .._errors import DeadlineError, InvalidPackError, St2Error
from .._secrets import Redactor, strip_urls
from . import inspection, own_names, releases
from .candidate import Candidate, Wanted
from .dependencies import Pack, Providers, in_order, label
from .fetch import Fetcher
from .in_the_way import Displaced, displaced_by
from .observation import Observation
from .ownership import Ownership, resolve_ownership
from .plan import Facts, PackPlan, Plan, plan_installed
from .plan_candidate import plan_candidate
from .receipts import adopted, provided
from .resolution import Asked, Resolution
from .satisfaction import same_source, satisfied
from .upstream import Upstream
from .wording import few

if t.TYPE_CHECKING:
    from .._source.git_program import Git
    from .bundled import Blobs
    from .virtualenv_backend import Backend
    from .virtualenv_build import VirtualenvBuilder


class Preparation:
    """Fetches, plans and stages the packs of one task."""

    def __init__(self, observation: Observation, *, scratch: str, deadline: Deadline, redactor: Redactor) -> None:
        self._observation = observation
        self._host = observation.view.host
        self._installation = observation.installation
        self._options = observation.options
        self._staging = observation.view.staging
        self._scratch = scratch
        self._deadline = deadline
        self._redactor = redactor
        self._reached: t.Optional[Upstream] = None
        self._fetcher: t.Optional[Fetcher] = None
        self._building: t.Optional[VirtualenvBuilder] = None
        self._ownership = Ownership()
        self._blobs = self._of_bundle() if self._options.bundle else None

    def resolve(self, asked: t.Sequence[Asked]) -> Resolution:
        """What the requests of the task come to, fetched into staging.

        :raises St2Error: when what is asked cannot be had or must not be installed.
        """
        self._observation.database.choose()  # Where none can be had, nothing is fetched.
        directory = self._installation.directory(self._observation.base_path)
        staging = os.path.dirname(self._staging.path(directory.staging, "fetched", "any"))
        self._fetcher = self._upstream().fetcher(staging, self._blobs)
        resolution = self._upstream().resolver(self._installation, self._fetcher).resolve(asked)
        if self._options.signatures:
            from .proving import Prover

            Prover(
                self._options.signatures,
                self._fetcher,
                self._git(),
                deadline=self._deadline,
                environment=self._observation.environment,
            ).prove(resolution, self._installation)
        return resolution

    def plans(self, resolution: Resolution) -> t.List[PackPlan]:
        """The plans of the packs that are to be there: first what stays, then what comes, dependencies first."""
        made = {ref: self._plan(ref, pack, resolution) for ref, pack in resolution.packs.items()}
        for number, (ref, repair) in enumerate(made.items()):
            if repair.action == "repair" and repair.installed and not repair.installed.head:
                made[ref] = self._renewed(repair, number)
        order = in_order(
            resolution.candidates(), Providers(resolution.packs, self._installation, provided=resolution.provided)
        )
        return [made[ref] for ref in (*(ref for ref in made if ref not in order), *order)]

    def _plan(self, ref: str, pack: Pack, resolution: Resolution) -> PackPlan:
        installed = self._installation.get(ref)
        self._observation.require_base_path(installed)
        requested = resolution.requested(ref)
        if isinstance(pack, Candidate):
            return self._plan_candidate(pack, installed, requested, resolution)
        return self._plan_installed(pack, resolution, requested)

    def _plan_candidate(
        self,
        pack: Candidate,
        installed: t.Optional[InstalledPack],
        requested: t.Tuple[str, ...],
        resolution: Resolution,
    ) -> PackPlan:
        facts = self._observation.facts(pack, pack.staged, adopted=False)
        if installed:
            facts = facts._replace(contents=self._contents_of(installed), edits=self._work_in(installed))
            self._warn_of_other_source(pack, installed)
        known = self._observation.database.pack(pack.ref, installed, pack.staged)
        base_path = self._base_path_for(installed)
        displaced = self._displaced(base_path, pack.ref, label(pack))
        made = plan_candidate(
            pack,
            installed,
            facts._replace(known=known, displaced=displaced),
            policy=self._options.virtualenv,
            requested=requested,
            base_path=base_path,
            provided=provided(pack.metadata.dependencies, resolution.provided),
        )
        signed = self._signed(pack.ref)
        if signed and made.remembered:
            made = made._replace(remembered=made.remembered._replace(signed=signed))
        return self._keeping_work(made) if facts.edits else made

    def _signed(self, ref: str) -> t.Dict[str, str]:
        """Who vouches for a pack, where the task asks."""
        return self._options.signatures.signed.get(ref, {}) if self._options.signatures else {}

    def _work_in(self, pack: InstalledPack) -> t.Tuple[str, ...]:
        """What people did in a pack that another one replaces: edits and commits."""
        directory = self._installation.directory(pack.base_path)
        try:
            return inspection.edited_files(inspection.as_installed(pack, directory, self._git), directory, self._git)
        except DeadlineError:
            raise
        except St2Error as error:
            return (f"cannot be compared: {error.message}",)

    def _keeping_work(self, made: PackPlan) -> PackPlan:
        """The plan by which a pack is kept in which people worked, with the warning that says so."""
        before = made.before.short if made.before else ""
        directory = self._installation.directory(made.base_path)
        kept = releases.next_release(directory, made.ref, f"{before} {releases.WORK}")
        after = made.after.short if made.after else ""
        self._observation.warnings.append(
            f"{made.path} contains changes that are not upstream ({few(made.edits, 5)}). {made.ref} {after} replaces "
            f"it; it is kept as {os.path.join(kept, 'pack')}, which is never removed."
        )
        return made._replace(kept_work=kept)

    def _warn_of_other_source(self, pack: Candidate, installed: InstalledPack) -> None:
        source = pack.wanted.source
        if installed.source and not installed.link and not same_source(installed, source):
            self._observation.warnings.append(
                f"{label(pack)} from {strip_urls(source.url)} replaces {label(installed)} from "
                f"{strip_urls(installed.source.url)}."
            )

    def _plan_installed(self, pack: InstalledPack, resolution: Resolution, requested: t.Tuple[str, ...]) -> PackPlan:
        facts, stays = self._observation.facts_of(pack), pack
        if self._options.verify == "content" and not pack.is_system:
            facts, stays = self._look_for_edits(pack, facts)
        remembered = None
        proof = resolution.proven.get(pack.ref)
        if proof and (not satisfied(pack, proof.wanted.version) if pack.receipt else pack.head):
            resolved = proof.resolved._replace(asked=proof.wanted.version or "")
            remembered = adopted(pack, proof.wanted.source, resolved, dependencies_of(pack))
        if proof and proof.content and pack.receipt:
            remembered = remembered or (pack.receipt if pack.receipt.content != proof.content else None)
        if proof and remembered:
            remembered = remembered._replace(content=proof.content or remembered.content)
        learned = provided(dependencies_of(pack), resolution.provided)
        if learned and not remembered and pack.receipt:
            remembered = pack.receipt
        if learned and remembered:
            remembered = remembered._replace(provided={**remembered.provided, **learned})
        remembered = self._remembering_signers(pack, remembered)
        if facts.edits:
            self._displaced(pack.base_path, pack.ref, "what was installed there")
        if remembered or facts.edits:
            facts = facts._replace(contents=self._contents_of(stays))
        policy = self._options.virtualenv
        made = plan_installed(pack, facts, policy=policy, requested=requested, remembered=remembered, restored=stays)
        committed = any(edit.startswith(inspection.COMMITTED) for edit in facts.edits)
        return self._keeping_work(made) if committed else made

    def _remembering_signers(self, pack: InstalledPack, remembered: t.Optional[Receipt]) -> t.Optional[Receipt]:
        """The receipt that a pack gets, with who vouches for it where that is not in it."""
        known, signed = remembered or pack.receipt, self._signed(pack.ref)
        if known is None and pack.source and not pack.link:
            known = adopted(pack, pack.source, Resolved("commit", ""), dependencies_of(pack))
        if known is None or all(known.signed.get(policy) == signer for policy, signer in signed.items()):
            return remembered
        return known._replace(signed={**known.signed, **signed})

    def _look_for_edits(self, pack: InstalledPack, facts: Facts) -> t.Tuple[Facts, InstalledPack]:
        """The facts with the edits in them, and what undoing those makes of the pack."""
        directory = self._installation.directory(pack.base_path)
        known = inspection.as_installed(pack, directory, self._git)
        edits = inspection.edited_files(known, directory, self._git)
        if not edits:
            return facts, pack
        # What the files that are there now require says nothing about the ones that come back.
        fits = facts.virtualenv_fits and not any(edit.endswith(".txt") for edit in edits)
        facts = facts._replace(edits=edits, virtualenv_fits=fits)
        return facts, inspection.restored(known, edits, self._git)

    def _renewed(self, repair: PackPlan, number: int) -> PackPlan:
        """A pack without a repository of its own is repaired from where it came from."""
        installed = repair.installed
        receipt = installed.receipt if installed else None
        if self._fetcher is None or receipt is None:
            return repair
        candidate = self._fetcher.fetch(Wanted(receipt.source, receipt.commit or None, repair.ref), 10_000 + number)
        if candidate.digest != receipt.digest:
            raise InvalidPackError(
                f"{repair.ref} was edited ({', '.join(repair.edits[:5])}), and its source "
                f"{receipt.source.url} is not what "
                "was installed any more. Ask for it with state=latest to take what is there now.",
                ref=repair.ref,
            )
        # The request is still what it was asked as.
        return repair._replace(candidate=candidate, contents_after=candidate.contents)

    def possible(self, made: Plan) -> Plan:
        """The plan again, once nothing is in the way of it.

        :raises InvalidPackError: when two packs would have one name.
        :raises HostError: when something has the place of a virtualenv.
        :raises VirtualenvError: when what shall make one is not there.
        :raises OptionError: when the account that is to own them is not there.
        """
        own_names.require_own_names(made.packs, self._installation)
        self._look_for_what_is_in_the_way(made.packs)
        if any(pack.action not in ("none", "remove") for pack in made.packs):
            host, options = self._host, self._options
            self._ownership, warnings = resolve_ownership(options.owner, options.group, host.pack_group)
            self._observation.warnings += warnings
        return self._with_signed_needs(made) if self._options.signatures else made

    def _with_signed_needs(self, made: Plan) -> Plan:
        """The plan by which it is remembered who vouches for what packs need, and that is there already."""
        adopting: t.List[PackPlan] = []
        for need in made.needed:
            pack = self._installation.get(need.ref)
            remembered = self._remembering_signers(pack, None) if pack else None
            if pack and remembered:
                contents = self._contents_of(pack)
                adopting.append(
                    need._replace(
                        action="adopt",
                        installed=pack,
                        remembered=remembered,
                        contents_before=contents,
                        contents_after=contents,
                    )
                )
        refs = {need.ref for need in adopting}
        needed = tuple(need for need in made.needed if need.ref not in refs)
        return made._replace(packs=(*made.packs, *adopting), needed=needed)

    def _look_for_what_is_in_the_way(self, plans: t.Iterable[PackPlan]) -> None:
        """See that there is room for what the plans put in place, and say what is moved away for it."""
        virtualenvs = self._observation.virtualenvs
        plans = list(plans)
        if self._blobs and not self._staging.elsewhere:
            self._blobs.expect_packages(made.ref for made in plans if made.builds_virtualenv)
        for made in plans:
            if made.builds_virtualenv:
                from .._content.obstacle import require_own_place

                self._backend()  # One that was asked for and is not there is found before anything is built.
                if made.pins and made.pins.problem:
                    from .locked_wheels import without_pins

                    self._observation.warnings.append(without_pins(made, self._options))

                place = virtualenvs.virtualenv(made.ref)
                require_own_place(place, virtualenvs.now(place), "virtualenv", made.ref)
            if made.displaced and made.after:
                self._observation.warnings.append(
                    f"{made.path} is {made.displaced.text}. It makes room for {made.ref} {made.after.version}, and is "
                    f"kept as {made.displaced.kept}."
                )

    def stage(self, made: Plan) -> Staged:
        """Prepare everything aside."""
        from .stage import Tools, stage

        tools = Tools(self._staging, self._builder, self._git, self._ownership, self._options.keep_releases)
        try:
            moves = stage(made, self._installation, self._observation.virtualenvs, tools)
        finally:
            self._observation.warnings += self._building.warnings if self._building else []
        return Staged(moves, (), made.telling, tuple(pack.ref for pack in made.packs if pack.purges))

    def made_with(self, made: Plan) -> t.Dict[str, t.Dict[str, str]]:
        """What makes the virtualenvs of a plan, or made them, by the ref of the pack: backend and Python."""
        building = [pack.ref for pack in made.packs if pack.builds_virtualenv]
        if not building:
            return {}
        settings = self._observation.settings
        python = self._observation.interpreters.look(settings.python)
        built = self._building
        backend = built.backend if built else self._backend().name
        return {
            ref: {
                "virtualenv_backend": "pip" if built and built.fell_back(ref) else backend,
                "virtualenv_python": f"{python.version} ({python.path})",
            }
            for ref in building
        }

    def _of_bundle(self) -> Blobs:
        from .bundled import blobs_of

        return blobs_of(self._observation, self._scratch)

    def _upstream(self) -> Upstream:
        if self._reached is None:
            self._reached = Upstream(
                self._host,
                self._options,
                scratch=self._scratch,
                deadline=self._deadline,
                environment=self._observation.environment,
                redactor=self._redactor,
                warnings=self._observation.warnings,
                keeps=not self._staging.elsewhere,
                runners=self._runners,
            )
        return self._reached

    def _runners(self) -> t.Optional[t.FrozenSet[str]]:
        from .._st2.runners import known_runners

        return known_runners(self._observation.database.registrar, self._host)

    def _git(self) -> Git:
        return self._upstream().git()

    def _backend(self) -> Backend:
        from .virtualenv_backend import choose_backend

        observation = self._observation
        backend = choose_backend(
            self._options.virtualenv_backend,
            observation.settings,
            self._host.virtualenv_binary,
            observation.environment,
        )
        wheels = self._blobs.wheels_directory() if self._blobs else self._options.wheels_directory
        return backend.from_directory(wheels) if wheels else backend

    def _builder(self) -> VirtualenvBuilder:
        from .virtualenv_build import VirtualenvBuilder

        observation = self._observation
        self._building = VirtualenvBuilder(
            observation.virtualenvs,
            self._backend(),
            observation.interpreters.look(observation.settings.python),
            staging=self._staging,
            deadline=self._deadline,
            environment=self._upstream().proxy.apply_to(observation.environment),
            redactor=self._redactor,
        )
        return self._building

    def _displaced(self, base_path: str, ref: str, asked: str) -> t.Optional[Displaced]:
        return displaced_by(self._installation.directory(base_path), ref, asked)

    def _base_path_for(self, installed: t.Optional[InstalledPack]) -> str:
        if installed is None or self._options.base_path:
            return self._observation.base_path
        return installed.base_path

    def _contents_of(self, pack: InstalledPack) -> Contents:
        return inspection.contents_of(pack, self._installation.directory(pack.base_path))
