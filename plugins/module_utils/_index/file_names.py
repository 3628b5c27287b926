# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Names of resources as names of files: whatever a pack calls its actions, they stay in their directory."""

from __future__ import annotations

import hashlib
import typing as t

_LONGEST = 200
_REFUSED = frozenset("/\\%")


def file_names(names: t.Iterable[str]) -> t.Dict[str, str]:
    """The name of a file, without an ending, for each name.

    Names of most resources stay what they are. Percent-encoded are slashes, C(%), a dot in front, control characters
    and what is no Unicode. What has more than 200 bytes is cut, and what differs from another in case only is marked,
    both with a digest of the name: file systems and servers that do not tell case apart keep them apart.
    """
    found: t.Dict[str, str] = {}
    taken: t.Set[str] = set()
    for name in sorted(set(names)):
        safe = _encoded(name)
        if len(safe.encode()) > _LONGEST:
            safe = _marked(_cut(safe), name)
        while safe.casefold() in taken:
            safe = _marked(_cut(safe), name + safe)
        taken.add(safe.casefold())
        found[name] = safe
    return found


def _encoded(name: str) -> str:
    text = "".join(map(_safe, name))
    return f"%2E{text[1:]}" if text.startswith(".") else text or "%00"


def _safe(character: str) -> str:
    unfit = character in _REFUSED or not character.isprintable()
    if not unfit:
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _cut(text: str) -> str:
    return text.encode()[: _LONGEST - 20].decode("utf-8", "ignore")


def _marked(text: str, name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text}~{digest[:16]}"
