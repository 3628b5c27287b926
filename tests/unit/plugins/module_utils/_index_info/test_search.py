# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Searching: what StackStorm found in its recordings, its rule vector by vector, and fields of one's choice."""

from __future__ import annotations

import json

import pytest
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._index_info.search import (
    FIELDS,
    merge,
    search,
    search_fields,
)

SENSU = {
    "author": "StackStorm, Inc.",
    "content": {"actions": {"count": 2, "resources": ["check_it", "silence"]}, "sensors": {"resources": ["Pulse"]}},
    "description": "Sensu Monitoring",
    "email": "info@zzz.example.com",
    "keywords": ["Monitoring", "alerting"],
    "name": "sensu",
    "python_versions": ["3"],
    "repo_url": "https://github.com/a/sensu",
    "version": "1.0.2",
}


def found(packs, query, **how):
    return [(match.ref, match.field) for match in search(packs, query, **how)]


# What StackStorm found


def recording(number):
    data = real_data()
    if data is None:
        pytest.skip(MISSING)
    (path,) = (data / "st2-api").glob(f"{number}-*.json")
    return json.loads(path.read_text())


@pytest.mark.parametrize(("number", "most"), [(23, 1), (24, 0), (28, 0)])
def test_what_stackstorm_found(number, most):
    recorded = recording(number)
    packs = merge([recording(21)["response"]["body"]["index"]])
    matches = search(packs, recorded["request"]["body"]["query"])
    assert [match.entry for match in matches] == recorded["response"]["body"]
    assert len(matches) == most


def test_what_stackstorm_found_in_several_indexes():
    recorded = recording(209)
    first = recorded["response"]["body"][0]
    assert first == recording(202)["response"]["body"] and first["description"] == "FROM INDEX2"
    packs = merge([{"demo_t1": first}, recording(21)["response"]["body"]["index"], {}])
    matches = search(packs, recorded["request"]["body"]["query"])
    # Of the others the index had other versions by then.
    assert [match.ref for match in matches] == [entry["ref"] for entry in recorded["response"]["body"]]
    assert matches[0].entry == first


def test_the_real_index():
    data = real_data()
    if data is None:
        pytest.skip(MISSING)
    packs = merge([json.loads((data / "exchange" / "index.json").read_text())["packs"]])
    everything = search(packs, "")
    assert len(everything) == len(packs) == 169
    assert {match.ref for match in search(packs, "MONITORING")} == {match.ref for match in search(packs, "monitoring")}
    by_action = {match.ref for match in search_fields(packs, "create_vm", ["actions"])}
    assert "libcloud" in by_action and not by_action & {match.ref for match in search(packs, "create_vm")}


# The rule


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("monit", "description"),
        ("MONIT", "description"),
        ("actions", "content"),
        ("check_it", None),
        ("a/sensu", None),
        ("zzz", None),
        ("1.0", "version"),
        ("alerting", "keywords"),
        ("alert", None),
        ("stackstorm, inc", "author"),
        ("3", "python_versions"),
    ],
)
def test_which_field_decides(query, field):
    packs = {"sensu": SENSU}
    assert found(packs, query) == ([("sensu", field)] if field else [])


@pytest.mark.parametrize(
    ("query", "hits"),
    [("Monit", True), ("monit", False), ("Monitoring", True), ("alerting", True), ("ALERTING", False)],
)
def test_upper_and_lower_case_are_different_when_asked(query, hits):
    assert bool(search({"sensu": SENSU}, query, case_sensitive=True)) is hits


def test_names_come_first_then_keywords_then_the_rest_as_they_are_written():
    packs = {
        "last": {"description": "x y"},
        "keyword": {"keywords": ["Y"], "name": "y"},
        "other": {"author": "Y", "name": "y"},
        "name": {"name": "xyz", "keywords": ["y"]},
    }
    assert found(packs, "y") == [
        ("name", "name"),
        ("keyword", "keywords"),
        ("last", "description"),
        ("other", "author"),
    ]


@pytest.mark.parametrize(("value", "query"), [(None, "none"), (True, "rue"), (0.4, "0.4"), (7, "7"), ({}, None)])
def test_what_is_no_text_is_looked_for_as_python_prints_it(value, query):
    assert found({"a": {"x": value}}, query or "y") == ([("a", "x")] if query else [])


@pytest.mark.parametrize("entry", [None, [], "text", 7])
def test_what_is_no_entry_is_left_out(entry):
    assert merge([{"a": entry, "b": {"name": "b"}}]) == {"b": {"name": "b"}}


def test_indexes_are_one_as_stackstorm_has_them():
    left = {"c": {"name": "left c"}, "a": {"name": "left a"}}
    right = {"a": {"name": "right a", "keywords": ["k"]}, "b": {"name": "b"}}
    merged = merge([left, right])
    assert list(merged.items()) == [("a", {"name": "left a"}), ("b", {"name": "b"}), ("c", {"name": "left c"})]


# Fields


@pytest.mark.parametrize(
    ("query", "fields", "field"),
    [
        ("check", ["actions"], "actions"),
        ("CHECK", ["actions"], "actions"),
        ("pulse", ["actions", "sensors"], "sensors"),
        ("alert", ["keywords"], "keywords"),
        ("monit", ["keywords", "description"], "keywords"),
        ("monit", ["name"], None),
        ("inc.", ["author"], "author"),
        ("sens", ["ref"], "ref"),
        ("x", ["rules", "contributors"], None),
    ],
)
def test_in_fields_a_part_is_enough(query, fields, field):
    matches = search_fields({"sensu": SENSU}, query, fields)
    assert [(match.ref, match.field) for match in matches] == ([("sensu", field)] if field else [])


def test_in_fields_case_counts_when_asked():
    assert search_fields({"sensu": SENSU}, "Monit", ["keywords"], case_sensitive=True)
    assert not search_fields({"sensu": SENSU}, "monit", ["keywords"], case_sensitive=True)


def test_the_order_is_that_of_the_fields_and_then_of_the_refs():
    packs = {"z": {"name": "q"}, "b": {"author": "q"}, "a": {"author": "q", "name": "none"}, "c": {"name": "q"}}
    for order in (packs, dict(reversed(packs.items()))):
        assert [match.ref for match in search_fields(order, "q", ["name", "author"])] == ["c", "z", "a", "b"]


@pytest.mark.parametrize(
    "nonsense", [None, 7, "text", [], {}, {"actions": None}, {"actions": {"resources": None}}, {"actions": []}]
)
def test_fields_of_any_shape(nonsense):
    entry = dict.fromkeys(FIELDS, nonsense)
    entry["content"] = nonsense
    for field in FIELDS:
        search_fields({"a": entry}, "q", [field])
    search({"a": entry}, "q")
