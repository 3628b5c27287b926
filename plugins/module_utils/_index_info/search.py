# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Searching an index: by StackStorm's own rule, or in fields of one's choice. Pure."""

from __future__ import annotations

import typing as t

Entry = t.Mapping[str, t.Any]
Packs = t.Mapping[str, t.Any]

# st2common/services/packs.py EXCLUDE_FIELDS, SEARCH_PRIORITY
_EXCLUDED = ("repo_url", "email")
_PRIORITY = ("name", "keywords")
_RESOURCES = ("actions", "sensors", "rules", "aliases", "triggers", "policies", "tests")
FIELDS = (
    *("name", "ref", "description", "keywords", "author", "contributors", "version", "dependencies"),
    *_RESOURCES,
)


class Match(t.NamedTuple):
    """A pack that was found.

    :arg field: In which field.
    """

    ref: str
    entry: Entry
    field: str


def merge(listed: t.Sequence[Packs]) -> t.Dict[str, Entry]:
    """The packs of several indexes as one, in the order in which StackStorm has them, which is that of its answers.

    It begins with the rightmost index, and puts the whole entries of the others over it (st2common/services/packs.py
    _build_index_list, _fetch_and_compile_index).

    :arg listed: The packs of each index, the leftmost first.
    :returns: Without entries that are none, on which StackStorm ends with an error.
    """
    merged: t.Dict[str, t.Any] = {}
    for packs in reversed(listed):
        merged.update(packs)
    return {ref: entry for ref, entry in merged.items() if isinstance(entry, dict)}


def search(packs: t.Mapping[str, Entry], query: str, *, case_sensitive: bool = False) -> t.List[Match]:
    """What StackStorm finds for a query, in its order (st2common/services/packs.py search_pack_index).

    Of each pack the first field, in the order in which they are written, that holds the query decides. A text holds
    what it contains, a list its items as they are, an object its keys, anything else what Python prints for it.

    :arg case_sensitive: StackStorm's API never is.
    """
    wanted = query if case_sensitive else query.lower()
    found: t.Dict[str, t.List[Match]] = {name: [] for name in (*_PRIORITY, "")}
    for ref, entry in packs.items():
        field = _first_field(entry, wanted, case_sensitive)
        if field is not None:
            found[field if field in _PRIORITY else ""].append(Match(ref, entry, field))
    return [match for matches in found.values() for match in matches]


def _first_field(entry: Entry, wanted: str, case_sensitive: bool) -> t.Optional[str]:
    for name, value in entry.items():
        if name not in _EXCLUDED and wanted in _content(value, case_sensitive):
            return name
    return None


def _content(value: t.Any, case_sensitive: bool) -> t.Container[t.Any]:
    """What is looked into for a value (st2common/util/misc.py lowercase_value)."""
    if isinstance(value, list):
        return value if case_sensitive else [str(item).lower() for item in value]
    if isinstance(value, dict):
        return value if case_sensitive else {key.lower() for key in value}
    text = value if isinstance(value, str) else str(value)
    return text if case_sensitive else text.lower()


def search_fields(
    packs: t.Mapping[str, Entry], query: str, fields: t.Sequence[str], *, case_sensitive: bool = False
) -> t.List[Match]:
    """The packs that have a text in one of some fields: those of the first field first, each by ref.

    Other than with L(search), a part of an item of a list is enough, and the names of resources are fields.

    :arg fields: Of L(FIELDS).
    """
    wanted = query if case_sensitive else query.lower()
    found: t.List[t.Tuple[int, str, Match]] = []
    for ref, entry in packs.items():
        for position, field in enumerate(fields):
            texts = texts_of(ref, entry, field)
            if any(wanted in (text if case_sensitive else text.lower()) for text in texts):
                found.append((position, ref, Match(ref, entry, field)))
                break
    return [match for _position, _ref, match in sorted(found, key=lambda one: one[:2])]


def texts_of(ref: str, entry: Entry, field: str) -> t.List[str]:
    """The texts of a field."""
    if field == "ref":
        return [ref]
    value = _resources(entry, field) if field in _RESOURCES else entry.get(field)
    values = value if isinstance(value, list) else [value]
    return [str(one) for one in values if isinstance(one, (str, int, float)) and not isinstance(one, bool)]


def _resources(entry: Entry, kind: str) -> t.Any:
    content = entry.get("content")
    of_kind = content.get(kind) if isinstance(content, dict) else None
    return of_kind.get("resources") if isinstance(of_kind, dict) else None
