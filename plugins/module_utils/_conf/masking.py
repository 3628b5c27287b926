# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Values of C(st2.conf) as they may be shown."""

from __future__ import annotations

import re
import typing as t

from .._secrets import REDACTED
from .document import Key

_SECRET_NAME = re.compile(r"(?:password|passphrase|passwd|secret|_kwargs)\Z", re.IGNORECASE)
# Up to the last @ before the next URL of a list: passwords with a / in them are written, too.
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:(?!://)\S)*@")


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


def _without_userinfo(text: str) -> str:
    return _USERINFO.sub(rf"\1{REDACTED}@", text)
