# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What becomes of the refs that are served, by those of upstream. A tag that is served never changes unasked."""

from __future__ import annotations

import typing as t

from .._source.remote_refs import HEADS, TAGS
from .findings import MovedTag

# Where the new objects of tags go that are served as they were: TAG/OBJECT. Nobody is served these.
MOVED = "refs/moved/"


class RefPlan(t.NamedTuple):
    """What is to be done.

    :arg written: By full name, the object of each ref that is new or becomes another.
    :arg removed: Full names of refs that go.
    :arg moved: Tags that stay what they were.
    :arg deleted: Names of tags that upstream has no more, and that stay.
    :arg blocked: Names of new tags for which there is no room beside tags that stay, such as V/1 beside V.
    """

    written: t.Dict[str, str]
    removed: t.Tuple[str, ...] = ()
    moved: t.Tuple[MovedTag, ...] = ()
    deleted: t.Tuple[str, ...] = ()
    blocked: t.Tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.written or self.removed)

    def in_the_way(self) -> t.List[str]:
        """Of what goes, that which has to go first: git has no ref A beside a ref A/B."""
        return [name for name in self.removed if any(_exclude(name, other) for other in self.written)]


def plan_refs(
    served: t.Mapping[str, str], upstream: t.Mapping[str, str], *, follow_moved_tags: bool, whole: bool = True
) -> RefPlan:
    """Compare what is served with what upstream has, each by full name.

    :arg served: With those below L(MOVED).
    :arg whole: Whether upstream is all that there is; else nothing goes, and nothing counts as deleted.
    """
    gone = [name for name in served if name not in upstream and not name.startswith(MOVED)] if whole else []
    removed = [name for name in gone if follow_moved_tags or not name.startswith(TAGS)]
    kept_tags = [name for name in served if name.startswith(TAGS) and name not in removed]
    written: t.Dict[str, str] = {}
    moved: t.List[MovedTag] = []
    blocked: t.List[str] = []
    for name, at in sorted(upstream.items()):
        if served.get(name) == at:
            continue
        tag = name[len(TAGS) :]
        if name.startswith(HEADS) or follow_moved_tags:
            written[name] = at
        elif name in served:
            moved.append(MovedTag(tag, served[name], at))
            evidence = f"{MOVED}{tag}/{at}"
            if evidence not in served:
                written[evidence] = at
        elif any(_exclude(name, kept) for kept in kept_tags):
            blocked.append(tag)
        else:
            written[name] = at
    deleted = [name[len(TAGS) :] for name in sorted(gone) if name not in removed]
    return RefPlan(written, tuple(sorted(removed)), tuple(moved), tuple(deleted), tuple(blocked))


def _exclude(one: str, other: str) -> bool:
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")
