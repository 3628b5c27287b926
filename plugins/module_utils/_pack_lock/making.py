# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Making a lock: requests become exact packs, each with what its files were when it was fetched."""

from __future__ import annotations

import os
import typing as t

from .._content.request import PackRequest, parse_spec
from .._errors import Collected, DependencyError, OptionError, SourceError
from .._layout import SYSTEM_PACKS
from .._lock.document import Lock, LockedPack
from .._lock.places import relative_place
from .._pack.candidate import Candidate
from .._pack.dependencies import Pack, Providers, needs_of
from .._pack.resolution import Asked, Resolution
from .._pack.resolve import Resolver
from .._pack.virtualenv import requirements_digest
from .._secrets import Credentials, strip_urls
from .._source.directory import directory_digest, pack_directory
from .kept import KeptPacks, kept_of, reachable
from .options import LockOptions
from .repositories import LockFetcher

if t.TYPE_CHECKING:
    from .._source.index import Indexes


class Made(t.NamedTuple):
    """The packs of a new lock, without wheels.

    :arg fetched: By ref, those that were fetched; the others are as they were.
    """

    packs: t.Mapping[str, LockedPack]
    fetched: t.Mapping[str, Candidate]
    warnings: t.Sequence[str]


class Maker:
    """Makes the packs of one lock.

    :arg before: The lock that there is.
    :arg staging: A directory of the task for what is fetched.
    :arg fetch_indexes: Reads the indexes, when a name has to be looked up.
    :arg trust: As for L(Resolver).
    :arg prove: Finds out who signed what was fetched, where that is asked for.
    """

    def __init__(
        self,
        options: LockOptions,
        before: Lock,
        fetcher: LockFetcher,
        staging: str,
        *,
        fetch_indexes: t.Callable[[], Indexes],
        trust: t.Callable[[str, Credentials], None],
        prove: t.Callable[[Resolution], None],
    ) -> None:
        self._options = options
        self._before = before
        self._fetcher = fetcher
        self._staging = staging
        self._fetch_indexes = fetch_indexes
        self._trust = trust
        self._prove = prove
        self._indexes: t.Optional[Indexes] = None

    def make(self) -> Made:
        """Resolve what is to be renewed, and take over the rest.

        :raises St2Error: for all that cannot be had, or not be locked.
        """
        requests = self._options.requests
        update = self._options.update
        kept: t.Dict[str, LockedPack] = {}
        renewed: t.List[PackRequest] = list(requests)
        if update is not None:
            kept, renewed = kept_of(self._before, requests, update)
        resolution, installation = self._resolve(renewed, kept)
        fetched = resolution.candidates()
        self._refuse_local(fetched)
        self._prove(resolution)
        providers = Providers(resolution.packs, installation, provided=resolution.provided)
        packs = {**kept, **{ref: self._locked(pack, providers) for ref, pack in fetched.items()}}
        packs, roots = self._with_requests(packs, resolution)
        packs = reachable(packs, roots)
        self._check_update(packs)
        used = {ref: pack for ref, pack in fetched.items() if ref in packs}
        return Made(packs, used, resolution.warnings)

    def _resolve(
        self, renewed: t.Sequence[PackRequest], kept: t.Mapping[str, LockedPack]
    ) -> t.Tuple[Resolution, KeptPacks]:
        installation = KeptPacks(kept.values())
        asked = [Asked(self._sent(request, number)) for number, request in enumerate(renewed)]
        asked += self._needs_of_kept(kept)
        resolver = Resolver(
            installation,
            self._fetcher,
            self._read_indexes,
            strict=self._options.index_strict,
            trust=self._trust,
        )
        try:
            return resolver.resolve(asked), installation
        except DependencyError as error:
            if kept:
                error.message += " What is installed there is what the lock has: name it in update to renew it too."
            raise

    def _needs_of_kept(self, kept: t.Mapping[str, LockedPack]) -> t.Iterator[Asked]:
        """What packs that stay need of those that do not, as the packs of the task that stay are still wanted."""
        named = {request.requested for request in self._options.requests}
        roots = [ref for ref, pack in kept.items() if named.intersection(pack.requested)]
        for ref, pack in reachable(kept, roots).items():
            for other, text in pack.dependencies.items():
                if other not in kept:
                    yield Asked(parse_spec(text), f"{ref} {pack.version}")

    def _sent(self, request: PackRequest, number: int) -> PackRequest:
        """A request with the content of the directory that it names, as of now."""
        if not request.controller:
            return request
        archive = os.path.join(self._staging, f"directory-{number}.tar")
        digest = directory_digest(request.source or "")
        pack_directory(request.source or "", archive)
        return request._replace(digest=digest, upload=archive)

    def _read_indexes(self) -> Indexes:
        self._indexes = self._fetch_indexes()
        return self._indexes

    @staticmethod
    def _refuse_local(fetched: t.Mapping[str, Candidate]) -> None:
        collected = Collected()
        for ref, pack in fetched.items():
            source = pack.wanted.source
            with collected.one(ref):
                if not pack.wanted.controller and (source.url.startswith(("/", "file://")) or not pack.commit):
                    raise SourceError(
                        f"{ref} comes from {strip_urls(source.url)}, a place on this host that other hosts "
                        "cannot use, so it cannot be locked. Use the URL of its repository.",
                        step="options",
                    )
        collected.raise_them()

    def _locked(self, pack: Candidate, providers: Providers) -> LockedPack:
        source = pack.wanted.source
        requirements = requirements_digest(pack.staged)
        resources = {kind: len(names) for kind, names in pack.contents.resources.items() if names}
        place = source.url
        title = ""
        if pack.wanted.controller:
            place = relative_place(source.url, os.path.dirname(self._options.path))
        else:
            title = self._fetcher.repository(source).title(pack.commit)
        return LockedPack(
            ref=pack.ref,
            version=pack.metadata.version,
            source=place,
            subdir=source.subdir,
            resolved=pack.resolved._replace(asked=""),
            commit=pack.commit,
            title=title,
            content=directory_digest(pack.staged),
            requirements=f"sha256:{requirements}" if requirements else None,
            dependencies=dict(_dependencies(pack, providers)),
            counts=resources,
            signer=(self._options.signatures.signer(pack.ref) or None) if self._options.signatures else None,
            index_url=self._index_of(pack),
        )

    def _index_of(self, pack: Candidate) -> t.Optional[str]:
        if not pack.wanted.from_index or self._indexes is None:
            return None
        return strip_urls(self._indexes.entries[pack.ref].index_url)

    def _with_requests(
        self, packs: t.Mapping[str, LockedPack], resolution: Resolution
    ) -> t.Tuple[t.Dict[str, LockedPack], t.List[str]]:
        """The packs with how the task asks for them now, and the refs that it asks for."""
        named = {request.requested for request in self._options.requests}
        texts: t.Dict[str, t.Set[str]] = {ref: named.intersection(pack.requested) for ref, pack in packs.items()}
        for ref in resolution.packs:
            texts[ref].update(named.intersection(resolution.requested(ref)))
        found = {ref: pack._replace(requested=tuple(sorted(texts[ref]))) for ref, pack in packs.items()}
        return found, [ref for ref in found if texts[ref]]

    def _check_update(self, packs: t.Mapping[str, LockedPack]) -> None:
        known = {*packs, *self._before.packs}
        unknown = sorted((self._options.update or frozenset()) - known)
        if unknown:
            raise OptionError(
                f"update names {', '.join(unknown)}, which {'is' if len(unknown) == 1 else 'are'} neither in the lock "
                f"nor requested by the task. Known packs: {', '.join(sorted(known)) or 'none'}."
            )


def _dependencies(pack: Pack, providers: Providers) -> t.Iterator[t.Tuple[str, str]]:
    for need in needs_of(pack):
        provider = providers.find(need.request)
        if provider and provider.ref not in SYSTEM_PACKS:
            yield provider.ref, need.request.requested
