# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument specs of the modules about bundles."""

from __future__ import annotations

from .._argspec import ArgumentSpec
from .._source.repository_options import repository_options


def bundle_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_bundle), L(repository_options) among them. It needs no StackStorm."""
    own = ArgumentSpec(
        {
            "lockfile": {"type": "path", "required": True},
            "path": {"type": "path", "required": True},
            "pip_index_url": {"type": "str"},
        },
        reads_host=False,
    )
    return own.merge(repository_options())


def bundle_info_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_bundle_info)."""
    return ArgumentSpec({"path": {"type": "path", "required": True}}, reads_host=False)
