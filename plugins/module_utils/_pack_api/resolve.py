# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Resolve: from requests to what StackStorm is to install, dependencies among it. May read StackStorm's index.

StackStorm answers a conflict between dependencies by deleting every pack that it has just downloaded, also those that
ran before (contrib/packs/actions/workflows/install.yaml; tried with 3.9.0). So it is never asked to look after
dependencies (C(skip_dependencies)): they are found here, by the rules of its own get_pack_dependencies.py, and
installed one by one.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._content.address import normal_url
from .._content.request import parse_spec
from .._content.versions import is_lower, same_version
from .._errors import DependencyError, IndexError_, OptionError
from .._layout import SYSTEM_PACKS
from .observe import Offer, Packs, RegisteredPack, ServerIndex
from .options import ApiOptions
from .request import ApiRequest, api_request, guessed_refs

# StackStorm itself goes ten levels deep, and then leaves the rest out.
_DEEPEST = 30


@dataclass(frozen=True)
class Target:
    """A pack as it is to be.

    :arg requested: The requests that came to it.
    :arg spec: What StackStorm is asked for; empty when it has the pack.
    :arg version: That it will have; empty when that shows only after the installation.
    :arg dependencies: C(None) when these show only after the installation.
    :arg source: Where StackStorm gets it; empty when nobody knows.
    :arg address: The URL that the task gives for it.
    """

    ref: str
    name: str
    requested: t.Tuple[str, ...]
    version: str
    spec: str = ""
    dependencies: t.Optional[t.Tuple[str, ...]] = None
    source: str = ""
    address: str = ""

    def __str__(self) -> str:
        return f"{self.ref} {self.version}".strip()


class Resolver:
    """Finds what has to be installed.

    :arg packs: That StackStorm has.
    :arg read_index: Gives its index; asked once, when it is first needed.
    """

    def __init__(self, packs: Packs, read_index: t.Callable[[], ServerIndex], options: ApiOptions) -> None:
        self._packs = packs
        self._read_index = read_index
        self._options = options
        self._index: t.Optional[ServerIndex] = None
        self._targets: t.Dict[str, Target] = {}
        self._ordered: t.Dict[str, Target] = {}

    def resolve(self) -> t.Tuple[Target, ...]:
        """Every pack that the task is about, dependencies first.

        :raises OptionError: for a request that cannot be answered.
        :raises IndexError_: for a name that the index does not have.
        :raises DependencyError: for a dependency that StackStorm would call a conflict, or that is missing.
        """
        for asked in self._options.requests:
            self._add(asked)
        for ref in list(self._targets):
            self._visit(ref, 0)
        return tuple(self._ordered.values())

    def _add(self, asked: ApiRequest) -> None:
        target = self._target(asked, latest=self._options.state == "latest" and not asked.version)
        other = self._targets.get(target.ref)
        if other and (other.spec, other.version) != (target.spec, target.version):
            raise OptionError(
                f"The task asks for {target.ref} as {other.requested[0]} and as {asked.requested}. "
                "Ask for one of them.",
                ref=target.ref,
            )
        requested = dict.fromkeys((*(other.requested if other else ()), asked.requested))
        address = "" if asked.is_name else asked.address
        self._targets[target.ref] = replace(target, requested=tuple(requested), address=address)

    def _target(self, asked: ApiRequest, *, latest: bool = False) -> Target:
        if latest and not asked.is_name:
            raise OptionError(
                f"StackStorm's API does not tell whether {asked.ref} is what {asked.requested} has now, so "
                "state=latest is not supported for a URL. Ask for a release, or work on the host with backend=local.",
                ref=asked.ref,
            )
        version = self._offered(asked.ref) if latest else asked.version
        there = self._packs.get(asked.ref)
        stays = latest and not self._options.allow_downgrade
        if there and (
            version is None or same_version(version, there.version) or (stays and is_lower(version, there.version))
        ):
            return Target(asked.ref, there.name, (), there.version, dependencies=there.dependencies)
        if not asked.is_name:
            spec = f"{asked.address}={version}" if version else asked.address
            return Target(asked.ref, asked.ref, (), _bare(version or ""), spec, None, asked.address)
        offer = self._look_up(asked.ref)
        version = version or self._offered(asked.ref)
        # What the index says of dependencies is about the version that it offers.
        dependencies = offer.dependencies if same_version(version, offer.version) else None
        spec = f"{asked.address}={version}"
        return Target(asked.ref, offer.name, (), _bare(version), spec, dependencies, offer.source)

    def _look_up(self, ref: str) -> Offer:
        if self._index is None:
            self._index = self._read_index()
        return self._index.offer(ref, strict=self._options.index_strict)

    def _offered(self, ref: str) -> str:
        version: str = self._look_up(ref).version
        if not version:
            raise IndexError_(f"{ref} has no version in StackStorm's index. Ask for one: {ref}=VERSION.", ref=ref)
        return version

    def _visit(self, ref: str, depth: int) -> None:
        if ref in self._ordered:
            return
        target = self._targets[ref]
        self._ordered[ref] = target  # Now, so that a circle ends; its place is given up below.
        if depth > _DEEPEST:
            raise DependencyError(f"The dependencies of {target} are more than {_DEEPEST} levels deep.", ref=ref)
        if self._options.dependencies != "skip":
            for text in target.dependencies or ():
                provider = self._provide(target, text)
                if provider in self._targets:
                    self._visit(provider, depth + 1)
        del self._ordered[ref]
        self._ordered[ref] = target

    def _provide(self, asker: Target, text: str) -> str:
        """The ref of the pack that a dependency means; one that is missing becomes a target.

        :raises DependencyError: for one that StackStorm would call a conflict, and for one that must not be installed.
        """
        # StackStorm itself would take a repository that is not named after its pack for a missing one, every time.
        url = normal_url(text.split("=")[0])
        given = (target for target in self._targets.values() if target.address and normal_url(target.address) == url)
        provider = next(given, None) or find_provider(text, {**self._packs, **self._targets})
        if provider:
            check_version(str(asker), text, provider, ref=asker.ref)
            return provider.ref
        if text in SYSTEM_PACKS:
            return text
        if self._options.dependencies == "check":
            raise DependencyError(
                f"{asker} needs {text}, which StackStorm does not have. Add it to the task, or set dependencies to "
                "install or skip.",
                ref=asker.ref,
            )
        try:
            target = self._target(api_request(text, parse_spec(text)))
        except (OptionError, IndexError_) as error:
            raise DependencyError(
                f"{asker} needs {text}, which cannot be installed: {error.message}", ref=asker.ref
            ) from None
        self._targets[target.ref] = target
        return target.ref


