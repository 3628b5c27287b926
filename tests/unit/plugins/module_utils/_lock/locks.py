# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks for tests."""

from __future__ import annotations

import typing as t

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import Lock, LockedPack, Platform

DEBIAN = Platform("3.11", "cp311", "manylinux_2_36_x86_64")
SIX = "six==1.17.0"


def digest(character: str) -> str:
    return f"sha256:{character * 64}"


def git_pack(ref: str = "sensu", **fields: t.Any) -> LockedPack:
    """A pack of a repository."""
    given = {
        "version": "1.0.2",
        "source": f"https://github.com/StackStorm-Exchange/stackstorm-{ref}",
        "requested": (ref,),
        "resolved": Resolved("tag", "v1.0.2"),
        "commit": "a1" * 20,
        "title": "Take a default: none",
        "content": digest("a"),
        "requirements": digest("b"),
        "counts": {"actions": 12, "sensors": 1},
        "index_url": "https://index.stackstorm.org/v1/index.json",
    }
    return LockedPack(ref, **{**given, **fields})


def directory_pack(ref: str = "ours", **fields: t.Any) -> LockedPack:
    """A pack in a directory of the controller."""
    given = {
        "version": "0.1.0",
        "source": f"./packs/{ref}",
        "requested": (f"./packs/{ref}",),
        "resolved": Resolved("content", ""),
        "content": digest("c"),
    }
    return LockedPack(ref, **{**given, **fields})


def lock_with(*packs: LockedPack) -> Lock:
    return Lock({pack.ref: pack for pack in packs})


WHOLE = Lock(
    {
        "sensu": git_pack(dependencies={"ours": "ours=0.1.0"}, wheels={DEBIAN.key: (SIX,)}, signer="ops@example.com"),
        "ours": directory_pack(),
    },
    {SIX: {"six-1.17.0-py2.py3-none-any.whl": digest("d")}},
    {DEBIAN.key: DEBIAN},
)
