# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Taking out of StackStorm's database what a registration brought and StackStorm keeps when it refuses the rest.

StackStorm registers a pack file by file and undoes nothing: what stands before the file that it does not like stays,
rules and sensors switched on, and registering the former version does not take it away (tried on 3.9.0). So what was
there is noted before, and what is there beyond that afterwards is deleted. What was there and has been changed comes
back by registering the former files.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._errors import RegistrationError
from .registrar import Registrar
from .registration import Resource

# In the order in which they are deleted: what uses others first.
_KINDS = ("rules", "policies", "aliases", "actions", "sensors", "triggers")
# Those that a registration of one pack can take from another: aliases and policies are looked up by their bare name
# (bootstrap/aliasesregistrar.py, policiesregistrar.py), a rule of the pack default by that of any new one
# (rulesregistrar.py).
_SHARED = ("rules", "policies", "aliases")
# What is said where nobody can look.
UNKNOWN = (
    "what StackStorm had registered before it refused the rest, as only its API can tell and delete that: rules and "
    "sensors of it may be at work"
)

# What is said when somebody can look now, but could not before.
UNNOTED = "what that run had registered, as it could not note what was there before"


@dataclass(frozen=True)
class Snapshot:
    """What the database has of some packs.

    :arg refs: The packs.
    :arg versions: Of those that it has.
    :arg resources: Of these packs, all kinds.
    :arg others: The rules, policies and aliases of all other packs.
    :arg configured: Those of the packs that have a config, among those that it does not have.
    :arg read: Whether all this is known; where not, it is empty.
    """

    refs: t.Tuple[str, ...] = ()
    versions: t.Mapping[str, str] = field(default_factory=dict)
    resources: t.Tuple[Resource, ...] = ()
    others: t.Tuple[Resource, ...] = ()
    configured: t.FrozenSet[str] = frozenset()
    read: bool = True

    def waiting(self, refs: t.Container[str]) -> t.List[Resource]:
        """The rules, of whatever pack, that wait for a trigger of these packs."""
        return [one for one in (*self.resources, *self.others) if one.kind == "rules" and one.waits_for in refs]

    def document(self) -> t.Dict[str, t.Any]:
        """What L(snapshot_from) reads; of the resources of other packs only the rules that wait for these packs."""
        waiting = self.waiting(self.refs)
        return {
            "refs": self.refs,
            "versions": dict(self.versions),
            "resources": [one._asdict() for one in self.resources],
            "others": [one._asdict() for one in self.others if one in waiting],
            "configured": sorted(self.configured),
            "read": self.read,
        }


@dataclass(frozen=True)
class Undone:
    """What became of an undoing, in names such as C(rule sensu.on_check).

    :arg deleted: What was taken out.
    :arg stays: What is still there and was not before, with the reason.
    :arg lost: What is not there any more although nobody wanted it away. What has a file comes back when its pack is
        registered again.
    """

    deleted: t.Tuple[str, ...] = ()
    stays: t.Tuple[str, ...] = ()
    lost: t.Tuple[Resource, ...] = ()


def snapshot_from(document: t.Mapping[str, t.Any]) -> Snapshot:
    """The snapshot of a document; an empty one when it makes no sense."""
    try:
        return Snapshot(
            tuple(document["refs"]),
            dict(document["versions"]),
            tuple(Resource(**one) for one in document["resources"]),
            tuple(Resource(**one) for one in document.get("others", ())),
            frozenset(document["configured"]),
            bool(document["read"]),
        )
    except (KeyError, TypeError, ValueError):
        return Snapshot()


def take_snapshot(registrar: Registrar, refs: t.Sequence[str]) -> Snapshot:
    """What there is of these packs now, by one question for each kind of resource, one for the packs, and one more when
    some of them are new. Without refs, or where the registrar cannot read, nothing is asked.

    :raises RegistrationError: when it cannot be had.
    """
    if not refs or not registrar.reads:
        return Snapshot(tuple(refs), read=registrar.reads)
    versions = registrar.versions(refs)
    new = [ref for ref in refs if ref not in versions]
    configs = registrar.configs(new) if new else None
    shared = [one for kind in _SHARED for one in registrar.every(kind)]
    own = registrar.resources_of(refs, [kind for kind in _KINDS if kind not in _SHARED])
    return Snapshot(
        tuple(refs),
        versions,
        (*(one for one in shared if one.pack in refs), *own),
        tuple(one for one in shared if one.pack not in refs),
        frozenset((*configs.values, *configs.hidden)) if configs else frozenset(),
    )


