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
import itertools
import json
import os
import re
import typing as t
from dataclasses import asdict, dataclass, field, replace

from .._errors import ApplyError
from .._file_changes import copy_tree, exchange, remove_tree, sync_directory, write_atomically
from .._files import read_regular_file
from .._own_directory import STATE_DIRECTORY, make_own_directory, open_parent
from .liveness import Owner, owner_from, this_process

CHANGES = "changes"
_JOURNAL = "journal.json"
_FORMAT = 2
_UNSAFE = re.compile(r"[^0-9A-Za-z.-]")
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
    """What a journal says.

    :arg moves: In the order in which they are made.
    :arg run: The name of the run's directory below each staging directory, by which one sees whether it worked here.
    :arg owner: Who made it; C(None) for one of 0.2.0, which is of this host.
    :arg told: By ref, the types that are registered meanwhile; all of them when empty.
    :arg before: What StackStorm had of these packs, as L(undo.Snapshot.document).
    """

    moves: t.Tuple[Move, ...]
    run: str = ""
    owner: t.Optional[Owner] = None
    told: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)
    before: t.Mapping[str, t.Any] = field(default_factory=dict)


def prepared(move: Move) -> Move:
    """The move with the identities of what is there now."""
    return replace(move, new=_inode(move.staged), old=_inode(move.live), discarded=0)


class Journal:
    """The file that says which moves are under way.

    :arg directory: The collection's state directory.
    :arg host: Of which host it is, when another one left it that part of its moves which it could not undo itself.
    """

    def __init__(self, directory: str, host: str = "") -> None:
        self._directory = directory
        self._name = f"journal.{_UNSAFE.sub('_', host)}.json" if host else _JOURNAL
        self.path = os.path.join(directory, self._name)

    def exists(self) -> bool:
        """Whether a run is under way, or did not end."""
        with _opened(self.path) as path:
            return path is not None and os.path.lexists(path)

    def read(self) -> t.Optional[Entry]:
        """What a run left that did not end, or C(None).

        :raises ApplyError: when the file is there and cannot be understood.
        :raises HostError: when what has the name of its directory is not the collection's own.
        """
        try:
            with _opened(self.path) as path:
                if path is None:
                    return None
                document = json.loads(read_regular_file(path, _MOST_JOURNAL_BYTES, follow=False))
            moves = tuple(Move(**move) for move in document["moves"])
            told = {ref: tuple(types) for ref, types in document.get("told", {}).items()}
            run, before = str(document.get("run", "")), dict(document.get("before", {}))
            return Entry(moves, run, owner_from(document.get("owner")), told, before)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ApplyError(f"The journal {self.path} of an interrupted run cannot be read ({error}).") from error

    def begin(
        self,
        moves: t.Sequence[Move],
        run: str = "",
        told: t.Optional[t.Mapping[str, t.Sequence[str]]] = None,
        before: t.Optional[t.Mapping[str, t.Any]] = None,
    ) -> None:
        """Write down what is about to happen, on disk before it happens. The arguments are as in L(Entry)."""
        self.write(Entry(tuple(moves), run, this_process(), told or {}, before or {}))

    def write(self, entry: Entry) -> None:
        """Write down what is still to be undone."""
        document = {
            "format": _FORMAT,
            "owner": entry.owner.document() if entry.owner else None,
            "run": entry.run,
            "moves": [asdict(move) for move in entry.moves],
            "told": dict(entry.told),
            "before": dict(entry.before),
        }
        with make_own_directory(self._directory) as directory, directory.naming():
            write_atomically(directory.at(self._name), json.dumps(document, indent=1).encode())

    def end(self) -> None:
        """The moves are done, or undone: from now on nobody undoes them."""
        with _opened(self.path) as path:
            if path is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                sync_directory(os.path.dirname(path))

    def set_aside(self) -> str:
        """Keep it under another name, for people to look at; no run undoes its moves any more.

        :returns: That path.
        """
        with make_own_directory(self._directory) as directory, directory.naming():
            number = next(n for n in itertools.count(1) if not directory.has(f"journal.unresolved-{n}.json"))
            aside = f"journal.unresolved-{number}.json"
            os.rename(directory.at(self._name), directory.at(aside))
            directory.sync()
        return os.path.join(self._directory, aside)


@contextlib.contextmanager
def _opened(path: str, *, make: bool = False) -> t.Iterator[t.Optional[str]]:
    """The same place by way of its opened directory, which nobody can exchange for another meanwhile.

    :arg make: Whether to make an own directory that is missing.
    """
    directory = open_parent(path, make=make)
    if directory is None:
        yield None
        return
    with directory, directory.naming():
        yield directory.at(os.path.basename(path))


@contextlib.contextmanager
def _opened_move(move: Move) -> t.Iterator[Move]:
    """A move with its names by way of their opened directories; those of its own are made."""
    with contextlib.ExitStack() as stack:

        def at(path: str) -> str:
            return stack.enter_context(_opened(path, make=True)) or path

        yield replace(move, live=at(move.live), staged=at(move.staged) if move.staged else None, kept=at(move.kept))


def _inode(path: t.Optional[str]) -> int:
    if path is None:
        return 0
    with _opened(path) as opened:
        try:
            return os.lstat(opened).st_ino if opened else 0
        except FileNotFoundError:
            return 0


