# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A YAML file brought to other values with its comments and everything untouched kept, byte for byte.

The text is edited at the positions that YAML's own composer gives. Whatever comes out is read again: where it does not
say exactly what it should, the file is written anew, and that is told.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._libraries import require
from .rendering import block, flow
from .values import Values, same

_BLOCK_SCALARS = ("|", ">")


@dataclass(frozen=True)
class _Edit:
    """Text to put in place of a stretch of the old."""

    start: int
    end: int
    text: str


def edited(text: str, current: Values, wanted: Values) -> t.Tuple[str, bool]:
    """The text of a file that says C(wanted), made from one that says C(current).

    :arg text: YAML of one document; empty or only comments for an empty config.
    :returns: The new text, and whether the comments that do not stand in what was replaced were kept.
    """
    if "#" not in text and not current:
        return block(wanted), True
    yaml = require("PyYAML")
    try:
        result = _Editor(text).edit(current, wanted)
        if same(yaml.load(result, Loader=yaml.SafeLoader), wanted):
            return result, True
    except (yaml.YAMLError, _Unkeepable, RecursionError):
        pass
    return block(wanted), "#" not in text


class _Unkeepable(Exception):
    """A structure that cannot be edited in place."""


class _Editor:
    """One text on its way to other values."""

    def __init__(self, text: str) -> None:
        yaml = require("PyYAML")
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._root = yaml.compose(text, Loader=yaml.SafeLoader)
        self._edits: t.List[_Edit] = []

    def edit(self, current: Values, wanted: Values) -> str:
        """The new text."""
        if self._root is None or self._root.value in ([], "", "null", "~"):
            return self._fill_empty(wanted)
        self._mapping(self._root, current, wanted)
        text = self._text
        # From the last to the first. What comes to the same place of an inner mapping, found first, stands first.
        found = enumerate(self._edits)
        for _number, edit in sorted(found, key=lambda one: (one[1].start, one[1].end, one[0]), reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    def _fill_empty(self, wanted: Values) -> str:
        """A file of nothing but comments, and perhaps an empty mapping, gets the values at its end."""
        text = self._text
        if self._root is not None:
            start, end = self._root.start_mark.index, self._root.end_mark.index
            text = text[:start] + text[end:].lstrip(" \t\r\n")
        if text and not text.endswith("\n"):
            text += self._newline
        return text + self._lines(block(wanted))

    def _mapping(self, node: t.Any, current: Values, wanted: Values) -> None:
        """Edit a mapping so that it says C(wanted)."""
        if node.flow_style or any(key.id != "scalar" or key.tag.endswith(":merge") for key, _value in node.value):
            raise _Unkeepable
        column = node.value[0][0].start_mark.column
        for key, value in node.value:
            name = key.value
            if name not in wanted:
                self._remove(key, value)
            elif name not in current:
                raise _Unkeepable
            elif not same(current[name], wanted[name]):
                self._value(key, value, current[name], wanted[name], column)
        added = {name: value for name, value in wanted.items() if name not in current}
        if added:
            end = self._content_end(node.value[-1][1], node.value[-1][0])
            self._insert(end, self._indented(block(added), column))

    def _value(self, key: t.Any, node: t.Any, current: t.Any, wanted: t.Any, column: int) -> None:
        if node.id == "mapping" and isinstance(wanted, dict) and wanted and node.value and not node.flow_style:
            if node.start_mark.index > key.start_mark.index:  # Not an alias of something above.
                self._mapping(node, current, wanted)
                return
            raise _Unkeepable
        if node.start_mark.index < key.start_mark.index:
            raise _Unkeepable
        in_line = node.end_mark.line == key.start_mark.line and node.start_mark.index > key.end_mark.index
        if in_line and not isinstance(wanted, (dict, list)) and "\n" not in str(wanted):
            self._edits.append(_Edit(node.start_mark.index, node.end_mark.index, flow(wanted)))
            return
        start = self._text.rfind("\n", 0, key.start_mark.index) + 1
        if self._text[start : key.start_mark.index].strip():
            raise _Unkeepable
        text = self._indented(block({key.value: wanted}), column)
        self._edits.append(_Edit(start, self._content_end(node, key), text))

    def _remove(self, key: t.Any, node: t.Any) -> None:
        start = self._text.rfind("\n", 0, key.start_mark.index) + 1
        if self._text[start : key.start_mark.index].strip():
            raise _Unkeepable
        self._edits.append(_Edit(start, self._content_end(node, key), ""))

    def _content_end(self, node: t.Any, key: t.Any) -> int:
        """Where the line ends that the last part of a value is on; comments and blank lines behind it are not its."""
        last = node
        while last.id != "scalar" and last.value and not last.flow_style:
            last = last.value[-1][1] if last.id == "mapping" else last.value[-1]
        index = max(last.end_mark.index, key.end_mark.index)
        if last.id == "scalar" and last.style in _BLOCK_SCALARS and index:
            return int(index)
        end = self._text.find("\n", index)
        return len(self._text) if end < 0 else end + 1

    def _insert(self, index: int, text: str) -> None:
        before = "" if not index or self._text[index - 1] == "\n" else self._newline
        self._edits.append(_Edit(index, index, before + text))

    def _indented(self, text: str, column: int) -> str:
        lines = text.split("\n")
        return self._lines("\n".join(" " * column + line if line else line for line in lines))

    def _lines(self, text: str) -> str:
        return text.replace("\n", self._newline) if self._newline != "\n" else text
