# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of M(stackstorm.st2.st2_pack_lock)."""

from __future__ import annotations

import typing as t

from .._argspec import ArgumentSpec, access_options, pack_options, signature_options


def pack_keys() -> t.FrozenSet[str]:
    """The keys of an item of C(packs), those of M(stackstorm.st2.st2_pack)."""
    return frozenset(pack_options().options["packs"]["options"])


def lock_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_pack_lock), L(access_options) among them. It needs no StackStorm."""
    packs = pack_options()
    access = access_options()
    platforms = {
        # Raw, as 3.10 is another version than the one that was written.
        "version": {"type": "raw", "required": True},
        "abi": {"type": "str", "required": True},
        "platform": {"type": "str", "required": True},
    }
    own = ArgumentSpec(
        {
            "path": {"type": "path", "required": True},
            **{name: packs.options[name] for name in ("name", "remote_src")},
            # Raw, as items of st2_pack are taken whose other keys mean nothing here.
            "packs": {"type": "list", "elements": "raw"},
            "update": {"type": "list", "elements": "str"},
            "platforms": {"type": "list", "elements": "dict", "options": platforms},
            "pip_index_url": {"type": "str"},
        },
        required_one_of=(("name", "packs"),),
        hidden=("packs.config", "packs.secrets"),
        reads_host=False,
    )
    own = own.merge(signature_options())
    return ArgumentSpec(access.options, mutually_exclusive=access.mutually_exclusive, reads_host=False).merge(own)
