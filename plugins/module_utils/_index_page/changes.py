# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What changed in an index: kept beside the page from one publication to the next, and told as an Atom feed."""

from __future__ import annotations

import hashlib
import json
import time
import typing as t
import uuid

from .._html import text
from .._index.describe import json_text
from .._index.document import Document
from .._index.entry import Entry
from .frame import TITLE, page_of
from .pack import line

_FORMAT = 1
_MOST = 100
Packs = t.Mapping[str, t.Mapping[str, t.Any]]


class Change(t.NamedTuple):
    """A pack that came, went, or became another version.

    :arg before: Its version; empty for a pack that was not listed, as C(after) for one that no longer is.
    :arg time: When what is listed was made, in seconds.
    """

    ref: str
    before: str
    after: str
    time: int
    serial: int


class History(t.NamedTuple):
    """What changed, newest first.

    :arg id: What the feed is called for ever.
    """

    id: str
    changes: t.Tuple[Change, ...] = ()


def read_history(content: t.Optional[bytes]) -> t.Optional[History]:
    """What was kept; C(None) when this module kept nothing."""
    try:
        found = json.loads(content or b"null")
        if found["format"] != _FORMAT:
            return None
        known = found["changes"][:_MOST]
        changes = tuple(Change(**one) for one in known)
        numbers = all(isinstance(one[key], int) for one in known for key in ("time", "serial"))
        return History(str(uuid.UUID(found["id"])), changes) if numbers else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def continued(
    history: t.Optional[History],
    before: Packs,
    entries: t.Mapping[str, Entry],
    times: t.Mapping[str, int],
    document: Document,
) -> History:
    """The history with what changes now.

    :arg before: What is listed until now. Without a history all packs are new.
    :arg times: When the commits of packs were made, as far as that is known.
    """
    if history is None:
        history, before = History(_uuid("feed", document.hash, document.serial)), {}
    changes = []
    for ref in sorted({*before, *entries}):
        old, new = _state(before.get(ref)), _state(entries.get(ref))
        if old != new:
            made = times.get(ref) or document.generated_ts
            changes.append(
                Change(ref, old[0], new[0], made if ref in entries else document.generated_ts, document.serial)
            )
    changes.sort(key=lambda one: (-one.time, one.ref))
    return History(history.id, (*changes, *history.changes)[:_MOST])


def history_file(history: History) -> bytes:
    """What is kept."""
    kept = {"format": _FORMAT, "id": history.id, "changes": [one._asdict() for one in history.changes]}
    return json_text(kept).encode()


def feed(history: History, generated: int) -> bytes:
    """The Atom feed.

    :arg generated: The time of the feed where nothing changed yet.
    """
    newest = max((one.time for one in history.changes), default=generated)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>urn:uuid:{history.id}</id>",
        f"<title>{TITLE}</title>",
        f"<updated>{_when(newest)}</updated>",
        "<author><name>stackstorm.st2.st2_index</name></author>",
        '<link rel="self" href="feed.xml"/>',
        '<link href="index.html"/>',
    ]
    for one in history.changes:
        lines += [
            "<entry>",
            f"<id>urn:uuid:{_uuid(history.id, *one)}</id>",
            f"<title>{text(_title(one))}</title>",
            f"<updated>{_when(one.time)}</updated>",
            f'<link href="{page_of(one.ref) if one.after else "index.html"}"/>',
            f"<content>{text(_sentence(one))}</content>",
            "</entry>",
        ]
    return "\n".join([*lines, "</feed>", ""]).encode()


def _state(entry: t.Optional[t.Mapping[str, t.Any]]) -> t.Tuple[str, str]:
    """The version, and the commit, by which a branch is something new."""
    if entry is None:
        return "", ""
    return line(entry.get("version")) or "no version", line(entry.get("commit"))


def _title(change: Change) -> str:
    if not change.after:
        return f"{change.ref} removed"
    return f"{change.ref} {change.after}{'' if change.before else ' added'}"


def _sentence(change: Change) -> str:
    if not change.after:
        return f"{change.ref} {change.before} is no longer listed."
    if not change.before:
        return f"{change.ref} is listed in version {change.after}."
    if change.before == change.after:
        return f"{change.ref} {change.after} has another commit."
    return f"{change.ref} {change.after} follows {change.before}."


def _when(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(max(seconds, 0), 1 << 37)))


def _uuid(*parts: t.Any) -> str:
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))
