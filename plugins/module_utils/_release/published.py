# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What the remote of a pack has: its branch, its releases, and how the commit of a working copy stands to them."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._content.versions import tag_candidates
from .._source.refs import Refs
from .._source.repository import Repository

if t.TYPE_CHECKING:
    from .._source.git_program import Git
    from .working_copy import Checkout


@dataclass(frozen=True)
class Standing:
    """How HEAD stands to another commit: the commits that each of them has and the other has not.

    :arg known: Whether both are there to be compared; the numbers mean nothing otherwise.
    """

    ahead: int = 0
    behind: int = 0
    known: bool = True


@dataclass(frozen=True)
class Published:
    """The remote as it is.

    :arg refs: All branches and tags.
    :arg branch: The branch that is released from; C(None) when nobody said which, and HEAD is detached.
    :arg tip: Its commit, C(None) where the remote has no such branch.
    :arg branch_standing: How HEAD stands to the tip.
    :arg tag: The tag that the version already has there, C(None) for none; C(tagged) is its commit.
    :arg tag_standing: How HEAD stands to that commit.
    """

    refs: Refs
    branch: t.Optional[str]
    tip: t.Optional[str]
    branch_standing: Standing = Standing()
    tag: t.Optional[str] = None
    tagged: t.Optional[str] = None
    tag_standing: Standing = Standing()


def observe_remote(git: Git, checkout: Checkout, branch: t.Optional[str]) -> Published:
    """Ask the remote. When HEAD is what was released, that is one C(ls-remote); its history is only fetched where the
    working copy has not enough of it to say how HEAD stands to it.

    :arg branch: As the task names it; by default the one of the working copy, or of a detached HEAD the default one.
    :raises SourceError: when the remote cannot be reached.
    """
    repository = Repository(git, checkout.address.url)
    refs = repository.list_remote()
    branch = branch or checkout.branch
    if branch is None and refs.default and refs.branches.get(refs.default) == checkout.head:
        branch = refs.default
    tip = refs.branches.get(branch) if branch else None
    version = checkout.metadata.version if checkout.metadata else None
    tag = next((name for name in tag_candidates(version) if name in refs.tags), None) if version else None
    tagged = refs.tags[tag] if tag else None
    history = _History(git, repository, checkout)
    return Published(
        refs=refs,
        branch=branch,
        tip=tip,
        branch_standing=history.standing(tip) if tip and tagged is None else Standing(),
        tag=tag,
        tagged=tagged,
        tag_standing=history.standing(tagged) if tagged else Standing(),
    )


class _History:
    """The commits of the working copy, or where these are not enough, of the remote."""

    def __init__(self, git: Git, repository: Repository, checkout: Checkout) -> None:
        self._git = git
        self._repository = repository
        self._checkout = checkout
        self._clone = ""

    def standing(self, other: str) -> Standing:
        """How HEAD stands to a commit of the remote."""
        head = self._checkout.head
        if other == head:
            return Standing()
        if not self._checkout.shallow:
            counted = self._count(self._checkout.path, head, other)
            if counted:
                return counted
        if not self._clone:
            self._clone = os.path.join(self._git.scratch, "history")
            self._repository.clone(self._clone)
        return self._count(self._clone, head, other) or Standing(known=False)

    def _count(self, directory: str, head: str, other: str) -> t.Optional[Standing]:
        done = self._git("rev-list", "--count", "--left-right", f"{head}...{other}", "--", cwd=directory, check=False)
        numbers = done.stdout.split()
        return Standing(int(numbers[0]), int(numbers[1])) if done.returncode == 0 and len(numbers) == 2 else None


def find_tag(git: Git, url: str, tag: str) -> t.Tuple[t.Optional[str], t.Optional[str]]:
    """The identifier of a tag of a remote, and its commit; twice C(None) where it has no such tag.

    :raises ProgramError: when the remote cannot be reached.
    """
    ref = f"refs/tags/{tag}"
    listing = git("ls-remote", "--quiet", "--", url, ref, f"{ref}^{{}}", url=url).stdout
    found = {name: identifier for identifier, _tab, name in (line.partition("\t") for line in listing.splitlines())}
    return found.get(ref), found.get(f"{ref}^{{}}", found.get(ref))
