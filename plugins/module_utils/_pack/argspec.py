# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of the module that describes packs."""

from __future__ import annotations

from .._argspec import ArgumentSpec, backend


def pack_info_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_pack_info) itself."""
    return ArgumentSpec(
        {
            "name": {"type": "list", "elements": "str", "aliases": ["pack"]},
            "check_latest": {"type": "bool", "default": False},
            "check_edits": {"type": "bool", "default": True},
            "sizes": {"type": "bool", "default": False},
        }
    ).merge(backend())
