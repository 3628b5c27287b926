# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Variables in an environment file of systemd that are ours: a block, and around it what others wrote, untouched.

Of a variable that is there several times, the last one counts. So a block at the end has effect whatever others have
written, and what they have written has effect again when the block is gone. The block's first line keeps what the file
was before.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, replace

from .._st2.environment_file import parse_environment

# The file may hold passwords: its owner and its group may read it.
SAFE_MODE = 0o640
_NAME = "stackstorm.st2.st2_environment"
_BLOCK = re.compile(
    rf"^# BEGIN {re.escape(_NAME)}: (?P<origin>[^\n]*)\n(?P<body>.*?)^# END {re.escape(_NAME)}(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
_ORIGIN = re.compile(r"made|mode (?P<mode>[0-7]{4})(?P<newline>, no newline)?")
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/@%+=-]*")
_TO_ESCAPE = re.compile(r'(["\\$`])')
Variables = t.Dict[str, str]


class BlockError(Exception):
    """Text that no block can be put into or found in; the message is the rest of a sentence about the file."""


@dataclass(frozen=True)
class EnvironmentFile:
    """A file, or what it is to become.

    :arg text: C(None) where there is no file.
    :arg mode: Permission bits.
    """

    text: t.Optional[str] = field(default=None, repr=False)
    mode: int = SAFE_MODE

    @property
    def variables(self) -> Variables:
        """What a service gets of it."""
        return parse_environment(self.text or "")


class _Origin(t.NamedTuple):
    """What a file was before the block came: its mode, C(None) for no file, and whether its last line had an end."""

    mode: t.Optional[int]
    newline: bool = True


@dataclass(frozen=True)
class _Parts:
    before: str
    after: str
    variables: Variables = field(default_factory=dict)
    origin: t.Optional[_Origin] = None


def edited(file: EnvironmentFile, changes: t.Mapping[str, t.Optional[str]]) -> EnvironmentFile:
    """The file with other variables in the block, those that are not named as they are.

    :arg changes: The values; C(None) to take out what an earlier edit has put in.
    :raises BlockError: when the text allows no block, or has half of one.
    """
    parts = _parts_of(file.text or "")
    # In the order in which they stand there: two tasks that set some each would go on to reorder them.
    variables = {name: value for name, value in {**parts.variables, **changes}.items() if value is not None}
    if not variables:
        return file if parts.origin is None else _restored(file, parts, parts.origin)
    others = parse_environment(parts.before + parts.after)
    if parts.origin is not None:
        found = replace(file, text=_joined(parts, variables), mode=file.mode & SAFE_MODE)
        if _is_right(found, others, variables):
            return found
    text = parts.before + parts.after
    newline = not text or text.endswith("\n")
    origin = parts.origin or _Origin(None if file.text is None else file.mode, newline)
    end = _Parts(text if newline else f"{text}\n", "", origin=origin._replace(newline=newline))
    found = EnvironmentFile(_joined(end, variables), SAFE_MODE if file.text is None else file.mode & SAFE_MODE)
    if not _is_right(found, others, variables):
        raise BlockError("ends in the middle of a value, so that nothing can be added to it. Correct its last lines")
    return found


def _parts_of(text: str) -> _Parts:
    match = _BLOCK.search(text)
    if not match:
        if re.search(rf"^# (?:BEGIN|END) {re.escape(_NAME)}\b", text, re.MULTILINE):
            raise BlockError(f"has only a part of the lines between # BEGIN {_NAME} and # END. Remove them")
        return _Parts(text, "")
    origin = _ORIGIN.fullmatch(match.group("origin"))
    if not origin:
        raise BlockError(f"has a line # BEGIN {_NAME} that was changed. Remove the lines between it and # END")
    mode = origin.group("mode")
    before = _Origin(int(mode, 8), not origin.group("newline")) if mode else _Origin(None)
    return _Parts(text[: match.start()], text[match.end() :], parse_environment(match.group("body")), before)


def _joined(parts: _Parts, variables: Variables) -> str:
    origin = parts.origin or _Origin(None)
    what = "made" if origin.mode is None else f"mode {origin.mode:04o}" + ("" if origin.newline else ", no newline")
    lines = [f"# BEGIN {_NAME}: {what}", *(f"{name}={_quoted(value)}" for name, value in variables.items())]
    return parts.before + "".join(f"{line}\n" for line in (*lines, f"# END {_NAME}")) + parts.after


def _quoted(value: str) -> str:
    """A value for systemd, and for a shell that sources the file, too."""
    return value if _PLAIN.fullmatch(value) else '"' + _TO_ESCAPE.sub(r"\\\1", value) + '"'


def _is_right(file: EnvironmentFile, others: Variables, variables: Variables) -> bool:
    return file.variables == {**others, **variables}


def _restored(file: EnvironmentFile, parts: _Parts, origin: _Origin) -> EnvironmentFile:
    text = parts.before + parts.after
    if origin.mode is None:
        return replace(file, text=text or None)
    if not origin.newline and not parts.after:
        text = text[: -len("\n")]
    # Somebody who has given the file another mode since wants that one.
    return EnvironmentFile(text, origin.mode if file.mode == origin.mode & SAFE_MODE else file.mode)
