# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument spec of M(stackstorm.st2.st2_pack_release)."""

from __future__ import annotations

from .._argspec import ArgumentSpec
from .._source.repository_options import repository_options


def release_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_pack_release), L(repository_options) among them."""
    own = ArgumentSpec(
        {
            "path": {"type": "path", "required": True},
            "remote": {"type": "str", "default": "origin"},
            "branch": {"type": "str"},
            "signing_key": {"type": "path", "no_log": False},
            "tagger": {"type": "str"},
            "tag_message": {"type": "str"},
            "maintenance": {"type": "bool", "default": False},
            "fail_on_unreleased": {"type": "bool", "default": False},
        },
        reads_host=False,
    )
    return own.merge(repository_options())
