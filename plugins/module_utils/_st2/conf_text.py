# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The lines of C(st2.conf) by oslo.config's format: which hold a section, which an option, and where its value is.

oslo_config/iniparser.py BaseParser and oslo_config/cfg.py ConfigParser. It differs from configparser: no inline
comments; a line that starts with blanks continues the value above; an empty line or a comment ends a value; quotes
around what stands in the first line are taken off. Nothing here decides which of several equal options counts.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

# What Python's text files take for the end of a line, which both parsers read by.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_BLANKS = (" ", "\t")


class ConfTextError(ValueError):
    """A line that oslo.config refuses.

    :arg line: Its number, from 1.
    :arg why: What is wrong, without anything that the line holds: it may hold a password.
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


class Header(t.NamedTuple):
    """A line with a section.

    :arg section: Its name as oslo.config compares it, in lower case unless it is C(DEFAULT).
    :arg first: The line's place in the lines, from 0.
    """

    section: str
    first: int


@dataclass(frozen=True)
class Definition:
    """The lines of one option.

    :arg section: As of L(Header).
    :arg value: What oslo.config reads, references to other options as they stand.
    :arg first: Place of its first line; C(end) is the one behind the last that continues the value.
    :arg delimiter: Where the C(=) or C(:) is in the first line.
    """

    section: str
    option: str
    value: str = field(repr=False)
    first: int
    end: int
    delimiter: int


Part = t.Union[Header, Definition]


def split_lines(text: str) -> t.List[str]:
    """The lines of a text, each with its line end; the last one may have none."""
    return _LINE.findall(text)


def line_end(line: str) -> str:
    """What ends a line: C(\\n), C(\\r\\n), C(\\r) or nothing."""
    return line[len(line.rstrip("\r\n")) :]


def section_key(name: str) -> str:
    """A section's name as oslo.config compares it (oslo_config/cfg.py _normalize_group_name)."""
    return name if name == "DEFAULT" else name.lower()


def first_line_value(text: str) -> str:
    """What oslo.config makes of the text behind the delimiter."""
    text = text.strip()
    return text[1:-1] if text and text[0] == text[-1] and text[0] in "\"'" else text


def parts_of(lines: t.Sequence[str]) -> t.Iterator[Part]:
    """The sections and options in some lines, in their order.

    :raises ConfTextError: for a line that oslo.config refuses.
    """
    section: t.Optional[str] = None
    place = 0
    while place < len(lines):
        first, line = place, lines[place].rstrip()
        place += 1
        if line.startswith(_BLANKS):
            raise ConfTextError(place, "the line starts with a space, but there is no value above to continue")
        if line.startswith("["):
            section = _section(line, place)
            yield Header(section, first)
        elif line and not line.startswith(("#", ";")):
            option, delimiter = _option(line, place, section)
            value = [first_line_value(line[delimiter + 1 :])]
            while place < len(lines) and lines[place].rstrip().startswith(_BLANKS):
                value.append(lines[place].strip())
                place += 1
            yield Definition(t.cast(str, section), option, "\n".join(value), first, place, delimiter)


def _section(line: str, number: int) -> str:
    if not line.endswith("]"):
        raise ConfTextError(number, "a section must end with ]")
    if len(line) <= 2:
        raise ConfTextError(number, "a section must have a name")
    return section_key(line[1:-1])


def _option(line: str, number: int, section: t.Optional[str]) -> t.Tuple[str, int]:
    delimiter = min((place for place in (line.find("="), line.find(":")) if place >= 0), default=-1)
    if delimiter < 0:
        raise ConfTextError(number, "an option must be written as NAME = VALUE")
    name = line[:delimiter].strip()
    if not name:
        raise ConfTextError(number, "there is no option name in front of the value")
    if section is None:
        raise ConfTextError(number, "there is an option before the first [section]")
    return name, delimiter
