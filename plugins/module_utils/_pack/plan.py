# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Plan: what has to happen, decided from what was observed and resolved. Pure; check mode, diff and run share it."""

from __future__ import annotations

import os
import typing as t

from .._change.known import ABSENT, CURRENT, STALE, KnownPack
from .._content.installed import InstalledPack
from .._content.receipt import Contents, Receipt

if t.TYPE_CHECKING:
    from .._change.telling import Telling
    from .._st2.registration import Resource
    from .candidate import Candidate
    from .in_the_way import Displaced
    from .locked_wheels import Pins

UNCHANGED = ("none", "adopt")


class State(t.NamedTuple):
    """A pack before or after: what there is to say about its identity.

    :arg digest: Of a pack without a commit.
    """

    version: str
    commit: str = ""
    digest: str = ""
    source: str = ""

    @property
    def short(self) -> str:
        """Version and short commit, for people."""
        return " ".join(part for part in (self.version, self.commit[:7] or self.digest[:14]) if part)


class Facts(t.NamedTuple):
    """What was observed about one ref, beside the pack itself.

    :arg virtualenv: Health of its virtualenv, as L(virtualenv.observe_virtualenv) calls it.
    :arg virtualenv_fits: Whether that virtualenv is right for the pack that will be there.
    :arg edits: Files that differ from what was installed, when the task asked to look.
    :arg contents: What the installed pack holds.
    :arg leftovers: Existing files and directories that C(purge) takes away.
    :arg known: What StackStorm's database has.
    :arg displaced: What is no pack and makes room for one.
    :arg purges: Whether nothing of a pack that goes is kept.
    :arg pins: What a lock has for its virtualenv.
    """

    virtualenv: str = "absent"
    virtualenv_fits: bool = False
    edits: t.Tuple[str, ...] = ()
    contents: Contents = Contents()
    leftovers: t.Tuple[t.Tuple[str, str], ...] = ()
    known: KnownPack = KnownPack()
    displaced: t.Optional[Displaced] = None
    purges: bool = False
    pins: t.Optional[Pins] = None


class PackPlan(t.NamedTuple):
    """What happens to one pack.

    :arg ref: Empty for a source that is to be absent, and of which no pack is installed.
    :arg action: C(none), C(adopt), C(install), C(upgrade), C(downgrade), C(replace), C(repair), C(virtualenv),
        C(register), C(prune), C(remove), C(purge) or C(unload).
    :arg virtualenv: C(none) (needs none), C(kept), C(built), C(rebuilt), C(removed) or C(skipped).
    :arg base_path: The packs base path it is, or will be, in.
    :arg leftovers: What a purge takes away: kind and path.
    :arg remembered: The receipt to write.
    :arg registration: C(skipped) (nobody is told), C(current), C(register), C(unload), or C(stays) for what cannot be
        taken out of the database.
    :arg known: What StackStorm's database had.
    :arg displaced: What is no pack and makes room for one, and where it is kept.
    :arg purges: Whether nothing of a pack that goes is kept.
    :arg kept_work: Where a pack is kept in which people worked.
    :arg signer: Who vouches for it, where the task asks.
    :arg pins: What its virtualenv gets by a lock.
    """

    ref: str
    name: str
    action: str
    virtualenv: str
    base_path: str
    before: t.Optional[State]
    after: t.Optional[State]
    requested: t.Tuple[str, ...] = ()
    edits: t.Tuple[str, ...] = ()
    contents_before: Contents = Contents()
    contents_after: Contents = Contents()
    leftovers: t.Tuple[t.Tuple[str, str], ...] = ()
    candidate: t.Optional[Candidate] = None
    installed: t.Optional[InstalledPack] = None
    remembered: t.Optional[Receipt] = None
    registration: str = "skipped"
    known: KnownPack = KnownPack()
    displaced: t.Optional[Displaced] = None
    purges: bool = False
    kept_work: str = ""
    signer: str = ""
    pins: t.Optional[Pins] = None

    @property
    def changed(self) -> bool:
        """Whether the host will be different."""
        return self.action not in UNCHANGED

    @property
    def surplus(self) -> t.Tuple[Resource, ...]:
        """What is taken out of the database because its file is gone."""
        return self.known.surplus if self.registration in ("register", "current") else ()

    @property
    def database_state(self) -> str:
        """What the database has of the pack, afterwards; one of L(known.WORDS)."""
        if self.registration == "unload":
            return ABSENT
        if self.registration == "stays":
            return STALE
        return self.known.becomes if self.registration == "register" else self.known.state

    @property
    def path(self) -> str:
        """Where StackStorm sees the pack, or will."""
        return os.path.join(self.base_path, self.ref)

    @property
    def replaces_files(self) -> bool:
        """Whether the pack directory gets a new tree."""
        return self.action in ("install", "upgrade", "downgrade", "replace", "repair")

    @property
    def renews_code(self) -> bool:
        """Whether what runs of the pack runs on old code from now on."""
        return self.replaces_files or self.builds_virtualenv or self.action == "remove"

    @property
    def builds_virtualenv(self) -> bool:
        """Whether a virtualenv has to be built."""
        return self.virtualenv in ("built", "rebuilt")


