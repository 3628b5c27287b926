# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Recovery: what a run that was killed left behind, put right by the next one."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field, replace

from .._errors import ApplyError
from .._layout import Moved
from .._own_directory import is_own, open_own_directory, remove_own, root_of
from . import journal as moving
from .journal import Entry, Journal, Move
from .liveness import host_name
from .own_places import OwnPlaces
from .staging import Staging
from .telling import both


@dataclass(frozen=True)
class Interrupted:
    """What runs left that did not end, and that is to be undone on this host.

    :arg entries: By journal what it says, or C(None) when that cannot be understood.
    :arg unfinished: What a run left that was killed while it wrote its journal.
    """

    entries: t.Mapping[Journal, t.Optional[Entry]]
    unfinished: t.List[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.entries)

    @property
    def moved(self) -> Moved:
        """Where things really are until it is undone, for L(PacksDirectory)."""
        found: t.Dict[str, t.Optional[str]] = {}
        for entry in filter(None, self.entries.values()):
            here, _elsewhere = _parts(entry)
            found.update(moving.pending(here))
            found.update(dict.fromkeys(moving.pending_releases(here)))
        return found

    @property
    def refs(self) -> t.Tuple[str, ...]:
        """The packs that were left with a new tree in place, sorted."""
        moved = self.moved
        moves = [move for entry in filter(None, self.entries.values()) for move in entry.moves]
        return tuple(sorted({move.ref for move in moves if move.live in moved}))

    @property
    def told(self) -> t.Dict[str, t.Sequence[str]]:
        """By ref, the types that were being registered; all of them when empty."""
        found: t.Dict[str, t.Sequence[str]] = {}
        for entry in filter(None, self.entries.values()):
            for ref, types in entry.told.items():
                found[ref] = both(found.get(ref, types), types)
        return found

    @property
    def before(self) -> t.Mapping[str, t.Any]:
        """What StackStorm had of these packs; of the last journal that tells."""
        found = [entry.before for entry in self.entries.values() if entry is not None and entry.before]
        return found[-1] if found else {}

    @property
    def moves(self) -> bool:
        """Whether files are to be put back, or a journal to be set aside."""
        return any(entry is None or entry.moves for entry in self.entries.values())


@dataclass
class Recovered:
    """What was put right.

    :arg refs: The packs of which something was put back, sorted.
    :arg warnings: What could not be, and that something was.
    """

    refs: t.Tuple[str, ...] = ()
    warnings: t.List[str] = field(default_factory=list)


def interrupted(places: OwnPlaces) -> Interrupted:
    """Look for what runs left that did not end. Nothing is changed.

    :raises HostError: when what has the name of an own directory is not the collection's own.
    """
    journals = [Journal(places.state), Journal(places.state, host_name())]
    if places.former_state != places.state:
        journals.append(Journal(places.former_state))
    found: t.Dict[Journal, t.Optional[Entry]] = {}
    for journal in journals:
        try:
            entry = journal.read()
        except ApplyError:
            found[journal] = None
        else:
            if entry is not None:
                found[journal] = entry
    return Interrupted(found, places.unfinished())


def recover(found: Interrupted, debris: t.Sequence[str] = ()) -> Recovered:
    """Undo what interrupted runs had moved, and remove what they had prepared. Needs the lock.

    What cannot be undone never stops a run: it is kept aside, and said. What StackStorm was told stays in the journal
    until somebody may tell it again.

    :arg debris: What lies in the staging directories and elsewhere, and is nobody's any more.
    :raises HostError: when what has the name of an own directory is not the collection's own.
    :raises OSError: when the system refuses; the journal stays, and the next run tries again.
    """
    done = Recovered()
    undone: t.Set[str] = set()
    for journal, entry in found.entries.items():
        if entry is None:
            aside = journal.set_aside()
            done.warnings.append(
                f"The journal of an interrupted run could not be read and is now {aside}. What that run had changed "
                "stays as it is; look at what the file names, then remove it."
            )
        else:
            undone |= _undo(journal, entry, done.warnings)
    done.refs = tuple(sorted(undone))
    if undone:
        done.warnings.insert(
            0,
            f"An earlier run was interrupted while it changed {', '.join(done.refs)}: what was there before was put "
            "back.",
        )
    for path in debris:
        remove_own(path)
    return done


def _undo(journal: Journal, entry: Entry, warnings: t.List[str]) -> t.Set[str]:
    here, elsewhere = _parts(entry)
    if elsewhere and entry.owner:
        # First, so that no kill in between loses it.
        Journal(os.path.dirname(journal.path), entry.owner.host).write(Entry(elsewhere, entry.run, entry.owner))
    undone, problems = set(), []
    for move in reversed(here):
        try:
            if moving.undo(move):
                undone.add(move.ref)
        except ApplyError as error:
            problems.append(error.message)
    moving.drop_releases(here)
    if problems:
        warnings.append(
            f"An interrupted run could not be undone completely. {' '.join(problems)} What is there now "
            f"stays; what that run did is written in {journal.set_aside()}."
        )
    elif entry.told:
        journal.write(replace(entry, moves=()))
    else:
        journal.end()
    return undone


def _parts(entry: Entry) -> t.Tuple[t.Tuple[Move, ...], t.Tuple[Move, ...]]:
    """The moves that can be undone here, and those in directories that only the host which made them has."""
    if entry.owner is None or entry.owner.host == host_name():
        return entry.moves, ()
    here = {root: _worked_in(root, entry.run) for root in {_root(move) for move in entry.moves}}
    return (
        tuple(move for move in entry.moves if here[_root(move)]),
        tuple(move for move in entry.moves if not here[_root(move)]),
    )


def _root(move: Move) -> str:
    return root_of(move.kept) if is_own(move.kept) else ""


def _worked_in(root: str, run: str) -> bool:
    """Whether the directory that a run staged in, below some directory, is the one that has this name here."""
    directory = open_own_directory(Staging.beside(os.path.join(root, "any"))) if root and run else None
    if directory is None:
        return False
    with directory:
        return directory.has(run)
