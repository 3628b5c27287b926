# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Values of C(st2.conf) as they may be shown."""

from __future__ import annotations

import re
import typing as t

from .._secrets import REDACTED
from .._st2.conf_text import Definition, line_end
from .document import Document, Key

_SECRET_NAME = re.compile(r"(?:password|passphrase|passwd|secret|_kwargs)\Z", re.IGNORECASE)
# Up to the last @ before the next URL of a list: passwords with a / in them are written, too.
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:(?!://)\S)*@")
_COMMENTED_OUT = re.compile(r"(\s*[#;]+\s*)([A-Za-z0-9_.-]+)(\s*[=:]\s*)\S.*")
_CONTINUED = "    "


class Masking:
    """Which values are secret, and how values look.

    :arg secret: The options of which the task says that they are.
    """

    def __init__(self, secret: t.Iterable[Key] = ()) -> None:
        self._secret = frozenset(secret)

    def mask(self, key: Key, value: t.Optional[str]) -> t.Optional[str]:
        """A value without what is secret in it; C(None) for none."""
        if not value:
            return value
        if key in self._secret or _SECRET_NAME.search(key[1]):
            return REDACTED
        return _without_userinfo(value)

    def pair(
        self, key: Key, before: t.Optional[str], after: t.Optional[str]
    ) -> t.Tuple[t.Optional[str], t.Optional[str]]:
        """Two values to compare. Where only what is masked differs, they say that one is old and one new."""
        shown = self.mask(key, before), self.mask(key, after)
        if before != after and shown[0] == shown[1] and shown[0] is not None:
            return f"{shown[0]} (old)", f"{shown[1]} (new)"
        return shown

    def text(self, document: Document, told: t.Mapping[Key, t.Optional[str]]) -> str:
        """The whole text with everything secret masked, in comments as well.

        :arg told: What is shown of the options that the task is about, where they are defined last.
        """
        lines = list(document.lines)
        last = {(one.section, one.option): one.first for one in document.definitions}
        rest = set(range(len(lines)))
        for one in document.definitions:
            key = one.section, one.option
            is_told = key in told and last[key] == one.first
            shown = told[key] if is_told else self.mask(key, one.value)
            rest.difference_update(range(one.first, one.end))
            if shown != one.value:
                _show(lines, one, shown or "")
        for place in rest:
            lines[place] = self._comment(lines[place])
        return "".join(lines)

    def _comment(self, line: str) -> str:
        match = _COMMENTED_OUT.match(line)
        if match and (_SECRET_NAME.search(match.group(2)) or any(match.group(2) == name for _, name in self._secret)):
            return f"{''.join(match.groups())}{REDACTED}{line_end(line)}"
        return _without_userinfo(line)


def _without_userinfo(text: str) -> str:
    return _USERINFO.sub(rf"\1{REDACTED}@", text)


def _show(lines: t.List[str], one: Definition, value: str) -> None:
    """Put a value in the place of the one that a definition has; the number of lines stays."""
    head = lines[one.first][: one.delimiter + 1]
    end = line_end(lines[one.end - 1])
    lines[one.first : one.end] = [""] * (one.end - one.first)
    lines[one.first] = f"{head} {value}".replace("\n", f"\n{_CONTINUED}") + end
