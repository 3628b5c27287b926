# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Git repositories as a source of packs: clone, find what a version means, check it out, hold files against it."""

from __future__ import annotations

import os
import re
import signal
import stat
import typing as t
from dataclasses import dataclass, field, replace

from .._content.boundary import listed, path_problem
from .._content.origin import Resolved
from .._content.versions import is_semver, sort_versions, tag_candidates
from .._errors import InvalidPackError, SourceError
from .._file_tree import is_bytecode
from .._lfs import MOST_POINTER_BYTES, parse_pointer
from .._process import ProgramError, last_lines
from .._secrets import strip_urls
from .authority import INDEX, Authority
from .git_program import Git, fetch_failure
from .lfs import fetch_elsewhere, is_content, may_keep_elsewhere
from .object_store import object_store

_MOST_VERSIONS_SHOWN = 40
_LONGEST_SUBJECT = 60
_CHANGES = {"?": "extra", "D": "missing"}
# A few small objects can stand for more files, and more bytes, than any disk has room for. The largest known pack has
# 3,600 files.
_MOST_FILES = 100_000
_MOST_BYTES = 1 << 30
_LONGEST_LISTING = 8 << 20
# Of the objects of all versions, as they travel.
MOST_FETCHED = 4 << 30
_TOO_LARGE = (-signal.SIGXFSZ, 128 + signal.SIGXFSZ)
_FULL_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


@dataclass(frozen=True)
class Refs:
    """The branches and tags of a repository, each with its commit.

    :arg default: Name of the default branch; C(None) for a detached remote HEAD.
    :arg head: Commit of the remote HEAD; C(None) when it names a branch that does not exist.
    """

    branches: t.Mapping[str, str] = field(default_factory=dict)
    tags: t.Mapping[str, str] = field(default_factory=dict)
    default: t.Optional[str] = None
    head: t.Optional[str] = None

    def versions(self) -> t.List[str]:
        """The released versions, tags C(vX.Y.Z) without the v and C(X.Y.Z), newest first."""
        names = {name[1:] if name.startswith("v") else name for name in self.tags}
        return sort_versions([name for name in names if is_semver(name)])


@dataclass(frozen=True)
class Found:
    """What a version means in a repository: the commit, how it was found, and what the reader should know.

    :arg is_tip: Of a branch, whether the commit is its tip.
    """

    resolved: Resolved
    commit: str
    warnings: t.Tuple[str, ...] = ()
    is_tip: bool = True


