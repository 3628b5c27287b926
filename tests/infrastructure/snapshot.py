# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of directory trees, to show what was written and that nothing was."""

from __future__ import annotations

import hashlib
import os
import stat
import typing as t
from pathlib import Path


class Entry(t.NamedTuple):
    """One path: its type (``file``, ``directory``, ``link``, ``other``), permission bits, and content.

    ``content`` is the SHA-256 of a file, the target of a link, "" otherwise. ``identity`` is inode and time of change
    where asked for: it tells a rewritten file from an untouched one even where the bytes are the same.
    """

    type: str
    mode: int
    content: str
    identity: t.Optional[t.Tuple[int, int]] = None


Snapshot = t.Dict[str, Entry]


class Changes(t.NamedTuple):
    """The paths that differ between two snapshots, each list sorted."""

    added: t.List[str]
    removed: t.List[str]
    changed: t.List[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def take_snapshot(
    root: t.Union[str, Path], exclude: t.Collection[str] = (), identity: bool = False, content: bool = True
) -> Snapshot:
    """Return every path below ``root``, relative to it, with its `Entry`; ``root`` itself is left out.

    :arg exclude: names of files or directories at any depth, or paths relative to ``root``, to leave out with all
        that is below them.
    :arg content: False to read no files, for a quick look that tells by ``identity`` alone what was written.
    """
    found: Snapshot = {}
    _walk(str(root), "", exclude, (identity, content), found)
    return found


def compare(before: Snapshot, after: Snapshot) -> Changes:
    """Return what is different in ``after``."""
    both = before.keys() & after.keys()
    return Changes(
        sorted(after.keys() - before.keys()),
        sorted(before.keys() - after.keys()),
        sorted(path for path in both if before[path] != after[path]),
    )


def _walk(directory: str, prefix: str, exclude: t.Collection[str], look: t.Tuple[bool, bool], found: Snapshot) -> None:
    with os.scandir(directory) as entries:
        for entry in entries:
            path = prefix + entry.name
            if entry.name in exclude or path in exclude:
                continue
            found[path] = _entry(entry, *look)
            if entry.is_dir(follow_symlinks=False):
                _walk(entry.path, path + "/", exclude, look, found)


def _entry(entry: os.DirEntry[str], identity: bool, read: bool) -> Entry:
    info = entry.stat(follow_symlinks=False)
    kind, content = "other", ""
    if stat.S_ISLNK(info.st_mode):
        kind, content = "link", os.readlink(entry.path)
    elif stat.S_ISDIR(info.st_mode):
        kind = "directory"
    elif stat.S_ISREG(info.st_mode):
        kind = "file"
        content = _digest(entry.path) if read else ""
    return Entry(kind, stat.S_IMODE(info.st_mode), content, (info.st_ino, info.st_ctime_ns) if identity else None)


def _digest(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()