def carry_out(move: Move) -> None:
    """Make one move. Old and new change places in one step where the file system can do that.

    :raises OSError: when the file system refuses; what was moved can be undone with L(undo).
    """
    with _opened_move(move) as at:
        if at.staged is None:
            os.rename(at.live, at.kept)
        elif not at.old:
            os.rename(at.staged, at.live)
        elif exchange(at.staged, at.live):
            os.rename(at.staged, at.kept)
        else:
            os.rename(at.live, at.kept)
            os.rename(at.staged, at.live)
        sync_directory(os.path.dirname(at.live))


def copied(move: Move) -> Move:
    """Copy the old directory of a move to where it is kept. C(live) stays as it is.

    For directories in a lower layer of an overlay file system (of a container image), which cannot be renamed.

    :returns: The move by which the copy is the old tree; for the journal, before L(carry_out_copied).
    :raises OSError: when there is no room for it, or renaming would not get further.
    """
    with _opened_move(move) as at:
        if os.stat(os.path.dirname(at.live)).st_dev != os.stat(os.path.dirname(at.kept)).st_dev:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), move.live, None, move.kept)
        copy_tree(at.live, f"{at.kept}.copy")
        os.rename(f"{at.kept}.copy", at.kept)
    return replace(move, old=_inode(move.kept), discarded=move.old)


def carry_out_copied(move: Move) -> None:
    """As L(carry_out), for a move whose old tree was L(copied): for a moment there is less than a tree at C(live)."""
    with _opened_move(move) as at:
        remove_tree(at.live)
        if at.staged:
            os.rename(at.staged, at.live)
        sync_directory(os.path.dirname(at.live))


def undo(move: Move) -> bool:
    """Put the old tree of a move back, wherever the move had got to.

    :returns: Whether anything had to be moved.
    :raises ApplyError: when the old tree is not to be found, naming where it was looked for.
    """
    if not has_happened(move):
        _return_new(move)
        return False
    where = whereabouts(move)
    if move.old and where is None:
        raise ApplyError(
            f"The {move.what} of {move.ref} that was at {move.live} is neither at {move.staged} nor at {move.kept}: "
            "something else removed it.",
            ref=move.ref,
        )
    with _opened_move(move) as at:
        if where:
            with _opened(where) as old:
                _bring_back(at, old or where)
        elif at.staged:
            os.rename(at.live, at.staged)
        sync_directory(os.path.dirname(at.live))
    _return_new(move)
    return True


def _return_new(move: Move) -> None:
    """Put the new tree of a move that was undone back to where it was staged: it may be one that is kept."""
    if not move.staged or not move.new or _inode(move.staged):
        return
    for path in (move.kept, f"{move.kept}.aside", f"{move.staged}.aside"):
        if _inode(path) == move.new:
            with _opened(path) as there, _opened(move.staged, make=True) as staged:
                os.rename(there or path, staged or move.staged)
            return


def is_as_before(move: Move) -> bool:
    """Whether what was at the live name of a move is there, also once that was undone."""
    return _inode(move.live) == move.old


def has_happened(move: Move) -> bool:
    """Whether the move changed what is at its live name. What something else put there since is left to it."""
    now = _inode(move.live)
    return now != move.old and now in (0, move.new, move.discarded)


def _bring_back(move: Move, where: str) -> None:
    if move.discarded and os.path.lexists(move.live) and os.lstat(move.live).st_ino == move.discarded:
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
    for release in _no_releases(moves):
        with _opened(release) as path:
            if path is not None:
                remove_tree(path)
        with _opened(os.path.dirname(release)) as path, contextlib.suppress(OSError):
            if path is not None:
                os.rmdir(path)  # When this was the first one.
    for move in moves:
        for path in (move.kept, move.live):
            _remove_empty_above(path)


def _remove_empty_above(path: str) -> None:
    """Remove the directories of a change set that an undone move has made; what holds something stays."""
    above = os.path.dirname(path)
    while f"/{STATE_DIRECTORY}/{CHANGES}" in above:
        with _opened(above) as opened, contextlib.suppress(OSError):
            if opened is not None:
                os.rmdir(opened)
        above = os.path.dirname(above)


def pending_releases(moves: t.Sequence[Move]) -> t.List[str]:
    """The directories that L(drop_releases) will remove once the moves are undone."""
    packs = [move for move in moves if move.what == "pack"]
    return [*_no_releases(packs), *(os.path.dirname(move.kept) for move in packs if has_happened(move))]


def _no_releases(moves: t.Iterable[Move]) -> t.List[str]:
    kept = [move.kept for move in moves if move.what == "pack" and _inode(move.kept) != move.old]
    return [os.path.dirname(path) for path in kept]


def pending(moves: t.Sequence[Move]) -> t.Dict[str, t.Optional[str]]:
    """Where things really are while moves wait to be undone: by live path, the path of the old tree, or C(None); and
    where what is kept is that is put in place.

    :arg moves: What L(Journal.read) gave. One whose old tree is nowhere cannot be undone: what is there stays.
    """
    happened = [move for move in moves if has_happened(move)]
    found = {move.live: (whereabouts(move), move.old) for move in happened}
    there: t.Dict[str, t.Optional[str]] = {live: where for live, (where, old) in found.items() if where or not old}
    from_kept = [move for move in happened if move.staged and f"/{STATE_DIRECTORY}/staging/" not in move.staged]
    return {**there, **{move.staged or "": move.live for move in from_kept if _inode(move.live) == move.new}}
