# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which resources are enabled, and why: StackStorm's precedence of metadata and override files."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .document import KINDS, NOTHING, Overrides, Problem
from .pack_resources import PackResource

# What StackStorm takes where metadata does not say (st2common/models/api: action.py, sensor.py, action_alias.py; the
# odd one out is rule.py).
ENABLED_BY_DEFAULT = {"sensors": True, "actions": True, "rules": False, "aliases": True}


@dataclass(frozen=True)
class Layer:
    """One override file as StackStorm takes it.

    :arg overrides: What it says.
    :arg problems: What in it StackStorm does not take.
    """

    overrides: Overrides = NOTHING
    problems: t.Tuple[Problem, ...] = ()

    def breaks(self, kind: str, name: str) -> bool:
        """Whether StackStorm cannot register that resource because of this file."""
        return any(kind in problem.breaks and problem.name in (None, name) for problem in self.problems)


@dataclass(frozen=True)
class Effect:
    """Whether a resource is enabled once it is registered.

    :arg enabled: C(None) when that cannot be told, since the registration fails.
    :arg origin: What decided it: C(metadata), C(global), C(defaults) or C(exception).
    :arg counted: Whether StackStorm counts it among those that had their metadata overridden.
    """

    enabled: t.Optional[bool]
    origin: str
    counted: bool


def effect(resource: PackResource, for_all: Layer, pack: Layer) -> Effect:
    """What registration makes of a resource; each later one of metadata, C(_global) defaults, the pack's defaults
    and its exceptions wins (st2common/content/loader.py OverrideLoader.override).

    A metadata value that is missing counts as C(true) in StackStorm's own counting, for rules too, of which such are
    disabled.
    """
    kind = resource.kind
    if for_all.breaks(kind, resource.name) or pack.breaks(kind, resource.name):
        return Effect(None, "metadata", False)
    section = pack.overrides.of(kind)
    layers = (
        ("exception", section.exceptions.get(resource.name)),
        ("defaults", section.default),
        ("global", for_all.overrides.of(kind).default),
    )
    for origin, enabled in layers:
        if enabled is not None:
            said = True if resource.enabled is None else resource.enabled
            return Effect(enabled, origin, enabled != said)
    enabled = ENABLED_BY_DEFAULT[kind] if resource.enabled is None else resource.enabled
    return Effect(enabled, "metadata", False)


def overridden_counts(resources: t.Iterable[PackResource], for_all: Layer, pack: Layer) -> t.Dict[str, int]:
    """How many of each kind StackStorm says had their metadata overridden, by kind."""
    counts = dict.fromkeys(KINDS, 0)
    for resource in resources:
        counts[resource.kind] += effect(resource, for_all, pack).counted
    return counts
