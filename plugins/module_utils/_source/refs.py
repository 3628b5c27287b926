# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The branches and tags of a repository, and what a version means among them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._content.origin import Resolved
from .._content.versions import is_semver, sort_versions, tag_candidates

_MOST_VERSIONS_SHOWN = 40


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


def look_up_known(refs: Refs, known: Resolved) -> t.Optional[Found]:
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
        f"{branch} is both a branch (at {refs.branches[branch][:7]}) and a tag ({tag} at {refs.tags[tag][:7]}). The "
        f"branch is used, as in StackStorm. Request {asked} to get the tag.",
    )


def listed_versions(refs: Refs) -> str:
    """The versions there are, as a sentence of a message."""
    known = refs.versions()
    shown = ", ".join(known[:_MOST_VERSIONS_SHOWN]) or "none"
    more = f" and {len(known) - _MOST_VERSIONS_SHOWN} more" if len(known) > _MOST_VERSIONS_SHOWN else ""
    return f"Available versions, newest first: {shown}{more}."


def parse_refs(listing: str, branch_prefix: str) -> t.Tuple[t.Dict[str, str], t.Dict[str, str]]:
    """Branches and tags, each with its commit.

    :arg listing: Lines of a ref, its object, and of a tag what that leads to.
    """
    branches: t.Dict[str, str] = {}
    tags: t.Dict[str, str] = {}
    for line in listing.splitlines():
        name, commit, peeled = [*line.split(" "), "", ""][:3]
        if name.startswith(branch_prefix):
            branches[name[len(branch_prefix) :]] = commit
        elif name.startswith("refs/tags/"):
            tags[name[len("refs/tags/") :]] = peeled or commit
    return branches, tags
