# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument specs of the modules about the configs of packs."""

from __future__ import annotations

from .._argspec import ArgumentSpec, backend


def config_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_pack_config) itself."""
    return ArgumentSpec(
        {
            "pack": {"type": "str", "required": True, "aliases": ["name"]},
            "config": {"type": "dict"},
            # Not no_log, see pack_options.
            "secrets": {"type": "dict", "no_log": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "merge": {"type": "str", "choices": ["replace", "merge"], "default": "replace"},
            "unknown_keys": {"type": "str", "choices": ["warn", "fail", "ignore"], "default": "warn", "no_log": False},
            "schema": {"type": "path"},
            "backup": {"type": "bool", "default": False},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "raw", "default": "0640"},
        },
        hidden=("config", "secrets"),
    ).merge(backend())


def config_info_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_pack_config_info) itself."""
    return ArgumentSpec(
        {"pack": {"type": "list", "elements": "str", "aliases": ["name"]}, "schema": {"type": "path"}}
    ).merge(backend())
