# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on a fleet: which hosts are equal, in what others differ, and what needs attention."""

from __future__ import annotations

import json

import pytest
from infrastructure.fleets import FAILED, REFS, UNREACHABLE, fleet, host, pack

from ansible_collections.stackstorm.st2.plugins.plugin_utils._report.document import report_document
from ansible_collections.stackstorm.st2.plugins.plugin_utils._report.table import report_table


def report(results):
    document = report_document(results, "now")
    assert json.loads(json.dumps(document)) == document
    return document


def test_equal_hosts_are_one_group():
    document = report(fleet(3))
    assert document["summary"] == "3 hosts equal" and document["equal"] and not document["attention"]
    assert [group["hosts"] for group in document["groups"]] == [["st2-01", "st2-02", "st2-03"]]
    assert report_table(document) == ["3 hosts equal"]


@pytest.mark.parametrize(
    ("changed", "field", "value", "usual"),
    [
        ({"version": "1.0.1"}, "version", "1.0.1", "1.0.2"),
        ({"commit": "0" * 40}, "commit", "0" * 40, pack("x")["commit"]),
        ({"edits": ["missing x.py"]}, "edits", "missing x.py", None),
        ({"virtualenv": {"health": "broken", "needed": True}}, "virtualenv", "broken", "ok"),
        ({"virtualenv": {"health": "absent", "needed": False}}, "virtualenv", "not needed", "ok"),
        ({"database_state": "stale"}, "database_state", "stale", "current"),
        ({"problem": "pack.yaml, line 2: name twice"}, "problem", "pack.yaml, line 2: name twice", None),
    ],
)
def test_what_differs_is_named(changed, field, value, usual):
    results = fleet(4)
    results["st2-03"] = host(pack("sensu", **changed), *map(pack, REFS[1:]))
    document = report(results)
    assert document["summary"].startswith("3 hosts equal; 1 differs: st2-03") and not document["equal"]
    (row,) = (one for one in document["hosts"] if one["name"] == "st2-03")
    assert row["state"] == "differs"
    assert row["differences"] == [{"ref": "sensu", "field": field, "value": value, "usual": usual}]


def test_packs_that_are_missing_or_too_many_differ():
    results = fleet(3)
    results["st2-01"]["packs"]["packs"].pop()
    results["st2-02"]["packs"]["packs"].append(pack("zabbix"))
    document = report({**results, "st2-04": results["st2-03"]})
    found = {one["name"]: one["differences"] for one in document["hosts"] if one["differences"]}
    assert found == {
        "st2-01": [{"ref": "aws", "field": "version", "value": "not installed", "usual": "1.0.2"}],
        "st2-02": [{"ref": "zabbix", "field": "version", "value": "1.0.2", "usual": "not installed"}],
    }
    assert any(
        line.split() == ["zabbix", "version", "not", "installed", "=", "1.0.2"] for line in report_table(document)
    )


def test_configs_and_overrides_are_compared_and_never_their_values():
    config = {"pack": "sensu", "exists": True, "database_state": "current", "config": {"token": "canary-value"}}
    switched = {"ref": "sensu", "file": "/x.yaml", "database_state": "current"}
    results = {
        "a": host(pack("sensu"), configs=[config], overrides=[switched]),
        "b": host(pack("sensu"), configs=[{**config, "database_state": "stale"}], overrides=[switched]),
        "c": host(pack("sensu"), configs=[{**config, "problems": [{"text": "x"}]}], overrides=[switched]),
        "d": host(pack("sensu"), configs=[config], overrides=[{**switched, "database_state": "stale"}]),
        "e": host(pack("sensu"), configs=[config], overrides=[switched]),
    }
    document = report(results)
    assert [(one["host"], one["field"], one["value"]) for one in document["attention"]] == [
        ("b", "config", "stale"),
        ("c", "config", "invalid"),
        ("d", "overrides", "stale"),
    ]
    assert "canary-value" not in json.dumps(document)


def test_hosts_without_an_answer_are_never_left_out():
    results = {**fleet(2), "st2-08": FAILED, "st2-07": UNREACHABLE, "st2-09": {}}
    document = report(results)
    states = {one["name"]: (one["state"], one["error"]) for one in document["hosts"]}
    assert states["st2-07"] == ("unreachable", "No route to host")
    assert states["st2-08"] == ("failed", "There is no /etc/st2/st2.conf.")
    assert states["st2-09"][0] == "unreachable"
    assert document["summary"] == "2 hosts equal; 1 failed: st2-08; 2 unreachable: st2-07, st2-09"
    assert not document["equal"]
    assert report({})["summary"] == "No hosts were compared"
    assert report({"a": UNREACHABLE})["summary"] == "0 hosts equal; 1 unreachable: a"


def test_a_fault_that_all_share_needs_attention_though_all_are_equal():
    results = {name: host(pack("sensu", database_state="stale")) for name in ("a", "b")}
    document = report(results)
    assert document["summary"] == "2 hosts equal; 2 need attention: a, b" and document["equal"]


def test_what_is_newer_in_the_index():
    results = {name: host(pack("sensu", outdated=True, latest_version="2.0.0")) for name in ("a", "b")}
    document = report(results)
    assert document["outdated"] == [
        {"ref": "sensu", "version": "1.0.2", "latest_version": "2.0.0", "hosts": ["a", "b"]}
    ]
    assert report_table(document)[-1] == "  sensu 1.0.2 -> 2.0.0 (2 hosts)"


def test_what_info_modules_leave_out_is_none():
    bare = {"packs": {"packs": [{"ref": "sensu", "version": "1.0.2"}, {"ref": "core", "system": True}]}}
    document = report({"a": bare})
    assert list(document["hosts"][0]["packs"]) == ["sensu"] and document["summary"] == "1 host equal"


def test_a_table_stays_readable():
    results = fleet(30)
    for count in range(1, 13):
        results[f"st2-{count:02}"]["packs"]["packs"][0]["edits"] = ["edited " + "x" * 200 + f"{count}\n\x1b[31m"]
    lines = report_table(report(results))
    assert all("\x1b" not in line and "\n" not in line for line in lines)
    assert "(4 more hosts differ; they are in the JSON document and on the page.)" in lines
    assert max(len(line) for line in lines[1:4]) < 40 * 11
