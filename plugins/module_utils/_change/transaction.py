# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The moves of one change: written into the journal, made, and then left to stand or undone as one."""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t

from .._errors import ApplyError
from .._file_changes import sync_trees
from .._own_directory import root_of
from . import journal as moving
from .journal import Journal, Move
from .staging import Staging
from .telling import both


class Transaction:
    """Moves that are made all or none.

    :arg staging: Of this run.
    :arg closing: Moves that are made when the others are registered. One of a name that was moved before
        can only take it away; the journal needs nothing of it, as the first move tells what was there.
    :arg told: By ref, the types that are registered meanwhile, all when empty: whoever recovers from a crash has
        to tell it again, see L(Database.heal).
    :arg before: What StackStorm has of these packs, for whoever recovers.
    :ivar made: Whether any move was begun.
    :arg unhealed: What an earlier run left to be told, and still is.
    """

    def __init__(
        self,
        journal: Journal,
        staging: Staging,
        moves: t.Sequence[Move],
        closing: t.Sequence[Move] = (),
        told: t.Optional[t.Mapping[str, t.Sequence[str]]] = None,
        before: t.Optional[t.Mapping[str, t.Any]] = None,
        unhealed: t.Optional[t.Mapping[str, t.Sequence[str]]] = None,
    ) -> None:
        self._journal = journal
        self._staging = staging
        self._before = before or {}
        names = {move.live for move in moves}
        self._moves = [moving.prepared(move) for move in (*moves, *(one for one in closing if one.live not in names))]
        self._again = [move for move in closing if move.live in names]
        self._first = len(moves)
        self.made = False
        self._told = dict(told or {})
        self._unhealed = {ref: types for ref, types in (unhealed or {}).items() if not self._tells(ref, types)}

    def _tells(self, ref: str, types: t.Sequence[str]) -> bool:
        """Whether StackStorm is told as much as that anyhow."""
        told = self._told.get(ref)
        return told is not None and (not told or (bool(types) and set(types) <= set(told)))

    @property
    def _all_told(self) -> t.Dict[str, t.Sequence[str]]:
        known = self._unhealed
        return {**known, **{ref: both(known.get(ref, types), types) for ref, types in self._told.items()}}

    @property
    def refs(self) -> t.FrozenSet[str]:
        """The packs that something is moved of."""
        return frozenset(move.ref for move in self._moves)

    def begin(self) -> None:
        """Write down what is going to happen, on disk before it happens, and what is staged before that.

        :raises OSError: when it cannot be written.
        """
        if self._moves or self._told:
            # Whoever undoes moves sees by this run's directories whether it worked on the directories that it sees.
            for root in sorted({root_of(move.kept) for move in self._moves}):
                self._staging.root(Staging.beside(os.path.join(root, "any")))
            sync_trees(move.staged for move in self._moves if move.staged)
            self._write()

    def _write(self) -> None:
        self._journal.begin(self._moves, self._staging.name, self._all_told, self._before)

    def carry_out(self) -> None:
        """Make the moves.

        :raises ApplyError: when one is refused; L(undo) puts back what was made.
        """
        for number in range(self._first):
            self._make(number)

    def close(self) -> None:
        """Make the closing moves, which come after StackStorm was told. Raises what L(carry_out) raises."""
        for number in range(self._first, len(self._moves)):
            self._make(number)
        for move in self._again:
            with _about(move):
                moving.carry_out(move)

    def _make(self, number: int) -> None:
        move = self._moves[number]
        self.made = True
        with _about(move):
            try:
                moving.carry_out(move)
            except OSError as error:
                if error.errno != errno.EXDEV or not os.path.isdir(move.live) or os.path.islink(move.live):
                    raise
                self._make_by_copy(number)

    def _make_by_copy(self, number: int) -> None:
        move = self._moves[number] = moving.copied(self._moves[number])
        self._write()
        moving.carry_out_copied(move)

    def undo(self) -> bool:
        """Put every file back as it was before. What StackStorm was told stays written down until L(end).

        :returns: Whether there is everywhere what was there before: what something else has put in a place since is
            left to it.
        :raises ApplyError: when that cannot be done; the journal stays, and the next run tries again.
        """
        try:
            moving.undo_all(self._moves)
            moving.drop_releases(self._moves)
        except OSError as error:
            raise ApplyError(
                f"What this task had changed cannot be put back: {error}. The old files are still there, and the next "
                "run puts them back."
            ) from error
        whole = all(map(moving.is_as_before, self._moves))
        self._moves = []
        if self._told:
            self._write()
        return whole

    def end(self) -> None:
        """Let things be as they are now: from now on nobody undoes anything.

        :raises OSError: when the journal cannot be removed; then the moves can and have to be undone.
        """
        if self._unhealed:
            self._journal.begin([], told=self._unhealed)
        elif self._journal.exists():
            self._journal.end()


@contextlib.contextmanager
def _about(move: Move) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ApplyError(
            f"The {move.what} of {move.ref} cannot be {'put at' if move.staged else 'taken from'} {move.live}: "
            f"{error.strerror}.",
            ref=move.ref,
        ) from error
