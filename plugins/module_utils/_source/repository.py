# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Git repositories as a source of packs: clone, find what a version means, check it out."""

from __future__ import annotations

import re
import signal
import typing as t
from dataclasses import replace

from .._content.boundary import listed, path_problem
from .._content.origin import Resolved
from .._errors import InvalidPackError, SourceError
from .._process import ProgramError, last_lines
from .._secrets import strip_urls
from .authority import INDEX, Authority
from .committed_files import CommittedFile, parse_file
from .git_program import Git, fetch_failure
from .lfs import fetch_elsewhere
from .refs import Found, Refs, listed_versions, look_up, look_up_known, parse_refs
from .remote_refs import HEADS, list_remote_refs

# A few small objects can stand for more files, and more bytes, than any disk has room for. The largest known pack has
# 3,600 files.
_MOST_FILES = 100_000
_MOST_BYTES = 1 << 30
_LONGEST_LISTING = 8 << 20
# Of the objects of all versions, as they travel.
MOST_FETCHED = 4 << 30
_TOO_LARGE = (-signal.SIGXFSZ, 128 + signal.SIGXFSZ)
_FULL_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


def _could_not_store(said: str) -> bool:
    """Whether the process that stores objects was ended, or had no memory; as opposed to the connection to it."""
    broken = any(words in said for words in ("early EOF", "disconnect"))
    return "invalid index-pack output" in said and ("Out of memory" in said or not broken)