Provider = t.Union[Target, RegisteredPack]


def find_provider(text: str, packs: t.Mapping[str, Provider]) -> t.Optional[Provider]:
    """The pack that a dependency means, found as StackStorm finds it: by its name, or by that of its repository."""
    return next((packs[ref] for ref in guessed_refs(text.split("=")[0]) if ref in packs), None)


def needed_by(
    refs: t.AbstractSet[str], packs: Packs, planned: t.Mapping[str, t.Sequence[str]]
) -> t.Dict[str, t.Tuple[str, ...]]:
    """By ref, the packs that StackStorm has and that others need, directly or by way of each other; each with what asks
    for it. Those of StackStorm itself are left out.

    :arg refs: The others, none of which is among the result.
    :arg planned: The dependencies of those that are still to be installed.
    """
    found: t.Dict[str, t.Dict[str, None]] = {}
    waiting = list(refs)
    while waiting:
        ref = waiting.pop(0)
        pack = packs.get(ref)
        for text in planned.get(ref, pack.dependencies if pack else ()):
            provider = find_provider(text, packs)
            if provider is None or provider.ref in refs or provider.ref in SYSTEM_PACKS:
                continue
            if provider.ref not in found:
                waiting.append(provider.ref)
            found.setdefault(provider.ref, {})[text] = None
    return {ref: tuple(texts) for ref, texts in found.items()}


def check_version(asker: str, text: str, provider: Provider, *, ref: str) -> None:
    """Whether a pack has the version that a dependency names, by StackStorm's rule: the strings are equal, a C(v) in
    front aside. A branch or a range equals no version.

    :arg asker: The pack that has the dependency, for the message.
    :arg ref: The pack that the error is about.
    :raises DependencyError: naming both sides.
    """
    _address, mark, rest = text.partition("=")
    version = rest.split("=")[0] if mark else ""
    # A version that is not known yet is looked at when it is.
    if not version or not provider.version or f"v{_bare(version)}" == f"v{_bare(provider.version)}":
        return
    installs = isinstance(provider, Target) and provider.spec
    there = f"{provider.ref} {provider.version} is {'what this task installs' if installs else 'installed'}"
    raise DependencyError(
        f"{asker} needs {text}, but {there}. StackStorm would call that a conflict. Ask for versions that go together, "
        "or set dependencies to skip.",
        ref=ref,
    )


def _bare(version: str) -> str:
    return version[1:] if version.startswith("v") else version
