# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Keys in YAML files that StackStorm refuses: those that stand twice in a mapping, and merge keys.

PyYAML takes them. StackStorm's API and C(st2-register-content) replace its constructor of mappings, for whatever they
read (st2common/util/yml.py UniqueKeyLoader).
"""

from __future__ import annotations

import typing as t

from ._libraries import require
from ._printable import printable

_MAPPING = "tag:yaml.org,2002:map"
_STRING = "tag:yaml.org,2002:str"
# Plain << and =, which PyYAML itself resolves before it makes a key of them.
_SPECIAL = ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:value")
_SHOWN = 60


class RefusedKey(t.NamedTuple):
    """A key that StackStorm refuses.

    :arg key: As written, the beginning of a long one.
    :arg line: Counted from 1; likewise C(column).
    :arg first: The line in which the mapping has the key already; C(None) for what is no key at all to StackStorm.
    """

    key: str
    line: int
    column: int
    first: t.Optional[int] = None

    @property
    def subject(self) -> str:
        """What it is."""
        return "the merge key <<" if self.first is None and self.key == "<<" else f"the key {self.key}"

    @property
    def wrong(self) -> str:
        """What is wrong with it, to follow the subject."""
        if self.first is not None:
            return f"is there twice, first in line {self.first}, which StackStorm refuses"
        return "is one that StackStorm does not know" if self.key == "<<" else "must be in quotes for StackStorm"

    @property
    def clause(self) -> str:
        """Both."""
        return f"{self.subject} {self.wrong}"


def refused_keys(node: t.Any) -> t.List[RefusedKey]:
    """All keys below a node that StackStorm refuses, in the order of the text.

    :arg node: As composed, C(None) for an empty file; before values are made of it, which resolves merge keys.
    """
    found: t.List[RefusedKey] = []
    waiting, seen = [node] if node is not None else [], set()
    loader = require("PyYAML").SafeLoader("")
    while waiting:
        one = waiting.pop()
        if one.id == "scalar" or id(one) in seen:
            continue
        seen.add(id(one))
        if one.id == "sequence":
            waiting.extend(one.value)
            continue
        waiting.extend(below for _key, below in one.value)
        if one.tag == _MAPPING:
            found.extend(_of_mapping(one, loader))
    loader.dispose()
    return sorted(found, key=lambda refused: (refused.line, refused.column))


def _of_mapping(node: t.Any, loader: t.Any) -> t.Iterator[RefusedKey]:
    known: t.Dict[t.Any, t.Any] = {}
    for key, _below in node.value:
        if key.id != "scalar":
            continue
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if key.tag in _SPECIAL:
            yield RefusedKey(key.value, line, column)
            continue
        first = known.setdefault(_value(key, loader), key)
        if first is not key:
            yield RefusedKey(printable(key.value[:_SHOWN]), line, column, first.start_mark.line + 1)


def _value(key: t.Any, loader: t.Any) -> t.Hashable:
    """What a key is compared by: C(1), C(1.0) and C(yes) are one."""
    if key.tag == _STRING:
        return str(key.value)
    try:
        value = loader.construct_object(key, deep=True)
        hash(value)
    except Exception:  # What is no key, or not of its type, is told by who makes values of the file.
        return id(key)
    return t.cast(t.Hashable, value)
