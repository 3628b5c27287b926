# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Plans of packs that are to go: those that a task names, and with C(exclusive) all that none of it needs."""

from __future__ import annotations

import os
import typing as t

from .._change.known import ABSENT, UNKNOWN, KnownPack
from .._content.installed import InstalledPack
from .._content.origin import source_of
from .._content.request import PackRequest
from .._content.versions import same_version
from .._errors import DependencyError, InvalidPackError, OptionError
from . import in_the_way, inspection
from .dependants import check_removal, needed_by
from .observation import Observation
from .own_source import pack_at_source
from .plan import Facts, PackPlan, state_of
from .resolution import Resolution
from .satisfaction import satisfied
from .unloading import made_by_hand, rules_without_trigger, what_goes_along, what_remains
from .virtualenv import observe_virtualenv

# StackStorm puts there what people make without naming a pack (st2common/constants/pack.py DEFAULT_PACK_NAME).
_DEFAULT_PACK = "default"


class Removals:
    """Plans removals on one host.

    :ivar warnings: What the person who wrote the task should know.
    """

    def __init__(self, observation: Observation) -> None:
        self.warnings: t.List[str] = []
        self._view = observation.view
        self._installation = observation.installation
        self._database = observation.database
        self._options = observation.options
        self._base_path = observation.base_path
        self._purge = observation.options.purge

    def of_task(
        self, absent: t.Iterable[PackRequest], resolution: Resolution, staying: t.Sequence[PackPlan]
    ) -> t.List[PackPlan]:
        """The plans of all that is to go.

        :arg absent: What the task names to be absent.
        :arg resolution: What is to be there.
        :arg staying: The plans of that.
        :raises DependencyError: when something that stays, or comes, needs what is to go.
        """
        going = self._of_requests(absent)
        going = [made for made in going if made.after is None or made.ref not in resolution.packs]
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
            going += self._of_others(needed_by(resolution.packs, self._installation) | refs)
        elif refs and self._options.dependencies != "skip":
            check_removal(sorted(refs), self._installation, resolution.packs)
        self._check_rules(going, staying)
        self.warnings += rules_without_trigger(self._database, going)
        return going

    def _of_requests(self, requests: t.Iterable[PackRequest]) -> t.List[PackPlan]:
        """The plans of packs that a task names.

        :raises OptionError: for one of StackStorm's own packs.
        """
        wanted: t.Dict[t.Tuple[str, str], t.List[PackRequest]] = {}
        for request in requests:
            ref = self.ref_of(request)
            wanted.setdefault((ref, "" if ref else request.requested), []).append(request)
        self._database.expect(resources=[ref for ref, _text in wanted if ref])
        found: t.List[PackPlan] = []
        for (ref, _text), asked in wanted.items():
            installed = self._installation.get(ref) if ref else None
            texts = [request.requested for request in asked]
            if installed and not installed.is_system and all(_is_another(installed, request) for request in asked):
                known = self._database.pack(ref, installed)
                found.append(plan_other_version(installed, known, tuple(dict.fromkeys(texts))))
            else:
                found += self._of_pack(ref, texts)
        return found

    def ref_of(self, request: PackRequest) -> str:
        """The ref of the pack that a request means; empty for a source that no installed pack came from."""
        if request.expected_ref or not request.source:
            return request.expected_ref or ""
        source = source_of(request.source, request.subdir or "")
        own = pack_at_source(request, self._installation)
        pack = own or self._installation.by_source(source.url, source.subdir)
        return pack.ref if pack else ""

    def _of_others(self, needed: t.Container[str]) -> t.List[PackPlan]:
        """The plans of all installed packs that are not needed, but those that stay whatever a task says.

        :arg needed: The refs that the task names, or that these depend on.
        """
        found: t.List[PackPlan] = []
        others = [pack for pack in self._installation.all() if pack.ref not in needed and not pack.is_system]
        self._database.expect(resources=[pack.ref for pack in others])
        for pack in others:
            why = self._why_it_stays(pack)
            if why:
                self.warnings.append(f"{pack.ref} is not among the packs of this task and stays (exclusive): {why}.")
            else:
                found += self._of_pack(pack.ref, ())
        return found

    def _check_rules(self, going: t.Iterable[PackPlan], staying: t.Iterable[PackPlan]) -> None:
        """Refuse to unload a pack while another is to be there whose rules wait for its triggers: StackStorm would have
        those without a trigger, and could not register them (st2common/services/triggers.py
        create_trigger_db_from_rule).

        :raises DependencyError: naming the packs and the rules.
        """
        refs = {made.ref for made in going if made.registration == "unload"}
        if not refs:
            return
        waiting = {made.ref: rules for made in staying for rules in (_rules_waiting_for(refs, made),) if rules}
        if waiting:
            told = "; ".join(f"{ref}: {', '.join(rules)}" for ref, rules in waiting.items())
            raise DependencyError(
                f"{', '.join(sorted(refs))} is to be absent, but rules of packs that are to be present wait for its "
                f"triggers ({told}), and StackStorm does not register a rule whose trigger it does not have. Nothing "
                "was changed: keep the pack, or remove those with it.",
                ref=next(iter(waiting)),
            )

    def _why_it_stays(self, pack: InstalledPack) -> str:
        if pack.ref == _DEFAULT_PACK:
            return "StackStorm stores resources without a pack there"
        if pack.base_path != self._base_path:
            return f"it is in {pack.base_path}, not in {self._base_path}"
        from .._content.obstacle import obstacle

        found = obstacle(pack.location)
        if found:
            return f"{pack.path} is {found.text}"
        made = made_by_hand(self._database, pack.ref)
        return f"people made {made} in it by hand" if made else ""

    def _of_pack(self, ref: str, asked: t.Sequence[str]) -> t.Iterator[PackPlan]:
        """The removal of a pack, and of its copies in later base paths: without the first, StackStorm would run those.

        :arg ref: Empty for a source that no installed pack came from.
        :raises HostError: for what is never removed.
        """
        requested = tuple(dict.fromkeys(asked))
        installed = self._installation.get(ref) if ref else None
        if installed and installed.is_system:
            raise OptionError(
                f"{ref} is one of StackStorm's own packs and is never removed. Remove it from the list.", ref=ref
            )
        facts = Facts(purges=self._purge)
        if ref:
            facts = facts._replace(virtualenv=observe_virtualenv(self._view.virtualenvs, ref).health)
            facts = facts._replace(known=self._database.pack(ref, None))
            if self._purge:
                directories = self._installation.directories
                found = inspection.leftovers(ref, self._view.host, directories, self._view.now)
                facts = facts._replace(leftovers=found)
            self._check_leftovers(ref, facts.leftovers)
            self.warnings += what_remains(ref, facts.known)
            if installed is None:
                self._warn_of_what_is_no_pack(ref)
        copies = self._installation.shadowed(ref) if installed else []
        for pack in (installed, *copies):
            if pack:
                directory = self._installation.directory(pack.base_path)
                in_the_way.check_removal(directory, ref)
                contents = inspection.contents_of(pack, directory)
                facts = facts._replace(contents=contents)
            made = plan_removal(ref, pack, facts, requested=requested, base_path=self._base_path)
            if made.registration == "unload" and pack is installed:
                self.warnings += what_goes_along(self._database, ref)
            yield made
            facts = Facts(known=facts.known, purges=self._purge)

    def _check_leftovers(self, ref: str, leftovers: t.Sequence[t.Tuple[str, str]]) -> None:
        for kind, path in leftovers:
            if kind == "releases":
                continue
            from .._content.obstacle import require_own_place

            require_own_place(path, self._view.now(path), kind, ref)

    def _warn_of_what_is_no_pack(self, ref: str) -> None:
        for directory in self._installation.directories:
            if not os.path.lexists(directory.now(directory.pack(ref))):
                continue
            from .._content.obstacle import obstacle

            found = obstacle(directory.now(directory.pack(ref)))
            if found:
                self.warnings.append(f"{directory.pack(ref)} is {found.text}: it is not a pack, and stays.")


