# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What was found when a repository was brought here: of what run to run is remembered, and what is published of it."""

from __future__ import annotations

import typing as t

_MOST_NAMED = 5


class MovedTag(t.NamedTuple):
    """A tag that is served as it was, and is another object upstream by now.

    :arg served: The object that is served.
    :arg upstream: The object that upstream has, kept as C(refs/moved/TAG/OBJECT), which is not served.
    """

    tag: str
    served: str
    upstream: str


class Mirrored(t.NamedTuple):
    """What is known of a repository that is brought here.

    :arg ref: The pack; empty where nobody could find out, which C(error) says then.
    :arg url: Where it is from, clean of credentials; empty for nowhere.
    :arg kind: C(packs), C(index) or C(bundle).
    :arg origin: What named it: the index without credentials, C(packs), or the path of the bundle.
    :arg moved_tags: Tags that are served as they were.
    :arg deleted_tags: Tags that upstream has no more, and that are served still.
    :arg error: Why it could not be brought here, a sentence; what is served is what it was.
    :arg warnings: Sentences about what is not served as it is upstream.
    :arg fetched: Whether this run changed what is served.
    :arg served: Whether it is served at all.
    """

    ref: str
    url: str
    kind: str
    origin: str
    moved_tags: t.Tuple[MovedTag, ...] = ()
    deleted_tags: t.Tuple[str, ...] = ()
    error: t.Optional[str] = None
    warnings: t.Tuple[str, ...] = ()
    fetched: bool = False
    served: bool = True

    def upstream(self) -> t.Dict[str, t.Any]:
        """What the entry of an index says of it in C(upstream), only with what there is."""
        found: t.Dict[str, t.Any] = {
            "url": self.url,
            "moved_tags": [moved.tag for moved in self.moved_tags],
            "deleted_tags": list(self.deleted_tags),
            "error": self.error,
        }
        return {key: value for key, value in found.items() if value}

    def problems(self) -> t.List[str]:
        """Everything that a person should look at, a sentence each."""
        return [*self._moved(), *self._deleted(), *([self.error] if self.error else []), *self.warnings]

    def _moved(self) -> t.Iterator[str]:
        if self.moved_tags:
            named = _named([f"{one.tag} (now {one.upstream[:7]})" for one in self.moved_tags])
            yield (
                f"{self.ref}: {self.url} has moved {named}. What is served is what it was before. Set "
                "follow_moved_tags to serve what upstream has now."
            )

    def _deleted(self) -> t.Iterator[str]:
        if self.deleted_tags:
            yield f"{self.ref}: {self.url} has no more {_named(self.deleted_tags)}, which is served as it was."


def _named(names: t.Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"the tag{'' if len(names) == 1 else 's'} {', '.join(names[:_MOST_NAMED])}{more}"


def to_json(mirrored: Mirrored) -> t.Dict[str, t.Any]:
    """What is written of it into a file; what a run fetched is no matter of the next one."""
    return {**mirrored._asdict(), "fetched": False, "moved_tags": [list(moved) for moved in mirrored.moved_tags]}


def from_json(document: t.Any) -> t.Optional[Mirrored]:
    """What a file says; C(None) when it is none of ours."""
    try:
        fields = {
            **document,
            "moved_tags": tuple(MovedTag(*map(str, moved)) for moved in document["moved_tags"]),
            "deleted_tags": tuple(document["deleted_tags"]),
            "warnings": tuple(document["warnings"]),
        }
        return Mirrored(**fields)
    except (TypeError, KeyError, ValueError):
        return None