def undo(registrar: Registrar, before: Snapshot) -> Undone:
    """Take out what has come since.

    Only what came from files, never what was made by hand. A pack that was not there at all is unloaded as a whole,
    which is the only way to be rid of its sensors and of the pack itself, but only when it has nothing that was made by
    hand, had no config before, and no rule that stays waits for one of its triggers: such a rule would be without a
    trigger for good (tried on 3.9.0). Else its resources are deleted one by one, and the rest is named.

    :raises RegistrationError: when it cannot be seen what there is.
    :raises DeadlineError: when the time is over.
    """
    if not registrar.reads:
        # With no registrar nothing was registered.
        return Undone(stays=(UNKNOWN,) if registrar.by and before.refs else ())
    if not before.read:
        return Undone(stays=(UNNOTED,) if before.refs else ())
    now = take_snapshot(registrar, before.refs)
    came = _came(before, now)
    waiting = {one.trigger for one in (*now.resources, *now.others) if one.kind == "rules" and one not in came}
    whole = [ref for ref in now.versions if _goes_whole(ref, before, now, waiting)]
    unloaded = _unload(registrar, whole)
    deleted, stays = _delete(registrar, [one for one in came if one.pack not in unloaded], waiting)
    stays += [f"the pack {ref} itself" for ref in now.versions if ref not in before.versions and ref not in unloaded]
    kept = {(one.kind, one.ref) for one in (*now.resources, *now.others)}
    lost = tuple(one for one in (*before.resources, *before.others) if (one.kind, one.ref) not in kept)
    return Undone((*(f"the pack {ref}" for ref in unloaded), *deleted), tuple(stays), lost)


def _came(before: Snapshot, now: Snapshot) -> t.List[Resource]:
    """What is new; and sensors that are on and were off, as those are that a refused registration had left."""
    there = {(one.kind, one.ref) for one in before.resources}
    off = {one.ref for one in before.resources if one.kind == "sensors" and one.enabled is False}
    found = [
        one
        for one in now.resources
        if not one.by_hand
        and ((one.kind, one.ref) not in there or (one.kind == "sensors" and one.enabled and one.ref in off))
    ]
    return sorted(found, key=lambda one: (_KINDS.index(one.kind), one.ref))


def _goes_whole(ref: str, before: Snapshot, now: Snapshot, waiting: t.Collection[str]) -> bool:
    if ref in before.versions or ref in before.configured or any(one.pack == ref for one in before.resources):
        return False
    if any(one.pack == ref and one.by_hand for one in now.resources):
        return False
    return not any(trigger.startswith(f"{ref}.") for trigger in waiting)


def _unload(registrar: Registrar, refs: t.Sequence[str]) -> t.Sequence[str]:
    """The packs that were unloaded."""
    if not refs or not registrar.unloads:
        return ()
    try:
        registrar.unload(refs)
    except RegistrationError:
        # To run an action may be forbidden where deleting is not.
        return ()
    return refs


def _delete(
    registrar: Registrar, resources: t.Sequence[Resource], waiting: t.Collection[str]
) -> t.Tuple[t.List[str], t.List[str]]:
    """What was deleted, and what stays."""
    deleted: t.List[str] = []
    stays: t.List[str] = []
    for one in resources:
        name = one.label
        if one.kind == "triggers" and one.ref in waiting:
            stays.append(f"{name} (a rule waits for it)")
            continue
        try:
            registrar.delete(one)
        except RegistrationError as error:
            stays.append(f"{name} ({error.message.rstrip('.')})")
            continue
        if one.kind == "sensors":
            stays.append(f"{name} (switched off)")
        else:
            deleted.append(name)
    return deleted, stays
