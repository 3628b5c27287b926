# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What YAML says as values that JSON can hold, so that an index never holds what its readers stumble over."""

from __future__ import annotations

import math
import typing as t

from .._errors import InvalidPackError
from .._secrets import strip_urls, url_secrets

# Readers of an index, that of this collection among them, refuse longer ones.
_LARGEST = 10**300
_DEEPEST = 100


def plain(value: t.Any, _depth: int = 0) -> t.Any:
    """The value with text in place of what JSON has no form for: dates, binaries, keys that are no text, infinity.

    Passwords in URLs are masked: an index has more readers than the repository of a private pack.

    :raises InvalidPackError: when it is nested deeper than readers can follow.
    """
    if _depth > _DEEPEST:
        raise InvalidPackError(f"It is nested more than {_DEEPEST} levels deep.")
    if isinstance(value, t.Mapping):
        return {_key(key): plain(item, _depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, _depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(_key, value))
    if isinstance(value, str):
        return strip_urls(value) if "://" in value and "@" in value and any(url_secrets(value)) else value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_LARGEST < value < _LARGEST else hex(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return str(value)


def _key(key: t.Any) -> str:
    """A key as text, as StackStorm's own JSON would have it."""
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(plain(key))
