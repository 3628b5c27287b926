# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files are icons."""

from __future__ import annotations

import struct

import pytest
from infrastructure.packs.tree import ICON

from ansible_collections.stackstorm.st2.plugins.module_utils._index.icon import is_icon


def png(width, height, more=b""):
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\0\0\0" + more


@pytest.mark.parametrize("content", [ICON, png(64, 64), png(512, 512), png(250, 259, b"x" * 60_000)])
def test_a_small_png_is_one(content):
    assert is_icon(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        png(513, 64),
        png(64, 100_000),
        png(0, 64),
        png(64, 64, b"x" * (64 << 10)),
        png(64, 64).replace(b"IHDR", b"IDAT"),
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"GIF89a" + b"\0" * 40,
        b"\xff\xd8\xff\xe0" + b"\0" * 40,
    ],
)
def test_nothing_else_is_one(content):
    assert not is_icon(content)
