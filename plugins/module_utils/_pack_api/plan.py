# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Plan: what StackStorm is told to do, decided from what it has and what was resolved. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._change.known import ABSENT, CURRENT, KnownPack
from .._content.versions import same_version, sort_versions
from .._errors import DependencyError, OptionError
from .._layout import SYSTEM_PACKS
from .._pack.plan import PackPlan, Plan, State
from .observe import Packs, RegisteredPack
from .request import ApiRequest
from .resolve import Target, check_version, find_provider

# What StackStorm did to a virtualenv is not asked.
VIRTUALENV = "unknown"
_PLAIN = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})")


@dataclass(frozen=True)
class Step:
    """What happens to one pack.

    :arg pack: For people and results, as for a pack that is changed on its host.
    :arg spec: What StackStorm is asked for: a request to install, or the ref to remove; empty when nothing.
    :arg known: Whether it is known what the pack depends on.
    """

    pack: PackPlan
    spec: str = ""
    known: bool = True

    @property
    def ref(self) -> str:
        """The pack."""
        return self.pack.ref

    @property
    def removes(self) -> bool:
        """Whether the pack goes."""
        return self.pack.action == "remove"


def plan_of(steps: t.Iterable[Step]) -> Plan:
    """The steps as a plan to be reported."""
    return Plan(tuple(step.pack for step in steps))


def plan_present(packs: Packs, targets: t.Sequence[Target], *, dependencies: str) -> t.Tuple[Step, ...]:
    """What makes the packs that StackStorm has into those that are wanted.

    :arg dependencies: The option.
    :raises OptionError: for a pack of StackStorm's own that would be replaced.
    :raises DependencyError: when an installed pack needs another version of one that changes.
    """
    steps = tuple(_step(target, packs.get(target.ref)) for target in targets)
    changing = {target.ref: target for target in targets if target.spec}
    if dependencies != "skip":
        for pack in packs.values():
            if pack.ref not in {target.ref for target in targets}:
                for text in pack.dependencies:
                    provider = find_provider(text, {**packs, **changing})
                    if provider and provider.ref in changing:
                        check_version(f"{pack.ref} {pack.version} (installed)", text, provider, ref=provider.ref)
    return steps


def plan_absent(packs: Packs, requests: t.Sequence[ApiRequest], *, dependencies: str) -> t.Tuple[Step, ...]:
    """What takes packs away.

    :raises OptionError: for a pack of StackStorm's own.
    :raises DependencyError: when a pack that stays needs one that goes.
    """
    requested: t.Dict[str, t.List[ApiRequest]] = {}
    for asked in requests:
        requested.setdefault(asked.ref, []).append(asked)
    steps = []
    for ref, named in requested.items():
        _check_not_system(ref, "removed")
        pack = packs.get(ref)
        before = State(pack.version) if pack else None
        texts = [asked.requested for asked in named]
        if pack and all(asked.version and not same_version(asked.version, pack.version) for asked in named):
            # The one that is to be absent is.
            steps.append(Step(_pack(ref, pack.name, "none", before, before, tuple(texts))))
            continue
        steps.append(
            Step(
                _pack(ref, pack.name if pack else "", "remove" if pack else "none", before, None, tuple(texts)),
                ref if pack else "",
            )
        )
    if dependencies != "skip":
        _check_dependants(packs, {step.ref for step in steps if step.removes})
    return tuple(steps)


def realised(step: Step, pack: t.Optional[RegisteredPack]) -> PackPlan:
    """A step as it came out.

    :arg pack: What StackStorm has now.
    """
    planned = step.pack
    if pack is None:
        return planned._replace(after=None)
    source = planned.after.source if planned.after else ""
    return planned._replace(name=pack.name, after=State(pack.version, source=source))


def _step(target: Target, pack: t.Optional[RegisteredPack]) -> Step:
    before = State(pack.version) if pack else None
    if not target.spec:
        return Step(_pack(target.ref, target.name, "none", before, before, target.requested))
    _check_not_system(target.ref, "replaced")
    after = State(target.version, source=target.source)
    action = _action(pack.version, target.version) if pack else "install"
    made = _pack(target.ref, target.name, action, before, after, target.requested)
    return Step(made, target.spec, target.dependencies is not None)


def unchanged(ref: str, name: str, state: t.Optional[State], requested: t.Tuple[str, ...]) -> PackPlan:
    """A pack that nothing happens to."""
    return _pack(ref, name, "none", state, state, requested)


def _pack(
    ref: str,
    name: str,
    action: str,
    before: t.Optional[State],
    after: t.Optional[State],
    requested: t.Tuple[str, ...],
) -> PackPlan:
    registration = "current" if action == "none" else "unload" if after is None else "register"
    return PackPlan(
        ref=ref,
        name=name,
        action=action,
        virtualenv=VIRTUALENV,
        base_path="",
        before=before,
        after=after,
        requested=requested,
        registration=registration,
        known=known_of(before),
    )


def known_of(state: t.Optional[State]) -> KnownPack:
    """What StackStorm's database has of a pack; StackStorm answers for it that the files are the same."""
    if state is None:
        return KnownPack(True, ABSENT, True, CURRENT, True)
    return KnownPack(True, CURRENT, True, CURRENT, True, state.version)


def _action(before: str, after: str) -> str:
    if not before or not after or same_version(before, after):
        return "replace"
    numbers = [_PLAIN.fullmatch(version) for version in (before, after)]
    if numbers[0] and numbers[1]:
        newest = max(numbers, key=lambda match: tuple(map(int, match.groups())) if match else ())
        return "upgrade" if newest is numbers[1] else "downgrade"
    return "upgrade" if sort_versions([before, after])[0] == after else "downgrade"


def _check_not_system(ref: str, what: str) -> None:
    if ref in SYSTEM_PACKS:
        raise OptionError(
            f"{ref} is one of StackStorm's own packs and is never {what}. Remove it from the list.", ref=ref
        )


def _check_dependants(packs: Packs, going: t.AbstractSet[str]) -> None:
    broken = set()
    for pack in packs.values():
        if pack.ref not in going:
            for text in pack.dependencies:
                provider = find_provider(text, packs)
                if provider and provider.ref in going:
                    broken.add(f"{pack.ref} {pack.version} needs {provider.ref}")
    if broken:
        raise DependencyError(
            f"Installed packs depend on packs that would be removed: {'; '.join(sorted(broken))}. Remove those too, or "
            "set dependencies to skip."
        )