class Repository:
    """One remote repository and, once cloned, its local clone.

    :arg url: Clean of credentials.
    """

    def __init__(self, git: Git, url: str) -> None:
        self._git = git
        self.url = url

    def clone(self, directory: str) -> Refs:
        """Clone with all branches and tags, nothing checked out, no submodules.

        The whole history comes along, as StackStorm leaves it: other versions can be checked out, and
        C(content_version) works, without the network. What that costs is measured in docs/performance.md.

        :raises SourceError: when the repository cannot be fetched or is empty.
        """
        try:
            self._git(
                "clone",
                "--quiet",
                "--no-checkout",
                "--no-local",
                "--template=",
                "--origin=origin",
                "--",
                self.url,
                directory,
                url=self.url,
                most_written=MOST_FETCHED,
            )
        except ProgramError as error:
            if _could_not_store(error.completed.told):
                raise SourceError(
                    f"The repository {strip_urls(self.url)} cannot be stored: it has more than "
                    f"{MOST_FETCHED >> 20} MiB, which is too much for a pack, or this host has not enough memory.",
                    stderr=error.stderr,
                ) from error
            raise fetch_failure(strip_urls(self.url), error, self._git.access) from error
        refs = self._refs_of(directory)
        if not (refs.head or refs.branches or refs.tags):
            raise SourceError(f"The repository {strip_urls(self.url)} is empty: it has no commits.")
        return refs

    def _refs_of(self, directory: str) -> Refs:
        """The branches and tags that a clone has of the remote."""
        listing = self._git("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", cwd=directory).stdout
        symbolic = self._git("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD", cwd=directory, check=False)
        default = symbolic.stdout.strip().replace("refs/remotes/origin/", "", 1) or None
        branches, tags = parse_refs(listing, "refs/remotes/origin/")
        branches.pop("HEAD", None)
        head = branches.get(default) if default else self._commit(directory, "HEAD")
        return Refs(branches, tags, default, head)

    def list_remote(self) -> Refs:
        """The branches and tags the remote has now, without fetching any content.

        :raises SourceError: when the repository cannot be reached.
        """
        found = list_remote_refs(self._git, self.url)
        lines = [f"{name} {at} {found.peeled.get(name, '')}" for name, at in found.objects.items()]
        branches, tags = parse_refs("\n".join(lines), HEADS)
        return Refs(branches, tags, found.default[len(HEADS) :] or None, found.head)

    def find(self, directory: str, refs: Refs, version: t.Optional[str]) -> Found:
        """What a version means in a clone, in StackStorm's order: default branch, branch, any revision, tag C(v...).

        Follows st2common/st2common/util/pack_management.py clone_repo and get_gitref, and also finds what that does
        not: tags on no branch under any of their names, and commits that only the server knows.

        :raises SourceError: for a version that is none of these, listing those there are.
        """
        found = look_up(refs, version)
        if found:
            return self._dereferenced(directory, found)
        if not version:
            raise SourceError(
                f"The default branch of {strip_urls(self.url)} does not exist. Request a version. "
                f"{listed_versions(refs)}"
            )
        commit = self._commit(directory, version) or self._fetch_commit(directory, version)
        if commit:
            return Found(Resolved("commit", "", version), commit)
        raise SourceError(
            f"{version} is not a version, tag, branch or commit of {strip_urls(self.url)}. {listed_versions(refs)}"
        )

    def find_commit(
        self,
        directory: str,
        refs: Refs,
        version: t.Optional[str],
        commit: str,
        *,
        known: t.Optional[Resolved] = None,
        by: Authority = INDEX,
    ) -> Found:
        """What a version means in a clone that is known to be a commit.

        :arg known: What the version came to, where that is known too.
        :arg by: Who knows it.
        :raises SourceError: when it is a tag of another commit, or the repository does not have the commit.
        """
        found = look_up_known(refs, known) if known else look_up(refs, version)
        if found and found.resolved.kind == "tag":
            tag = self._dereferenced(directory, found)
            if tag.commit == commit:
                return tag
            raise SourceError(
                f"The tag {found.resolved.name} of {strip_urls(self.url)} is {tag.commit} now, and {commit} by "
                f"{by.name}: somebody has moved it. {by.remedy} if that was meant, or ask for one of the two by its "
                "commit."
            )
        if not (self._commit(directory, commit) or self._fetch_commit(directory, commit)):
            raise SourceError(
                f"The repository {strip_urls(self.url)} does not have the commit {commit}, which {by.name} "
                f"says {version} is. {by.remedy}, or ask for another version. {listed_versions(refs)}"
            )
        if found is None:
            return Found(Resolved("commit", "", version or ""), commit)
        return replace(found, commit=commit, is_tip=found.commit == commit)

    def check_out(self, directory: str, found: Found) -> None:
        """Put the files of what was found into the clone: on its branch, or detached for tags and commits.

        :raises SourceError: when git refuses, such as for a path that would lie inside of C(.git).
        :raises InvalidPackError: when there are too many files, too many bytes in them, or too deep ones.
        """
        self.list_files(directory, found.commit)
        branch = found.resolved.name if found.resolved.kind in ("default", "branch") else ""
        arguments = ["-B", branch, "--track", f"refs/remotes/origin/{branch}"] if branch else ["--detach", found.commit]
        if branch and not found.is_tip:
            arguments = ["-B", branch, found.commit]
        try:
            self._git("checkout", "--quiet", "--force", *arguments, "--", cwd=directory)
            if branch and not found.is_tip:
                self._git("branch", "--quiet", f"--set-upstream-to=origin/{branch}", branch, cwd=directory)
        except ProgramError as error:
            raise SourceError(
                f"The files of {strip_urls(self.url)} at {found.commit} cannot be checked out: "
                f"{error.stderr.rstrip('.')}.",
                stderr=error.stderr,
            ) from error

    def fetch_elsewhere(self, directory: str, subdir: str = "") -> t.List[str]:
        """Fetch what the files that are checked out keep in Git LFS; as L(lfs.fetch_elsewhere)."""
        return fetch_elsewhere(self._git, self.url, directory, subdir)

    def list_files(self, directory: str, commit: str) -> t.List[CommittedFile]:
        """The files of a commit. Refused is what git should not even begin to write, by names and sizes alone.

        :raises SourceError: when git cannot list them.
        :raises InvalidPackError: when there are too many files, too many bytes in them, or too deep ones.
        """
        answer = self._git(
            *("ls-tree", "-r", "-z", "--long", "--full-tree", commit),
            cwd=directory,
            check=False,
            most_written=_LONGEST_LISTING,
        )
        files = [parse_file(record) for record in answer.stdout.split("\0") if record]
        if answer.returncode in _TOO_LARGE or len(files) > _MOST_FILES:
            raise InvalidPackError("The pack holds more files, or longer names of files, than any pack needs.")
        if answer.returncode:
            raise SourceError(
                f"The files of {strip_urls(self.url)} at {commit} cannot be listed: "
                f"{last_lines(answer.stderr).rstrip('.')}.",
                stderr=last_lines(answer.stderr),
            )
        if sum(file.size for file in files) > _MOST_BYTES:
            raise InvalidPackError(
                f"The files of the pack have more than {_MOST_BYTES >> 20} MiB, which is too much for a pack."
            )
        problems = list(filter(None, (path_problem(file.path) for file in files)))
        if problems:
            raise InvalidPackError(f"The pack holds what no pack may hold: {listed(problems, separator='; ')}.")
        return files

    def _commit(self, directory: str, revision: str) -> t.Optional[str]:
        answer = self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", cwd=directory, check=False
        )
        commit = answer.stdout.strip().splitlines()[-1:] if answer.returncode == 0 else []
        return commit[0] if commit and _FULL_COMMIT.match(commit[0]) else None

    def _dereferenced(self, directory: str, found: Found) -> Found:
        """What was found with the commit behind a tag of a tag, which a listing of refs does not tell."""
        if found.resolved.kind != "tag":
            return found
        commit = self._commit(directory, found.commit)
        if commit is None:
            raise SourceError(f"The tag {found.resolved.name} of {strip_urls(self.url)} is not one of a commit.")
        return replace(found, commit=commit)

    def _fetch_commit(self, directory: str, version: str) -> t.Optional[str]:
        if not _FULL_COMMIT.match(version):
            return None
        self._git("fetch", "--quiet", "origin", version, cwd=directory, url=self.url, check=False)
        return self._commit(directory, version)
