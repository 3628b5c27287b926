# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules that wait for triggers of packs that are registered or unloaded.

A trigger goes with its pack, when that is unloaded. Rules of other packs stay, and have none from then on; those whose
trigger has parameters also when the pack is back (contrib/packs/actions/pack_mgmt/unload.py; tried on 3.9.0). They get
one when they are saved anew, which registering their own pack does.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._st2.registrar import Registrar
from .._st2.registration import Resource
from .._st2.undo import Snapshot
from .on_disk import OnDisk


def waiting_packs(before: Snapshot, refs: t.Collection[str], on_disk: OnDisk) -> t.Set[str]:
    """The packs that have a rule which waits for a trigger of these packs, by a file that is still there."""
    return {one.pack for one in before.waiting(refs) if one.pack not in refs and on_disk.has_file_of(one)}


@dataclass(frozen=True)
class Reconnected:
    """What became of rules that wait for triggers of packs which were taken out and registered again.

    :arg lost: Those that have lost their trigger.
    :arg revived: Those that had none and have one now, though nobody has registered them by a file of their pack.
    """

    lost: t.Tuple[Resource, ...] = ()
    revived: t.Tuple[Resource, ...] = ()


def compare_rules(registrar: Registrar, before: Snapshot, registered: t.Container[str], on_disk: OnDisk) -> Reconnected:
    """Compare the rules that wait for the packs of a snapshot with what they were.

    :arg registered: The packs that were registered as they are on disk.
    :raises RegistrationError: when the database does not answer.
    """
    waited = before.waiting(before.refs)
    if not waited or not registrar.reads:
        return Reconnected()
    now = {one.ref: one.orphaned for one in registrar.every("rules")}
    changed = [one for one in waited if now.get(one.ref, one.orphaned) != one.orphaned]
    return Reconnected(
        tuple(one for one in changed if not one.orphaned),
        tuple(one for one in changed if one.orphaned and not (one.pack in registered and on_disk.has_file_of(one))),
    )
