# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries of an index and their hash, against the index that the Exchange published."""

from __future__ import annotations

import json
import random

import pytest
import yaml
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._index.describe import yaml_text
from ansible_collections.stackstorm.st2.plugins.module_utils._index.document import make_document
from ansible_collections.stackstorm.st2.plugins.module_utils._index.entry import entries_hash, make_entry, pack_of
from ansible_collections.stackstorm.st2.plugins.module_utils._index.plain import plain

PACK = {"name": "Acme DNS", "ref": "acme_dns", "version": "1.0.0", "content": {"actions": {"count": 0}}}


def test_an_entry_has_the_keys_of_the_pack_in_their_order_then_its_own():
    entry = make_entry(PACK, "https://h/x", ["1.0.0"], commit="c" * 40, digest="d", requires_config=True)
    assert list(entry) == [
        *("name", "ref", "version"),
        *("content", "repo_url", "versions", "commit", "digest", "requires_config"),
    ]
    assert entry["versions"] == ["1.0.0"] and entry["content"] == {"actions": {"count": 0}}
    assert pack_of(entry) == PACK


def test_what_is_not_known_is_left_out():
    assert make_entry({"ref": "a"}, "u", None, commit=None, digest=None) == {"ref": "a", "repo_url": "u"}
    assert make_entry({"ref": "a"}, "u", [], content={})["content"] == {}


def test_a_pack_says_nothing_about_the_keys_of_the_index():
    pack = {"ref": "a", "commit": "lie", "digest": "lie", "repo_url": "lie", "versions": ["lie"], "requires_config": 1}
    assert make_entry(pack, "https://h/x", ["1.0.0"]) == {
        "ref": "a",
        "repo_url": "https://h/x",
        "versions": ["1.0.0"],
    }


def test_the_version_that_is_offered_may_be_another():
    assert make_entry(PACK, "u", [], version="main")["version"] == "main"


def test_the_hash_goes_by_the_order_of_refs_and_of_keys():
    entries = {ref: {"ref": ref, "version": "1.0.0"} for ref in ("b", "a", "a_b", "a1")}
    shuffled = dict(random.Random(1).sample(sorted(entries.items()), len(entries)))
    assert entries_hash(entries) == entries_hash(shuffled)
    assert entries_hash(entries) != entries_hash({**entries, "a": {"version": "1.0.0", "ref": "a"}})


@pytest.fixture(scope="module")
def published():
    folder = real_data()
    if folder is None:
        pytest.skip(MISSING)
    index = json.loads((folder / "exchange" / "index.json").read_text(encoding="utf-8"))
    files = {path.parent.name: path.read_text() for path in (folder / "exchange" / "v1" / "packs").glob("*/pack.yaml")}
    assert len(files) == len(index["packs"]) == 169
    return index, files


def test_the_published_index_comes_out_of_the_published_packs(published):
    index, files = published
    entries = {}
    for ref, text in files.items():
        listed = index["packs"][ref]
        pack = plain(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        entries[ref] = make_entry(pack, f"https://github.com/StackStorm-Exchange/stackstorm-{ref}", listed["versions"])
        assert entries[ref] == listed, ref
        assert yaml_text(pack_of(entries[ref])) == text, f"the pack.yaml of {ref}, byte for byte"
    assert entries_hash(entries) == index["metadata"]["hash"] == "62b7f35c9bd5ad19c530fb979b0b43ef"
    document = make_document(entries, newest=index["metadata"]["generated_ts"], previous={})
    ours = json.loads(document.content)
    assert ours["packs"] == index["packs"]
    assert {key: ours["metadata"][key] for key in index["metadata"]} == index["metadata"]


def test_the_form_of_the_published_index_is_the_published_one(published):
    index, _files = published
    document = make_document(index["packs"], newest=1, previous={})
    text = document.content.decode("ascii")
    folder = real_data()
    theirs = (folder / "exchange" / "index.json").read_text(encoding="ascii")
    start = '    "packs": {\n'
    assert text[text.index(start) :] == theirs[theirs.index(start) :]
