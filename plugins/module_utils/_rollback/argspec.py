# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of the module that goes back on changes."""

from __future__ import annotations

from .._argspec import ArgumentSpec


def rollback_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_rollback) itself."""
    return ArgumentSpec({"change": {"type": "str"}, "prune": {"type": "bool", "default": False}})