def plan_removal(
    ref: str, installed: t.Optional[InstalledPack], facts: Facts, *, requested: t.Tuple[str, ...], base_path: str
) -> PackPlan:
    """What happens to a pack that shall not be there."""
    registration = deregistration(facts.known)
    action = "remove" if installed else "purge" if facts.leftovers else "unload" if registration == "unload" else "none"
    purged = any(kind == "virtualenv" for kind, _path in facts.leftovers)
    return PackPlan(
        ref=ref,
        name=installed.name if installed else ref,
        action=action,
        virtualenv="removed" if purged else "none" if facts.virtualenv == "absent" else "kept",
        base_path=installed.base_path if installed else base_path,
        before=state_of(installed) if installed else None,
        after=None,
        requested=requested,
        contents_before=facts.contents,
        leftovers=facts.leftovers,
        installed=installed,
        purges=facts.purges,
        registration=registration,
        known=facts.known,
    )


def plan_other_version(installed: InstalledPack, known: KnownPack, requested: t.Tuple[str, ...]) -> PackPlan:
    """Nothing happens to a pack of which another version than this one shall not be there."""
    state = state_of(installed)
    return PackPlan(
        ref=installed.ref,
        name=installed.name,
        action="none",
        virtualenv="kept",
        base_path=installed.base_path,
        before=state,
        after=state,
        requested=requested,
        installed=installed,
        remembered=installed.receipt,
        known=known,
    )


def _is_another(installed: InstalledPack, request: PackRequest) -> bool:
    """Whether a request names a version that an installed pack is not."""
    version = request.version
    return (
        bool(version) and not satisfied(installed, version) and not same_version(version or "", installed.version or "")
    )


def deregistration(known: KnownPack) -> str:
    if not known.tells or known.state == UNKNOWN:
        return "skipped"
    if known.state == ABSENT:
        return "current"
    return "unload" if known.unloads else "stays"


def _rules_waiting_for(refs: t.Container[str], made: PackPlan) -> t.List[str]:
    """The rules in the files that a pack will have, that wait for triggers of these packs."""
    if made.installed and made.installed.is_system:
        return []
    from .._content.resources import resource_files
    from .._yaml_file import load_yaml

    location = made.candidate.staged if made.candidate else made.installed.location if made.installed else ""
    found: t.List[str] = []
    try:
        paths = resource_files(location, "rules")
    except OSError:
        return found
    for path in paths:
        try:
            rule = load_yaml(os.path.join(location, path), shown=path)
            kind, name = rule["trigger"]["type"], str(rule["name"])
        except (InvalidPackError, LookupError, TypeError):
            continue  # StackStorm cannot register it, which shows when that is tried.
        if isinstance(kind, str) and kind.partition(".")[0] in refs:
            found.append(name)
    return found
