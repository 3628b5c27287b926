# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The file index.json: its metadata, and whether it says anything new."""

from __future__ import annotations

import json
import time
import typing as t

from .._errors import OptionError
from .describe import json_text
from .entry import Entry, entries_hash

_LARGEST_SERIAL = 1 << 53
# What the modules of this collection read, see _source/index_download.py; the Exchange's has less than 1 MiB.
_LARGEST = 16 << 20


class Document(t.NamedTuple):
    """An index.json.

    :arg content: The bytes of the file.
    :arg changed: Whether it says anything else than the one before.
    """

    content: bytes
    serial: int
    generated_ts: int
    hash: str
    changed: bool


def make_document(
    entries: t.Mapping[str, Entry],
    *,
    newest: t.Optional[int],
    previous: t.Mapping[str, t.Any],
    epoch: t.Optional[str] = None,
) -> Document:
    """The index of some entries.

    While the entries are what they were, so is everything else. Otherwise C(serial) grows. It begins at the time of
    C(generated_ts), so that an index that was lost and is built anew is not taken for an older one.

    :arg newest: When the newest of what is listed was made; where that is not known, the time is that of now. An index
        without packs keeps the time of the one before, so that check mode and the run say the same.
    :arg previous: The index that was published before, see L(read_document).
    :arg epoch: C(SOURCE_DATE_EPOCH), which stands in for all of that.
    :raises OptionError: when the index is larger than its readers take.
    """
    digest = entries_hash(entries)
    before = previous.get("metadata")
    before = before if isinstance(before, dict) else {}
    serial, generated = _number(before.get("serial")), _number(before.get("generated_ts"))
    same = previous.get("packs") == entries and before.get("hash") == digest
    if not same or serial is None or generated is None:
        same = False
        before_ts = generated if not entries else None
        generated = int(epoch) if epoch and epoch.isdigit() else newest or before_ts or int(time.time())
        serial = max((serial or 0) + 1, generated)
    metadata = {"generated_ts": generated, "hash": digest, "serial": serial}
    text = json_text({"metadata": metadata, "packs": entries})
    if len(text) > _LARGEST:
        raise OptionError(
            f"The index would have {len(text) >> 20} MiB, more than the {_LARGEST >> 20} MiB that modules of this "
            "collection read. List fewer packs with include and exclude."
        )
    return Document(text.encode(), serial, generated, digest, not same)


def read_document(content: t.Optional[bytes]) -> t.Dict[str, t.Any]:
    """What a published index.json says; nothing when there is none, or it is none."""
    try:
        found = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def listed_packs(document: t.Mapping[str, t.Any]) -> t.Dict[str, t.Mapping[str, t.Any]]:
    """The entries of an index by ref, as far as they are any."""
    packs = document.get("packs")
    packs = packs if isinstance(packs, dict) else {}
    return {ref: entry for ref, entry in packs.items() if isinstance(entry, dict)}


def _number(value: t.Any) -> t.Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST_SERIAL else None
