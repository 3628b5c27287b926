# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs as their pages show them: whatever stands in entries and files, values are of the types that are expected."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._index.describe import Description
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.install import commands
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.pack import line, pack_from
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.pack_page import dependency_ref


def entry(**more):
    return {"ref": "demo", "name": "Demo", "version": "1.0.0", "repo_url": "https://h/demo", **more}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\n  b\tc", "a b c"),
        ("a\u202eb\u2066\x1b", "a\\u202eb\\u2066\\x1b"),
        ("\ud800", "\\ud800"),
        (1.5, "1.5"),
        (None, ""),
        (True, ""),
        ({"a": 1}, ""),
        (["a"], ""),
        ("x" * 5000, "x" * 1999 + "…"),
    ],
)
def test_a_value_as_a_line(value, shown):
    assert line(value) == shown


def test_an_entry_of_another_index():
    content = {"actions": {"count": 3, "resources": ["b", "a", "a", 4]}, "tests": {"resources": ["test_a.py"]}}
    pack = pack_from("demo", entry(content=content, keywords=["b", "A", "b", 5]), "https://index", None)
    assert pack.counts == {"actions": 2, "tests": 1}
    assert pack.resources["actions"] == (("a", {}), ("b", {}))
    assert pack.keywords == ("5", "A", "b")
    assert not pack.described and pack.schema is None and pack.source == "https://index"


@pytest.mark.parametrize("odd", [None, 4, "x", [], {"a": 1}, [None], [{"a": 1}], {"actions": {"resources": {}}}])
def test_entries_may_hold_anything(odd):
    keys = ("name", "version", "content", "keywords", "python_versions", "versions", "dependencies", "contributors")
    pack = pack_from("demo", entry(**dict.fromkeys(keys, odd)), "x", None)
    assert pack.ref == "demo" and pack.resources == {}


def test_what_files_of_the_pack_say():
    files = {
        "actions/run.json": json.dumps({"name": "run", "description": "Runs"}),
        "sensors/s.json": json.dumps({"class_name": "Sensor", "poll_interval": 5}),
        "config.schema.json": json.dumps({"host": {"type": "string"}}),
    }
    content = {"actions": {"resources": ["run", "gone"]}, "sensors": {"resources": ["Sensor"]}}
    pack = pack_from("demo", entry(content=content), "x", Description(ref="demo", files=files))
    assert [(name, one.get("description")) for name, one in pack.resources["actions"]] == [
        ("gone", None),
        ("run", "Runs"),
    ]
    assert pack.resources["sensors"][0][1]["poll_interval"] == 5
    assert pack.schema == {"host": {"type": "string"}} and pack.sound and pack.described


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("1.2.3", "demo=1.2.3"),
        ("1.2.3-rc.1", "demo=1.2.3-rc.1"),
        ("main", "demo"),
        ("1.0.0; rm -rf /", "demo"),
        ("1.0.0\nx", "demo"),
        ("$(id)", "demo"),
        (None, "demo"),
    ],
)
def test_commands_consist_of_a_ref_and_a_version(version, wanted):
    pack = pack_from("demo", entry(version=version, name="$(id)"), "x", None)
    found = {key: text for key, _label, text in commands(pack)}
    assert found["st2"] == f"st2 pack install {wanted}\n"
    assert found["ad-hoc"] == f"ansible st2 --become -m stackstorm.st2.st2_pack -a name={wanted}\n"
    assert found["task"] == f"- name: Install demo\n  stackstorm.st2.st2_pack:\n    name: {wanted}\n"
    assert found["lock"].startswith("- name: demo\n") and "id" not in found["lock"]


@pytest.mark.parametrize(
    ("dependency", "ref"),
    [
        ("core_lib", "core_lib"),
        ("core_lib=1.0.0", "core_lib"),
        ("https://h/core_lib.git", ""),
        ("org/repo", ""),
        ("file:///x", ""),
    ],
)
def test_the_pack_that_a_dependency_names(dependency, ref):
    assert dependency_ref(dependency) == ref
