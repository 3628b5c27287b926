# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Resolve: from requests to exact packs. The only room that may use the network before the plan.

What is installed and right already is taken as it is, without the network and without git.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import Future, ThreadPoolExecutor

from .._content.address import normal_url
from .._content.installed import Installation, InstalledPack
from .._content.origin import Resolved, Source, source_of
from .._content.request import ALL, PackRequest, source_for
from .._content.versions import is_lower, same_version, tag_candidates
from .._errors import Collected, DependencyError, InvalidPackError, OptionError, SourceError, St2Error
from .._process import ProgramError
from .._secrets import Credentials, strip_urls
from . import dependencies
from .candidate import Candidate, Proof, Wanted
from .dependants import check_dependants
from .fetch import Fetcher
from .in_the_way import check_asked, check_replaceable
from .resolution import TASK, Asked, Resolution, already_there, has_content, particular
from .satisfaction import is_latest, pinned, same_source

if t.TYPE_CHECKING:
    from .._source.index import IndexEntry, Indexes
    from .locked import Locking

_PARALLEL = 6
Got = t.Tuple[dependencies.Pack, t.Optional[Resolved]]


class Resolver:
    """Resolves the requests of one task.

    :arg indexes: Fetches the indexes, when a short name has to be looked up.
    :arg strict: Whether a name may come from an index of lower priority while a higher one cannot be read.
    :arg policy: What to do about dependencies: C(install), C(check) or C(skip).
    :arg trust: Told the repositories that the index names, and the credentials in them.
    :arg allow_downgrade: Whether the latest version may be a lower one than is installed.
    :arg locking: Says what a lock has for dependencies.
    """

    def __init__(
        self,
        installation: Installation,
        fetcher: Fetcher,
        indexes: t.Callable[[], Indexes],
        *,
        strict: bool = True,
        policy: str = "install",
        trust: t.Callable[[str, Credentials], None] = lambda _url, _credentials: None,
        allow_downgrade: bool = False,
        locking: t.Optional[Locking] = None,
    ) -> None:
        self._installation = installation
        self._fetcher = fetcher
        self._fetch_indexes = indexes
        self._indexes: t.Optional[Indexes] = None
        self._strict = strict
        self._policy = policy
        self._trust = trust
        self._allow_downgrade = allow_downgrade
        self._locking = locking
        self._number = 0
        self._sought: t.Set[dependencies.Need] = set()
        self._restored: t.Dict[str, t.Optional[Candidate]] = {}
        self._contents: t.Dict[str, str] = {}

    def resolve(self, requests: t.Sequence[Asked]) -> Resolution:
        """The packs that the requests mean, with everything those depend on.

        :raises St2Error: for all requests that cannot be met; nothing has been changed then.
        """
        resolution = Resolution()
        pending = list(self._single(requests))
        while pending:
            self._resolve_round(pending, resolution)
            pending = self._missing(resolution)
        if self._policy != "skip" and any(self._installation.get(ref) for ref in resolution.candidates()):
            check_dependants(resolution.packs, self._installation)
        return resolution

    def _single(self, requests: t.Iterable[Asked]) -> t.Iterator[Asked]:
        """The requests, with one for each installed pack in place of one for all."""
        for asked in requests:
            if asked.request.name != ALL:
                yield asked
                continue
            from .all_installed import latest_of_all

            yield from latest_of_all(self._installation, self._listed)

    def _listed(self, ref: str) -> t.Optional[IndexEntry]:
        """What the indexes say of a pack; C(None) where all of them are read and none lists it."""
        indexes = self._read_indexes()
        unread = any(status.error for status in indexes.statuses)
        return indexes.lookup(ref, strict=self._strict) if ref in indexes.entries or (unread and self._strict) else None

    def _read_indexes(self) -> Indexes:
        if self._indexes is None:
            self._indexes = self._fetch_indexes()
        return self._indexes

    def _resolve_round(self, pending: t.Sequence[Asked], resolution: Resolution) -> None:
        """Find one pack for each request; what cannot be had of all of them is said at once."""
        collected = Collected()
        askers: t.Dict[Wanted, t.List[Asked]] = {}
        for asked in pending:
            with collected.one(asked.request.expected_ref):
                there = already_there(asked, self._installation)
                if there is None:
                    check_asked(asked, self._installation)
                pack = there or self._new_enough(asked) or self._from_release(asked)
                if pack:
                    self._accept(resolution, asked, pack)
                else:
                    askers.setdefault(self._wanted(asked), []).append(asked)
        numbered = [(wanted, self._number + position) for position, wanted in enumerate(askers)]
        self._number += len(numbered)
        self._fetcher.expect([wanted for wanted, _number in numbered])
        for (wanted, _number), getting in zip(numbered, self._get_all(numbered, askers)):
            with collected.one(wanted.ref):
                pack, resolved = getting.result()
                pack = self._not_lower(pack, askers[wanted], resolution)
                for asked in askers[wanted]:
                    if not self._is_known(asked, pack, resolution):
                        self._accept(resolution, asked, pack)
                if pack.ref not in resolution.packs:
                    continue
                if resolved:
                    resolution.proven[pack.ref] = Proof(wanted, resolved, self._contents.get(pack.ref, ""))
                if isinstance(pack, Candidate):
                    resolution.warnings += [f"{pack.ref}: {warning}" for warning in pack.warnings]
        collected.raise_them()

    def _new_enough(self, asked: Asked) -> t.Optional[InstalledPack]:
        """The installed pack, where the latest is asked for and the index has nothing newer."""
        request = asked.request
        installed = self._installation.get(request.name or "") if asked.latest and not request.version else None
        if installed is None or installed.is_system or installed.link or not installed.version:
            return None
        entry = self._entry(asked)
        version = entry.wanted_version(None)
        if entry.commit and entry.commit == installed.commit:
            return None  # That is found, and remembered, where commits are compared.
        there = is_latest(installed, version, entry.commit, allow_downgrade=self._allow_downgrade)
        return installed if there and has_content(installed, request.digest) else None

    def _not_lower(
        self, pack: dependencies.Pack, asked: t.Sequence[Asked], resolution: Resolution
    ) -> dependencies.Pack:
        """What was fetched as the latest of a source; the installed pack where that is newer, and from there, too."""
        installed = self._installation.get(pack.ref)
        latest = all(one.latest and not one.request.version for one in asked)
        if self._allow_downgrade or not latest or not isinstance(pack, Candidate) or not installed:
            return pack
        source, new, old = pack.wanted.source, pack.metadata.version, installed.version or ""
        if not same_source(installed, source) or not is_lower(new, old):
            return pack
        resolution.warnings.append(
            f"{pack.ref} stays {old}: {strip_urls(source.url)} has {new} now, which is lower. Set "
            "allow_downgrade=true to install it."
        )
        return installed

    def _is_known(self, asked: Asked, pack: dependencies.Pack, resolution: Resolution) -> bool:
        """Whether a pack that was fetched for a dependency is one that the host will have anyway, as its own ref says.

        What its address means is known from then on, so that nothing is fetched for it again.
        """
        if asked.asker == TASK or not asked.request.source:
            return False
        resolution.provided[_address(asked.request)] = pack.ref
        return self._policy == "check" or pack.ref in resolution.packs or self._installation.get(pack.ref) is not None

    def _from_release(self, asked: Asked) -> t.Optional[Candidate]:
        """The pack that a request means, from a release of it that was kept; C(None) when there is none that is whole
        and may be installed."""
        request, locked = asked.request, asked.locked
        if locked:
            from .locked import is_locked, request_for

            request = request_for(locked, request)
        if not (request.version or request.digest):
            return None
        from .going_back import kept_for

        for kept in kept_for(request, self._installation):
            if kept.location not in self._restored:
                self._restored[kept.location] = self._restore(kept, request)
                self._number += 1
            restored = self._restored[kept.location]
            if restored and (locked is None or is_locked(restored, locked)):
                return restored
        return None

    def _restore(self, kept: InstalledPack, request: PackRequest) -> t.Optional[Candidate]:
        source = source_for(request) if request.kind == "path" else kept.source
        wanted = Wanted(
            source or Source("git", ""),
            request.version,
            kept.ref,
            digest=request.digest,
            controller=request.controller,
            from_index=request.kind == "index",
        )
        try:
            return self._fetcher.restore(kept, wanted, self._number)
        except (SourceError, InvalidPackError, ProgramError):
            return None  # Where it came from once may still have it.

    def _get_all(
        self, numbered: t.Sequence[t.Tuple[Wanted, int]], askers: t.Mapping[Wanted, t.Sequence[Asked]]
    ) -> t.List[Future[Got]]:
        """The futures, all of which are done."""
        if not numbered:
            return []
        with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(numbered))) as pool:
            return [pool.submit(self._get, wanted, number, askers[wanted]) for wanted, number in numbered]

    def _get(self, wanted: Wanted, number: int, asked: t.Sequence[Asked]) -> Got:
        """Ask the remote what the version is now, where the index does not tell; fetch only what is not installed.

        :returns: The pack, and how its version was found when it is installed.
        """
        installed = self._comparable(wanted)
        if installed and wanted.commit:
            if installed.commit == wanted.commit:
                return installed, _as_known_here(installed, wanted.version or "")
        elif installed and wanted.from_index and pinned(installed, wanted.version):
            return installed, None
        try:
            if installed and wanted.source.kind == "git" and not wanted.commit:
                from .._source.refs import look_up

                found = look_up(self._fetcher.repository(wanted.source).list_remote(), wanted.version)
                if found and found.commit == installed.commit:
                    return installed, found.resolved
            candidate = self._fetcher.fetch(wanted, number)
        except St2Error as error:
            needed_by = [item.asker for item in asked if item.asker != TASK]
            if needed_by:
                error.message = f"{error.message} ({', '.join(needed_by)} needs it.)"
            raise
        same = self._same(candidate)
        if same:
            self._contents[same.ref] = candidate.content
        return (same, candidate.resolved) if same else (candidate, None)

    def _comparable(self, wanted: Wanted) -> t.Optional[InstalledPack]:
        installed = self._installation.get(wanted.ref) if wanted.ref else None
        installed = installed or self._installation.by_source(wanted.source.url, wanted.source.subdir)
        if installed is None or not installed.commit or installed.link or wanted.ref not in (None, installed.ref):
            return None
        if not has_content(installed, wanted.digest):
            return None
        return installed if wanted.from_index or same_source(installed, wanted.source) else None

    def _same(self, candidate: Candidate) -> t.Optional[InstalledPack]:
        installed = self._installation.get(candidate.ref)
        if (
            installed is None
            or installed.link
            or not (candidate.wanted.from_index or same_source(installed, candidate.wanted.source))
        ):
            return None
        if candidate.digest:
            return installed if installed.receipt and installed.receipt.digest == candidate.digest else None
        return installed if installed.commit == candidate.commit else None

    def _wanted(self, asked: Asked) -> Wanted:
        request = asked.request
        if asked.locked:
            from .locked import locked_wanted

            self._trust(asked.locked.source.url, Credentials())
            return locked_wanted(asked.locked, request)
        if request.kind != "index":
            return Wanted(
                source_for(request),
                request.version,
                request.ref,
                digest=request.digest,
                upload=request.upload,
                controller=request.controller,
            )
        name = request.name or ""
        installed = self._installation.get(name)
        if installed and installed.is_system:
            raise OptionError(
                f"{request.requested} was requested, but {name} is one of StackStorm's own packs "
                f"({installed.version} is here). It is only upgraded together with StackStorm.",
                ref=name,
            )
        entry = self._entry(asked)
        self._trust(entry.repo_url, entry.credentials)
        version = entry.wanted_version(request.version)
        source = source_of(entry.repo_url, request.subdir or "")
        wanted = Wanted(source, version, name, from_index=True, digest=request.digest)
        if entry.commit is None or entry.version is None or not same_version(version, entry.version):
            return wanted
        return wanted._replace(commit=entry.commit, listed_digest=None if request.subdir else entry.digest)

    def _entry(self, asked: Asked) -> IndexEntry:
        """What the index says of the pack that a request names."""
        name = asked.request.name or ""
        try:
            return self._read_indexes().lookup(name, strict=self._strict)
        except St2Error as error:
            if asked.asker != TASK:
                error.message = f"{error.message} ({asked.asker} needs it.)"
            error.ref = name
            raise

    def _accept(self, resolution: Resolution, asked: Asked, pack: dependencies.Pack) -> None:
        known = resolution.packs.get(pack.ref)
        askers = resolution.asked.setdefault(pack.ref, [])
        first = next((other for other in askers if particular(other)), None)
        if known is None or _equal(known, pack) or (first is None and particular(asked)):
            if isinstance(pack, Candidate):
                check_replaceable(pack, self._installation)
            resolution.packs[pack.ref] = pack if known is None or not _equal(known, pack) else known
        elif particular(asked) and first:
            raise DependencyError(
                f"{asked.asker} asks for {asked.request.requested} and {first.asker} asks for "
                f"{first.request.requested}: "
                f"both are the pack {pack.ref}, in different versions. Nothing was changed: ask for one of them.",
                ref=pack.ref,
            )
        askers.append(asked)  # Where any version will do, the one that somebody else wants does.

    def _missing(self, resolution: Resolution) -> t.List[Asked]:
        if self._policy == "skip":
            return []
        providers = dependencies.Providers(
            resolution.packs, self._installation, resolution.askers(), resolution.provided
        )
        absent = dependencies.missing(providers, resolution.packs.values())
        if absent and self._policy == "check":
            # Only what lies at an address tells which pack it is.
            known = [need for need in absent if need.request.name or _address(need.request) in resolution.provided]
            if known:
                raise DependencyError(
                    f"Dependencies are missing: {'; '.join(map(str, known))}. Nothing was changed: add them to the "
                    "task, or set dependencies to install."
                )
        again = self._sought.intersection(absent)
        if again:
            raise DependencyError(
                f"{'; '.join(map(str, again))}, which was fetched but does not satisfy this. Nothing was changed."
            )
        self._sought.update(absent)
        found = [Asked(need.request, need.asker) for need in absent]
        return [self._locking.of_dependency(asked) for asked in found] if self._locking else found


def _as_known_here(pack: InstalledPack, version: str) -> Resolved:
    """How the version is called that an installed pack is by the index: as its own working copy has it."""
    working_copy = pack.working_copy
    branch = working_copy.remote_branch(version)
    if branch:
        return Resolved("branch", version, version)
    tag = next((name for name in tag_candidates(version) if working_copy.tag(name) == pack.commit), None)
    return Resolved("tag", tag, version) if tag else Resolved("commit", "", version)


def _address(request: PackRequest) -> str:
    return normal_url(request.source or "")


def _equal(one: dependencies.Pack, other: dependencies.Pack) -> bool:
    if one is other:
        return True
    if isinstance(one, Candidate) and isinstance(other, Candidate):
        return bool(one.commit or one.digest) and (one.commit, one.digest) == (other.commit, other.digest)
    return one.commit is not None and one.commit == other.commit
