# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm is told by one change."""

from __future__ import annotations

import typing as t

from .._st2.registration import PackFiles, Resource
from .records import OVERRIDDEN_TYPES, PARTS


class Registration(t.NamedTuple):
    """One pack that is registered.

    :arg types: As L(registration.TYPES); all of them when empty.
    """

    pack: PackFiles
    types: t.Tuple[str, ...] = ()

    @property
    def parts(self) -> t.Tuple[str, ...]:
        """The parts of the pack of which StackStorm has something else afterwards."""
        if not self.types:
            return PARTS
        others = set(self.types) - {"config"}
        return tuple(
            part
            for part, concerned in (
                ("pack", True),
                ("config", "config" in self.types),
                ("overrides", bool(others & OVERRIDDEN_TYPES)),
            )
            if concerned
        )


class Telling(t.NamedTuple):
    """All that StackStorm is told by one change, in this order.

    :arg unload: Packs that are taken out of the database, when all else was told.
    :arg first: Carriers of config schemas that are registered before their packs, see C(_st2/stale_config.py).
    :arg register: Packs that are registered once the files are what they are to be.
    :arg closing: Packs that are registered again once the closing moves are made.
    :arg without_config: Packs of whose config nothing is to be left there.
    :arg agreeing: Packs of whose resources the database has what the overrides say, when all this is done.
    :arg delete: Resources that are deleted last, as their files are gone.
    :arg known: Packs that the database turned out to have as they are, though nobody here told it.
    :arg elsewhere: Packs that another host of the cluster has registered, with their configs and overrides.
    """

    unload: t.Tuple[str, ...] = ()
    first: t.Tuple[Registration, ...] = ()
    register: t.Tuple[Registration, ...] = ()
    closing: t.Tuple[Registration, ...] = ()
    without_config: t.Tuple[str, ...] = ()
    agreeing: t.Tuple[str, ...] = ()
    delete: t.Tuple[Resource, ...] = ()
    known: t.Tuple[str, ...] = ()
    elsewhere: t.Tuple[str, ...] = ()

    def parts(self) -> t.Dict[str, t.Tuple[str, ...]]:
        """By ref, the parts that are registered."""
        found: t.Dict[str, t.Tuple[str, ...]] = dict.fromkeys(self.unload, PARTS)
        for one in (*self.first, *self.register, *self.closing):
            found[one.pack.ref] = tuple(dict.fromkeys((*found.get(one.pack.ref, ()), *one.parts)))
        return found

    def types(self) -> t.Dict[str, t.Tuple[str, ...]]:
        """By ref, the types that are registered; all of them when empty."""
        found: t.Dict[str, t.Tuple[str, ...]] = dict.fromkeys(self.unload, ())
        for one in (*self.first, *self.register, *self.closing):
            ref = one.pack.ref
            found[ref] = both(found[ref], one.types) if ref in found else one.types
        return found

    def join(self, other: Telling) -> Telling:
        """Both as one; what is registered whole is not registered in part as well, and once, when it can be."""
        register, closing = _joined(self.register, other.register), _joined(self.closing, other.closing)
        late = {one.pack.ref for one in closing}
        return Telling(
            tuple(dict.fromkeys((*self.unload, *other.unload))),
            (*self.first, *other.first),
            tuple(one for one in register if one.pack.ref not in late),
            _joined([one for one in register if one.pack.ref in late], closing),
            tuple(dict.fromkeys((*self.without_config, *other.without_config))),
            tuple(dict.fromkeys((*self.agreeing, *other.agreeing))),
            (*self.delete, *other.delete),
            tuple(dict.fromkeys((*self.known, *other.known))),
        )


def both(one: t.Sequence[str], other: t.Sequence[str]) -> t.Tuple[str, ...]:
    """The types of two registrations together; all of them when empty."""
    return tuple(dict.fromkeys((*one, *other))) if one and other else ()


def _joined(one: t.Sequence[Registration], other: t.Sequence[Registration]) -> t.Tuple[Registration, ...]:
    found: t.Dict[str, Registration] = {}
    for registration in (*one, *other):
        known = found.get(registration.pack.ref)
        if known is None:
            found[registration.pack.ref] = registration
        else:
            found[registration.pack.ref] = Registration(known.pack, both(known.types, registration.types))
    return tuple(found.values())
