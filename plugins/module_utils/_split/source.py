# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The repository with many packs: a copy of it, the packs in it, and what they are at each tag."""

from __future__ import annotations

import os
import re
import typing as t

from .._content.metadata import MANIFEST, load_metadata, read_identity
from .._errors import InvalidPackError, SourceError
from .._printable import printable
from .._process import ProgramError
from .._secrets import strip_urls
from .._source.git_program import fetch_failure
from .options import PackPath, path_refusal
from .tags import Tagged, is_signed, tag_of_pack

if t.TYPE_CHECKING:
    from .._source.git_program import Git

_RENAME = re.compile(r"R[0-9]{1,3}\Z")
# More is cut, so that packs would be missed.
_LONGEST_LISTING = 8 << 20
_MOST_FETCHED = 8 << 30


class FoundPack(t.NamedTuple):
    """A pack of the repository.

    :arg tree: Identifier of its directory at HEAD.
    :arg former: Directories where git thinks that it was before, other than those that the task names.
    :arg warnings: What is wrong with it as a pack.
    """

    asked: PackPath
    ref: str
    version: t.Optional[str]
    tree: str
    former: t.Tuple[str, ...]
    warnings: t.Tuple[str, ...]


class SourceCopy:
    """A copy of the repository with many packs, with its branches and tags and nothing else.

    :ivar directory: A bare repository.
    :ivar default: The name of its default branch.
    """

    def __init__(self, git: Git, url: str) -> None:
        self._git = git
        self._url = url
        self.directory = os.path.join(git.scratch, "source.git")
        self.default = ""
        self._tags: t.List[t.Tuple[str, str, bool]] = []

    def fetch(self) -> None:
        """:raises SourceError: when it cannot be fetched, is empty, or its HEAD is no branch."""
        shown = strip_urls(self._url)
        try:
            self._git(
                *("clone", "--quiet", "--bare", "--no-local", "--template=", "--", self._url, self.directory),
                url=self._url,
                most_written=_MOST_FETCHED,
            )
        except ProgramError as error:
            raise fetch_failure(shown, error) from error
        if self._ask("rev-parse", "--is-shallow-repository") == "true":
            raise SourceError(f"{shown} is a shallow clone without the whole history. Use the repository itself.")
        self.default = self._ask("symbolic-ref", "--quiet", "--short", "HEAD")
        if not self.default or not self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
            raise SourceError(f"HEAD of {shown} is not a branch with a commit, so its packs are not known.")
        self._tags = self._read_tags()

    def paths(self) -> t.Tuple[t.List[str], t.List[str]]:
        """The directories with a pack.yaml at HEAD, without those inside of another such; and those that no pack can
        be split from, each with the reason."""
        try:
            listing = self._git(
                *("ls-tree", "-r", "-z", "--name-only", "HEAD"), cwd=self.directory, most_written=_LONGEST_LISTING
            ).stdout
        except ProgramError as error:
            raise SourceError(
                f"The files of {strip_urls(self._url)} cannot be listed, possibly because there are too many. Set "
                "packs."
            ) from error
        directories = sorted(
            os.path.dirname(name) for name in listing.split("\0") if os.path.basename(name) == MANIFEST
        )
        found: t.List[str] = []
        odd = []
        for path in filter(None, directories):
            why = path_refusal(path)
            if why:
                odd.append(f"The pack in {printable(path)} was left out: {why}.")
            elif not any(path.startswith(f"{other}/") for other in found):
                found.append(path)
        if not found:
            hint = f" {MANIFEST} is at its root, so it is a single pack already." if "" in directories else ""
            raise SourceError(f"{strip_urls(self._url)} has no directory with a {MANIFEST}.{hint}")
        return found, odd

    def find(self, asked: PackPath) -> FoundPack:
        """One pack at HEAD.

        :raises InvalidPackError: when there is none in that directory, or it is another one.
        """
        tree = self._tree("HEAD", asked.path)
        directory = self._manifest("HEAD", asked.path)
        if tree is None or directory is None:
            raise InvalidPackError(
                f"There is no {asked.path}/{MANIFEST} on the branch {self.default}, so nothing would be left of the "
                "pack."
            )
        ref, _name, version = read_identity(directory, os.path.basename(asked.path))
        if asked.name and ref != asked.name:
            raise InvalidPackError(
                f"The pack in {asked.path} is {ref}, and {asked.name} was asked for.", ref=asked.name
            )
        warnings = []
        try:
            load_metadata(directory)
        except InvalidPackError as error:
            warnings.append(f"{asked.path}: {error.message} A separate repository must define it.")
        return FoundPack(asked, ref, version, tree, tuple(self._former(asked)), tuple(warnings))

    def tagged(self, pack: FoundPack) -> t.List[Tagged]:
        """What a pack is at each tag, oldest first.

        :raises InvalidPackError: when it is in two of its directories at once, which would become one.
        """
        found = []
        prefixes = tag_prefixes(pack)
        for name, commit, signed in self._tags:
            if tag_of_pack(name, prefixes) is None:
                found.append(Tagged(name, commit, signed=signed))
                continue
            places = [
                path
                for path in (pack.asked.path, *pack.asked.former_paths)
                if self._tree(commit, f"{path}/{MANIFEST}") is not None
            ]
            if len(places) > 1:
                raise InvalidPackError(
                    f"The pack {pack.ref} is in {' and '.join(places)} at the tag {name}, which would become one "
                    "directory. One of them is not its former directory.",
                    ref=pack.ref,
                )
            tree = self._tree(commit, places[0]) if places else None
            version = self._version(commit, places[0]) if places else None
            found.append(Tagged(name, commit, tree, version, signed))
        return found

    def _read_tags(self) -> t.List[t.Tuple[str, str, bool]]:
        """Name, commit and whether it is signed, of each tag of a commit, oldest first."""
        form = "%(refname:strip=2)%00%(objectname)%00%(objecttype)"
        listing = self._git("for-each-ref", f"--format={form}", "refs/tags", cwd=self.directory).stdout
        order = self._git("rev-list", "--topo-order", "--reverse", "--tags", cwd=self.directory).stdout.split()
        position = {commit: number for number, commit in enumerate(order)}
        found = []
        for line in listing.splitlines():
            name, identifier, kind = line.split("\0")
            commit = self._ask("rev-parse", "--verify", "--quiet", f"{identifier}^{{commit}}")
            if commit:
                signed = kind == "tag" and is_signed(self._ask("cat-file", "tag", identifier))
                found.append((position.get(commit, -1), name, commit, signed))
        return [(name, commit, signed) for _position, name, commit, signed in sorted(found)]

    def _ask(self, *arguments: str) -> str:
        done = self._git(*arguments, cwd=self.directory, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def _tree(self, revision: str, path: str) -> t.Optional[str]:
        return self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}:{path}") or None

    def _manifest(self, revision: str, path: str) -> t.Optional[str]:
        """A directory with no more than the pack.yaml of a revision."""
        done = self._git("cat-file", "blob", f"{revision}:{path}/{MANIFEST}", cwd=self.directory, check=False)
        if done.returncode:
            return None
        directory = os.path.join(self._git.scratch, "manifest")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, MANIFEST), "w", encoding="utf-8", newline="") as stream:
            stream.write(done.stdout)
        return directory

    def _version(self, revision: str, path: str) -> t.Optional[str]:
        directory = self._manifest(revision, path)
        try:
            return read_identity(directory, os.path.basename(path))[2] if directory else None
        except InvalidPackError:
            return None

    def _former(self, asked: PackPath) -> t.List[str]:
        """Directories that pack.yaml was moved from, by git's guess."""
        listing = self._git(
            *("log", "--follow", "--diff-filter=R", "--name-status", "-z", "--format=", "HEAD"),
            *("--", f"{asked.path}/{MANIFEST}"),
            cwd=self.directory,
        ).stdout
        words = [word.strip("\n") for word in listing.split("\0")]
        old = [os.path.dirname(words[at + 1]) for at, word in enumerate(words[:-2]) if _RENAME.match(word)]
        known = (asked.path, *asked.former_paths)
        return [path for path in dict.fromkeys(old) if path and path not in known]


def tag_prefixes(pack: FoundPack) -> t.List[str]:
    """By which tags of one pack are told from those of the others: C(a/v1.0.0)."""
    paths = (pack.asked.path, *pack.asked.former_paths)
    return list(dict.fromkeys((pack.ref, *map(os.path.basename, paths), *paths)))
