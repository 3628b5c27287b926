# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The content of files that a repository keeps elsewhere (Git LFS): fetched where git-lfs is there, else named."""

from __future__ import annotations

import os
import shutil
import typing as t

from .._errors import InvalidPackError, SourceError
from .._file_tree import walk_tree
from .._files import file_digest
from .._lfs import Pointer, read_pointer
from .._process import ProgramError
from .._secrets import strip_urls
from .git_program import Git

_MOST_NAMED = 3
_MOST_BYTES = 1 << 30
_MOST_WRITTEN = 4 << 30
# As `git lfs install` sets them, for this one call; the account need not have them.
_FILTERS = (
    *("-c", "filter.lfs.clean=git-lfs clean -- %f", "-c", "filter.lfs.smudge=git-lfs smudge -- %f"),
    *("-c", "filter.lfs.process=git-lfs filter-process", "-c", "filter.lfs.required=true"),
)


def pointers(root: str) -> t.Dict[str, Pointer]:
    """The files of a tree that are pointers, where a file of attributes says that there may be some."""
    paths = [path for path, _status in walk_tree(root)]
    if not may_keep_elsewhere(root, paths):
        return {}
    found = {path: read_pointer(os.path.join(root, path)) for path in paths}
    return {path: pointer for path, pointer in found.items() if pointer}


def may_keep_elsewhere(root: str, paths: t.Iterable[str] = ()) -> bool:
    """Whether a file of attributes of a tree speaks of Git LFS.

    :arg paths: What is in the tree; it is looked for when not given.
    """
    paths = paths or [path for path, _status in walk_tree(root)]
    return any(_names_lfs(os.path.join(root, path)) for path in paths if os.path.basename(path) == ".gitattributes")


def _names_lfs(path: str) -> bool:
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        return b"filter=lfs" in stream.read(1 << 20)


def fetch_elsewhere(git: Git, url: str, clone: str, below: str = "") -> t.List[str]:
    """Put the content of files that are kept elsewhere into a clone that is checked out.

    :arg below: The directory of the pack in it.
    :returns: Warnings, about files that stay pointers.
    :raises SourceError: when git-lfs cannot fetch them.
    :raises InvalidPackError: when there are too many bytes in them.
    """
    missing = pointers(os.path.join(clone, below))
    if below and not missing:
        outside = [path for path in pointers(clone) if path.startswith(os.path.join(below, ""))]
        if outside:
            return [
                f"{strip_urls(url)} keeps files of {below} in Git LFS, which only a .gitattributes outside of {below} "
                f"says. They remain pointers to their content: {_named(outside)}."
            ]
    if not missing:
        return []
    named = _named(missing)
    if sum(pointer.size for pointer in missing.values()) > _MOST_BYTES:
        raise InvalidPackError(
            f"The files of the pack in Git LFS have more than {_MOST_BYTES >> 20} MiB, which is too much for a pack."
        )
    if not git.has("git-lfs"):
        return [
            f"{strip_urls(url)} keeps files in Git LFS, and the program git-lfs is not on this host. They are only "
            f"pointers to their content: {named}."
        ]
    try:
        git(*_FILTERS, "lfs", "pull", url=url, cwd=clone, most_written=_MOST_WRITTEN)
    except ProgramError as error:
        raise SourceError(
            f"The files that {strip_urls(url)} keeps in Git LFS cannot be fetched ({named}): "
            f"{(error.stderr.splitlines() or ['git-lfs returned no error message'])[-1].rstrip('.')}.",
            stderr=error.stderr,
        ) from error
    for pointer in missing.values():
        _share_nothing(kept_content(clone, pointer))
    return []


def kept_content(clone: str, pointer: Pointer) -> str:
    """Where a clone has the content that a pointer stands for, once that was fetched."""
    return os.path.join(clone, ".git", "lfs", "objects", pointer.oid[:2], pointer.oid[2:4], pointer.oid)


def _share_nothing(path: str) -> None:
    """Make a file that git-lfs linked from a repository on this host one of its own: it gets another owner."""
    if os.path.isfile(path) and not os.path.islink(path) and os.stat(path).st_nlink > 1:
        alone = f"{path}.new"
        shutil.copy2(path, alone)
        os.replace(alone, path)


def _named(paths: t.Collection[str]) -> str:
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return ", ".join(sorted(paths)[:_MOST_NAMED]) + more


def put_back(tree: str) -> None:
    """Put the content of files that are kept elsewhere into a working copy, from what its repository has fetched."""
    for path, pointer in pointers(tree).items():
        kept = kept_content(tree, pointer)
        if os.path.isfile(kept) and not os.path.islink(kept) and is_content(kept, pointer):
            shutil.copyfile(kept, os.path.join(tree, path))


def is_content(path: str, pointer: Pointer) -> bool:
    """Whether a file is what a pointer stands for."""
    if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) != pointer.size:
        return False
    return file_digest(path) == pointer.oid
