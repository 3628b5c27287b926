# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Text that others wrote, made fit for a terminal: file names and server messages may hold what moves its cursor."""

from __future__ import annotations

import typing as t


def printable(text: str) -> str:
    """A name as text that can be shown in one line and stored, whatever bytes are in it."""
    if text.isprintable():
        return text
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def printable_lines(text: str) -> str:
    """Text of several lines, each one as of L(printable); tabs stay."""
    if text.isprintable():
        return text
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def every_text(value: t.Any, change: t.Callable[[str], str]) -> t.Any:
    """A structure with every string in its lists, tuples and dicts changed; other values, and keys, as they are."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, t.Mapping):
        return {key: every_text(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [every_text(item, change) for item in value]
    return value
