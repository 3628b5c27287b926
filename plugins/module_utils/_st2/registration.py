# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What registration is about: packs, and what StackStorm's database has of them."""

from __future__ import annotations

import typing as t

# What a pack has, in the order in which StackStorm registers it (st2api/controllers/v1/packs.py ENTITIES).
TYPES = ("trigger", "sensor", "action", "rule", "alias", "policy", "config")
_SINGULAR = {
    "sensors": "sensor",
    "actions": "action",
    "rules": "rule",
    "aliases": "alias",
    "policies": "policy",
    "triggers": "trigger",
}


class PackFiles(t.NamedTuple):
    """A pack as registration needs it.

    :arg ref: Its ref.
    :arg path: Its directory, absolute, in one of the host's packs base paths. One deeper in it is only for the type
        C(config), see L(stale_config).
    """

    ref: str
    path: str


class Registered(t.NamedTuple):
    """What a registration did, in StackStorm's own counts.

    :arg counts: How many were registered, by StackStorm's names for the types (C(actions), C(sensors), ...).
    :arg overridden: How many of these had C(enabled) changed by an override; C(None) where StackStorm does not tell.
    """

    counts: t.Mapping[str, int] = {}
    overridden: t.Optional[t.Mapping[str, int]] = {}

    def add(self, other: Registered) -> Registered:
        """Both together; runners and types of rules and policies, which are the host's and not a pack's, once."""
        known = self.overridden is not None and other.overridden is not None
        overridden = _sum(self.overridden or {}, other.overridden or {}) if known else None
        return Registered(_sum(self.counts, other.counts), overridden)


class Resource(t.NamedTuple):
    """One resource of a pack in the database.

    :arg kind: One of C(sensors), C(actions), C(rules), C(aliases), C(policies), C(triggers).
    :arg name: Its name; of a sensor, its class name.
    :arg ref: Its ref in the database.
    :arg enabled: Whether it is switched on; C(None) for what cannot be switched.
    :arg metadata_file: The file it was registered from, relative to the pack; empty for what was made by hand.
    :arg pack: The ref of its pack.
    :arg trigger: Of a rule, the type of the trigger that it waits for, such as C(core.st2.CronTimer).
    :arg orphaned: Whether that trigger is gone.
    """

    kind: str
    name: str
    ref: str
    enabled: t.Optional[bool] = None
    metadata_file: str = ""
    pack: str = ""
    trigger: str = ""
    orphaned: bool = False

    @property
    def label(self) -> str:
        """What to call it, such as C(rule sensu.on_check)."""
        return f"{_SINGULAR[self.kind]} {self.ref}"

    @property
    def by_hand(self) -> bool:
        """Whether somebody made it in StackStorm, and no file of a pack brought it."""
        return not self.metadata_file

    @property
    def waits_for(self) -> str:
        """Of a rule, the pack whose trigger it waits for, also where that trigger is gone; empty for none."""
        return self.trigger.partition(".")[0]


class Configs(t.NamedTuple):
    """The configs of several packs in the database.

    :arg values: By pack; secrets are C(********) where the account may not see them. Packs without a config are left
        out. An empty one is as good as none: L(stale_config) leaves such.
    :arg hidden: The packs whose config StackStorm does not show, each with the reason.
    """

    values: t.Mapping[str, t.Mapping[str, t.Any]] = {}
    hidden: t.Mapping[str, str] = {}


def _sum(one: t.Mapping[str, int], other: t.Mapping[str, int]) -> t.Dict[str, int]:
    hosts = ("runners", "rule_types", "policy_types")
    both = {name: one.get(name, 0) + other.get(name, 0) for name in (*one, *other) if name not in hosts}
    return {**both, **{name: max(one.get(name, 0), other.get(name, 0)) for name in (*one, *other) if name in hosts}}
