# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm's own processes see of its indexes, by its API (st2api/controllers/v1/packs.py)."""

from __future__ import annotations

import typing as t

from .._content.metadata import derive_ref
from .._errors import InvalidContentError, InvalidPackError, ServerError, UnexpectedAnswerError
from .._st2.api_client import ApiClient
from .search import Entry


class ServerSearch:
    """Asks StackStorm.

    :arg client: With credentials.
    """

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def search(self, query: str) -> t.List[t.Tuple[str, Entry]]:
        """What it finds, in its order, each with its ref.

        :raises RegistrationError: when it cannot be asked, or cannot read any index.
        """
        return [(_ref(entry), entry) for entry in self._entries({"query": query})]

    def show(self, name: str) -> t.Optional[Entry]:
        """What it has of a pack; C(None) for nothing.

        :raises RegistrationError: as L(search).
        """
        found = self._entries({"pack": name})
        return found[0] if found else None

    def health(self) -> t.List[t.Dict[str, t.Any]]:
        """How its indexes are: C(url), C(packs), C(message) and C(error) of each, the leftmost first.

        :raises RegistrationError: as L(search).
        """
        try:
            answer = self._client.get("/packs/index/health")
            statuses = answer["indexes"]["status"]
            # It tells them in the order in which it merges.
            return [{key: one[key] for key in ("url", "packs", "message", "error")} for one in reversed(statuses)]
        except ServerError as error:
            error.message += _CRASH
            raise
        except (KeyError, TypeError):
            raise UnexpectedAnswerError(
                f"StackStorm at {self._client.url} answers GET /packs/index/health with something else."
            ) from None

    def _entries(self, body: t.Mapping[str, str]) -> t.List[Entry]:
        try:
            answer = self._client.post("/packs/index/search", body, changes=False)
        except ServerError as error:
            error.message += _CRASH
            raise
        except InvalidContentError as error:
            error.message += " None of its indexes can be read, or they contain no packs."
            raise
        entries = answer if isinstance(answer, list) else [answer]
        if not all(isinstance(entry, dict) for entry in entries):
            raise UnexpectedAnswerError(
                f"StackStorm at {self._client.url} answers POST /packs/index/search with something else."
            )
        return entries


_CRASH = " This happens if an index is null or a number, or its packs are not an object. Use backend=local to find it."


def _ref(entry: Entry) -> str:
    """The ref of an entry, which StackStorm does not give along; empty where the entry does not say it."""
    try:
        return derive_ref(entry, None)
    except InvalidPackError:
        return ""
