# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of M(stackstorm.st2.st2_pack_split)."""

from __future__ import annotations

import typing as t

from .._argspec import ArgumentSpec, Option
from .._source.repository_options import repository_options


def split_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_pack_split), L(repository_options) among them."""
    packs: t.Dict[str, Option] = {
        "path": {"type": "str", "required": True},
        "name": {"type": "str", "aliases": ["pack"]},
        "former_paths": {"type": "list", "elements": "str"},
        "url": {"type": "str"},
    }
    own = ArgumentSpec(
        {
            "repo": {"type": "str", "required": True},
            "dest": {"type": "path", "required": True},
            "packs": {"type": "list", "elements": "dict", "options": packs},
            "repo_url": {"type": "str"},
            "push": {"type": "bool", "default": False},
        },
        reads_host=False,
    )
    return own.merge(repository_options())
