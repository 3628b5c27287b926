# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a StackStorm has and offers, out of what its API answers."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    IndexError_,
    InvalidContentError,
    UnexpectedAnswerError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.observe import (
    Offer,
    RegisteredPack,
    ServerIndex,
    observe,
    read_index,
)


class Client:
    """Answers what it is told to."""

    url = "https://st2.example.com/api/v1"

    def __init__(self, answer):
        self.answer = answer

    def list(self, path, _params):
        assert path == "/packs"
        return self.answer

    def get(self, path):
        assert path == "/packs/index"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_packs_that_there_are():
    found = observe(
        Client(
            [
                {"ref": "app", "name": "The App", "version": "1.0.0", "dependencies": ["base=1.0.0"], "id": "1"},
                {"ref": "bare", "version": None, "dependencies": None},
                {"ref": "odd", "name": "odd", "version": 1.5, "dependencies": [1]},
                {"name": "without a ref"},
            ]
        )
    )
    assert found == {
        "app": RegisteredPack("app", "The App", "1.0.0", ("base=1.0.0",)),
        "bare": RegisteredPack("bare", "bare", ""),
        "odd": RegisteredPack("odd", "odd", "1.5"),
    }


def status(url, error=None, message="Success."):
    return {"url": url, "packs": 1, "message": message, "error": error}


def test_what_the_index_offers():
    entry = {"name": "Sensu", "version": "1.0.2", "dependencies": ["core"], "repo_url": "https://me:pw@h/o/r"}
    index = read_index(Client({"status": [status("https://one")], "index": {"sensu": entry, "odd": 5}}))
    assert index.offer("sensu", strict=True) == Offer("Sensu", "1.0.2", ("core",), "https://********@h/o/r")
    assert set(index.entries) == {"sensu"}


@pytest.mark.parametrize(
    ("entry", "offer"),
    [
        ({}, Offer("x", "", (), "")),
        ({"version": 0.1, "dependencies": None, "repo_url": None}, Offer("x", "0.1", (), "")),
        ({"version": ["1"], "dependencies": "core", "name": 5}, Offer("5", "", None, "")),
    ],
)
def test_entries_of_any_shape(entry, offer):
    assert ServerIndex({"x": entry}).offer("x", strict=True) == offer


def test_a_pack_that_no_index_has():
    with pytest.raises(IndexError_, match=r"does not list the pack sensuu\. Did you mean sensu\?"):
        ServerIndex({"sensu": {}}).offer("sensuu", strict=True)


def test_an_index_that_cannot_be_read_keeps_the_others_from_answering():
    broken = status("https://me:c4n4ry@one/index.json", "unresponsive", "HTTPError('404')")
    index = read_index(Client({"status": [broken], "index": {"sensu": {"version": "1.0.2"}}}))
    assert index.unread == ("https://********@one/index.json: HTTPError('404')",)
    with pytest.raises(IndexError_, match=r"cannot read an index.*404.*index_strict") as caught:
        index.offer("sensu", strict=True)
    assert "c4n4ry" not in caught.value.message
    assert index.offer("sensu", strict=False).version == "1.0.2"
    with pytest.raises(IndexError_, match="cannot read an index"):
        index.offer("other", strict=False)


def test_no_index_at_all():
    with pytest.raises(IndexError_, match="No results"):
        read_index(Client(InvalidContentError("StackStorm refuses GET /packs/index: No results from the index.")))
    for answer in (None, [], {"index": []}):
        with pytest.raises(UnexpectedAnswerError):
            read_index(Client(answer))
