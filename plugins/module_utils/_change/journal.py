# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The transaction: moves of whole directories by rename, written down before they begin, undone as one.

Every move is C(live) (the place StackStorm reads), C(staged) (the new tree, prepared aside on the same file system) and
C(kept) (where the old tree goes). The journal holds their identities (inode numbers), so that whoever reads it after a
crash sees from the directories alone how far the moves got, and puts the old trees back.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import typing as t
from dataclasses import asdict, dataclass, field, replace

from .._errors import ApplyError
from .._files import (
    TEMPORARY_PREFIX,
    copy_tree,
    exchange,
    read_regular_file,
    remove_tree,
    sync_directory,
    write_atomically,
)
from .._layout import entries

_MOST_JOURNAL_BYTES = 16 << 20


@dataclass(frozen=True)
class Move:
    """One name that gets a new tree, or loses its tree.

    :arg ref: The pack it is about.
    :arg what: C(pack), C(virtualenv), C(receipt), C(config), ... for messages.
    :arg live: The name that StackStorm knows.
    :arg staged: Where the new tree waits; C(None) for a removal.
    :arg kept: Where the old tree is put.
    :arg new: Inode of the new tree, 0 for a removal.
    :arg old: Inode of the old tree, 0 when there is none.
    :arg discarded: Inode of a directory that had to be copied to C(kept), see L(copied); what is left of it at
        C(live) is worth nothing.
    """

    ref: str
    what: str
    live: str
    staged: t.Optional[str]
    kept: str
    new: int = 0
    old: int = 0
    discarded: int = 0


@dataclass(frozen=True)
class Entry:
    """What the journal says of a run that did not end.

    :arg told: By ref, the parts of packs that StackStorm was told of, or was about to be.
    """

    moves: t.Tuple[Move, ...]
    told: t.Mapping[str, t.Tuple[str, ...]] = field(default_factory=dict)


def _inode(path: t.Optional[str]) -> int:
    try:
        return os.lstat(path).st_ino if path else 0
    except FileNotFoundError:
        return 0


def prepared(move: Move) -> Move:
    """The move with the identities of what is there now."""
    return Move(move.ref, move.what, move.live, move.staged, move.kept, _inode(move.staged), _inode(move.live))


