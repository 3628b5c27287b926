# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Versions of packs: which text is one, their order, and the tags that may carry them."""

from __future__ import annotations

import re
import typing as t

# st2common/constants/pack.py PACK_VERSION_REGEX; it has no upper-case letters in pre-releases and builds.
_PACK_VERSION = re.compile(
    r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    r"(?:-[0-9a-z-]+(?:\.[0-9a-z-]+)*)?(?:\+[0-9a-z-]+(?:\.[0-9a-z-]+)*)?"
)


def is_semver(text: str) -> bool:
    """Whether StackStorm takes the text as a pack's version: C(1.0.2), but neither C(v1.0.2) nor C(1.0)."""
    return _PACK_VERSION.fullmatch(text) is not None


def tag_candidates(version: str) -> t.Tuple[str, ...]:
    """The revisions that a version may stand for, in StackStorm's order: C(1.0.2) then C(v1.0.2).

    Only a semver gets a C(v) in front, and nothing loses one (st2common/util/pack_management.py get_gitref).
    """
    return (version, f"v{version}") if is_semver(version) else (version,)


def same_version(one: str, other: str) -> bool:
    """Whether two versions are the same, a leading C(v) in front of a semver left aside."""
    return _without_v(one) == _without_v(other)


def is_lower(one: str, other: str) -> bool:
    """Whether a version is lower than another; never where one of them is no semver.

    :raises MissingLibraryError: when the semver library is missing.
    """
    parsed = [_parse(_without_v(version)) for version in (one, other)]
    return None not in parsed and bool(parsed[0] < parsed[1])


def sort_versions(versions: t.Iterable[str]) -> t.List[str]:
    """The versions in semver order, newest first; what is no semver follows, in the order of its letters.

    C(v1.0.2) counts as C(1.0.2). Nothing is added or lost.

    :raises MissingLibraryError: when there is something to compare and the semver library is missing.
    """
    rest: t.List[str] = []
    ordered: t.List[t.Tuple[t.Any, str]] = []
    for version in sorted(versions):
        parsed = _parse(_without_v(version))
        if parsed is None:
            rest.append(version)
        else:
            ordered.append((parsed, version))
    # Stable, so that versions that semver holds equal (they differ in their build) always come out in one order.
    ordered.sort(key=lambda item: item[0], reverse=True)
    return [version for _parsed, version in ordered] + rest


def _without_v(version: str) -> str:
    return version[1:] if version.startswith("v") and is_semver(version[1:]) else version


def _parse(version: str) -> t.Any:
    """The version as the semver library has it, C(None) where it is none."""
    if not is_semver(version):
        return None
    from .._libraries import require

    semver = require("semver")
    # semver 3 renamed VersionInfo; 2.10, which has no Version, is still what many distributions have.
    parser = getattr(semver, "Version", None) or semver.VersionInfo
    try:
        return parser.parse(version)
    except ValueError:
        # Such as 1.0.0-01: StackStorm takes it, semver does not.
        return None
