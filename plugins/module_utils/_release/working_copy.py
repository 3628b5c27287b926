# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The working copy of a pack that is to be released: which commit, which version, what is not committed."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field

from .._content.address import SCP, URL, Address, check_source
from .._content.metadata import MANIFEST, PackMetadata, load_metadata
from .._content.versions import tag_candidates
from .._errors import InvalidPackError, OptionError, SourceError
from .._printable import printable
from .._process import ProgramError
from .._secrets import strip_urls
from .._source.work_tree import differences

if t.TYPE_CHECKING:
    from .._source.git_program import Git

_CHANGES = re.compile(r"change(?:s|log)(?:\.(?:md|rst|txt))?\Z", re.IGNORECASE)
_IDENTITY = re.compile(r"(?P<name>[^<>\n]*[^<>\s]) <(?P<email>[^<>\s]+)>")
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")


class LocalTag(t.NamedTuple):
    """A tag of a working copy.

    :arg identifier: That of the tag itself, which is the commit's for a lightweight one.
    """

    commit: str
    identifier: str
    annotated: bool


@dataclass(frozen=True)
class Checkout:
    """A working copy as it is.

    :arg git_directory: With the objects and refs.
    :arg head: The full commit.
    :arg branch: The local branch; C(None) when HEAD is detached.
    :arg address: Of the remote, where tags are pushed to.
    :arg metadata: What pack.yaml says in the commit; C(None) when it is not valid, which C(invalid) says.
    :arg changes: The file that lists the changes, C(None) for none; C(noted) is whether it names the version.
    :arg differences: As L(Repository.differences).
    :arg tags: Those that the version may already have here.
    :arg tagger: Name and address of whoever tags; C(None) when git does not know any.
    :arg shallow: Whether history is missing here.
    """

    path: str
    git_directory: str
    head: str
    branch: t.Optional[str]
    address: Address
    metadata: t.Optional[PackMetadata]
    invalid: str = ""
    changes: t.Optional[str] = None
    noted: bool = False
    differences: t.Tuple[str, ...] = ()
    tags: t.Mapping[str, LocalTag] = field(default_factory=dict)
    tagger: t.Optional[t.Tuple[str, str]] = None
    shallow: bool = False


