# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pack index as StackStorm reads it, from URLs or from repositories that a test names."""

from __future__ import annotations

import json
import typing as t
from itertools import chain

from ..repositories import GitRepository, index_entry

Entry = t.Mapping[str, t.Any]
OWN_URL = "https://index.invalid/v1/index.json"
"""What the stand-in calls its index where the test has given repositories in place of URLs."""


class PackIndex:
    """What ``GET /packs/index`` and its relatives know.

    :arg packs: refs to repositories (their default branches), or to entries. Used where there are no URLs.
    :arg urls: index documents to fetch anew for every question, as StackStorm does; of two with the same pack the
        left one counts.
    """

    def __init__(self, packs: t.Mapping[str, t.Union[GitRepository, Entry]], urls: t.Sequence[str] = ()) -> None:
        self.packs = dict(packs)
        self.urls = list(urls)

    def fetch(self) -> t.Tuple[t.Dict[str, Entry], t.List[t.Dict[str, t.Any]]]:
        """Return the entries by ref, and how each index was (st2common/services/packs.py).

        Raises TypeError for a document that is null, a number, or has no mapping of packs.
        """
        if not self.urls:
            entries = {ref: self._own_entry(pack) for ref, pack in self.packs.items()}
            return entries, [{"url": OWN_URL, "packs": len(entries), "message": "Success.", "error": None}]
        entries, statuses = {}, []
        for url in reversed(self.urls):
            document, status = _fetch(url)
            if status["error"] is None:
                packs = document["packs"]
                status.update(message="Success.", packs=len(packs))
                entries.update(packs)
            statuses.append(status)
        return entries, statuses

    def entries(self) -> t.Tuple[t.Dict[str, Entry], t.List[t.Dict[str, t.Any]]]:
        """Return what `fetch` returns. Raises ValueError where that is no pack at all."""
        entries, statuses = self.fetch()
        if not entries:
            urls = [status["url"] for status in statuses]
            word = "index" if len(urls) == 1 else "indexes"
            status = json.dumps(statuses, indent=2)
            raise ValueError(f"No results from the {word}: tried {', '.join(urls)}.\nStatus: {status}")
        return entries, statuses

    def health(self) -> t.Dict[str, t.Any]:
        """Return the answer of ``/packs/index/health``."""
        _entries, statuses = self.fetch()
        errors: t.Dict[str, int] = {}
        for status in statuses:
            if status["error"]:
                errors[status["error"]] = errors.get(status["error"], 0) + 1
        invalid = sum(errors.values())
        return {
            "indexes": {
                "count": len(statuses),
                "valid": len(statuses) - invalid,
                "invalid": invalid,
                "errors": errors,
                "status": statuses,
            },
            "packs": {"count": sum(status["packs"] for status in statuses)},
        }

    def search(self, query: str) -> t.List[Entry]:
        """Return what a query finds, in StackStorm's order: the first field with the text in it decides.

        Raises ValueError for an empty query.
        """
        if not query:
            raise ValueError("Query must be specified.")
        found: t.Dict[str, t.List[Entry]] = {"name": [], "keywords": [], "": []}
        for entry in self.entries()[0].values():
            for key, value in entry.items():
                if key not in ("repo_url", "email") and query.lower() in _lower(value):
                    found[key if key in found else ""].append(entry)
                    break
        return [_as_pack(entry) for entry in chain.from_iterable(found.values())]

    def get(self, ref: str) -> t.Optional[Entry]:
        """Return the entry of one pack; None where there is none."""
        entry = self.entries()[0].get(ref)
        return None if entry is None else _as_pack(entry)

    @staticmethod
    def _own_entry(pack: t.Union[GitRepository, Entry]) -> Entry:
        if isinstance(pack, GitRepository):
            return index_entry(pack.head.files, f"file://{pack.path}", pack.versions)
        return pack


def _fetch(url: str) -> t.Tuple[t.Any, t.Dict[str, t.Any]]:
    import requests

    document: t.Any = None
    error: t.Tuple[t.Optional[str], t.Optional[str]] = (None, None)
    try:
        response = requests.get(url, timeout=10)
        response.raise_for_status()
        document = response.json()
    except ValueError as problem:
        error = "malformed", repr(problem)
    except requests.exceptions.RequestException as problem:
        error = "unresponsive", repr(problem)
    if document == {}:
        error = "empty", "The index URL returned an empty object."
    elif isinstance(document, list):
        error = "malformed", "Expected an index object, got a list instead."
    elif document and "packs" not in document:
        error = "malformed", 'Index object is missing "packs" attribute.'
    return document, {"url": url, "packs": 0, "message": error[1], "error": error[0]}


def _as_pack(entry: Entry) -> Entry:
    return {**entry, "version": str(entry["version"])} if entry.get("version") else entry


def _lower(value: t.Any) -> t.Any:
    if isinstance(value, list):
        return [str(item).lower() for item in value]
    if isinstance(value, dict):
        return {str(key).lower(): item for key, item in value.items()}
    return str(value).lower()
