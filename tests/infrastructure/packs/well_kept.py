# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pack that nobody could find anything to say about: the one to break in one place."""

from __future__ import annotations

import struct
import zlib

from . import bodies
from .tree import PackTree

LICENSE = "                                 Apache License\n                           Version 2.0, January 2004\n"
SCHEMA = """\
---
url:
  type: string
  description: Where the service answers
  required: true
token:
  type: string
  description: What it asks for
  secret: true
  required: false
timeout:
  type: integer
  description: Seconds
  default: 30
"""


def png(width: int, height: int) -> bytes:
    """Return a black image."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress(b"".join(b"\0" * (width + 1) for _row in range(height)))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def well_kept(ref: str = "demo", version: str = "1.0.0") -> PackTree:
    """Return the usual pack with what a repository of one is to have."""
    tree = PackTree(ref, version, requirements=("tinydep>=1.0.0,<2.0.0",))
    tree.add("LICENSE", LICENSE)
    tree.add("icon.png", png(64, 64))
    tree.add("config.schema.yaml", SCHEMA)
    tree.add_yaml("rules/on_pulse.yaml", bodies.rule(ref, "on_pulse", f"{ref}.pulse_seen"))
    return tree
