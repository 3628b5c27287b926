# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which change set a task goes back on, when some go back on others. Pure."""

from __future__ import annotations

import typing as t

from .._change.change_sets import ChangeSet
from .._errors import HostError


class Target(t.NamedTuple):
    """What there is to go back on.

    :arg asked: The change set that the task means.
    :arg changes: The one whose files are in place: C(asked), or one that did the same again after it was gone back on.
    :arg undone_by: The one that has gone back on it already; C(None) when it is in effect.
    """

    asked: ChangeSet
    changes: ChangeSet
    undone_by: t.Optional[ChangeSet] = None


def target_of(sets: t.Sequence[ChangeSet], change: str) -> Target:
    """What a task goes back on.

    :arg sets: Those of the host, oldest first.
    :arg change: An id; empty for the newest one that goes back on none itself.
    :raises HostError: when there is no such change set.
    """
    found = [one for one in sets if (one.id == change if change else not one.undoes)]
    if not found:
        known = ", ".join(one.id for one in sets[-10:]) or "none"
        what = f"There is no change set {change} on this host" if change else "There is nothing to go back on"
        raise HostError(
            f"{what}: the change sets that are here are {known}. Only changes of packs, configs and overrides by this "
            "collection leave one, and only the newest ones stay."
        )
    return _followed(sets, found[-1])


def _followed(sets: t.Sequence[ChangeSet], asked: ChangeSet) -> Target:
    changes = asked
    while True:
        undone_by = undoing(sets, changes)
        again = undoing(sets, undone_by) if undone_by else None
        if again is None:
            return Target(asked, changes, undone_by)
        changes = again


def undoing(sets: t.Iterable[ChangeSet], one: ChangeSet) -> t.Optional[ChangeSet]:
    """The newest change set that goes back on another, C(None) when none does."""
    found = [other for other in sets if other.undoes == one.id]
    return found[-1] if found else None
