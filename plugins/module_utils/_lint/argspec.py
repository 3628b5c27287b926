# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of M(stackstorm.st2.st2_pack_lint)."""

from __future__ import annotations

from .._argspec import ArgumentSpec

FORMATS = ("text", "json", "junit", "sarif", "github", "gitlab")


def lint_options() -> ArgumentSpec:
    """The options. They need no StackStorm on the target."""
    output = {
        "format": {"type": "str", "choices": list(FORMATS), "required": True},
        "path": {"type": "path", "required": True},
    }
    return ArgumentSpec(
        {
            "path": {"type": "list", "elements": "path", "required": True},
            "chdir": {"type": "path"},
            "rules": {"type": "list", "elements": "str", "default": []},
            "skip": {"type": "list", "elements": "str", "default": []},
            "fail_on": {"type": "str", "choices": ["error", "warning", "never"], "default": "error"},
            "ignore_file": {"type": "str", "default": ".st2-lint.yml"},
            "site_rules": {"type": "path"},
            "output": {"type": "list", "elements": "dict", "options": output, "default": []},
            "stackstorm_version": {"type": "str", "default": "3.9.0"},
            "python": {"type": "list", "elements": "path", "default": []},
            "python_version": {"type": "str", "default": "3.8"},
            "timeout": {"type": "int", "default": 300},
        },
        reads_host=False,
    )
