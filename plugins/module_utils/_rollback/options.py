# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task that goes back on a change, checked and typed."""

from __future__ import annotations

import typing as t

from .._errors import OptionError


class Options(t.NamedTuple):
    """What a task asks for.

    :arg change: The id of the change set; empty for the newest one.
    :arg prune: Whether resources whose file is gone are taken out of the database.
    """

    change: str = ""
    prune: bool = False


def options_from(params: t.Mapping[str, t.Any]) -> Options:
    """The options from Ansible's parameters.

    :raises OptionError: for an id that is none.
    """
    change = params["change"]
    if change is None:
        return Options(prune=params["prune"])
    if not (change.isascii() and change.isdigit()):
        raise OptionError(
            f'change is "{change}", but change sets have numbers, such as "0007". st2_pack and other modules return '
            "them as change, and st2_rollback_info lists them."
        )
    return Options(f"{int(change):04d}", params["prune"])
