# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of the module that runs an action."""

from __future__ import annotations

from .._argspec import ArgumentSpec, host_options
from .._st2.executions import ENDED


def action_run_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_action_run) itself, L(host_options) among them, which it does not read."""
    expect = {
        "status": {"type": "str", "choices": list(ENDED), "default": "succeeded"},
        "result": {"type": "raw"},
    }
    return ArgumentSpec(
        {
            "action": {"type": "str", "required": True},
            "parameters": {"type": "dict"},
            # Not no_log, which masks by text; see pack_options.
            "secrets": {"type": "dict", "no_log": False},
            "expect": {"type": "dict", "options": expect},
        },
        hidden=("secrets",),
        reads_host=False,
    ).merge(host_options())
