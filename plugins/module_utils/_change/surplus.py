# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Resources that the database has of packs beyond their files, as earlier versions brought them.

A version that is refused may have such a file again, and so switch what it is about on or off. Registering the former
version, which has no file of it, does not put that back.
"""

from __future__ import annotations

import typing as t

from .._st2.registrar import Registrar
from .._st2.undo import Snapshot
from .on_disk import OnDisk


def switched(registrar: Registrar, before: Snapshot, registered: t.Container[str], on_disk: OnDisk) -> t.List[str]:
    """Names of those that are not switched as they were, such as C(action sensu.old (switched off)).

    :arg registered: The packs that were registered as they are on disk.
    :raises RegistrationError: when the database does not answer.
    """
    surplus = [
        one
        for one in before.resources
        if one.enabled is not None and not one.by_hand and one.pack in registered and not on_disk.has_file_of(one)
    ]
    if not surplus or not registrar.reads:
        return []
    there = registrar.resources_of(sorted({one.pack for one in surplus}), sorted({one.kind for one in surplus}))
    now = {(one.kind, one.ref): one.enabled for one in there}
    return [
        f"{one.label} (switched {'off' if one.enabled else 'on'})"
        for one in surplus
        if now.get((one.kind, one.ref), one.enabled) != one.enabled
    ]
