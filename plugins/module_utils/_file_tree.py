# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Trees of files: what is in one, and a digest by which one is told from another."""

from __future__ import annotations

import hashlib
import os
import stat
import typing as t

from ._files import file_digest

# Files that Python leaves in a pack when its actions run. They are nobody's edit.
BYTECODE_DIRECTORY = "__pycache__"
BYTECODE_SUFFIXES = (".pyc", ".pyo")


class TreeEntry(t.NamedTuple):
    """One file, link or special file of a tree.

    :arg path: Relative to the tree's root, with C(/).
    :arg kind: C(file), C(link) or C(special).
    :arg executable: Whether the owner may run it.
    :arg digest: SHA-256 of the content of a file, the target of a link, empty for anything else.
    """

    path: str
    kind: str
    executable: bool
    digest: str


def walk_tree(
    root: str, *, skip: t.Container[str] = (".git",), strict: bool = False
) -> t.Iterator[t.Tuple[str, os.stat_result]]:
    """Every path below C(root) that is not a directory, sorted, with its own (not a link's target's) stat.

    :arg skip: Names of directories directly below C(root) to leave out.
    :arg strict: Whether a directory that cannot be read is an error, and not just left out.
    :raises OSError: with C(strict).
    """
    waiting = [""]  # No recursion, as os.walk has: a tree may be deeper than that goes.
    while waiting:
        relative = waiting.pop()
        try:
            with os.scandir(os.path.join(root, relative)) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            if strict:
                raise
            continue
        below = []
        for entry in entries:
            path = f"{relative}/{entry.name}" if relative else entry.name
            if not relative and entry.name in skip and entry.is_dir():
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(path)
            else:
                yield path, entry.stat(follow_symlinks=False)
        waiting.extend(reversed(below))


def is_bytecode(relative: str) -> bool:
    """Whether a path inside a pack is bytecode that Python wrote by itself."""
    return relative.endswith(BYTECODE_SUFFIXES) or BYTECODE_DIRECTORY in relative.split("/")


def list_tree(root: str, *, skip: t.Container[str] = (".git",)) -> t.List[TreeEntry]:
    """The entries of a tree with their digests, bytecode left out, sorted by path."""
    entries = [tree_entry(root, path, status) for path, status in walk_tree(root, skip=skip) if not is_bytecode(path)]
    return as_known(root, entries)


def as_known(root: str, entries: t.List[TreeEntry]) -> t.List[TreeEntry]:
    """Entries as a tree is known by them: sorted by path, and for content that git keeps elsewhere what git has."""
    if any(entry.path.endswith(".gitattributes") for entry in entries):
        from ._lfs import as_git_has

        entries = as_git_has(root, entries)
    return sorted(entries, key=lambda entry: entry.path)


def tree_entry(root: str, path: str, status: os.stat_result) -> TreeEntry:
    """What L(walk_tree) found, with its digest."""
    full = os.path.join(root, path)
    if stat.S_ISLNK(status.st_mode):
        return TreeEntry(path, "link", False, os.readlink(full))
    if stat.S_ISREG(status.st_mode):
        return TreeEntry(path, "file", bool(status.st_mode & 0o100), file_digest(full))
    return TreeEntry(path, "special", False, "")


def tree_digest(entries: t.Iterable[TreeEntry]) -> str:
    """One C(sha256:...) over all entries: paths, kinds, executable bits and contents."""
    digest = hashlib.sha256()
    for entry in entries:
        fields = (entry.path, entry.kind, "x" if entry.executable else "-", entry.digest)
        # NUL, which neither a name nor the target of a link can hold, behind every field: no two trees look alike.
        digest.update("".join(f"{field}\0" for field in fields).encode("utf-8", "surrogateescape"))
    return f"sha256:{digest.hexdigest()}"
