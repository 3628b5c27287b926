# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Plans that were staged and are kept, to be carried out by a later run: their files, moves, and what was there.

Files wait on the file system they will live on, in C(staged/DIGEST) of an own directory that nobody else may enter. The
document beside the packs comes last, so that what has none is not whole. How far a plan got is told by the files alone,
as the journal does it: it waits while the old ones are at their places, and is done when the new ones are.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
import typing as t
from dataclasses import asdict, dataclass, field, replace

from .._errors import ApplyError, HostError
from .._file_changes import sync_trees
from .._file_tree import is_bytecode, walk_tree
from .._layout import PLANS
from .._own_directory import (
    STATE_DIRECTORY,
    OwnDirectory,
    is_own,
    make_own_directory,
    open_own_directory,
    open_parent,
    root_of,
)
from .journal import Move, prepared
from .own_places import OwnPlaces
from .staging import Staging

_DOCUMENT = "plan.json"
_FORMAT = 1
_MOST_BYTES = 64 << 20
_SECONDS = 7 * 86400
_STAGING = f"/{STATE_DIRECTORY}/staging/"
CONTENT = "content"
# By what a file, or directory, is told from another that has its name later: inode, size and time of a file.
Mark = t.Tuple[int, ...]


@dataclass(frozen=True)
class Watched:
    """Something that a plan relies on.

    :arg what: C(config), ... for messages; L(CONTENT) for all files of a directory.
    """

    ref: str
    what: str
    path: str
    mark: Mark


@dataclass(frozen=True)
class KeptPlan:
    """A plan that was staged.

    :arg digest: Of what the host has when it is carried out, C(sha256:...).
    :arg asked: Of what the task asked for.
    :arg refs: The packs that it is about.
    :arg before: By ref, what each pack was known by when it was staged, as L(OnDisk.pack); empty for not there.
    :arg after: The same when the plan is carried out.
    :arg parts: As L(planner.Plan.parts).
    :arg shown: What its task returns. Holds no secrets.
    :arg changed: Whether the host is different afterwards.
    :arg moves: With places in staging directories as the run had them that staged it.
    :arg marks: Of what is at the live name of each move.
    """

    digest: str
    asked: str
    refs: t.Tuple[str, ...] = ()
    before: t.Mapping[str, str] = field(default_factory=dict)
    after: t.Mapping[str, str] = field(default_factory=dict)
    parts: t.Mapping[str, t.Tuple[str, ...]] = field(default_factory=dict)
    shown: t.Mapping[str, t.Any] = field(default_factory=dict)
    changed: bool = True
    moves: t.Tuple[Move, ...] = ()
    marks: t.Tuple[Mark, ...] = ()
    watched: t.Tuple[Watched, ...] = ()


