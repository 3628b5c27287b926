# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The text of C(st2.conf), edited line by line: every byte that an edit is not about stays."""

from __future__ import annotations

import typing as t

from .._st2.conf_text import (
    Definition,
    Header,
    first_line_value,
    line_end,
    parts_of,
    section_key,
    split_lines,
)

# Stands above a section that was not there, so that it goes with its last option and the file is as it was before.
SECTION_ADDED = "# Section added by stackstorm.st2.st2_conf."
INDENT = "    "

Key = t.Tuple[str, str]


class Document:
    """A text that oslo.config takes. It does not change; an edit gives another one.

    :raises ConfTextError: for a line that oslo.config refuses.
    """

    def __init__(self, text: str) -> None:
        self.lines: t.Tuple[str, ...] = tuple(split_lines(text))
        parts = list(parts_of(self.lines))
        self.headers: t.Tuple[Header, ...] = tuple(part for part in parts if isinstance(part, Header))
        self.definitions: t.Tuple[Definition, ...] = tuple(part for part in parts if isinstance(part, Definition))

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.lines)

    def values(self) -> t.Dict[Key, str]:
        """What oslo.config reads, by section as it compares it and option: of several definitions, the last."""
        return {(one.section, one.option): one.value for one in self.definitions}

    def value(self, section: str, option: str) -> t.Optional[str]:
        """What oslo.config reads of one option; C(None) where the text does not define it."""
        return self.values().get((section_key(section), option))

    def with_value(self, section: str, option: str, value: str) -> Document:
        """The text in which an option has a value.

        It is written where the option is defined last, as that one counts; else behind the last option of the last
        section of that name; else in a section of its own at the end.

        :raises ValueError: as L(lines_of_value).
        """
        found = self._definitions_of(section, option)
        if found:
            return self if found[-1].value == value else self._replaced(found[-1], lines_of_value(value))
        first, *more = lines_of_value(value)
        new = [f"{option} = {first}".rstrip(" "), *(INDENT + line for line in more)]
        headers = [header for header in self.headers if header.section == section_key(section)]
        if not headers:
            return self._inserted(len(self.lines), [*([""] if self.lines else []), SECTION_ADDED, f"[{section}]", *new])
        start, end = self._extent(headers[-1])
        return self._inserted(max([start + 1, *(one.end for one in self.definitions if start < one.first < end)]), new)

    def without(self, section: str, option: str) -> Document:
        """The text in which an option is not defined, anywhere; with it goes a section that L(with_value) added."""
        document, found = self, self._definitions_of(section, option)
        for definition in reversed(found):
            document = document._removed(definition.first, definition.end)
        for header in reversed(document.headers if found else []):
            if header.section == section_key(section):
                document = document._without_added_section(header)
        return document

    def _definitions_of(self, section: str, option: str) -> t.List[Definition]:
        key = (section_key(section), option)
        return [one for one in self.definitions if (one.section, one.option) == key]

    def _extent(self, header: Header) -> t.Tuple[int, int]:
        """The lines of a section: that of its header, and the one behind its last."""
        return header.first, min(
            (other.first for other in self.headers if other.first > header.first), default=len(self.lines)
        )

    def _without_added_section(self, header: Header) -> Document:
        start, end = self._extent(header)
        comment = start - 1
        if comment < 0 or self.lines[comment].rstrip() != SECTION_ADDED or "".join(self.lines[start + 1 : end]).strip():
            return self
        blank_before = comment > 0 and not self.lines[comment - 1].strip()
        return self._removed(comment - 1 if blank_before else comment, start + 1)

    def _replaced(self, definition: Definition, value: t.Sequence[str]) -> Document:
        line = self.lines[definition.first]
        head, rest = line[: definition.delimiter + 1], line[definition.delimiter + 1 :]
        if value[0]:
            blank = " " if head[-2:-1].isspace() else ""
            head += rest[: len(rest) - len(rest.lstrip())] if rest.strip() else blank
        end = line_end(line) or self._line_end(definition.first)
        new = [head + value[0], *(INDENT + more for more in value[1:])]
        text = end.join(new) + line_end(self.lines[definition.end - 1])
        return Document("".join((*self.lines[: definition.first], text, *self.lines[definition.end :])))

    def _inserted(self, place: int, new: t.Sequence[str]) -> Document:
        end = self._line_end(place)
        before, after = "".join(self.lines[:place]), "".join(self.lines[place:])
        # A last line without an end stays one.
        if before and not line_end(self.lines[place - 1]):
            return Document(before + end + end.join(new))
        return Document(before + "".join(line + end for line in new) + after)

    def _removed(self, start: int, end: int) -> Document:
        before, after = "".join(self.lines[:start]), "".join(self.lines[end:])
        if start and end == len(self.lines) and not line_end(self.lines[end - 1]):
            before = before[: len(before) - len(line_end(self.lines[start - 1]))]
        return Document(before + after)

    def _line_end(self, place: int) -> str:
        """The end for a new line: that of the line above, else of the first one."""
        found = [line_end(line) for line in (*reversed(self.lines[max(place - 1, 0) : place]), *self.lines[:1])]
        return next(filter(None, found), "\n")


def lines_of_value(value: str) -> t.List[str]:
    """A value as oslo.config reads it back: what stands behind the delimiter, and the lines that continue it.

    :raises ValueError: for a value that no text gives; it says why, and nothing of the value.
    """
    first, *more = value.split("\n")
    if "\r" in value:
        raise ValueError("it has a carriage return")
    if any(line != line.strip() for line in more):
        raise ValueError("a line in it, after the first, begins or ends with a space")
    if not all(more):
        raise ValueError("it has an empty line, or ends with a line break")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it is not UTF-8") from None
    return [first if first_line_value(first) == first else f'"{first}"', *more]
