# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of modules that are about repositories, and neither about indexes nor a StackStorm host."""

from __future__ import annotations

from .._argspec import ArgumentSpec, access_options


def repository_options() -> ArgumentSpec:
    """How repositories are reached; documented in the fragment P(stackstorm.st2._repository).

    These are L(access_options) but for those about indexes.
    """
    access = access_options()
    options = {name: option for name, option in access.options.items() if not name.startswith("index_")}
    return ArgumentSpec(options, mutually_exclusive=access.mutually_exclusive, reads_host=False)
