# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Recording: a change set is one more file that a change moves into place, so that it is there when the change stands,
and is not when that is undone, whatever ends the run in between."""

from __future__ import annotations

import contextlib
import datetime
import os
import secrets
import typing as t

from .._file_changes import write_atomically
from .._own_directory import STATE_DIRECTORY, open_own_directory, remove_own, root_of
from .change_sets import (
    ALONG,
    CONFIG,
    DIRECTORY,
    KINDS_OF_FILES,
    OVERRIDES,
    PACK,
    VIRTUALENV,
    ChangeSet,
    ChangeSets,
    Part,
    State,
    file_state,
    pack_state,
    tree_state,
)
from .journal import Move
from .liveness import host_name
from .own_places import OwnPlaces
from .planner import Staged
from .staging import Staging

# Change sets that stay.
MOST = 10
_PRIVATE = 0o700
_MODE = 0o600
_RELEASES = f"/{STATE_DIRECTORY}/releases/"
_SALT_BYTES = 16


def recorded(staged: Staged, places: OwnPlaces, staging: Staging, registrar: str) -> t.Tuple[str, Staged]:
    """A change with its change set among the moves, and with places to keep what it replaces.

    :arg registrar: By which adapter StackStorm is told.
    :returns: The id of the change set, and the change; an empty id for a change that needs none, as it changes nothing
        that runs.
    :raises HostError: when what has the name of one of the places is not the collection's own.
    :raises OSError: when it cannot be written.
    """
    if not any(move.what in KINDS_OF_FILES for move in (*staged.moves, *staged.closing)):
        return "", staged
    sets = ChangeSets(places)
    change = sets.next_id()
    recording = _Recording(sets, staging, change)
    moves = [recording.take(move, staged) for move in staged.moves]
    closing = [recording.take(move, staged) for move in staged.closing]
    time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = ChangeSet(
        change, host_name(), time, registrar, staged.undoes, recording.salt, tuple(recording.parts.values())
    )
    place = Staging.beside(os.path.join(os.path.dirname(places.state), "any"))
    file = staging.path(place, DIRECTORY, f"{change}.json")
    write_atomically(file, made.document(), mode=_MODE)
    kept = staging.path(place, "old", f"{change}.json")
    first = made.parts[0]
    closing.append(Move(first.ref, "change set", sets.path(change), file, kept))
    _make_private(sets)
    return change, staged._replace(moves=moves, closing=closing)


def _make_private(sets: ChangeSets) -> None:
    """Let nobody else look into the places, whatever became of their mode."""
    for path in {os.path.dirname(place) for place in sets.kept_all("0")}:
        directory = open_own_directory(path)
        if directory is not None:
            with directory, contextlib.suppress(PermissionError):
                os.fchmod(directory.descriptor, _PRIVATE)


class _Recording:
    """What is written down of the moves of one change."""

    def __init__(self, sets: ChangeSets, staging: Staging, change: str) -> None:
        self.parts: t.Dict[str, Part] = {}
        self.salt = secrets.token_hex(_SALT_BYTES)
        self._sets = sets
        self._staging = staging
        self._change = change

    def take(self, move: Move, staged: Staged) -> Move:
        """Write down one move.

        :returns: It, with another place for what is kept where that would go with the staging directory.
        """
        if move.what not in (*KINDS_OF_FILES, *ALONG):
            return move
        known = self.parts.get(move.live)
        after = self._state(move, move.staged, staged)
        if known is not None:  # Its first move says what was there.
            self.parts[move.live] = known._replace(after=after)
            return move
        before = self._state(move, move.live, staged)
        kept = self._kept(move, staged) if before else ""
        self.parts[move.live] = Part(move.ref, move.what, move.live, kept, before, after)
        return move if not kept or kept == move.kept else _with_kept(move, kept)

    def _kept(self, move: Move, staged: Staged) -> str:
        """Where it is kept; empty when it is gone with the staging directory."""
        if _RELEASES in move.kept:
            return move.kept
        lost = any(one.what == PACK and _RELEASES not in one.kept and _is_there(one) for one in _of(move.ref, staged))
        if move.what not in (VIRTUALENV, CONFIG, OVERRIDES) or lost or move.ref in staged.forgets:
            return ""
        place = self._sets.kept(root_of(move.kept), self._change)
        return os.path.join(place, move.what, os.path.basename(move.live))

    def _state(self, move: Move, path: t.Optional[str], staged: Staged) -> t.Optional[State]:
        if not path:
            return None
        if move.what == PACK:
            return pack_state(path, self._receipt(move, path, staged))
        if move.what in (CONFIG, OVERRIDES):
            return file_state(path, self.salt)
        return tree_state(path)

    @staticmethod
    def _receipt(move: Move, path: str, staged: Staged) -> str:
        """Where the receipt of a pack is that is at its place, or staged."""
        own = os.path.join(os.path.dirname(move.live), STATE_DIRECTORY, "receipts", f"{move.ref}.json")
        if path == move.live:
            return own
        return next((one.staged or "" for one in _of(move.ref, staged) if one.live == own), "")


def _of(ref: str, staged: Staged) -> t.List[Move]:
    return [move for move in (*staged.moves, *staged.closing) if move.ref == ref]


def _is_there(move: Move) -> bool:
    return os.path.lexists(move.live)


def _with_kept(move: Move, kept: str) -> Move:
    return Move(move.ref, move.what, move.live, move.staged, kept)


def clean(places: OwnPlaces) -> t.List[str]:
    """Remove what no change set needs any more, once a change stands.

    :returns: Warnings about what cannot be removed; the next change tries again.
    """
    sets = ChangeSets(places)
    warnings = []
    for path in _needless(sets, places):
        try:
            remove_own(path)
        except OSError as error:
            warnings.append(f"{path} is no longer needed and cannot be removed: {error}.")
    return warnings


def _needless(sets: ChangeSets, places: OwnPlaces) -> t.Iterator[str]:
    known = sets.all()
    for old in known[:-MOST]:
        yield sets.path(old.id)  # First: without it, what it kept is found as left over.
    staying = known[-MOST:]
    renewed: t.Set[str] = set()
    for one in reversed(staying):
        for part in one.of(VIRTUALENV):
            pack = next((other for other in one.of(PACK) if other.ref == part.ref), None)
            # A virtualenv goes with the release that it belongs to; of one that was only made anew, the last one stays.
            needless = part.ref in renewed if pack is None else bool(pack.kept) and not os.path.lexists(pack.kept)
            if pack is None:
                renewed.add(part.ref)
            if needless and part.kept and os.path.lexists(part.kept):
                yield part.kept
    if not _is_unresolved(places):
        yield from sets.left_over({one.id for one in staying})


def _is_unresolved(places: OwnPlaces) -> bool:
    """Whether a run could not be undone completely, of which something may lie there for people."""
    directory = open_own_directory(places.state)
    if directory is None:
        return False
    with directory:
        return any(name.startswith("journal.unresolved") for name in directory.names())
