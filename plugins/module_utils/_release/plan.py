# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a release of a pack takes: nothing, or one tag; and everything that stands against it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._content.boundary import listed
from .._content.metadata import MANIFEST
from .._content.names import check_version
from .._content.versions import sort_versions, tag_candidates
from .._errors import OptionError

if t.TYPE_CHECKING:
    from .published import Published
    from .working_copy import Checkout

_SHORT = 7
_LOWEST = "0.0.0-0"


class Wanted(t.NamedTuple):
    """What a task wants of a release.

    :arg maintenance: Whether the version may be lower than the highest one that is released.
    :arg fail_on_unreleased: Whether commits behind the release that no version covers are a failure.
    :arg signs: Whether there is a key to sign with.
    """

    maintenance: bool = False
    fail_on_unreleased: bool = False
    signs: bool = False


@dataclass(frozen=True)
class ReleasePlan:
    """What is to be done.

    :arg tag: The tag of the version, C(None) where there is no version.
    :arg release: Whether it has to be made.
    :arg adopt: Identifier of a tag of the working copy that was never pushed, and now is; else a new one is made.
    :arg previous: The highest version that is released, as its tag.
    :arg problems: Sentences about what stands against it.
    :arg line: What happens, in one line.
    """

    tag: t.Optional[str]
    release: bool
    line: str
    adopt: t.Optional[str] = None
    previous: t.Optional[str] = None
    problems: t.Tuple[str, ...] = ()
    warnings: t.Tuple[str, ...] = ()


def make_plan(checkout: Checkout, published: Published, wanted: Wanted) -> ReleasePlan:
    """Compare a working copy with its remote.

    :raises MissingLibraryError: without semver.
    """
    metadata = checkout.metadata
    if metadata is None:
        # Whatever else can be said without a version.
        problems = (checkout.invalid, *_unpublished(checkout, published), *_uncommitted(checkout))
        return ReleasePlan(None, False, "", problems=problems)
    version, head = metadata.version, checkout.head[:_SHORT]
    tag = published.tag or f"v{version}"
    previous = _highest(published)
    name = f"{metadata.ref} {version}"
    if published.tagged == checkout.head:
        problems = tuple(_uncommitted(checkout, only_manifest=True))
        line = f"{name}: {tag} is at {head} already"
        return ReleasePlan(tag, False, line, previous=previous, problems=problems)
    if published.tagged:
        return _tagged_elsewhere(checkout, published, wanted, name, previous)
    local = _local_tag(checkout)
    problems = (
        *_odd_version(version),
        *_uncommitted(checkout),
        *_unpublished(checkout, published),
        *_lower(version, previous, wanted),
        *_tagged_here(checkout),
        *_anonymous(checkout),
    )
    adopt = local if local and local != checkout.head else None
    kind = "signed tag" if wanted.signs else "tag"
    return ReleasePlan(
        tag,
        True,
        f"{name}: {kind} {tag} at {head}{f', after {previous}' if previous else ''}",
        adopt=adopt,
        previous=previous,
        problems=problems,
        warnings=tuple(_unnoted(checkout, version)),
    )


def _tagged_elsewhere(
    checkout: Checkout, published: Published, wanted: Wanted, name: str, previous: t.Optional[str]
) -> ReleasePlan:
    """The plan when the version's tag is there on another commit: beyond it nothing is to be released."""
    tag, tagged, head = published.tag, (published.tagged or "")[:_SHORT], checkout.head[:_SHORT]
    standing = published.tag_standing
    problems = list(_uncommitted(checkout, only_manifest=True))
    if standing.known and not standing.behind:
        commits = f"{standing.ahead} commit{'s' if standing.ahead > 1 else ''}"
        line = f"{name}: {tag} is at {tagged}, and HEAD ({head}) has {commits} more that are not released"
        if wanted.fail_on_unreleased:
            problems.insert(0, f"{line}: increase the version in {MANIFEST}.")
    else:
        line = ""
        problems.insert(
            0,
            f"The tag {tag} is at {tagged} already, and HEAD is {head}, which does not come after it. A tag is never "
            f"moved: increase the version in {MANIFEST}, or check out {tag}.",
        )
    return ReleasePlan(tag, False, line, previous=previous, problems=tuple(problems))


