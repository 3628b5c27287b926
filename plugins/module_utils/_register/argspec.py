# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of the module that registers installed packs."""

from __future__ import annotations

from .._argspec import ArgumentSpec
from .._st2.registration import TYPES


def register_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_register) itself."""
    return ArgumentSpec(
        {
            "packs": {"type": "list", "elements": "str", "aliases": ["name", "pack"]},
            "types": {"type": "list", "elements": "str", "choices": list(TYPES)},
            "fail_on_failure": {"type": "bool", "default": True},
            "prune": {"type": "bool", "default": False},
            "registered_elsewhere": {"type": "bool", "default": False},
        }
    )
