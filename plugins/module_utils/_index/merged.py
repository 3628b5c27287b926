# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Entries of other indexes, as far as StackStorm and this collection can use them."""

from __future__ import annotations

import fnmatch
import re
import typing as t

from .._content.names import check_ref
from .._errors import InvalidPackError, OptionError
from .._source.index import IndexEntry, Indexes
from .._source.index_upstream import KEY, upstream_of
from .entry import OWN_KEYS, Entry
from .plain import plain

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class Merged(t.NamedTuple):
    """What is taken over from other indexes.

    :arg entries: By ref, of each the whole entry of the leftmost index that lists it.
    :arg sources: The index that each is from, without credentials.
    :arg warnings: Sentences about entries that are left out.
    """

    entries: t.Dict[str, Entry]
    sources: t.Dict[str, str]
    warnings: t.List[str]


def merge(indexes: Indexes, include: t.Sequence[str], exclude: t.Sequence[str]) -> Merged:
    """The entries of all indexes whose refs match one of C(include), if there are any, and none of C(exclude)."""
    merged = Merged({}, {}, [])
    for ref, entry in sorted(indexes.entries.items()):
        if not takes(ref, include, exclude):
            continue
        try:
            merged.entries[ref] = _taken(ref, entry)
            merged.sources[ref] = entry.index_url
        except (OptionError, InvalidPackError) as error:
            merged.warnings.append(f"An entry of the index {entry.index_url} is left out: {error.message}")
    return merged


def takes(ref: str, include: t.Sequence[str], exclude: t.Sequence[str]) -> bool:
    """Whether a ref matches one of C(include), if there are any, and none of C(exclude)."""
    return (not include or _matches(ref, include)) and not _matches(ref, exclude)


def _matches(ref: str, patterns: t.Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(ref, pattern) for pattern in patterns)


def _taken(ref: str, entry: IndexEntry) -> Entry:
    check_ref("ref", ref)
    if entry.problem:
        raise InvalidPackError(entry.problem)
    found: Entry = {key: value for key, value in plain(entry.raw).items() if key not in OWN_KEYS}
    for key in OWN_KEYS:
        value = entry.raw.get(key)
        if key in entry.raw and _is_sound(key, value):
            found[key] = plain(value)
    upstream = upstream_of(entry.raw)
    if upstream:  # The repository is still that of the mirror, so this is still true.
        found[KEY] = upstream.as_entry()
    found["repo_url"] = entry.repo_url
    return found


def _is_sound(key: str, value: t.Any) -> bool:
    """Whether one of our own keys has a value that can be one."""
    if key in ("commit", "digest"):
        pattern = _COMMIT if key == "commit" else _DIGEST
        return isinstance(value, str) and bool(pattern.match(value))
    if key == KEY:
        return False
    kinds: t.Mapping[str, t.Any] = {"content": dict, "versions": list, "requires_config": bool, "repo_url": str}
    return isinstance(value, kinds[key])
