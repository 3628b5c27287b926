# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Who says which commit and which content a version is."""

from __future__ import annotations

import typing as t


class Authority(t.NamedTuple):
    """Who says it.

    :arg name: For messages, such as C(the index).
    :arg remedy: What to do when it is not so any more, as a sentence without its full stop.
    """

    name: str
    remedy: str


INDEX = Authority("the index", "Let the index be built anew")


def lock_file(name: str) -> Authority:
    """A lock, by the name of its file."""
    return Authority(f"the lock {name}", "Make the lock anew with st2_pack_lock")
