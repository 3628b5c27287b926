# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Repositories that travel as one file: written by C(git bundle), and cloned from there without any server."""

from __future__ import annotations

import os
import shutil
import typing as t

from .._errors import SourceError
from .._file_changes import remove_tree
from .._process import ProgramError, last_lines
from .._secrets import strip_urls
from .git_program import Git
from .lfs import kept_content, pointers, put_back
from .refs import Refs
from .repository import MOST_FETCHED, Repository

_HEADS, _TAGS, _BRANCHES = "refs/heads/", "refs/tags/", "refs/remotes/origin/"
_MOST_NAMED = 3
# As C(git clone) writes them.
_FETCH = f"+{_HEADS}*:{_BRANCHES}*"
# Objects that mean harm to other versions of git end the fetch.
CHECKED = ("-c", "fetch.fsckObjects=true", "-c", "transfer.fsckObjects=true")
# One thread, and nothing that the server, or another run, has packed already: the same objects give the same bytes.
_PACKED = ("--quiet", "-a", "-d", "-F", "--window=10", "--depth=50", "--threads=1")


def write_git_bundle(git: Git, clone: str, refs: t.Mapping[str, str], target: str) -> None:
    """Write the whole history behind some objects of a clone into one file.

    :arg clone: Where they are.
    :arg refs: The names by which the objects are found in the file.
    :arg target: The file.
    :raises SourceError: when git cannot write it.
    """
    store = f"{target}.git"
    try:
        git("init", "--quiet", "--bare", *_object_format(refs), "--template=", store)
        os.makedirs(os.path.join(store, "objects", "info"), exist_ok=True)
        with open(os.path.join(store, "objects", "info", "alternates"), "w", encoding="utf-8") as stream:
            stream.write(f"{os.path.join(clone, '.git', 'objects')}\n")
        for name, at in sorted(refs.items()):
            git("update-ref", name, at, cwd=store)
        git("repack", *_PACKED, cwd=store)
        git("-c", "pack.threads=1", "bundle", "create", "--quiet", target, *sorted(refs), cwd=store)
    except ProgramError as error:
        raise SourceError(
            f"The history behind {', '.join(sorted(refs))} cannot be written: {last_lines(error.stderr)}",
            stderr=error.stderr,
        ) from error


class BundledRepository(Repository):
    """A repository that is a file here. Its clones are those of the real one; nobody is asked for anything.

    :arg url: Where the repository really is, clean of credentials.
    :arg path: The file.
    :arg refs: The names in the file that are wanted, and what they lead to.
    :arg default: The branch that is known to be the default one; empty for none.
    :arg contents: By their digests in hex, the files that the repository keeps in Git LFS.
    """

    def __init__(
        self,
        git: Git,
        url: str,
        path: str,
        refs: t.Mapping[str, str],
        *,
        default: str = "",
        contents: t.Optional[t.Mapping[str, str]] = None,
    ) -> None:
        super().__init__(git, url)
        self._path = path
        self._known = refs
        self._default = default
        self._contents = contents or {}

    def clone(self, directory: str) -> Refs:
        """As L(Repository.clone); what is in it is checked.

        :raises SourceError: when the file cannot be used.
        """
        os.makedirs(directory)
        try:
            self._git("init", "--quiet", *_object_format(self._known), "--template=", directory)
            self._git("config", "remote.origin.url", self.url, cwd=directory)
            self._git("config", "remote.origin.fetch", _FETCH, cwd=directory)
            names = [_refspec(name) for name in sorted(self._known)]
            self._git(
                *(*CHECKED, "fetch", "--quiet", "--no-tags", "--", self._path, *names),
                cwd=directory,
                most_written=MOST_FETCHED,
            )
            if self._default:
                branch = f"{_BRANCHES}{self._default}"
                self._git("symbolic-ref", f"{_BRANCHES}HEAD", branch, cwd=directory)
        except ProgramError as error:
            raise SourceError(
                f"The repository {strip_urls(self.url)} cannot be read from {self._path}: {last_lines(error.stderr)}",
                stderr=error.stderr,
            ) from error
        remove_tree(os.path.join(directory, ".git", "FETCH_HEAD"))  # It names the file.
        return self._refs_of(directory)

    def fetch_elsewhere(self, directory: str, subdir: str = "") -> t.List[str]:
        """As L(lfs.fetch_elsewhere), from the files that are here."""
        found = pointers(os.path.join(directory, subdir))
        for pointer in found.values():
            kept = kept_content(directory, pointer)
            if pointer.oid in self._contents and not os.path.exists(kept):
                os.makedirs(os.path.dirname(kept), exist_ok=True)
                shutil.copyfile(self._contents[pointer.oid], kept)
        put_back(directory)
        missing = sorted(path for path, pointer in found.items() if pointer.oid not in self._contents)
        if not missing:
            return []
        named = ", ".join(missing[:_MOST_NAMED]) + (" and more" if len(missing) > _MOST_NAMED else "")
        return [f"{strip_urls(self.url)} keeps files in Git LFS that are only pointers to their content here: {named}."]

    def _fetch_commit(self, directory: str, version: str) -> t.Optional[str]:
        return None  # There is nobody to ask.


def _refspec(name: str) -> str:
    if name.startswith(_HEADS):
        return f"+{name}:{_BRANCHES}{name[len(_HEADS) :]}"
    # A commit alone has no name in the clone either.
    return f"+{name}:{name}" if name.startswith(_TAGS) else name


def _object_format(refs: t.Mapping[str, str]) -> t.Tuple[str, ...]:
    return ("--object-format=sha256",) if any(len(at) == 64 for at in refs.values()) else ()
