# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file index.json: when it stays what it is, and how its numbers grow."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._index.document import (
    listed_packs,
    make_document,
    read_document,
)

ENTRIES = {"a": {"ref": "a", "version": "1.0.0", "repo_url": "https://h/a"}}
OTHER = {"a": {"ref": "a", "version": "1.1.0", "repo_url": "https://h/a"}}


def again(document):
    return read_document(document.content)


def test_the_first_one_takes_its_time_from_what_is_listed():
    document = make_document(ENTRIES, newest=1_700_000_000, previous={})
    assert (document.generated_ts, document.serial, document.changed) == (1_700_000_000, 1_700_000_000, True)
    written = json.loads(document.content)
    assert written["metadata"] == {"generated_ts": 1_700_000_000, "serial": 1_700_000_000, "hash": document.hash}
    assert written["packs"] == ENTRIES


def test_nothing_changes_while_the_entries_do_not():
    first = make_document(ENTRIES, newest=1_700_000_000, previous={})
    second = make_document(ENTRIES, newest=1_800_000_000, previous=again(first), epoch="5")
    assert not second.changed and second.content == first.content


@pytest.mark.parametrize("newest", [1_600_000_000, 1_700_000_000, 1_800_000_000])
def test_the_serial_grows_with_each_change(newest):
    first = make_document(ENTRIES, newest=1_700_000_000, previous={})
    second = make_document(OTHER, newest=newest, previous=again(first))
    assert second.changed and second.serial > first.serial and second.generated_ts == newest
    third = make_document(ENTRIES, newest=newest, previous=again(second))
    assert third.serial > second.serial


def test_an_index_that_was_lost_is_not_taken_for_an_older_one():
    first = make_document(ENTRIES, newest=1_700_000_000, previous={})
    assert make_document(OTHER, newest=1_700_000_060, previous={}).serial > first.serial


def test_the_order_of_keys_counts_as_it_is_part_of_the_hash():
    first = make_document(ENTRIES, newest=5, previous={})
    turned = {"a": dict(reversed(list(ENTRIES["a"].items())))}
    assert make_document(turned, newest=5, previous=again(first)).serial == 6


def test_the_time_may_be_given():
    assert make_document(ENTRIES, newest=1_700_000_000, previous={}, epoch="1234").generated_ts == 1234
    assert make_document(ENTRIES, newest=1_700_000_000, previous={}, epoch="soon").generated_ts == 1_700_000_000


def test_an_index_without_packs_keeps_its_time():
    first = make_document(ENTRIES, newest=1_700_000_000, previous={})
    emptied = make_document({}, newest=None, previous=again(first))
    assert (emptied.generated_ts, emptied.serial) == (1_700_000_000, 1_700_000_001)


def test_without_any_time_it_is_now():
    before = int(time.time())
    assert before <= make_document(ENTRIES, newest=None, previous={}).generated_ts <= time.time()


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        {"serial": "9"},
        {"serial": True},
        {"serial": -5},
        {"serial": 1 << 60},
        {"serial": 1.5},
        {"serial": None},
    ],
)
def test_numbers_that_others_wrote_do_no_harm(metadata):
    document = make_document(ENTRIES, newest=100, previous={"packs": ENTRIES, "metadata": metadata})
    assert document.changed and document.serial == 100


@pytest.mark.parametrize("content", [None, b"", b"null", b"[]", b"4", b"{", b"\xff", b"[" * 200_000])
def test_what_is_no_index_counts_as_none(content):
    assert listed_packs(read_document(content)) == {}


def test_entries_that_are_none_are_not_listed():
    assert listed_packs({"packs": {"a": {"x": 1}, "b": None, "c": []}}) == {"a": {"x": 1}}
    assert listed_packs({"packs": None}) == {}


def test_an_index_that_its_readers_would_not_take():
    entries = {f"p{number}": {"description": "x" * 1_000_000} for number in range(17)}
    with pytest.raises(OptionError, match="more than the 16 MiB"):
        make_document(entries, newest=1, previous={})
