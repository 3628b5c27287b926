# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A YAML file brought to other values with its comments and everything untouched kept, byte for byte.

The text is edited at the positions that YAML's own composer gives. Whatever comes out is read again: where it does not
say exactly what it should, the file is written anew, and that is told.
"""

from __future__ import annotations

import re
import typing as t

from ._libraries import require
from ._yaml_text import block, flow, same

_BLOCK_SCALARS = ("|", ">")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*")


class Edited(t.NamedTuple):
    """The new text of a file, and whether comments are lost that do not stand in what was taken out or replaced."""

    text: str
    comments_lost: bool


def edit(text: str, wanted: t.Mapping[str, t.Any], *, head: str = "") -> Edited:
    """The text of a file that says C(wanted) and nothing else.

    :arg text: YAML of one document, a mapping; empty or only comments for an empty one.
    :arg head: What a file begins with that has to be written anew.
    :raises MissingLibraryError: without PyYAML.
    """
    yaml = require("PyYAML")
    try:
        result = _Editor(text).edit(wanted)
        for found in (_ended_as(text, result), result):
            if same(yaml.load(found, Loader=yaml.SafeLoader), wanted):
                return Edited(found, False)
    except (yaml.YAMLError, _Unkeepable, RecursionError):
        pass
    return Edited(head + block(wanted), "#" in text)


def _ended_as(old: str, new: str) -> str:
    """The new text without a line end at its end, if the old has none: what is added and taken out leaves no trace."""
    return new if old.endswith("\n") or not old else re.sub(r"\r?\n\Z", "", new)


class _Unkeepable(Exception):
    """A structure that cannot be edited in place."""


class _Piece(t.NamedTuple):
    """Text to put in place of a stretch of the old."""

    start: int
    end: int
    text: str


class _Editor:
    """One text on its way to other values."""

    def __init__(self, text: str) -> None:
        yaml = require("PyYAML")
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._loader = yaml.SafeLoader(text)
        self._root = self._loader.get_single_node()
        self._says = yaml.load(text, Loader=yaml.SafeLoader)
        self._pieces: t.List[_Piece] = []

    def edit(self, wanted: t.Mapping[str, t.Any]) -> str:
        """The new text."""
        if not self._says:
            return self._fill_empty(wanted)
        if not isinstance(self._says, dict) or not _can_hold(self._root, self._says, wanted):
            raise _Unkeepable
        self._mapping(self._root, self._says, wanted)
        text = self._text
        # From the last to the first. What comes to the same place of an inner mapping, found first, stands first.
        found = enumerate(self._pieces)
        for _number, piece in sorted(found, key=lambda one: (one[1].start, one[1].end, one[0]), reverse=True):
            text = text[: piece.start] + piece.text + text[piece.end :]
        return text

    def _fill_empty(self, wanted: t.Mapping[str, t.Any]) -> str:
        """A file of nothing but comments, and perhaps an empty mapping, gets the values at its end."""
        if "#" not in self._text:
            raise _Unkeepable  # There is nothing to keep.
        text = self._text
        if self._root is not None:
            start, end = self._root.start_mark.index, self._root.end_mark.index
            text = text[:start] + text[end:].lstrip(" \t\r\n")
        if text and not text.endswith("\n"):
            text += self._newline
        return text + self._lines(block(wanted))

    def _mapping(self, node: t.Any, says: t.Mapping[t.Any, t.Any], wanted: t.Mapping[t.Any, t.Any]) -> None:
        """Edit a mapping so that it says C(wanted)."""
        if any(key.id != "scalar" or key.tag.endswith(":merge") for key, _value in node.value):
            raise _Unkeepable
        column = node.value[0][0].start_mark.column
        for key, value in node.value:
            name = self._loader.construct_object(key)
            if name not in wanted:
                self._pieces.append(_Piece(self._line_start(key), self._content_end(value, key), ""))
            elif not same(says[name], wanted[name]):
                if value.start_mark.index < key.start_mark.index:
                    raise _Unkeepable  # An alias of something above.
                if _can_hold(value, says[name], wanted[name]):
                    self._mapping(value, says[name], wanted[name])
                elif node.flow_style:
                    # As an item of a list, what is no text elsewhere, such as a comma, is quoted.
                    self._put(value, flow([wanted[name]])[1:-1])
                else:
                    self._replace(key, value, {name: wanted[name]}, column)
        added = {name: value for name, value in wanted.items() if name not in says}
        if added:
            end = self._content_end(node.value[-1][1], node.value[-1][0])
            before = "" if not end or self._text[end - 1] == "\n" else self._newline
            self._pieces.append(_Piece(end, end, before + self._indented(block(added), column)))

    def _replace(self, key: t.Any, node: t.Any, pair: t.Mapping[t.Any, t.Any], column: int) -> None:
        """Put another value in place of one: in its line where both fit there, else in lines of its own."""
        (wanted,) = pair.values()
        in_line = node.end_mark.line == key.start_mark.line and node.start_mark.index > key.end_mark.index
        fits = "\n" not in wanted if isinstance(wanted, str) else not isinstance(wanted, (dict, list))
        stays = node.id != "scalar" and node.flow_style and isinstance(wanted, dict if node.id == "mapping" else list)
        if in_line and (fits or stays):
            self._put(node, flow(wanted))
            return
        start = self._line_start(key)
        first, newline, rest = self._indented(block(pair), column).partition(self._newline)
        comment = self._comment(key, node, in_line)
        self._pieces.append(_Piece(start, self._content_end(node, key), first + comment + newline + rest))

    def _put(self, node: t.Any, text: str) -> None:
        self._pieces.append(_Piece(node.start_mark.index, node.end_mark.index, text))

    def _comment(self, key: t.Any, node: t.Any, in_line: bool) -> str:
        """The comment in the first line of a key and its value, with the blanks before it."""
        rest = self._text[node.end_mark.index if in_line else key.end_mark.index :].split("\n", 1)[0].rstrip("\r")
        if not in_line:
            rest = re.sub(r"^[ \t]*:([ \t]*[|>][-+0-9]*)?", "", rest)
        return rest if _COMMENT.fullmatch(rest) else ""

    def _line_start(self, key: t.Any) -> int:
        """Where the line of a key begins, which must have nothing before it."""
        start = self._text.rfind("\n", 0, key.start_mark.index) + 1
        if self._text[start : key.start_mark.index].strip():
            raise _Unkeepable
        return start

    def _content_end(self, node: t.Any, key: t.Any) -> int:
        """Where the line ends that the last part of a value is on; comments and blank lines behind it are not its."""
        last = node
        while last.id != "scalar" and last.value and not last.flow_style:
            last = last.value[-1][1] if last.id == "mapping" else last.value[-1]
        index = int(max(last.end_mark.index, key.end_mark.index))
        if last.id == "scalar" and last.style in _BLOCK_SCALARS:
            if "+" in self._text[last.start_mark.index :].split("\n", 1)[0].partition("#")[0]:
                return index  # Blank lines are a part of it.
            index = len(self._text[:index].rstrip())
        end = self._text.find("\n", index)
        return len(self._text) if end < 0 else end + 1

    def _indented(self, text: str, column: int) -> str:
        lines = text.split("\n")
        return self._lines("\n".join(" " * column + line if line else line for line in lines))

    def _lines(self, text: str) -> str:
        return text.replace("\n", self._newline) if self._newline != "\n" else text


def _can_hold(node: t.Any, says: t.Any, wanted: t.Any) -> bool:
    """Whether a mapping can be edited to say something else; in flow style, only if it has the same keys."""
    if not (isinstance(says, dict) and isinstance(wanted, dict) and says and wanted and node.id == "mapping"):
        return False
    return not node.flow_style or says.keys() == wanted.keys()
