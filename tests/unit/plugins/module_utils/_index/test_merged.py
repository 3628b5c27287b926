# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries of other indexes, as far as they can be used."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._index.merged import merge
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index import fetch_indexes
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy


def read(tmp_path, *indexes):
    urls = []
    for number, packs in enumerate(indexes):
        (tmp_path / f"{number}.json").write_text(json.dumps({"packs": packs}))
        urls.append(f"file://{tmp_path}/{number}.json")
    return fetch_indexes(urls, proxy=Proxy(), ca_bundle=None, deadline=Deadline(60))


def entry(ref, **more):
    return {"ref": ref, "name": ref, "version": "1.0.0", "repo_url": f"https://h/{ref}", "versions": ["1.0.0"], **more}


def test_the_whole_entry_of_the_leftmost_index_counts(tmp_path):
    found = merge(read(tmp_path, {"a": entry("a", x=1)}, {"a": entry("a", y=2), "b": entry("b")}), (), ())
    assert found.entries == {"a": entry("a", x=1), "b": entry("b")}
    assert found.sources == {"a": f"file://{tmp_path}/0.json", "b": f"file://{tmp_path}/1.json"}


@pytest.mark.parametrize(
    "include, exclude, refs",
    [
        ((), (), ["aws", "aws_old", "jira"]),
        (("aws*",), (), ["aws", "aws_old"]),
        (("aws*", "jira"), ("*_old",), ["aws", "jira"]),
        ((), ("*",), []),
        (("AWS",), (), []),
    ],
)
def test_patterns_choose(tmp_path, include, exclude, refs):
    packs = {ref: entry(ref) for ref in ("jira", "aws", "aws_old")}
    assert sorted(merge(read(tmp_path, packs), include, exclude).entries) == refs


@pytest.mark.parametrize(
    "ref, given",
    [
        ("../../x", entry("x")),
        ("", entry("x")),
        ("A", entry("A")),
        ("a\n", entry("a")),
        ("x" * 201, entry("x")),
        ("_global", entry("x")),
        ("a", None),
        ("a", 5),
        ("a", []),
        ("a", "https://h/a"),
        ("a", {}),
        ("a", entry("a", repo_url="ext::sh -c x")),
        ("a", entry("a", repo_url="--upload-pack=x")),
    ],
)
def test_what_is_no_entry_is_left_out_and_named(tmp_path, ref, given):
    found = merge(read(tmp_path, {ref: given, "good": entry("good")}), (), ())
    assert list(found.entries) == ["good"]
    assert len(found.warnings) == 1 and f"file://{tmp_path}/0.json is left out: " in found.warnings[0]


def test_a_place_of_the_server_is_no_place_of_this_host(tmp_path):
    """Here the index is a file of this host, which may name places of it."""
    assert merge(read(tmp_path, {"a": entry("a", repo_url="/srv/a")}), (), ()).entries["a"]["repo_url"] == "/srv/a"


def test_names_that_javascript_stumbles_over_are_refs(tmp_path):
    packs = {ref: entry(ref) for ref in ("__proto__", "constructor", "1", "_")}
    assert set(merge(read(tmp_path, packs), (), ()).entries) == set(packs)


def test_credentials_are_not_taken_over(tmp_path):
    found = merge(read(tmp_path, {"a": entry("a", repo_url="https://me:hunter22@h/a")}), (), ())
    assert found.entries["a"]["repo_url"] == "https://h/a" and "hunter22" not in repr(found)


@pytest.mark.parametrize(
    "given, kept",
    [
        ({"commit": "a" * 40}, True),
        ({"commit": "a" * 64}, True),
        ({"digest": f"sha256:{'0' * 64}"}, True),
        ({"requires_config": False}, True),
        ({"content": {"actions": {"count": 1, "resources": ["x"]}}}, True),
        ({"commit": "main"}, False),
        ({"commit": ["a" * 40]}, False),
        ({"digest": "md5:x"}, False),
        ({"requires_config": "yes"}, False),
        ({"content": []}, False),
    ],
)
def test_our_own_keys_are_taken_over_when_they_can_be_right(tmp_path, given, kept):
    found = merge(read(tmp_path, {"a": entry("a", **given)}), (), ()).entries["a"]
    assert found == entry("a", **(given if kept else {}))


def test_values_that_json_lacks_are_text(tmp_path):
    (tmp_path / "0.json").write_text('{"packs": {"a": {"repo_url": "https://h/a", "x": NaN, "y": [Infinity]}}}')
    indexes = fetch_indexes([f"file://{tmp_path}/0.json"], proxy=Proxy(), ca_bundle=None, deadline=Deadline(60))
    assert merge(indexes, (), ()).entries["a"] == {"repo_url": "https://h/a", "x": "nan", "y": ["inf"]}


def test_what_a_mirror_says_of_upstream_goes_along_as_far_as_it_has_the_right_form(tmp_path):
    said = {"url": "https://me:secret@up/a", "moved_tags": ["v1.0.0", 5], "other": "x"}
    packs = {"a": entry("a", upstream=said), "b": entry("b", upstream=["x"])}
    found = merge(read(tmp_path, packs), (), ()).entries
    assert found["a"]["upstream"] == {"url": "https://********@up/a", "moved_tags": ["v1.0.0"]}
    assert "upstream" not in found["b"] and found["a"]["repo_url"] == "https://h/a"
