# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is wrong with indexes and their packs, as far as the indexes themselves tell it. Pure."""

from __future__ import annotations

import typing as t

from .._content.address import check_source, normal_url
from .._content.metadata import PackMetadata, incompatibilities
from .._errors import OptionError
from .._secrets import strip_urls
from .._source.index import IndexEntry, Indexes, IndexStatus
from .._source.index_upstream import upstream_of


class Problem(t.NamedTuple):
    """One thing that is wrong.

    :arg kind: Of an index C(unresponsive), C(malformed), C(empty), C(untrusted), C(other errors), C(no_packs) or
        C(old); of a pack C(not_installable), C(shadowed), C(unreachable), C(not_asked), C(no_such_version), C(moved),
        C(upstream_moved_tag), C(upstream_deleted_tag) or C(upstream_unreachable).
    :arg ref: The pack; empty for an index as a whole.
    :arg index_url: The index that it is about.
    :arg message: A sentence.
    """

    kind: str
    ref: str
    index_url: str
    message: str

    def as_dict(self) -> t.Dict[str, t.Any]:
        """For the result of a module."""
        return {**self._asdict(), "ref": self.ref or None}


def summary(statuses: t.Sequence[t.Mapping[str, t.Any]]) -> t.Dict[str, t.Any]:
    """What StackStorm's health endpoint counts (st2api/controllers/v1/packs.py IndexHealthController).

    :arg statuses: With C(packs) and C(error).
    """
    errors: t.Dict[str, int] = {}
    for status in statuses:
        if status["error"]:
            errors[status["error"]] = errors.get(status["error"], 0) + 1
    invalid = sum(errors.values())
    return {
        "indexes": {
            "count": len(statuses),
            "valid": len(statuses) - invalid,
            "invalid": invalid,
            "errors": errors,
        },
        "packs": {"count": sum(status["packs"] for status in statuses)},
    }


def index_problems(
    statuses: t.Sequence[IndexStatus], *, now: float, max_age: t.Optional[float] = None
) -> t.Iterator[Problem]:
    """What is wrong with indexes as a whole.

    :arg now: Seconds since 1970.
    :arg max_age: Seconds after which an index is old.
    """
    for status in statuses:
        if status.error:
            yield Problem(status.error, "", status.url, status.message or "It cannot be read.")
        elif not status.packs:
            yield Problem("no_packs", "", status.url, "It contains no packs. StackStorm considers this valid.")
        if status.error or max_age is None:
            continue
        age = age_of(status, now)
        if age is None:
            yield Problem("old", "", status.url, "It has no generated_ts, so its age is not known.")
        elif age > max_age:
            yield Problem("old", "", status.url, f"It is {age:.0f} s old, and {max_age:.0f} s are what max_age allows.")


def age_of(status: IndexStatus, now: float) -> t.Optional[float]:
    """Seconds since an index was made; C(None) where it does not say, or names a time that is still to come."""
    if status.generated is None or status.generated > now:
        return None
    return now - status.generated


def installable(entries: t.Iterable[IndexEntry], st2_version: t.Optional[str]) -> t.Iterator[Problem]:
    """The packs that nobody can install as the index has them.

    :arg st2_version: Of the StackStorm that they are for; C(None) where that is not known.
    :raises MissingLibraryError: without semver, where a pack says which StackStorm it wants and this is known.
    """
    for entry in entries:
        reasons = list(_obstacles(entry, st2_version))
        if reasons:
            shown = "; ".join(reason.rstrip(".") for reason in reasons)
            yield Problem("not_installable", entry.ref, entry.index_url, f"{entry.ref} cannot be installed: {shown}.")


def _obstacles(entry: IndexEntry, st2_version: t.Optional[str]) -> t.Iterator[str]:
    if entry.problem:
        yield entry.problem
    if entry.version is None:
        yield "it has no valid version"
    for name in ("commit", "digest"):
        if entry.raw.get(name) and getattr(entry, name) is None:
            yield f"its {name} is none, and is ignored"
    yield from incompatibilities(_metadata(entry), st2_version=st2_version)


def _metadata(entry: IndexEntry) -> PackMetadata:
    """As much of a pack's metadata as tells for which StackStorm it is."""
    wanted, pythons = entry.raw.get("stackstorm_version"), entry.raw.get("python_versions")
    return PackMetadata(
        ref=entry.ref,
        name=entry.ref,
        version=entry.version or "",
        description="",
        author="",
        email=None,
        stackstorm_version=wanted if isinstance(wanted, str) else None,
        python_versions=tuple(map(str, pythons)) if isinstance(pythons, list) else (),
        dependencies=(),
        keywords=(),
        contributors=(),
    )


def upstream_problems(entries: t.Iterable[IndexEntry]) -> t.Iterator[Problem]:
    """What indexes of mirrors say of where their packs are from."""
    for entry in entries:
        upstream = upstream_of(entry.raw)
        if upstream is None:
            continue
        where = upstream.url or "its upstream repository"
        for tag in upstream.moved_tags:
            message = f"The tag {tag} of {entry.ref} was moved in {where}. The mirror serves it as it was."
            yield Problem("upstream_moved_tag", entry.ref, entry.index_url, message)
        for tag in upstream.deleted_tags:
            message = f"The tag {tag} of {entry.ref} was deleted in {where}. The mirror serves it as it was."
            yield Problem("upstream_deleted_tag", entry.ref, entry.index_url, message)
        if upstream.error:
            message = f"The mirror could not update {entry.ref} from {where}: {upstream.error.rstrip('.')}."
            yield Problem("upstream_unreachable", entry.ref, entry.index_url, message)


def places(indexes: Indexes) -> t.Dict[str, t.List[int]]:
    """By ref, the positions of the indexes that list a pack, the one that serves it first."""
    found: t.Dict[str, t.List[int]] = {}
    for position, packs in enumerate(indexes.listed):
        for ref in packs:
            found.setdefault(ref, []).append(position)
    return found


def shadowed(indexes: Indexes) -> t.Iterator[Problem]:
    """The packs whose names lower indexes have, too, for another repository: what gets installed depends on which
    index is read (dependency confusion)."""
    for ref, positions in places(indexes).items():
        served = _repository(indexes.listed[positions[0]][ref])
        for position in positions[1:]:
            other = _repository(indexes.listed[position][ref])
            if other != served:
                left, right = (indexes.statuses[one].url for one in (positions[0], position))
                yield Problem(
                    "shadowed",
                    ref,
                    right,
                    f"{ref} is from {served or 'nowhere'} by {left}, and {right} has that name for "
                    f"{other or 'nowhere'}. StackStorm takes the second one while it cannot read the first index.",
                )


def _repository(entry: t.Any) -> str:
    """Where an entry leads, in a form that compares; without credentials."""
    url = entry.get("repo_url") if isinstance(entry, dict) else None
    if not isinstance(url, str) or not url:
        return ""
    try:
        return normal_url(check_source("repo_url", url).url)
    except OptionError:
        return strip_urls(url)
