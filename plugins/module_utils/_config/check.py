# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A config that is on disk held against the schema of a pack, for code that is about to change the pack."""

from __future__ import annotations

import typing as t

from .._content.config_schema import read_schema
from .._content.problem import Problem
from .document import read_config
from .validation import check_values


def check_config(pack_directory: str, config_path: str) -> t.List[Problem]:
    """What StackStorm would refuse of a config, when the pack in a directory were registered with it.

    :arg pack_directory: A directory with a pack, such as one that was fetched and is not in place yet.
    :arg config_path: C(<configs>/<ref>.yaml); need not exist.
    :returns: Empty when the registration of the config would succeed, or there is no config. A file that is no config
        at all is one problem with the rule C(yaml). L(problem.sentence) makes one text of them. No problem holds a
        value of the config.
    :raises InvalidPackError: for a config.schema.yaml that StackStorm would refuse.
    :raises ConfigError: for a config that cannot be read.
    :raises MissingLibraryError: without PyYAML or jsonschema.
    """
    file = read_config(config_path)
    if not file.exists:
        return []
    if file.link is not None and not file.content:
        # StackStorm follows it; what it leads to may be anything, and was not looked into.
        return []
    if file.problem:
        return [Problem((), "yaml", f"cannot be read by StackStorm: {file.problem.rstrip('.')}")]
    return check_values(read_schema(pack_directory), file.values, file.lines)
