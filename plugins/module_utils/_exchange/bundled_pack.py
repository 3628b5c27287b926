# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a bundle has of one pack, as refs of a repository of its own.

A pack at the top of a repository keeps its commits and tags. One from a directory, or from a part of a repository,
becomes one commit, which is the same for the same content.
"""

from __future__ import annotations

import os
import typing as t

from .._bundle.layout import Blob
from .._content.versions import is_semver, tag_candidates
from .._errors import SourceError
from .._lock.document import LockedPack
from .._process import ProgramError, last_lines
from .._source.directory import directory_digest, unpack_directory
from .._source.git_program import Git
from .._source.remote_refs import HEADS, TAGS
from .served_repository import ServedRepository

# The commit of a content, by its digest; served to nobody.
CONTENT = "refs/content/"
_MADE = "refs/heads/made"
# Files as they are, whatever the files of attributes in them say.
_AS_IT_IS = "* -text -filter -ident -working-tree-encoding\n"
_EPOCH = "@0 +0000"
_MAKER = {
    "GIT_AUTHOR_NAME": "stackstorm.st2",
    "GIT_AUTHOR_EMAIL": "stackstorm.st2@localhost",
    "GIT_AUTHOR_DATE": _EPOCH,
    "GIT_COMMITTER_NAME": "stackstorm.st2",
    "GIT_COMMITTER_EMAIL": "stackstorm.st2@localhost",
    "GIT_COMMITTER_DATE": _EPOCH,
}


class BundledPack:
    """One pack.

    :arg blob: What it lies in.
    :arg extract: Gives the path of a file with a blob, whose digest was compared.
    :arg scratch: A directory of its own, which exists.
    """

    def __init__(self, pack: LockedPack, blob: Blob, *, extract: t.Callable[[Blob], str], scratch: str) -> None:
        self._pack = pack
        self._blob = blob
        self._extract = extract
        self._scratch = scratch
        self._is_whole = blob.kind == "git" and not pack.subdir
        self._held = {
            name: at
            for name, at, commit in (held.split(" ") for held in blob.holds if " " in held)
            if commit == pack.commit
        }

    @property
    def any_object(self) -> str:
        """Some object that tells the format of all."""
        return self._pack.commit or "0" * 40

    @property
    def listed(self) -> str:
        """What an index lists of it: the tag by which it was asked for, else its commit."""
        if self._is_whole:
            return self._pack.resolved.name if self._pack.resolved.kind == "tag" else self._pack.commit
        return self._pack.version

    def branch(self, current: str) -> str:
        """The full name of the branch that is put on its commit.

        :arg current: That of the repository so far.
        """
        kind, name = self._pack.resolved.kind, self._pack.resolved.name
        return f"{HEADS}{name}" if self._is_whole and kind in ("default", "branch") and name else current

    def refs(self, repository: ServedRepository, branch: str) -> t.Optional[t.Dict[str, str]]:
        """The refs that it is to have; C(None) where only its content tells."""
        if self._is_whole:
            return self._named(self._pack.commit, branch)
        marker = self._marker()
        commit = repository.refs(marker).get(marker)
        return self._named(commit, branch) if commit else None

    def bring(self, git: Git, repository: ServedRepository, branch: str) -> t.Dict[str, str]:
        """Bring the objects into a repository, and tell the refs that it is to have.

        :raises SourceError: when what is in the bundle is not what it says.
        """
        try:
            if self._is_whole:
                staged = repository.fetch(self._extract(self._blob), self._held, checked=True)
                wrong = sorted(name for name, at in self._held.items() if staged.get(name) != at)
                at = git("rev-parse", f"{next(iter(staged.values()))}^{{commit}}", cwd=repository.directory).stdout
                if wrong or at.strip() != self._pack.commit:
                    raise SourceError(
                        f"What the bundle has of {self._pack.ref} is not {', '.join(wrong) or self._pack.commit} by "
                        "its own list. Create it again (st2_bundle).",
                        ref=self._pack.ref,
                    )
                return self._named(self._pack.commit, branch)
            made = self._make(git)
            commit = repository.fetch(made, [_MADE], checked=True)[_MADE]
            return {**self._named(commit, branch), self._marker(): commit}
        except ProgramError as error:
            raise SourceError(
                f"{self._pack.ref} cannot be taken from the bundle: {last_lines(error.stderr)}",
                stderr=error.stderr,
                ref=self._pack.ref,
            ) from error

    def _named(self, commit: str, branch: str) -> t.Dict[str, str]:
        version = self._pack.version
        named = {name: at for name, at in self._held.items() if self._is_whole and name.startswith(TAGS)}
        if is_semver(version) and not any(f"{TAGS}{name}" in named for name in tag_candidates(version)):
            named[f"{TAGS}v{version}"] = commit
        return {**named, branch: commit}

    def _marker(self) -> str:
        return f"{CONTENT}{self._pack.content.rpartition(':')[2]}"

    def _make(self, git: Git) -> str:
        """A repository with the content as one commit; its directory."""
        directory = os.path.join(self._scratch, "made.git")
        form = ("--object-format=sha256",) if self._blob.kind == "git" and len(self._pack.commit) == 64 else ()
        git("init", "--quiet", "--bare", "--template=", *form, "--", directory)
        if self._blob.kind == "git":
            git("fetch", "--quiet", "--no-tags", "--", self._extract(self._blob), *self._held, cwd=directory)
            tree = git("rev-parse", f"{self._pack.commit}:{self._pack.subdir}", cwd=directory).stdout.strip()
        else:
            tree = self._tree(git, directory)
        message = f"{self._pack.ref} {self._pack.version}"
        commit = git("commit-tree", "-m", message, tree, cwd=directory, environment=_MAKER).stdout.strip()
        git("update-ref", _MADE, commit, cwd=directory)
        return directory

    def _tree(self, git: Git, directory: str) -> str:
        files = os.path.join(self._scratch, "files")
        unpack_directory(self._extract(self._blob), files)
        found = directory_digest(files)
        if found != self._pack.content:
            raise SourceError(
                f"The files of {self._pack.ref} in the bundle have the digest {found}, and {self._pack.content} by its "
                "own list. Create it again (st2_bundle).",
                ref=self._pack.ref,
            )
        os.makedirs(os.path.join(directory, "info"), exist_ok=True)
        with open(os.path.join(directory, "info", "attributes"), "w", encoding="ascii") as stream:
            stream.write(_AS_IT_IS)
        environment = {"GIT_DIR": directory, "GIT_WORK_TREE": files, "GIT_INDEX_FILE": os.path.join(directory, "index")}
        options = ("-c", "core.autocrlf=false", "-c", "core.bare=false", "-c", "core.excludesFile=/dev/null")
        git(*options, "add", "--all", "--force", "--", ".", cwd=files, environment=environment)
        return git("write-tree", cwd=files, environment=environment).stdout.strip()
