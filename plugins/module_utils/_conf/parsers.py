# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Whether StackStorm can read an C(st2.conf), by both parsers that it has for it.

Its services read the file by oslo.config. At every C(systemctl daemon-reload), generators of systemd read it by
Python's configparser and make the sockets of C(st2api), C(st2auth) and C(st2stream) of it
(packaging/common/systemd/st2api-generator). When they fail, these services have no socket.
"""

from __future__ import annotations

import configparser
import io
import re
import typing as t

from .._st2.conf_text import ConfTextError
from .document import Document

_SECTIONS_OF_GENERATORS = ("api", "auth", "stream")
_OPTIONS_OF_GENERATORS = ("host", "port")
_LINE_END = re.compile(rb"\r\n|\r|\n")


def parse(content: bytes) -> Document:
    """What a file says.

    :raises ConfTextError: for a line that either parser refuses. Both also read files as UTF-8, comments too.
    """
    try:
        document = Document(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(content[: error.start])) + 1
        raise ConfTextError(line, "it contains bytes that are not UTF-8") from None
    require_generators(document)
    return document


def require_generators(document: Document) -> None:
    """Read a text as the generators do.

    :raises ConfTextError: for what they refuse.
    """
    parser = configparser.ConfigParser(strict=False)
    try:
        parser.read_file(io.StringIO(document.text, newline=None))
    except configparser.Error as error:
        line = _line_of(error)
        why = (
            "the generators of StackStorm's sockets, which read the file with Python's configparser, do not accept "
            "this line"
        )
        raise ConfTextError(line, why) from None
    for section in filter(parser.has_section, _SECTIONS_OF_GENERATORS):
        for option in _OPTIONS_OF_GENERATORS:
            try:
                parser[section].get(option)
            except configparser.InterpolationError:
                why = (
                    f"[{section}] {option} has a % that the generators of StackStorm's sockets interpret as a reference"
                )
                raise ConfTextError(_defined_at(document, section, option), why) from None


def _line_of(error: configparser.Error) -> int:
    errors: t.Sequence[t.Tuple[int, str]] = getattr(error, "errors", ())
    return errors[0][0] if errors else getattr(error, "lineno", 1)


def _defined_at(document: Document, section: str, option: str) -> int:
    places = [
        one.first + 1
        for one in document.definitions
        if one.section in (section, "DEFAULT") and one.option.lower() == option
    ]
    return places[-1] if places else 1
