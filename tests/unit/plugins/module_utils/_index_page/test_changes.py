# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed in an index, and its feed."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._index.document import Document
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.changes import (
    continued,
    feed,
    history_file,
    read_history,
)

ATOM = "{http://www.w3.org/2005/Atom}"


def document(serial=7, generated=1000):
    return Document(b"", serial, generated, "hash", True)


def entry(version="1.0.0", **more):
    return {"version": version, **more}


def told(history):
    return [(one.ref, one.before, one.after) for one in history.changes]


def test_from_the_first_pack_to_the_last():
    first = continued(None, {"ignored": entry()}, {"a": entry(), "b": entry()}, {"b": 500}, document())
    assert told(first) == [("a", "", "1.0.0"), ("b", "", "1.0.0")], "newest first"
    kept = read_history(history_file(first))
    assert kept == first
    second = continued(kept, {"a": entry(), "b": entry()}, {"a": entry("1.1.0")}, {"a": 2000}, document(8, 2000))
    assert told(second)[:2] == [("a", "1.0.0", "1.1.0"), ("b", "1.0.0", "")] and second.id == first.id
    titles = [one.findtext(f"{ATOM}title") for one in ElementTree.fromstring(feed(second, 0)).iter(f"{ATOM}entry")]
    assert titles == ["a 1.1.0", "b removed", "a 1.0.0 added", "b 1.0.0 added"]


def test_nothing_changes_while_nothing_changes():
    history = continued(None, {}, {"a": entry()}, {}, document())
    again = continued(read_history(history_file(history)), {"a": entry()}, {"a": entry()}, {"a": 9}, document())
    assert again == history and feed(again, 5) == feed(history, 5)


def test_a_branch_with_another_commit_is_a_change():
    history = continued(None, {}, {"a": entry("main", commit="1")}, {}, document())
    again = continued(history, {"a": entry("main", commit="1")}, {"a": entry("main", commit="2")}, {}, document(8))
    assert told(again)[0] == ("a", "main", "main") and len({one.serial for one in again.changes}) == 2


def test_entries_of_the_feed_have_names_and_times_of_their_own():
    history = continued(None, {}, {"a": entry("</title>\u202e&"), "__proto__": entry()}, {}, document(generated=86400))
    tree = ElementTree.fromstring(feed(history, 0))
    ids = [one.text for one in tree.iter(f"{ATOM}id")]
    assert len(set(ids)) == 3 and all(one.startswith("urn:uuid:") for one in ids)
    assert {one.text for one in tree.iter(f"{ATOM}updated")} == {"1970-01-02T00:00:00Z"}
    assert [one.attrib["href"] for one in tree.iter(f"{ATOM}link")][2:] == [
        "packs/__proto__/index.html",
        "packs/a/index.html",
    ]
    assert "</title>\\u202e&" in [one.text for one in tree.iter(f"{ATOM}title")][2]


def test_only_so_much_is_kept():
    history = continued(None, {}, {f"p{number}": entry() for number in range(300)}, {}, document())
    assert len(history.changes) == 100


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"x",
        b"null",
        b"[]",
        b"{}",
        b'{"format": 2}',
        b'{"format": 1, "id": "x", "changes": []}',
        b"[" * 99999,
    ],
)
def test_what_this_module_did_not_keep(content):
    assert read_history(content) is None


def test_a_history_that_somebody_changed():
    kept = json.loads(history_file(continued(None, {}, {"a": entry()}, {}, document())))
    kept["changes"][0]["time"] = "x"
    assert read_history(json.dumps(kept).encode()) is None
