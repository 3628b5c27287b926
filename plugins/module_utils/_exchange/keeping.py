# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Where repositories are on an exchange host, and what is remembered of each from run to run."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t

from .._errors import LockError
from .._file_changes import exchange, remove_tree, sync_trees, write_atomically
from .._files import UnfitFileError, read_regular_file
from .findings import Mirrored, from_json, to_json

_LARGEST = 16 << 20
_NEW, _OLD = ".new", ".old"


class Kept(t.NamedTuple):
    """What is remembered of a repository.

    :arg mirrored: What was found last; C(None) for a repository that is not known.
    :arg superseded: Packs that are no longer listed, and when each was last.
    """

    mirrored: t.Optional[Mirrored] = None
    superseded: t.Mapping[str, float] = {}


def served_directory(root: str, ref: str) -> str:
    """Where a repository is served from."""
    return os.path.join(root, "git", f"{ref}.git")


def hosted_directory(root: str, ref: str) -> str:
    """Where a repository is that is pushed to this host."""
    return os.path.join(root, "hosted", f"{ref}.git")


def state_directory(root: str) -> str:
    """Where the rest of all this lies; on the file system of what is served, since repositories move from there."""
    return os.path.join(root, "state", "mirror")


def new_directory(root: str, key: str) -> str:
    """Where a repository is made before it is served."""
    return os.path.join(state_directory(root), f"{key}{_NEW}")


def old_directory(root: str, key: str) -> str:
    """Where something is put that was served, before it is removed."""
    return os.path.join(state_directory(root), f"{key}{_OLD}")


@contextlib.contextmanager
def alone(root: str, key: str) -> t.Iterator[None]:
    """Keep other runs away from one repository. What they left of it when they were killed is removed.

    :arg key: Its ref, or what else it is known by.
    :raises LockError: when one is at it.
    """
    os.makedirs(state_directory(root), mode=0o755, exist_ok=True)
    with open(os.path.join(state_directory(root), f"{key}.lock"), "wb") as stream:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockError(f"{key} was left alone, because another run is at it.", ref=key) from error
        _remove_left(root, key)
        try:
            yield
        finally:
            _remove_left(root, key)


def clean_up(root: str) -> None:
    """Remove what runs left that were killed; what others are just making stays."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(state_directory(root)):
            key, ending = os.path.splitext(name)
            if ending in (_NEW, _OLD):
                with contextlib.suppress(LockError), alone(root, key):
                    pass


def _remove_left(root: str, key: str) -> None:
    for left in (new_directory(root, key), old_directory(root, key)):
        remove_tree(left)


def put_in_place(root: str, key: str, ref: str) -> None:
    """Let a repository that was made be served, in one step; what was served under that name before is removed.

    :raises OSError: as the file system gives it; then what is served is what it was.
    """
    new, target = new_directory(root, key), served_directory(root, ref)
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    sync_trees([new])
    swap_in(new, target, old_directory(root, key))


def swap_in(new: str, target: str, old: str) -> None:
    """Give something the name of something else, which may be there, and is removed.

    :arg old: Where that is put where names cannot be exchanged in one step.
    """
    if not (os.path.lexists(target) and exchange(new, target)):
        with contextlib.suppress(FileNotFoundError):
            os.rename(target, old)
        os.rename(new, target)
    for left in (new, old):
        remove_tree(left)


def read_kept(root: str, ref: str) -> Kept:
    """What is remembered of a repository; nothing where that cannot be read."""
    try:
        document = json.loads(read_regular_file(_file(root, ref), _LARGEST, follow=False))
        superseded = {str(name): float(since) for name, since in document["superseded"].items()}
        return Kept(from_json(document["mirrored"]), superseded)
    except (OSError, UnfitFileError, ValueError, KeyError, TypeError, AttributeError):
        return Kept()


def write_kept(root: str, ref: str, kept: Kept) -> None:
    """Remember something of a repository, where that is news."""
    document = {"mirrored": to_json(kept.mirrored) if kept.mirrored else None, "superseded": dict(kept.superseded)}
    content = json.dumps(document, indent=1, sort_keys=True).encode()
    path = _file(root, ref)
    if not os.path.lexists(path) or read_regular_file(path, _LARGEST, follow=False) != content:
        write_atomically(path, content, mode=0o600)


def read_mirrored(root: str) -> t.Dict[str, Mirrored]:
    """What was found of each repository last, by its ref."""
    try:
        names = sorted(os.listdir(state_directory(root)))
    except FileNotFoundError:
        return {}
    kept = {name[: -len(".json")]: read_kept(root, name[: -len(".json")]) for name in names if name.endswith(".json")}
    return {ref: one.mirrored for ref, one in kept.items() if one.mirrored}


def _file(root: str, ref: str) -> str:
    return os.path.join(state_directory(root), f"{ref}.json")
