# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Icons of packs: which files are pictures that everybody may be shown."""

from __future__ import annotations

import struct

ICON = "icon.png"
MOST_BYTES = 64 << 10
_MOST_PIXELS = 512
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The length and name of the first part of the file, which has the width and height.
_HEADER = struct.Struct(">I4sII")


def is_icon(content: bytes) -> bool:
    """Whether a file is a PNG of at most 512 x 512 pixels and 64 KiB, by its first bytes."""
    if len(content) > MOST_BYTES or not content.startswith(_SIGNATURE) or len(content) < len(_SIGNATURE) + _HEADER.size:
        return False
    length, name, width, height = _HEADER.unpack_from(content, len(_SIGNATURE))
    fits = 0 < width <= _MOST_PIXELS and 0 < height <= _MOST_PIXELS
    return bool(length == 13 and name == b"IHDR" and fits)
