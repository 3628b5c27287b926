# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of the module that checks entry points."""

from __future__ import annotations

from .._argspec import ArgumentSpec, host_options


def entry_point_info_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_entry_point_info), L(host_options) among them."""
    return ArgumentSpec(
        {
            "pack": {"type": "list", "elements": "str", "aliases": ["name"]},
            "import": {"type": "bool", "default": False},
            "fail_on_error": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 600},
        }
    ).merge(host_options())
