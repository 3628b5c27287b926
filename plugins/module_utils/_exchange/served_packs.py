# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The packs of git that are served as files: made one when they are many, and taken away once nobody reads them.

A clone over plain HTTP reads C(objects/info/packs) first, and then the packs that it lists. So what is no longer needed
is no longer listed at once, and its file goes when no clone that began before can still be under way.
"""

from __future__ import annotations

import glob
import os
import tempfile
import typing as t

from .._file_changes import remove_tree, write_atomically
from .._source.git_program import Git

# Each is one or two requests of each clone.
MOST_PACKS = 20
KEPT_SECONDS = 3600.0
_LIST = os.path.join("objects", "info", "packs")
# All objects of all packs, also those that no branch leads to any more: a lock may name a commit among them.
_PACK_ALL = (
    *("pack-objects", "--all", "--keep-true-parents", "--honor-pack-keep", "--non-empty", "--keep-unreachable"),
    *("--reflog", "--indexed-objects", "--delta-base-offset", "--quiet"),
)
_LARGEST_PACK = 8 << 30


def pack_names(repository: str) -> t.List[str]:
    """The packs that are whole, newest first."""
    found = glob.glob(os.path.join(glob.escape(repository), "objects", "pack", "pack-*.idx"))
    packs = [path[: -len(".idx")] for path in found if os.path.exists(f"{path[: -len('.idx')]}.pack")]
    return [os.path.basename(path) for path in sorted(packs, key=_age)]


def _age(path: str) -> t.Tuple[float, str]:
    return -os.path.getmtime(f"{path}.pack"), path


def write_pack_list(repository: str, superseded: t.Container[str]) -> bool:
    """Write C(objects/info/packs), as C(git update-server-info) does, but without the packs that are superseded.

    :returns: Whether it was another.
    """
    listed = [f"P {name}.pack\n" for name in pack_names(repository) if name not in superseded]
    return write_if_other(os.path.join(repository, _LIST), "".join([*listed, "\n"]).encode())


def write_if_other(path: str, content: bytes) -> bool:
    """Write a file that is served, unless it is the same already."""
    try:
        with open(path, "rb") as stream:
            if stream.read() == content:
                return False
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    write_atomically(path, content, mode=0o644)
    return True


def make_one_pack(git: Git, repository: str, known: t.Iterable[str]) -> t.List[str]:
    """Make one pack of all, and leave the others where they are.

    :arg known: Packs that are superseded already.
    :returns: The packs that are superseded by it; none where there are few.
    """
    superseded = set(known)
    before = [name for name in pack_names(repository) if name not in superseded and not _is_kept(repository, name)]
    if len(before) <= MOST_PACKS:
        return []
    with tempfile.TemporaryFile() as nothing:
        target = os.path.join("objects", "pack", "pack")
        made = git(*_PACK_ALL, target, cwd=repository, stdin=nothing, most_written=_LARGEST_PACK).stdout.split()
    return [name for name in before if made and name != f"pack-{made[-1]}"]


def remove_superseded(repository: str, superseded: t.Mapping[str, float], now: float) -> t.Dict[str, float]:
    """Take away the packs that were superseded long enough ago.

    :arg superseded: When each was listed last.
    :returns: Those that are still to go.
    """
    left: t.Dict[str, float] = {}
    listed = _listed(repository)
    for name, since in superseded.items():
        if name in listed or since > now:
            left[name] = now
        elif now - since < KEPT_SECONDS:
            left[name] = since
        else:
            # The index first: without it, git does not know the pack.
            for ending in ("idx", "rev", "bitmap", "mtimes", "pack"):
                remove_tree(os.path.join(repository, "objects", "pack", f"{name}.{ending}"))
    return left


def _listed(repository: str) -> t.Set[str]:
    try:
        with open(os.path.join(repository, _LIST), encoding="ascii", errors="replace") as stream:
            return {line.split()[1][: -len(".pack")] for line in stream if line.startswith("P ")}
    except FileNotFoundError:
        return set()


def _is_kept(repository: str, name: str) -> bool:
    """Whether a push is just bringing the pack."""
    return os.path.exists(os.path.join(repository, "objects", "pack", f"{name}.keep"))
