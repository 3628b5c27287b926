# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What keeps a change from being gone back on: what is not kept any more, and what something else changed since."""

from __future__ import annotations

import os
import typing as t

from .._change.change_sets import (
    CONFIG,
    KINDS_OF_FILES,
    OVERRIDES,
    PACK,
    VIRTUALENV,
    ChangeSet,
    Part,
    State,
    file_state,
    pack_state,
    tree_state,
)
from .._layout import PacksDirectory
from .._mounts import is_mount_point

Now = t.Callable[[str], str]


class Obstacle(t.NamedTuple):
    """Why a part of a change set cannot be restored, as a sentence."""

    ref: str
    text: str


def obstacles(changes: ChangeSet, now: Now) -> t.List[Obstacle]:
    """All that keeps a change set from being gone back on.

    :arg now: Where what belongs at a path is just now.
    :raises OSError: when something cannot be read.
    """
    found = []
    for part in changes.parts:
        if part.what in KINDS_OF_FILES:
            found += [Obstacle(part.ref, text) for text in _reasons(part, changes, now)]
    return found


def _reasons(part: Part, changes: ChangeSet, now: Now) -> t.Iterator[str]:
    if is_mount_point(now(part.live)):
        yield f"{part.live} is a mount point."
        return
    there = state_of(part, changes.salt, now)
    if not _is_left(part, changes, there):
        yield f"{part.live} is not as change {changes.id} left it: {_in_words(part, part.after, there)}."
    if part.before is None:
        return
    if not part.kept:
        yield (
            f"The former {_named(part, part.before)} was not kept when it was replaced or removed (keep_releases=0, or "
            "purge)."
        )
    elif not os.path.lexists(now(part.kept)):
        yield f"The former {_named(part, part.before)} is not kept any more: {part.kept} does not exist."
    elif part.what == PACK and _differs(kept_state(part, now), part.before):
        yield f"The former {_named(part, part.before)} was changed where it is kept, in {part.kept}."


def _is_left(part: Part, changes: ChangeSet, there: t.Optional[State]) -> bool:
    """Whether there is what the change left. A virtualenv belongs to its pack, and may have been built again since."""
    if part.what == VIRTUALENV and any(pack.ref == part.ref for pack in changes.of(PACK)):
        return True
    return not _differs(there, part.after)


def _differs(one: t.Optional[State], other: t.Optional[State]) -> bool:
    return (one.identity if one else "") != (other.identity if other else "")


def state_of(part: Part, salt: str, now: Now) -> t.Optional[State]:
    """What is there now at the place of a part; C(None) for nothing.

    :raises OSError: when it cannot be read.
    """
    path = now(part.live)
    if part.what == PACK:
        receipts = PacksDirectory(os.path.dirname(part.live))
        return pack_state(path, now(receipts.receipt(part.ref)))
    return file_state(path, salt) if part.what in (CONFIG, OVERRIDES) else tree_state(path)


def kept_state(part: Part, now: Now) -> t.Optional[State]:
    """What a pack is that is kept."""
    return pack_state(now(part.kept), now(os.path.join(os.path.dirname(part.kept), "receipt.json")))


def _named(part: Part, state: State) -> str:
    if part.what == PACK:
        return f"{part.ref} {state.short}".rstrip()
    return f"{part.what} of {part.ref}"


def _in_words(part: Part, expected: t.Optional[State], there: t.Optional[State]) -> str:
    if there is None:
        return f"there is no {part.what} any more"
    if expected is None:
        return f"there is {_named(part, there) if part.what == PACK else f'a {part.what}'} now"
    if part.what != PACK:
        return "something else changed it since"
    return f"there is {there.short or 'something else'} now instead of {expected.short}"