class CommittedFile(t.NamedTuple):
    """A file of a commit.

    :arg path: Inside the repository, with C(/).
    :arg mode: As git has it, such as C(100755), C(120000) for a link, C(160000) for a submodule.
    :arg blob: The id of its content.
    :arg size: In bytes; 0 for a submodule.
    """

    path: str
    mode: str
    blob: str
    size: int


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
            raise SourceError(f"The repository {strip_urls(self.url)} is empty: there is no commit in it.")
        return refs

    def _refs_of(self, directory: str) -> Refs:
        """The branches and tags that a clone has of the remote."""
        listing = self._git("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", cwd=directory).stdout
        symbolic = self._git("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD", cwd=directory, check=False)
        default = symbolic.stdout.strip().replace("refs/remotes/origin/", "", 1) or None
        branches, tags = _parse(listing, "refs/remotes/origin/")
        branches.pop("HEAD", None)
        head = branches.get(default) if default else self._commit(directory, "HEAD")
        return Refs(branches, tags, default, head)

    def list_remote(self) -> Refs:
        """The branches and tags the remote has now, without fetching any content.

        :raises SourceError: when the repository cannot be reached.
        """
        try:
            listing = self._git("ls-remote", "--quiet", "--symref", "--", self.url, url=self.url).stdout
        except ProgramError as error:
            raise fetch_failure(strip_urls(self.url), error, self._git.access) from error
        default, head, lines, peeled = None, None, [], {}
        for line in listing.splitlines():
            value, _tab, name = line.partition("\t")
            if value.startswith("ref: ") and name == "HEAD":
                default = value[len("ref: refs/heads/") :]
            elif name == "HEAD":
                head = value
            elif name.endswith("^{}"):
                peeled[name[:-3]] = value
            else:
                lines.append((name, value))
        text = "\n".join(f"{name} {value} {peeled.get(name, '')}" for name, value in lines)
        branches, tags = _parse(text, "refs/heads/")
        return Refs(branches, tags, default, head)

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
                f"The default branch of {strip_urls(self.url)} does not exist. Ask for a version. {_listed(refs)}"
            )
        commit = self._commit(directory, version) or self._fetch_commit(directory, version)
        if commit:
            return Found(Resolved("commit", "", version), commit)
        raise SourceError(
            f"{version} is not a version, tag, branch or commit of {strip_urls(self.url)}. {_listed(refs)}"
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
        found = _look_up_known(refs, known) if known else look_up(refs, version)
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
                f"says {version} is. {by.remedy}, or ask for another version. {_listed(refs)}"
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
        files = [_parse_file(record) for record in answer.stdout.split("\0") if record]
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

    def differences(self, git_directory: str, work_tree: str, commit: str, *, modes: bool) -> t.List[str]:
        """Files of a work tree that are not as a commit has them: C(edited), C(missing) and C(extra) with their path.

        Every file is read; neither the index of the work tree nor its time stamps are trusted, and nothing is written
        there. Ignored files and bytecode do not count.

        :arg git_directory: A C(.git) directory that has the commit.
        :arg modes: Whether an executable bit counts that the commit has not; one that is gone always does.
        :returns: Sorted C("edited actions/x.py") and the like.
        """
        settings = ("-c", f"core.fileMode={'true' if modes else 'false'}", "-c", "core.quotePath=false")
        with object_store(self._git, git_directory, commit) as environment:
            programs = [] if modes else self._programs(environment)
            environment["GIT_WORK_TREE"] = work_tree
            self._git("read-tree", commit, environment=environment)
            status = self._git(
                *settings,
                "status",
                "--porcelain",
                "-z",
                "--untracked-files=all",
                "--no-renames",
                "--ignore-submodules=all",
                environment=environment,
                cwd=work_tree,
            ).stdout
            found = list(_parse_status(status))
            if found and may_keep_elsewhere(work_tree):
                found = [edit for edit in found if not self._is_elsewhere(edit, work_tree, environment)]
        return sorted({*found, *(f"edited {path}" for path in programs if _is_locked(work_tree, path))})

    def _is_elsewhere(self, edit: str, work_tree: str, environment: t.Mapping[str, str]) -> bool:
        """Whether a file differs only as it has the content that git keeps elsewhere."""
        kind, _blank, path = edit.partition(" ")
        if kind != "edited":
            return False
        name = os.fsencode(path).decode("utf-8", "surrogateescape")
        size = self._git("cat-file", "-s", f"HEAD:{name}", environment=environment, check=False).stdout.strip()
        if not size.isdigit() or int(size) > MOST_POINTER_BYTES:
            return False
        text = self._git("cat-file", "blob", f"HEAD:{name}", environment=environment).stdout
        pointer = parse_pointer(text.encode("utf-8", "surrogateescape"))
        return pointer is not None and is_content(os.path.join(work_tree, path), pointer)

    def _programs(self, environment: t.Mapping[str, str]) -> t.List[str]:
        """The files that a commit says can be run."""
        listing = self._git("ls-tree", "-r", "-z", "--full-tree", "HEAD", environment=environment).stdout
        records = listing.split("\0")
        return [_path_on_disk(record.partition("\t")[2]) for record in records if record.startswith("100755 ")]

    def local_commits(self, git_directory: str, head: str, *, since: str = "") -> t.Tuple[t.List[str], str]:
        """The commits that lead to C(head) and that nothing known of upstream has.

        :arg git_directory: A C(.git) directory.
        :arg since: A commit that was upstream's, whatever is known.
        :returns: Short ids with subjects, newest first, and the commit that they were made on, empty for none.
        """
        with object_store(self._git, git_directory, head) as environment:
            published = ["--remotes", "--tags", *([since] if since else [])]
            for known in (published, published[:2]):  # The repository may have C(since) no more.
                answer = self._git(
                    *("log", "--boundary", "--format=%m%H %h %s", "HEAD", "--not", *known),
                    environment=environment,
                    check=False,
                )
                if answer.returncode == 0:
                    break
        lines = answer.stdout.splitlines()
        found = [line[1:].partition(" ")[2][:_LONGEST_SUBJECT] for line in lines if not line.startswith("-")]
        made_on = next((line[1:].partition(" ")[0] for line in lines if line.startswith("-")), "")
        return found, made_on

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


def _is_locked(work_tree: str, path: str) -> bool:
    """Whether a file is there and cannot be run."""
    try:
        status = os.lstat(os.path.join(work_tree, path))
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and not status.st_mode & 0o100


def look_up(refs: Refs, version: t.Optional[str]) -> t.Optional[Found]:
    """What a version means by names alone; nothing when it may still be a commit, or is unknown."""
    if not version:
        return Found(Resolved("default", refs.default or "", ""), refs.head) if refs.head else None
    tag = next((name for name in tag_candidates(version) if name in refs.tags), None)
    if version in refs.branches:
        kind = "default" if version == refs.default else "branch"
        warnings = _ambiguous(refs, version, tag) if tag else ()
        return Found(Resolved(kind, version, version), refs.branches[version], warnings)
    return Found(Resolved("tag", tag, version), refs.tags[tag]) if tag else None


def _look_up_known(refs: Refs, known: Resolved) -> t.Optional[Found]:
    """The tag or branch of that name, where it is still there."""
    if known.kind == "tag" and known.name in refs.tags:
        return Found(known, refs.tags[known.name])
    if known.kind in ("default", "branch") and known.name in refs.branches:
        kind = "default" if known.name == refs.default else "branch"
        return Found(known._replace(kind=kind), refs.branches[known.name])
    return None


def _ambiguous(refs: Refs, branch: str, tag: str) -> t.Tuple[str, ...]:
    """What to tell about a branch whose name is also that of a tag."""
    if refs.tags[tag] == refs.branches[branch]:
        return ()
    asked = tag if tag != branch else f"refs/tags/{tag}"
    return (
        f"{branch} is both a branch (at {refs.branches[branch][:7]}) and a tag ({tag} at {refs.tags[tag][:7]}); as "
        f"StackStorm does, the branch was taken. Ask for {asked} to get the tag.",
    )


def _listed(refs: Refs) -> str:
    known = refs.versions()
    shown = ", ".join(known[:_MOST_VERSIONS_SHOWN]) or "none"
    more = f" and {len(known) - _MOST_VERSIONS_SHOWN} more" if len(known) > _MOST_VERSIONS_SHOWN else ""
    return f"Versions there, newest first: {shown}{more}."


def _parse(listing: str, branch_prefix: str) -> t.Tuple[t.Dict[str, str], t.Dict[str, str]]:
    branches: t.Dict[str, str] = {}
    tags: t.Dict[str, str] = {}
    for line in listing.splitlines():
        name, commit, peeled = [*line.split(" "), "", ""][:3]
        if name.startswith(branch_prefix):
            branches[name[len(branch_prefix) :]] = commit
        elif name.startswith("refs/tags/"):
            tags[name[len("refs/tags/") :]] = peeled or commit
    return branches, tags


def _path_on_disk(path: str) -> str:
    """A path that git says as Python has it, also in a locale of other letters than those of git."""
    return os.fsdecode(path.encode("utf-8", "surrogateescape"))


def _parse_file(record: str) -> CommittedFile:
    """One line of C(git ls-tree --long); a submodule has no size."""
    head, _tab, path = record.partition("\t")
    mode, _kind, blob, size = [*head.split(), "", "", "", ""][:4]
    return CommittedFile(_path_on_disk(path), mode, blob, int(size) if size.isdigit() else 0)


def _parse_status(status: str) -> t.Iterator[str]:
    for record in status.split("\0"):
        # The first letter compares the commit with HEAD, which is not asked; the second the work tree with the commit.
        change, path = record[1:2], _path_on_disk(record[3:])
        if not path or change == " " or is_bytecode(path):
            continue
        yield f"{_CHANGES.get(change, 'edited')} {path}"
