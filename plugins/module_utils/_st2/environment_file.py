# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The environment files of StackStorm's services."""

from __future__ import annotations

import io
import re
import typing as t

from .._errors import HostError
from .._files import UnfitFileError, read_regular_file

_MOST_BYTES = 1 << 20
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_environment_file(path: str) -> t.Dict[str, str]:
    """The variables of a systemd C(EnvironmentFile), such as C(/etc/default/st2actionrunner).

    systemd's own syntax (src/basic/env-file.c parse_env_file_internal), which is not a shell's: no expansion, no
    inline comments, C(export) tolerated. A line that is no assignment is left out, as systemd does.

    :raises HostError: when the file is there and cannot be read, is no regular file, or far too large; a file that is
        not there is empty.
    """
    try:
        content = read_regular_file(path, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnfitFileError as error:
        raise HostError(f"{path} cannot be an environment file. {error.strerror}. Remove or correct it.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HostError(f"{path} cannot be read: {reason}. Run the task with become.") from error
    return parse_environment(io.TextIOWrapper(io.BytesIO(content), "utf-8", "replace").read())


def parse_environment(text: str) -> t.Dict[str, str]:
    """The variables in the text of a systemd C(EnvironmentFile); see R(read_environment_file)."""
    found: t.Dict[str, str] = {}
    place = 0
    while place < len(text):
        line_end = _end_of_line(text, place)
        equal = text.find("=", place, line_end)
        head = text[place:line_end].lstrip()
        if not head or head[0] in "#;" or equal < 0:
            place = line_end + 1
            continue
        name = text[place:equal].strip()
        if name.startswith(("export ", "export\t")):
            name = name[len("export") :].strip()
        value, place = _read_value(text, equal + 1)
        if _VARIABLE.fullmatch(name):
            found[name] = value
    return found


def _end_of_line(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _read_value(text: str, place: int) -> t.Tuple[str, int]:
    """One value from behind its C(=); the value, and the place behind the newline that ends it."""
    value: t.List[str] = []
    while place < len(text) and text[place] != "\n":
        character = text[place]
        if character in " \t\r":
            place += 1
        elif character in "\"'":
            piece, place = _read_quoted(text, place + 1, character)
            value.append(piece)
        else:
            piece, place = _read_bare(text, place)
            value.append(piece)
    return "".join(value), place + 1


def _read_quoted(text: str, place: int, quote: str) -> t.Tuple[str, int]:
    piece: t.List[str] = []
    while place < len(text) and text[place] != quote:
        if quote == '"' and text[place] == "\\" and place + 1 < len(text):
            place += 1
            if text[place] != "\n":
                piece.append(text[place] if text[place] in '"\\`$' else f"\\{text[place]}")
        else:
            piece.append(text[place])
        place += 1
    return "".join(piece), place + 1


def _read_bare(text: str, place: int) -> t.Tuple[str, int]:
    """Up to the end of the line; a backslash takes the next character as it is, and joins lines."""
    piece: t.List[str] = []
    kept = 0
    while place < len(text) and text[place] != "\n":
        if text[place] == "\\" and place + 1 < len(text):
            place += 1
            if text[place] != "\n":
                piece.append(text[place])
                kept = len(piece)
        else:
            piece.append(text[place])
            if not text[place].isspace():
                kept = len(piece)
        place += 1
    return "".join(piece[:kept]), place