class Plan(t.NamedTuple):
    """What happens to all packs of a task, in the order in which it happens.

    :arg types: What is registered of a pack; everything when empty.
    :arg needed: Packs that those need, and that nothing happens to.
    """

    packs: t.Tuple[PackPlan, ...]
    types: t.Tuple[str, ...] = ()
    needed: t.Tuple[PackPlan, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the host will be different."""
        return any(pack.changed for pack in self.packs)

    @property
    def acts(self) -> bool:
        """Whether there is anything to do, if only to remember something."""
        return any(pack.action != "none" for pack in self.packs)

    @property
    def parts(self) -> t.Dict[str, t.Tuple[str, ...]]:
        """By ref, the parts whose files change, as L(records.PARTS)."""
        from .._change.records import PARTS

        found: t.Dict[str, t.Tuple[str, ...]] = {}
        for pack in self.packs:
            parts: t.Tuple[str, ...] = ("pack",) if pack.replaces_files or pack.action == "remove" else ()
            parts += tuple(kind for kind, _path in pack.leftovers if kind in PARTS)
            if parts:
                found[pack.ref] = tuple(dict.fromkeys((*found.get(pack.ref, ()), *parts)))
        return found

    @property
    def telling(self) -> Telling:
        """What StackStorm is told."""
        from .._change.telling import Registration, Telling
        from .._st2.registration import PackFiles

        by_word: t.Dict[str, t.List[PackPlan]] = {}
        for pack in self.packs:
            by_word.setdefault(pack.registration, []).append(pack)
        known = [pack.ref for pack in by_word.get("current", ()) if pack.after and pack.known.state == CURRENT]
        return Telling(
            unload=tuple(dict.fromkeys(pack.ref for pack in by_word.get("unload", ()))),
            register=tuple(
                Registration(PackFiles(pack.ref, pack.path), self.types) for pack in by_word.get("register", ())
            ),
            delete=tuple(resource for pack in self.packs for resource in pack.surplus),
            known=tuple(known),
        )


def state_of(pack: InstalledPack) -> State:
    """An installed pack as a state."""
    digest = pack.receipt.digest if pack.receipt and not pack.commit else ""
    return State(pack.version or "", pack.commit or "", digest, pack.source.url if pack.source else "")


def plan_installed(
    pack: InstalledPack,
    facts: Facts,
    *,
    policy: str,
    requested: t.Tuple[str, ...],
    remembered: t.Optional[Receipt] = None,
    restored: t.Optional[InstalledPack] = None,
) -> PackPlan:
    """What happens to a pack that is there and stays the one it is.

    :arg restored: What undoing the edits makes of it, when that is another name, version or receipt.
    :arg remembered: The receipt to write, for a pack that something else installed and that was proven to be the one
        wanted; from then on that costs nothing to know.
    """
    stays = restored or pack
    needed = needs_virtualenv(policy, stays)
    action, virtualenv = "none", virtualenv_for(policy, needed, facts)
    if facts.edits:
        action = "repair"
    elif virtualenv in ("built", "rebuilt"):
        action = "virtualenv"
    elif facts.known.tells and not facts.known.settled:
        action = "register"
    elif facts.known.surplus:
        action = "prune"
    elif remembered:
        action = "adopt"
    return PackPlan(
        ref=pack.ref,
        name=stays.name,
        action=action,
        virtualenv=virtualenv,
        base_path=pack.base_path,
        before=state_of(pack),
        after=state_of(stays),
        requested=requested,
        edits=facts.edits,
        contents_before=facts.contents,
        contents_after=facts.contents,
        installed=stays,
        remembered=remembered or stays.receipt,
        registration=registration_for(facts.known, new=bool(facts.edits)),
        known=facts.known,
        pins=facts.pins,
    )


def needs_virtualenv(policy: str, pack: InstalledPack) -> bool:
    """Whether an installed pack has to have a virtualenv: system packs run in StackStorm's own Python
    (st2common/util/sandboxing.py get_sandbox_virtualenv_path), workflows and shell scripts in none."""
    if pack.is_system or policy == "never":
        return False
    return policy == "always" or (pack.receipt.python if pack.receipt else True)


def registration_for(known: KnownPack, *, new: bool) -> str:
    if not known.tells:
        return "skipped"
    return "register" if new or not known.settled else "current"


def virtualenv_for(policy: str, needed: bool, facts: Facts) -> str:
    if policy == "never":
        return "skipped"
    if not needed:
        return "none"
    if facts.virtualenv_fits:
        return "kept"
    return "built" if facts.virtualenv == "absent" else "rebuilt"
