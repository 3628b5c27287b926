# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Dependencies between packs: which are there, which are missing, which contradict each other. Pure rules.

StackStorm compares version strings and deletes what it downloaded when they differ
(contrib/packs/actions/pack_mgmt/get_pack_dependencies.py, workflows/install.yaml). Here versions are compared as
versions, whatever refs and commits say the same counts as the same, and a conflict stops everything before it begins.
"""

from __future__ import annotations

import os
import typing as t

from .._content.address import normal_url
from .._content.installed import Installation, InstalledPack, dependencies_of
from .._content.request import PackRequest, parse_spec
from .._content.versions import same_version
from .._errors import DependencyError, OptionError
from .._layout import SYSTEM_PACKS
from .candidate import Candidate
from .satisfaction import satisfied, satisfies_version

Pack = t.Union[Candidate, InstalledPack]


class Need(t.NamedTuple):
    """One dependency of one pack.

    :arg asker: Who needs it, for messages: C(sensu 1.0.2).
    """

    request: PackRequest
    asker: str

    def __str__(self) -> str:
        return f"{self.asker} needs {self.request.requested}"


def needs(asker: str, dependencies: t.Iterable[str]) -> t.List[Need]:
    """The dependencies of a pack.

    :raises DependencyError: for an entry that is not a pack, naming the pack that has it.
    """
    found = []
    for text in dependencies:
        try:
            found.append(Need(parse_spec(text), asker))
        except OptionError as error:
            raise DependencyError(f"{asker} has an invalid dependency: {error.message}") from error
    return found


def label(pack: Pack) -> str:
    """A pack for messages: ref and version."""
    version = pack.metadata.version if isinstance(pack, Candidate) else pack.version
    return f"{pack.ref} {version or 'without a version'}"


def needs_of(pack: Pack) -> t.List[Need]:
    """The dependencies of a fetched or installed pack; those of an installed one that make no sense are left out."""
    if isinstance(pack, Candidate):
        return needs(label(pack), pack.metadata.dependencies)
    try:
        return needs(label(pack), dependencies_of(pack))
    except DependencyError:
        return []


def _is_local(pack: Pack) -> bool:
    source = pack.wanted.source if isinstance(pack, Candidate) else pack.source
    return source is None or normal_url(source.url).startswith("/")


def is_provided(need: Need, pack: Pack) -> bool:
    """Whether a pack, known to be the one needed, has the version needed."""
    version = need.request.version
    if not version:
        return True
    if isinstance(pack, Candidate):
        return satisfies_version(version, pack.resolved, pack.commit) or same_version(version, pack.metadata.version)
    return satisfied(pack, version) or same_version(version, pack.version or "")


class Providers:
    """The packs that a host will have: those the task wants, then those it has already.

    :arg asked: By ref, who wants a pack and as what, for messages: C(the task), C(sensu=1.0.2).
    :arg provided: By address, the refs of packs that were fetched from there to see what they are.
    """

    def __init__(
        self,
        wanted: t.Mapping[str, Pack],
        installation: Installation,
        asked: t.Optional[t.Mapping[str, t.Tuple[str, str]]] = None,
        provided: t.Optional[t.Mapping[str, str]] = None,
    ) -> None:
        self._wanted = wanted
        self._installation = installation
        self._asked = asked or {}
        self._provided = provided or {}

    def find(self, request: PackRequest) -> t.Optional[Pack]:
        """The pack that a dependency means: by ref, by source, by the name of its repository, or by what is known of
        that.

        The pack with the ref is the one, wherever it came from: a fork, or a directory.
        """
        if request.name:
            return self._by_ref(request.name)
        url = normal_url(request.source or "")
        if url in self._provided:
            return self._by_ref(self._provided[url])
        for pack in self._wanted.values():
            source = pack.wanted.source if isinstance(pack, Candidate) else pack.source
            if source and normal_url(source.url) == url:
                return pack
        installed = self._installation.by_source(request.source or "") or self._by_ref(guess_ref(request.source or ""))
        if installed:
            return installed
        ref = self._installation.provided(url)
        return self._by_ref(ref) if ref else None

    def conflict(self, need: Need, provider: Pack) -> str:
        """What to tell about a pack that is not the one needed: who needs what, and who wants the other one."""
        there = (
            f"this task installs {label(provider)}"
            if isinstance(provider, Candidate)
            else f"{label(provider)} is installed"
        )
        advice = f"add {need.request.requested} to the task to get that version"
        if provider.ref in SYSTEM_PACKS:
            advice = "it is part of StackStorm, so use the StackStorm of that version"
        elif provider.ref in self._wanted:
            advice = "request one version that satisfies both"
        if provider.ref in self._asked:
            there += f", which {' asks for as '.join(self._asked[provider.ref])}"
        return f"{need}, but {there}. Nothing was changed: {advice}, or set dependencies to skip."

    def _by_ref(self, ref: str) -> t.Optional[Pack]:
        return self._wanted.get(ref) or self._installation.get(ref)


def guess_ref(url: str) -> str:
    """The ref that a repository's name suggests (get_pack_dependencies.py get_pack_version)."""
    name = os.path.basename(url.rstrip("/"))
    name = name[: -len(".git")] if name.endswith(".git") else name
    return name.rsplit("stackstorm-", 1)[-1]


def missing(providers: Providers, packs: t.Iterable[Pack]) -> t.List[Need]:
    """The dependencies of C(packs) that nothing provides.

    :raises DependencyError: when something provides one in another version, naming both sides; when a pack that came
        over the network asks for a directory of this host.
    """
    absent = []
    for pack in packs:
        for need in needs_of(pack):
            if need.request.name in SYSTEM_PACKS and not need.request.version:
                continue
            provider = providers.find(need.request)
            if provider is None and need.request.kind == "path" and not _is_local(pack):
                raise DependencyError(
                    f"{need}, a place on this host, which only packs from this host may name. If it is what you want, "
                    "put it into the task yourself.",
                    ref=pack.ref,
                )
            if provider is None:
                absent.append(need)
            elif not is_provided(need, provider):
                raise DependencyError(providers.conflict(need, provider), ref=pack.ref)
    return absent


def in_order(candidates: t.Mapping[str, Candidate], providers: Providers) -> t.List[str]:
    """The refs of what is to be installed, dependencies first; a cycle is broken where it was entered."""
    ordered: t.List[str] = []
    visited: t.Set[str] = set()

    def visit(ref: str) -> None:
        if ref in visited:
            return
        visited.add(ref)
        for need in needs_of(candidates[ref]):
            provider = providers.find(need.request)
            if provider and provider.ref in candidates:
                visit(provider.ref)
        ordered.append(ref)

    for ref in candidates:
        visit(ref)
    return ordered
