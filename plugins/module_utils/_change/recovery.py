# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Recovery: what a run that was killed left behind, put right by the next one."""

from __future__ import annotations

import typing as t

from .._errors import ApplyError
from .._files import remove_tree
from . import journal as moving


def interrupted(moves: t.Optional[t.Sequence[moving.Move]]) -> t.Tuple[str, ...]:
    """The refs that an interrupted run left with a new tree in place, sorted."""
    moved = moving.pending(moves or ())
    return tuple(sorted({move.ref for move in moves or () if move.live in moved}))


def recover(journal: moving.Journal, debris: t.Sequence[str]) -> t.Tuple[str, ...]:
    """Undo what an interrupted run had moved, and remove what it had prepared. Needs the host's lock.

    :arg debris: What lies in the staging directories.
    :returns: The refs whose old tree was put back.
    :raises ApplyError: when an old tree is not to be found.
    """
    entry = journal.read()
    if entry is not None:
        moves = entry.moves
        try:
            undone = tuple(sorted({move.ref for move in moving.undo_all(moves)}))
        except ApplyError as error:
            error.message += f" To accept what is there instead, remove {journal.path}."
            raise
        moving.drop_releases(moves)
        if entry.told:
            journal.begin([], entry.told)
        else:
            journal.end()
    else:
        undone = ()
    for path in (*debris, *journal.unfinished()):
        remove_tree(path)
    return undone
