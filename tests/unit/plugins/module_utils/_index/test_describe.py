# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an index says of a pack."""

from __future__ import annotations

import base64
import json

import pytest
import yaml
from infrastructure.packs import PackTree, quirks, to_yaml
from infrastructure.packs.tree import ICON

from ansible_collections.stackstorm.st2.plugins.module_utils._index.describe import Description, describe, from_json


def described(tmp_path, tree, name=None):
    tree.write(tmp_path / "pack")
    return describe(str(tmp_path / "pack"), name, time=5, digest="d")


def test_a_whole_pack(tmp_path):
    tree = PackTree("demo", metadata={"name": "Demo Pack"})
    found = described(tmp_path, tree)
    assert (found.problem, found.content_problem, found.ref, found.version) == (None, None, "demo", "1.0.0")
    assert (found.time, found.digest) == (5, "d")
    pack = yaml.safe_load(tree.text("pack.yaml"))
    assert list(found.pack) == [*pack, "content"]
    assert {key: value for key, value in found.pack.items() if key != "content"} == pack
    assert yaml.safe_load(found.files["pack.yaml"]) == found.pack
    assert sorted(path for path in found.files if path.startswith("actions/")) == [
        "actions/greet.json",
        "actions/relay.json",
        "actions/report.json",
    ]
    assert json.loads(found.files["actions/report.json"]) == yaml.safe_load(tree.text("actions/report.yaml"))
    assert json.loads(found.files["config.schema.json"]) == yaml.safe_load(tree.text("config.schema.yaml"))
    assert found.files["tests/test_action_report.py.json"] == '{\n    "filename": "test_action_report.py"\n}\n'
    assert base64.b64decode(found.icon) == ICON
    assert found.requires_config, "the schema has a required key without a default"


@pytest.mark.parametrize(
    "schema, needed",
    [
        (None, False),
        ({"a": {"type": "string"}}, False),
        ({"a": {"type": "string", "required": True}}, True),
        ({"a": {"type": "string", "required": True, "default": "x"}}, False),
        ({"a": {"type": "object", "properties": {"b": {"type": "string", "required": True}}}}, False),
    ],
)
def test_whether_it_needs_a_config(tmp_path, schema, needed):
    found = described(tmp_path, PackTree("demo", config_schema=schema))
    assert found.requires_config is needed and found.content_problem is None


def test_it_comes_back_from_where_it_was_kept(tmp_path):
    found = described(tmp_path, PackTree("demo"))
    assert from_json(json.loads(json.dumps(found.to_json()))) == found
    for other in (None, [], {}, {"format": 0}, {**found.to_json(), "format": 99}, {**found.to_json(), "more": 1}):
        assert from_json(other) is None


@pytest.mark.parametrize("quirk", quirks(), ids=lambda quirk: quirk.name)
def test_every_quirk_is_listed_or_its_fault_is_named(tmp_path, quirk):
    tree = quirk.tree()
    if any(file.mode == 0o160000 for file in tree.files.values()):
        pytest.skip("a submodule is no part of a commit's files; see test_tree")
    found = described(tmp_path, tree)
    problem = found.problem or found.content_problem
    if quirk.valid:
        assert problem is None and found.ref == quirk.ref
        json.dumps(found.to_json(), allow_nan=False)
    else:
        assert problem and problem.endswith(".") and str(tmp_path) not in problem, problem


def test_names_of_resources_stay_in_their_directory(tmp_path):
    tree = PackTree("demo", minimal=True)
    for number, name in enumerate(["../../../etc/x", "a/b", "Case", "case", "x" * 300, ".dot", "nul\0"]):
        action = {"name": name, "runner_type": "noop"}
        tree.add(f"actions/action_{number}.yaml", yaml.safe_dump(action) if "\0" in name else to_yaml(action))
    found = described(tmp_path, tree)
    paths = [path for path in found.files if path.startswith("actions/")]
    assert len(paths) == 8 and all(path.count("/") == 1 and ".." not in path.split("/") for path in paths)
    assert "actions/%2E.%2F..%2F..%2Fetc%2Fx.json" in paths and "actions/a%2Fb.json" in paths
    assert "../../../etc/x" in found.pack["content"]["actions"]["resources"], "in the index it is just text"


def test_a_picture_of_another_kind_is_none(tmp_path):
    tree = PackTree("demo")
    tree.add("icon.png", b"<svg/>")
    assert described(tmp_path, tree).icon is None


def test_a_link_to_a_picture_outside_is_no_icon(tmp_path):
    (tmp_path / "outside.png").write_bytes(ICON)
    tree = PackTree("demo")
    tree.link("icon.png", "../outside.png")
    found = described(tmp_path, tree)
    assert found.icon is None and "icon.png -> ../outside.png" in found.problem


def test_values_that_json_lacks_are_text(tmp_path):
    tree = PackTree("demo", minimal=True)
    tree.add("pack.yaml", tree.text("pack.yaml") + "since: 2020-01-02\nmost: .inf\n1: one\n")
    tree.add("pack.yaml", tree.text("pack.yaml").replace("1: one\n", "'1': one\n"))
    found = described(tmp_path, tree)
    assert (found.pack["since"], found.pack["most"]) == ("2020-01-02", "inf")


def test_a_password_in_a_url_does_not_get_out(tmp_path):
    tree = PackTree("demo", minimal=True, dependencies=["https://me:hunter22@git.example.com/x.git"])
    found = described(tmp_path, tree)
    assert "hunter22" not in json.dumps(found.to_json())


def test_the_ref_that_was_asked_for(tmp_path):
    nameless = PackTree("demo", minimal=True)
    nameless.metadata.pop("ref")
    nameless.set_metadata(name="Demo Pack")
    assert described(tmp_path, nameless, "demo").ref == "demo"
    other = described(tmp_path / "other", PackTree("other", minimal=True), "demo")
    assert other.problem == "demo was asked for, but this pack is other." and other.ref == "demo"


def test_nothing_else_is_there_of_a_pack_that_is_none(tmp_path):
    tree = PackTree("demo", minimal=True, version="one")
    found = described(tmp_path, tree)
    assert found == Description(problem=found.problem, ref="demo", time=5)
    assert "version (line " in found.problem
