# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of M(stackstorm.st2.st2_index)."""

from __future__ import annotations

from .._argspec import ArgumentSpec
from .._source.repository_options import repository_options


def index_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_index), L(repository_options) among them. It needs no StackStorm."""
    own = ArgumentSpec(
        {
            "path": {"type": "path", "required": True},
            "packs": {"type": "list", "elements": "raw"},
            "entries": {"type": "dict"},
            "index_url": {"type": "list", "elements": "str"},
            "index_strict": {"type": "bool", "default": True},
            "index_allowed_signers": {"type": "list", "elements": "str"},
            "include": {"type": "list", "elements": "str"},
            "exclude": {"type": "list", "elements": "str"},
            "repo_url": {"type": "str"},
            "revision": {"type": "str", "choices": ["tag", "branch", "published"], "default": "tag"},
            "on_invalid": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
            "sign_key": {"type": "path", "no_log": False},
            "page": {"type": "bool", "default": False},
            "page_assets": {"type": "path"},
        },
        required_one_of=(("packs", "entries", "index_url"),),
        reads_host=False,
    )
    return repository_options().merge(own)