class Journal:
    """The file that says which moves are under way.

    :arg directory: The collection's state directory of the host.
    """

    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, "journal.json")

    def exists(self) -> bool:
        """Whether a run is under way, or did not end."""
        return os.path.lexists(self.path)

    def read(self) -> t.Optional[Entry]:
        """What a run that did not end was about, or C(None).

        :raises ApplyError: when the file is there and cannot be understood.
        """
        try:
            document = json.loads(read_regular_file(self.path, _MOST_JOURNAL_BYTES))
            told = {ref: tuple(parts) for ref, parts in document.get("told", {}).items()}
            return Entry(tuple(Move(**move) for move in document["moves"]), told)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ApplyError(
                f"The journal {self.path} of an interrupted run cannot be read ({error}). Look at what it names, "
                "then remove it."
            ) from error

    def unfinished(self) -> t.List[str]:
        """What a run left that was killed while it wrote the journal."""
        directory = os.path.dirname(self.path)
        return [os.path.join(directory, name) for name in entries(directory) if name.startswith(TEMPORARY_PREFIX)]

    def begin(self, moves: t.Sequence[Move], told: t.Optional[t.Mapping[str, t.Sequence[str]]] = None) -> None:
        """Write down what is about to happen, on disk before it happens.

        :arg told: By ref, the parts of packs that StackStorm is told of meanwhile.
        """
        document = {"pid": os.getpid(), "moves": [asdict(move) for move in moves], "told": dict(told or {})}
        write_atomically(self.path, json.dumps(document, indent=1).encode())

    def end(self) -> None:
        """The moves are done, or undone: from now on nobody undoes them."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        sync_directory(os.path.dirname(self.path))


def carry_out(move: Move) -> None:
    """Make one move. Old and new change places in one step where the file system can do that.

    :raises OSError: when the file system refuses; what was moved can be undone with L(undo).
    """
    if move.staged is None:
        os.rename(move.live, move.kept)
    elif not move.old:
        os.rename(move.staged, move.live)
    elif exchange(move.staged, move.live):
        os.rename(move.staged, move.kept)
    else:
        os.rename(move.live, move.kept)
        os.rename(move.staged, move.live)
    sync_directory(os.path.dirname(move.live))


def copied(move: Move) -> Move:
    """Copy the old directory of a move to where it is kept. C(live) stays as it is.

    For directories in a lower layer of an overlay file system (of a container image), which cannot be renamed.

    :returns: The move by which the copy is the old tree; for the journal, before L(carry_out_copied).
    :raises OSError: when there is no room for it, or renaming would not get further.
    """
    if os.stat(os.path.dirname(move.live)).st_dev != os.stat(os.path.dirname(move.kept)).st_dev:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), move.live, None, move.kept)
    copy_tree(move.live, f"{move.kept}.copy")
    os.rename(f"{move.kept}.copy", move.kept)
    return replace(move, old=_inode(move.kept), discarded=move.old)


def carry_out_copied(move: Move) -> None:
    """As L(carry_out), for a move whose old tree was L(copied): for a moment there is less than a tree at C(live)."""
    remove_tree(move.live)
    if move.staged:
        os.rename(move.staged, move.live)
    sync_directory(os.path.dirname(move.live))


def undo(move: Move) -> bool:
    """Put the old tree of a move back, wherever the move had got to.

    :returns: Whether anything had to be moved.
    :raises ApplyError: when the old tree is not to be found, naming where it was looked for.
    """
    if not has_happened(move):
        return False
    if move.old:
        _bring_back(move)
    elif move.staged:
        os.makedirs(os.path.dirname(move.staged), exist_ok=True)
        os.rename(move.live, move.staged)
    sync_directory(os.path.dirname(move.live))
    return True


def has_happened(move: Move) -> bool:
    """Whether the move changed what is at its live name. What something else put there since is left to it."""
    now = _inode(move.live)
    return now != move.old and now in (0, move.new, move.discarded)


def _bring_back(move: Move) -> None:
    where = whereabouts(move)
    if where is None:
        raise ApplyError(
            f"The {move.what} of {move.ref} that was at {move.live} is at none of {move.staged}, {move.kept}. "
            f"Something else took it away: put it back at {move.live}, then run this again.",
            ref=move.ref,
        )
    if move.discarded and _inode(move.live) == move.discarded:
        remove_tree(move.live)
    if not os.path.lexists(move.live):
        os.rename(where, move.live)
    elif not exchange(where, move.live):
        os.rename(move.live, f"{where}.aside")
        os.rename(where, move.live)


def whereabouts(move: Move) -> t.Optional[str]:
    """Where the old tree of a move is now; C(None) when there was none or it is nowhere."""
    if not move.old:
        return None
    places = (move.live, move.kept, move.staged)
    return next((path for path in places if path and _inode(path) == move.old), None)


def undo_all(moves: t.Sequence[Move]) -> t.List[Move]:
    """Undo moves, the last one first.

    :returns: Those that had happened.
    """
    return [move for move in reversed(moves) if undo(move)]


def drop_releases(moves: t.Iterable[Move]) -> None:
    """Remove the directories that were made to keep old packs, after L(undo_all): what they hold is no release."""
    for move in moves:
        if move.what == "pack" and _inode(move.kept) != move.old:
            directory = os.path.dirname(move.kept)
            remove_tree(directory)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(directory))  # When this was the first one.


def pending(moves: t.Sequence[Move]) -> t.Dict[str, t.Optional[str]]:
    """Where things really are while moves wait to be undone: by live path, the path of the old tree, or C(None).

    :arg moves: What L(Journal.read) gave.
    """
    return {move.live: whereabouts(move) for move in moves if has_happened(move)}