class KeptPlans:
    """The plans that are kept on one host.

    :arg now: Where the file that belongs at a path is, as L(View.now).
    """

    def __init__(self, places: OwnPlaces, now: t.Callable[[str], str]) -> None:
        self._places = places
        self._home = os.path.join(places.state, PLANS)
        self._now = now

    def find(self, asked: str) -> t.Optional[KeptPlan]:
        """The plan that was staged for a task.

        :raises HostError: when what has the name of an own directory is not the collection's own.
        """
        found = (self._read(name) for name in _names(self._home))
        return next((plan for plan in found if plan is not None and plan.asked == asked), None)

    def _read(self, name: str) -> t.Optional[KeptPlan]:
        """One plan; C(None) for one that is not whole."""
        try:
            directory = open_own_directory(os.path.join(self._home, name))
            if directory is None:
                return None
            with directory:
                document = json.loads(directory.read(_DOCUMENT, _MOST_BYTES))
            if document.pop("format") != _FORMAT:
                return None
            return KeptPlan(
                **{
                    **document,
                    "refs": tuple(document["refs"]),
                    "parts": {ref: tuple(parts) for ref, parts in document["parts"].items()},
                    "moves": tuple(Move(**move) for move in document["moves"]),
                    "marks": tuple(tuple(mark) for mark in document["marks"]),
                    "watched": tuple(Watched(**{**one, "mark": tuple(one["mark"])}) for one in document["watched"]),
                }
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def is_done(self, plan: KeptPlan, identity: t.Callable[[str], str]) -> bool:
        """Whether a plan is carried out, and all is still as it made it.

        :arg identity: By what a pack is known, as L(OnDisk.pack).
        """
        return all(_inode(self._now(move.live)) == move.new for move in plan.moves) and all(
            identity(ref) == known for ref, known in plan.after.items()
        )

    def differences(self, plan: KeptPlan, identity: t.Callable[[str], str]) -> t.List[str]:
        """Why a plan cannot be carried out: sentences; none when it can."""
        found = [
            f"{ref} {_as_was(known)} when this was staged, and {_as_is(identity(ref))}."
            for ref, known in plan.before.items()
            if identity(ref) != known
        ]
        told = {ref for ref, known in plan.before.items() if identity(ref) != known}
        for move, mark in zip(plan.moves, plan.marks):
            if not self._is_staged(move):
                found.append(f"The {move.what} of {move.ref} that was staged is no longer there.")
            elif _mark(self._now(move.live), move.what) != mark and move.ref not in told:
                found.append(f"The {move.what} of {move.ref} ({move.live}) has been changed since this was staged.")
            elif _STAGING not in move.kept and os.path.lexists(move.kept) and not self._moved(move):
                found.append(f"{move.kept}, where the {move.what} of {move.ref} would be kept, exists.")
        for one in plan.watched:
            if _mark(self._now(one.path), one.what) != one.mark:
                found.append(f"The {one.what} of {one.ref} ({one.path}) has been changed since this was staged.")
        return found

    def _is_staged(self, move: Move) -> bool:
        return not move.staged or _inode(move.staged) == move.new or self._moved(move)

    def _moved(self, move: Move) -> bool:
        """Whether an interrupted run has made the move, which is going to be undone."""
        return self._now(move.live) != move.live and _inode(move.live) == move.new

    def keep(self, plan: KeptPlan, watched: t.Iterable[t.Tuple[str, str, str]] = ()) -> None:
        """Keep what a run has staged.

        :arg plan: With the moves of the run; identities and marks are added.
        :arg watched: What it relies on: ref, kind and path.
        :raises ApplyError: when that cannot be written.
        """
        name = _name(plan.digest)
        try:
            moves = [self._put_aside(move, name, number) for number, move in enumerate(map(prepared, plan.moves))]
            marks = tuple(_mark(move.live, move.what) for move in moves)
            seen = tuple(Watched(ref, what, path, _mark(path, what)) for ref, what, path in watched)
            sync_trees(move.staged for move in moves if move.staged)
            document = asdict(replace(plan, moves=tuple(moves), marks=marks, watched=seen))
            with _private(os.path.join(self._home, name)) as home:
                home.write(_DOCUMENT, json.dumps({"format": _FORMAT, **document}).encode(), mode=0o600)
        except OSError as error:
            raise ApplyError(f"What was staged cannot be kept: {error}. Nothing else was changed.") from error

    @staticmethod
    def _put_aside(move: Move, name: str, number: int) -> Move:
        if not move.staged:
            return move
        place = os.path.join(root_of(move.staged), STATE_DIRECTORY, PLANS, name)
        source = open_parent(move.staged)
        if source is None:
            raise FileNotFoundError(move.staged)
        with source, _private(place) as directory, directory.naming():
            os.rename(source.at(os.path.basename(move.staged)), directory.at(str(number)))
            directory.sync()
        return replace(move, staged=os.path.join(place, str(number)))

    @staticmethod
    def moves(plan: KeptPlan, staging: Staging) -> t.List[Move]:
        """The moves of a plan, for the run that carries it out: what is only to go goes with its staging directory."""
        return [replace(move, kept=_kept_by(move.kept, staging)) for move in plan.moves]

    def clean(self, refs: t.Collection[str], but: str = "") -> None:
        """Remove plans that nobody can want any more: of packs that another plan is about, old, or not whole.

        :arg refs: The packs of that other plan.
        :arg but: The digest of the plan that stays.
        :raises HostError: when what has the name of an own directory is not the collection's own.
        :raises OSError: as the file system gives it.
        """
        stays = {_name(but)} if but else set()
        for name in _names(self._home):
            plan = self._read(name)
            if plan is not None and not set(refs) & set(plan.refs) and not self._is_old(name):
                stays.add(name)
        for place in self._places.plans:
            directory = open_own_directory(place)
            if directory is not None:
                with directory:
                    for name in set(directory.names()) - stays:
                        directory.remove(name)

    def _is_old(self, name: str) -> bool:
        return time.time() - os.lstat(os.path.join(self._home, name, _DOCUMENT)).st_mtime > _SECONDS


def _private(path: str) -> OwnDirectory:
    """An own directory that nobody else may look into, made when it is missing."""
    directory = make_own_directory(path)
    os.fchmod(directory.descriptor, 0o700)
    return directory


def _names(place: str) -> t.List[str]:
    directory = open_own_directory(place)
    if directory is None:
        return []
    with directory:
        return directory.names()


def _name(digest: str) -> str:
    """The name of the directories of a plan."""
    return digest.rpartition(":")[2]


def _inode(path: str) -> int:
    try:
        return os.lstat(path).st_ino
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _mark(path: str, what: str) -> Mark:
    """By what something is known later; empty for nothing. Packs are told apart by their commit or digest as well."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    if what == CONTENT:
        return (_content(path),)
    if stat.S_ISDIR(status.st_mode) and what != "virtualenv":
        return (status.st_ino,)
    return (status.st_ino, 0 if stat.S_ISDIR(status.st_mode) else status.st_size, status.st_mtime_ns)


def _content(path: str) -> int:
    """Names, sizes and times of the files in a directory, as one number."""
    digest = hashlib.sha256()
    for name, status in walk_tree(path):
        if not is_bytecode(name):
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return int.from_bytes(digest.digest()[:6], "big")


def _kept_by(kept: str, staging: Staging) -> str:
    if not is_own(kept) or _STAGING not in kept:
        return kept
    root, _found, below = kept.rpartition(_STAGING)
    return staging.path(f"{root}{_STAGING}".rstrip("/"), below.partition("/")[2])


def _as_was(known: str) -> str:
    return f"was {_short(known)}" if known else "was not there"


def _as_is(known: str) -> str:
    return f"is {_short(known)} now" if known else "is not there now"


def _short(known: str) -> str:
    return known[:14] if known.startswith("sha256:") else known[:7] if " " not in known else "another one"


def nothing_fits(problems: t.Sequence[str]) -> HostError:
    """The error of a run that has nothing to put in place.

    :arg problems: Why what was staged cannot be.
    """
    if not problems:
        return HostError(
            "Nothing that was staged on this host is what this task asks for. Run the same task with phase=stage first."
        )
    return HostError(
        f"What was staged cannot be put in place: {' '.join(problems)} Nothing was changed. Run the same task with "
        "phase=stage again."
    )
