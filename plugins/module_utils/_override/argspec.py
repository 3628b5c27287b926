# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument specs of the modules about overrides."""

from __future__ import annotations

from .._argspec import ArgumentSpec, backend, override_sections


def override_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_override) itself."""
    return ArgumentSpec(
        {
            "pack": {"type": "str", "required": True, "aliases": ["name"]},
            **override_sections(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            # Replace; without a default, to warn for one release whom that surprises.
            "merge": {"type": "str", "choices": ["replace", "merge"]},
            "allow_missing": {"type": "bool", "default": False},
        }
    ).merge(backend())


def override_info_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_override_info) itself."""
    return ArgumentSpec({"pack": {"type": "list", "elements": "str", "aliases": ["name"]}}).merge(backend())