def observe_checkout(git: Git, path: str, *, remote: str, tagger: t.Optional[str]) -> Checkout:
    """Read a working copy; nothing in it is changed.

    :arg tagger: C(Name <address>), by default whom git knows there.
    :raises OptionError: for a path that is no working copy of one pack with a commit, and a remote that is none.
    """
    git_directory, shallow = _find_repository(git, path)
    head = _answer(git, path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not head:
        raise OptionError(f"{path} has no commit yet: commit the pack.")
    branch = _answer(git, path, "symbolic-ref", "--quiet", "--short", "HEAD")
    metadata, invalid = _read_metadata(git, path, head)
    changes, noted = _read_changes(git, path, head, metadata.version) if metadata else (None, False)
    modes = _answer(git, path, "config", "--type=bool", "core.fileMode") != "false"
    return Checkout(
        path=path,
        git_directory=git_directory,
        head=head,
        branch=branch or None,
        address=_find_remote(git, path, remote),
        metadata=metadata,
        invalid=invalid,
        changes=changes,
        noted=noted,
        differences=tuple(differences(git, git_directory, path, head, modes=modes)),
        tags=_read_tags(git, path, tag_candidates(metadata.version)) if metadata else {},
        tagger=_find_tagger(git, path, tagger),
        shallow=shallow,
    )


def _answer(git: Git, path: str, *arguments: str) -> str:
    """What git says in a working copy, nothing when it fails."""
    done = git(*arguments, cwd=path, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _find_repository(git: Git, path: str) -> t.Tuple[str, bool]:
    if not os.path.isdir(path):
        raise OptionError(
            f"The path {path or repr(path)} is not a directory. Set the path to the working copy of the pack."
        )
    found = git("rev-parse", "--show-toplevel", "--git-common-dir", "--is-shallow-repository", cwd=path, check=False)
    lines = found.stdout.splitlines()
    if found.returncode or len(lines) != 3:
        raise OptionError(f"{path} is not a working copy of a git repository.")
    top, directory, shallow = lines
    if os.path.realpath(top) != os.path.realpath(path):
        raise OptionError(
            f"{path} is a directory in the repository {top}. StackStorm installs a pack from its own repository, so "
            "only such a repository can have releases. Create one with stackstorm.st2.st2_pack_split."
        )
    return os.path.join(path, directory), shallow == "true"


def _find_remote(git: Git, path: str, remote: str) -> Address:
    if not _REMOTE.fullmatch(remote):
        raise OptionError(f"The remote {printable(remote)!r} is not the name of a remote, such as origin.")
    urls = _answer(git, path, "remote", "get-url", "--push", "--all", remote).splitlines()
    if not urls:
        raise OptionError(f"{path} has no remote {remote} to push a tag to.")
    if len(urls) > 1:
        raise OptionError(
            f"The remote {remote} has {len(urls)} URLs to push to, but a release is pushed to one repository."
        )
    url = urls[0]
    if not (url.startswith("/") or URL.fullmatch(url) or SCP.fullmatch(url)):
        raise OptionError(
            f"The remote {remote} has the address {printable(strip_urls(url))}, which is neither a URL nor an absolute "
            "path."
        )
    return check_source("remote", url)


def _read_metadata(git: Git, path: str, head: str) -> t.Tuple[t.Optional[PackMetadata], str]:
    """What pack.yaml says in a commit, or what is wrong with it."""
    directory = os.path.join(git.scratch, "head")
    os.makedirs(directory, exist_ok=True)
    try:
        content = _read_file(git, path, head, MANIFEST)
        if content is not None:
            with open(os.path.join(directory, MANIFEST), "w", encoding="utf-8", newline="") as stream:
                stream.write(content)
        return load_metadata(directory), ""
    except InvalidPackError as error:
        return None, error.message


def _read_file(git: Git, path: str, head: str, name: str) -> t.Optional[str]:
    entry = _answer(git, path, "ls-tree", "-z", "--full-tree", head, "--", name)
    if not entry:
        return None
    if not entry.startswith("100"):
        raise InvalidPackError(f"{name} is not a regular file in the repository.")
    try:
        return git("cat-file", "blob", entry.split()[2].partition("\t")[0], cwd=path).stdout
    except ProgramError as error:
        raise SourceError(
            f"The file {name} of commit {head[:7]} cannot be read in {path}.", stderr=error.stderr
        ) from error


def _read_changes(git: Git, path: str, head: str, version: str) -> t.Tuple[t.Optional[str], bool]:
    names = git("ls-tree", "-z", "--name-only", "--full-tree", head, cwd=path).stdout.split("\0")
    found = [name for name in names if _CHANGES.match(name)]
    for name in found:
        try:
            text = _read_file(git, path, head, name) or ""
        except InvalidPackError:
            continue
        if names_version(text, version):
            return name, True
    return (found[0], False) if found else (None, False)


def names_version(text: str, version: str) -> bool:
    """Whether a text has a version as a word of its own, with C(v) in front or not."""
    return bool(re.search(rf"(?<![0-9A-Za-z.+-])v?{re.escape(version)}(?![0-9A-Za-z]|[.+-][0-9A-Za-z])", text))


def _read_tags(git: Git, path: str, names: t.Iterable[str]) -> t.Dict[str, LocalTag]:
    found = {}
    for name in names:
        commit = _answer(git, path, "rev-parse", "--verify", "--quiet", f"refs/tags/{name}^{{commit}}")
        identifier = _answer(git, path, "rev-parse", "--verify", "--quiet", f"refs/tags/{name}")
        if identifier:
            found[name] = LocalTag(commit, identifier, annotated=commit != identifier)
    return found


def _find_tagger(git: Git, path: str, given: t.Optional[str]) -> t.Optional[t.Tuple[str, str]]:
    if given is None:
        name, email = (_answer(git, path, "config", f"user.{key}") for key in ("name", "email"))
        return (name, email) if name and email else None
    match = _IDENTITY.fullmatch(given.strip())
    if not match:
        raise OptionError(f"tagger is {printable(given)!r}; it must be of the form Name <name@example.com>.")
    return match.group("name"), match.group("email")
