# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A repository of a pack for the index: asked what it has now, fetched only for commits that are not known yet."""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import os
import typing as t

from .._file_changes import remove_tree, write_atomically
from .._files import UnfitFileError, read_regular_file
from .._process import ProgramError
from .._secrets import strip_urls
from .._source.git_program import Git, fetch_failure
from .._source.refs import Refs
from .._source.repository import Repository
from .describe import Description, describe, from_json
from .inspection import Findings, Inspection
from .tree import write_files

_REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
# Each fetch leaves one; then a new clone is quicker to read.
_MOST_PACKS = 30
_MOST_FETCHED = 4 << 30
_LARGEST_KEPT = 256 << 20


class IndexedRepository:
    """One repository.

    :arg url: Clean of credentials.
    :arg cache: A directory that holds what earlier runs found out; existing or not.
    :arg scratch: A directory of this run alone, which exists.
    :arg keep: Whether the clone and what is found out may be written into C(cache).
    :arg place: A bare repository of this host at C(url) to which nobody gives settings, read where it is.
    """

    def __init__(
        self, git: Git, url: str, cache: str, scratch: str, *, keep: bool, place: t.Optional[str] = None
    ) -> None:
        self._git = git
        self._remote = Repository(git, url)
        self._cache = cache
        self._scratch = scratch
        self._keep = keep
        self._fetched = place
        self._used: t.Set[str] = set()
        self._number = 0
        self.url = url

    @functools.cached_property
    def refs(self) -> Refs:
        """The branches and tags that it has now.

        :raises SourceError: when it cannot be reached.
        """
        return self._remote.list_remote()

    def describe(self, commit: str, name: t.Optional[str]) -> Description:
        """What an index says of the pack in a commit.

        :arg name: The ref that the pack should have.
        :raises SourceError: when the commit cannot be had.
        """
        file = f"{commit}{f'-{name}' if name else ''}.json"
        self._used.add(file)
        known = from_json(self._read(file))
        if known is not None:
            return known
        directory = self._directory()
        self._number += 1
        place = os.path.join(self._scratch, f"files-{self._number}")
        try:
            found = write_files(self._git, self._remote, directory, commit, place)
            description = describe(place, name, time=found.time, digest=found.digest)
        finally:
            remove_tree(place)
        self._write(file, description.to_json())
        return description

    def inspect(self, commit: str, ref: str, inspection: Inspection) -> Findings:
        """What is found in the files of a commit, which is kept.

        :arg ref: Of its pack, which its directory is called by.
        :raises SourceError: when the commit cannot be had.
        """
        file = f"{commit}-{inspection.key}.json"
        self._used.add(file)
        known = self._read(file)
        if isinstance(known, list):
            return known
        directory = self._directory()
        self._number += 1
        place = os.path.join(self._scratch, f"files-{self._number}")
        try:
            write_files(self._git, self._remote, directory, commit, os.path.join(place, ref), whole=True)
            found = inspection.look(os.path.join(place, ref))
        finally:
            remove_tree(place)
        self._write(file, found)
        return found

    def newest_tagged(self) -> t.Optional[str]:
        """The newest commit that has a tag, by its date (StackStorm-Exchange/ci, index-update.yaml)."""

        def look() -> t.Optional[str]:
            listed = self._git("rev-list", "--tags", "--max-count=1", cwd=self._directory()).stdout.strip()
            return listed or None

        return self._remembered("newest", look)

    def find(self, version: str) -> str:
        """The commit that a version means which is no branch or tag.

        :raises SourceError: when it means none.
        """
        found = self._remembered(
            f"find {version}", lambda: self._remote.find(self._directory(), self.refs, version).commit
        )
        return found or ""

    def known_ref(self) -> t.Optional[str]:
        """The ref that its pack had when it was described last."""
        kept = self._read("pack.json")
        ref = kept.get("ref") if isinstance(kept, dict) else None
        return ref if isinstance(ref, str) else None

    def finish(self, ref: t.Optional[str]) -> None:
        """Remember the ref of its pack, and forget commits that nobody asked for."""
        if not self._keep or not os.path.isdir(self._cache):
            return
        if ref and ref != self.known_ref():
            self._write("pack.json", {"ref": ref})
        for path in glob.glob(os.path.join(glob.escape(self._cache), "commits", "*.json")):
            if os.path.basename(path) not in self._used:
                os.unlink(path)

    def _remembered(self, what: str, look: t.Callable[[], t.Optional[str]]) -> t.Optional[str]:
        """An answer that holds as long as the branches and tags are what they are."""
        refs = json.dumps([what, sorted(self.refs.tags.items()), sorted(self.refs.branches.items())])
        key = hashlib.sha256(refs.encode("utf-8", "surrogatepass")).hexdigest()
        file = "answer.json"
        kept = self._read(file)
        if isinstance(kept, dict) and kept.get("key") == key and isinstance(kept.get("commit"), (str, type(None))):
            return t.cast(t.Optional[str], kept["commit"])
        commit = look()
        self._write(file, {"key": key, "commit": commit})
        return commit

    def _directory(self) -> str:
        """The bare repository with everything that the remote has now."""
        if self._fetched is None:
            self._fetched = self._fetch()
        return self._fetched

    def _fetch(self) -> str:
        place = self._cache if self._keep else self._scratch
        os.makedirs(place, mode=0o700, exist_ok=True)
        directory = os.path.join(place, "repository.git")
        if os.path.isdir(directory):
            packs = glob.glob(os.path.join(glob.escape(directory), "objects", "pack", "*.pack"))
            try:
                if len(packs) <= _MOST_PACKS:
                    options = ("--quiet", "--force", "--prune", "--no-tags")
                    self._talk("fetch", *options, "--", self.url, *_REFS, cwd=directory)
                    return directory
            except ProgramError:
                pass  # What a killed run left may be broken; if it is the server, the next try says so.
        new = f"{directory}.new"
        remove_tree(new)
        try:
            self._talk("clone", "--quiet", "--bare", "--no-local", "--template=", "--", self.url, new)
        except ProgramError as error:
            raise fetch_failure(strip_urls(self.url), error) from error
        remove_tree(directory)
        os.rename(new, directory)
        return directory

    def _talk(self, *arguments: str, cwd: t.Optional[str] = None) -> None:
        self._git("-c", "fetch.unpackLimit=1", *arguments, cwd=cwd, url=self.url, most_written=_MOST_FETCHED)

    def _read(self, file: str) -> t.Any:
        path = self._path(file)
        try:
            return json.loads(read_regular_file(path, _LARGEST_KEPT, follow=False))
        except (OSError, UnfitFileError, ValueError):
            return None

    def _write(self, file: str, value: t.Any) -> None:
        if self._keep:
            path = self._path(file)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            write_atomically(path, json.dumps(value).encode(), mode=0o600)

    def _path(self, file: str) -> str:
        folder = "" if file in ("answer.json", "pack.json") else "commits"
        return os.path.join(self._cache, folder, file)


def cache_name(url: str) -> str:
    """The name of a repository's directory in the cache."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]
