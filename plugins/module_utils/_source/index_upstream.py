# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What an index of a mirror says of where its packs are from: the extra key C(upstream) of an entry."""

from __future__ import annotations

import typing as t

from .._printable import printable
from .._secrets import strip_urls

KEY = "upstream"
_MOST_TAGS = 100
_LONGEST = 2000


class Upstream(t.NamedTuple):
    """What became of the repository that a mirror follows.

    :arg moved_tags: Tags that lead elsewhere there than in the mirror, which keeps what they were.
    :arg deleted_tags: Tags that are gone there.
    :arg error: Why the mirror could not reach it last.
    """

    url: str = ""
    moved_tags: t.Tuple[str, ...] = ()
    deleted_tags: t.Tuple[str, ...] = ()
    error: str = ""

    def as_entry(self) -> t.Dict[str, t.Any]:
        """The value of the key, with only what there is."""
        values = {**self._asdict(), "moved_tags": list(self.moved_tags), "deleted_tags": list(self.deleted_tags)}
        return {key: value for key, value in values.items() if value}


def upstream_of(entry: t.Mapping[str, t.Any]) -> t.Optional[Upstream]:
    """What an entry of an index says, as far as it has the right form; C(None) when it says nothing.

    What is shown of it can be shown.
    """
    value = entry.get(KEY)
    if not isinstance(value, dict):
        return None
    found = Upstream(
        _text(value.get("url")),
        _texts(value.get("moved_tags")),
        _texts(value.get("deleted_tags")),
        _text(value.get("error")),
    )
    return found if any(found) else None


def _text(value: t.Any) -> str:
    return printable(strip_urls(value[:_LONGEST])) if isinstance(value, str) else ""


def _texts(value: t.Any) -> t.Tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(filter(None, (_text(one) for one in listed[:_MOST_TAGS])))