def _highest(published: Published) -> t.Optional[str]:
    versions = published.refs.versions()
    if not versions:
        return None
    return next(name for name in reversed(tag_candidates(versions[0])) if name in published.refs.tags)


def _odd_version(version: str) -> t.Iterator[str]:
    """What StackStorm takes as a version, and semver or git do not."""
    ordered = _without_build(version)
    if ordered != _LOWEST and sort_versions([_LOWEST, ordered])[-1] == ordered:
        yield (
            f"The version {version} in {MANIFEST} is not a semantic version that can be compared: a number in a "
            "pre-release must not have a leading zero."
        )
    try:
        check_version(f"v{version}")
    except OptionError as error:
        yield error.message


def _uncommitted(checkout: Checkout, *, only_manifest: bool = False) -> t.Iterator[str]:
    differences = checkout.differences
    if only_manifest:
        differences = tuple(one for one in differences if one.partition(" ")[2] == MANIFEST)
    if differences:
        yield (
            f"{checkout.path} differs from its commit {checkout.head[:_SHORT]}: {listed(differences)}. Commit, "
            "ignore or revert these changes."
        )


def _unpublished(checkout: Checkout, published: Published) -> t.Iterator[str]:
    """Why the branch of the remote is not at HEAD."""
    branch, tip, head = published.branch, published.tip, checkout.head[:_SHORT]
    standing = published.branch_standing
    if branch is None:
        yield f"HEAD ({head}) is on no branch, and not the tip of the default branch of the remote. Set branch."
    elif tip is None:
        yield f"The remote has no branch {branch}: push it first."
    elif tip != checkout.head:
        at = f"{branch} of the remote is at {tip[:_SHORT]}"
        if not standing.known or (standing.ahead and standing.behind):
            yield f"HEAD ({head}) is not pushed: {at}, and neither comes after the other. Merge or rebase, and push."
        elif standing.ahead:
            yield f"HEAD ({head}) is not pushed: {at}, {standing.ahead} behind. Push the branch first."
        else:
            yield f"HEAD ({head}) is not the newest commit: {at}, {standing.behind} further. Pull first."


def _lower(version: str, previous: t.Optional[str], wanted: Wanted) -> t.Iterator[str]:
    if previous is None or wanted.maintenance:
        return
    highest = previous[1:] if previous.startswith("v") else previous
    pair = [_without_build(version), _without_build(highest)]
    if pair[0] != pair[1] and sort_versions(pair)[0] == pair[1]:
        yield (
            f"The version {version} in {MANIFEST} is lower than {previous}, which is released. To release a fix for "
            "an older version, set maintenance to true."
        )


def _without_build(version: str) -> str:
    """What orders a version: the build does not (semver.org, 10)."""
    return version.partition("+")[0]


def _local_tag(checkout: Checkout) -> t.Optional[str]:
    """Identifier of the annotated tag that the working copy has on HEAD."""
    found = next((tag for name, tag in checkout.tags.items() if name.startswith("v")), None)
    return found.identifier if found and found.annotated and found.commit == checkout.head else None


def _tagged_here(checkout: Checkout) -> t.Iterator[str]:
    for name, tag in checkout.tags.items():
        if tag.commit != checkout.head:
            yield (
                f"{checkout.path} has a tag {name} at {(tag.commit or tag.identifier)[:_SHORT]} that was never pushed, "
                f"and HEAD is {checkout.head[:_SHORT]}. A tag is never moved: remove it with git tag -d {name} if "
                "nobody has it."
            )
        elif not name.startswith("v"):
            yield f"{checkout.path} has a tag {name}, which StackStorm would take for v{name}: remove it."


def _anonymous(checkout: Checkout) -> t.Iterator[str]:
    if checkout.tagger is None:
        yield "The tagger is not known: set tagger, or user.name and user.email in the git configuration."


def _unnoted(checkout: Checkout, version: str) -> t.Iterator[str]:
    if checkout.changes is None:
        yield f"There is no CHANGES.md that describes the changes in {version}."
    elif not checkout.noted:
        yield f"{checkout.changes} does not mention the version {version}."
