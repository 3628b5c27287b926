# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Where the repository of a pack is pushed to: only where nothing is, or what an earlier run has pushed."""

from __future__ import annotations

import typing as t

from .._errors import SourceError, St2Error, VerifyError
from .._process import ProgramError
from .._secrets import strip_urls
from .._source.git_program import failure_reason, fetch_failure

if t.TYPE_CHECKING:
    from .._source.git_program import Git
    from .bare import Bare


class Target(t.NamedTuple):
    """A repository that is pushed to.

    :arg state: C(empty); C(part) and C(same) when it has some and all refs of the pack and no others; C(other);
        C(unreachable).
    :arg reason: Why it is not reached.
    """

    url: str
    state: str
    reason: str = ""

    @property
    def takes(self) -> bool:
        """Whether it may be pushed to, or need not."""
        return self.state in ("empty", "part", "same")


def look(git: Git, url: str, bare: Bare) -> Target:
    """Ask a repository for its refs."""
    try:
        found = _refs(git, url)
    except ProgramError as error:
        return Target(url, "unreachable", failure_reason(error))
    if any(bare.refs.get(name) != identifier for name, identifier in found.items()):
        return Target(url, "other")
    if not found:
        return Target(url, "empty")
    return Target(url, "same" if len(found) == len(bare.refs) else "part")


def push(git: Git, url: str, bare: Bare) -> None:
    """Push all branches and tags, and look whether they are there.

    The default branch goes first, as servers make the first branch of a repository its default one.

    :raises St2Error: when the server refuses them.
    """
    shown = strip_urls(url)
    both = ("refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")
    try:
        for refs in ((f"{bare.head}:{bare.head}",), both):
            git("push", "--quiet", "--atomic", "--no-verify", "--", url, *refs, cwd=bare.directory, url=url)
        found = _refs(git, url)
    except ProgramError as error:
        failure: St2Error = fetch_failure(shown, error, attempt="pushed to")
        failure.step = "push"
        raise failure from error
    if found != bare.refs:
        raise VerifyError(f"{shown} has other branches and tags than were pushed. Check the hooks of the server.")


def refusal(target: Target, ref: str) -> SourceError:
    """Why a repository is not pushed to."""
    shown = strip_urls(target.url)
    if target.state == "unreachable":
        message = (
            f"The repository {shown} for {ref} cannot be reached: {target.reason}. Create it first, and leave it empty."
        )
    else:
        message = (
            f"The repository {shown} for {ref} is not empty, and does not match what would be pushed. Nothing is "
            "overwritten."
        )
    return SourceError(message, step="push", ref=ref)


def _refs(git: Git, url: str) -> t.Dict[str, str]:
    listing = git("ls-remote", "--quiet", "--refs", "--", url, url=url).stdout
    pairs = [line.partition("\t") for line in listing.splitlines()]
    return {name: identifier for identifier, _tab, name in pairs}
