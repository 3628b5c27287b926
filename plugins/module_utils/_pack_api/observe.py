# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: the packs that a StackStorm has, and what its index offers, as its API tells."""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass

from .._errors import IndexError_, InvalidContentError, UnexpectedAnswerError
from .._secrets import strip_urls
from .._st2.api_client import ApiClient


@dataclass(frozen=True)
class RegisteredPack:
    """A pack that StackStorm's database has. Commit, source and edits of its files the API does not tell.

    :arg name: Its display name.
    :arg version: As in the C(pack.yaml) that was registered; empty when there is none.
    :arg dependencies: As in C(pack.yaml).
    """

    ref: str
    name: str
    version: str
    dependencies: t.Tuple[str, ...] = ()


Packs = t.Mapping[str, RegisteredPack]


@dataclass(frozen=True)
class Offer:
    """What StackStorm's index has of a pack.

    :arg version: Empty when the entry has none.
    :arg dependencies: Of that version; C(None) when the entry does not tell.
    :arg source: Its repository, without credentials.
    """

    name: str
    version: str
    dependencies: t.Optional[t.Tuple[str, ...]]
    source: str


@dataclass(frozen=True)
class ServerIndex:
    """The indexes that StackStorm reads, merged by it.

    :arg entries: By ref.
    :arg unread: The indexes that it could not read, each with the reason.
    """

    entries: t.Mapping[str, t.Mapping[str, t.Any]]
    unread: t.Tuple[str, ...] = ()

    def offer(self, ref: str, *, strict: bool) -> Offer:
        """What there is for a name.

        :arg strict: Whether an index that StackStorm cannot read keeps the others from answering. Which index an entry
            is from StackStorm does not tell, so every one counts.
        :raises IndexError_: when there is nothing, or because of C(strict).
        """
        entry = self.entries.get(ref)
        if self.unread and (strict or entry is None):
            raise IndexError_(
                f"The pack {ref} was not looked up, because StackStorm cannot read an index: {'; '.join(self.unread)}. "
                "Repair the index, or set index_strict=false if another index may be used.",
                ref=ref,
            )
        if entry is None:
            close = difflib.get_close_matches(ref, list(self.entries), 3)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise IndexError_(f"StackStorm's index does not list the pack {ref}.{hint}", ref=ref)
        version = entry.get("version")
        source = entry.get("repo_url")
        return Offer(
            str(entry.get("name") or ref),
            str(version) if isinstance(version, (str, int, float)) and version else "",
            _texts(entry.get("dependencies") or []),
            strip_urls(source) if isinstance(source, str) else "",
        )


def observe(client: ApiClient) -> t.Dict[str, RegisteredPack]:
    """The packs that StackStorm has, by ref.

    :raises RegistrationError: when it cannot be asked.
    """
    found = {}
    for item in client.list("/packs", {"include_attributes": "ref,name,version,dependencies"}):
        ref = item.get("ref")
        if isinstance(ref, str):
            dependencies = _texts(item.get("dependencies") or []) or ()
            name = item.get("name") or ref
            found[ref] = RegisteredPack(ref, str(name), str(item.get("version") or ""), dependencies)
    return found


def read_index(client: ApiClient) -> ServerIndex:
    """StackStorm's index, which StackStorm fetches anew for this.

    :raises IndexError_: when StackStorm can read none of its indexes.
    :raises RegistrationError: when it cannot be asked.
    """
    try:
        answer = client.get("/packs/index")
    except InvalidContentError as error:
        # It refuses so when there is no pack in any index (st2api/controllers/v1/packs.py PacksIndexController).
        raise IndexError_(error.message) from None
    entries = answer.get("index") if isinstance(answer, dict) else None
    if not isinstance(entries, dict):
        raise UnexpectedAnswerError(f"StackStorm at {client.url} returns something else for GET /packs/index.")
    statuses = answer.get("status") or []
    unread = [
        f"{strip_urls(str(status.get('url')))}: {status.get('message') or status['error']}"
        for status in statuses
        if isinstance(status, dict) and status.get("error")
    ]
    return ServerIndex({ref: entry for ref, entry in entries.items() if isinstance(entry, dict)}, tuple(unread))


def _texts(value: t.Any) -> t.Optional[t.Tuple[str, ...]]:
    """A list of strings as it is written; C(None) for anything else."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None
