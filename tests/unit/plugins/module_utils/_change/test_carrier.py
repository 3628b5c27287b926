# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carriers: where they lie, what is in them, and what StackStorm's stand-in makes of them."""

from __future__ import annotations

import os
import shutil
import stat

import pytest
import yaml
from infrastructure.packs import PackTree
from infrastructure.st2_stub import StackStormStub
from infrastructure.st2_stub.registrars import register

from ansible_collections.stackstorm.st2.plugins.module_utils._change.carrier import (
    stage_clearing,
    stage_opening,
    stage_schema,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import is_open
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._change.scratch_files import ScratchFiles

STRICT = {"key": {"type": "string", "required": True, "secret": True}}
OTHER = {"a": {"type": "integer"}}


class Scene:
    """The pack C(sensu), in a version with or without a schema, in files and in the database."""

    def __init__(self, root):
        self.files = ScratchFiles(root)
        self.stub = StackStormStub(self.files.scratch)
        self.location = str(self.files.scratch.packs / "sensu")

    def place(self, version, schema=None):
        tree = PackTree("sensu", version, minimal=True, actions=("check",))
        if schema:
            tree.add_yaml("config.schema.yaml", schema)
        shutil.rmtree(self.location, ignore_errors=True)
        self.files.scratch.place(tree, "sensu")

    def register(self, *types, path=""):
        """As StackStorm registers a directory that it is told of by its way from the packs path."""
        name = os.path.relpath(path, str(self.files.scratch.packs)) if path else "sensu"
        register(self.stub.paths, self.stub.database, types or ("all",), [name])

    def carry(self, registration):
        self.register(*registration.types, path=registration.pack.path)

    def unlink(self, path):
        (self.files.scratch.packs / "sensu" / path).unlink()


@pytest.fixture
def scene(tmp_path):
    made = Scene(tmp_path)
    yield made
    made.stub.stop()


def staged(scene, kind, schema=None, values=None):
    host, staging = scene.files.host, scene.files.staging
    schema = schema or STRICT
    if kind == "clearing":
        return stage_clearing(host, staging, PackFiles("sensu", scene.location), scene.location)
    if kind == "opening":
        return stage_opening(host, staging, "sensu", scene.location, schema, values or {})
    return stage_schema(host, staging, "sensu", scene.location, schema)


KINDS = pytest.mark.parametrize("kind", ["clearing", "opening", "schema"])


@KINDS
def test_it_lies_where_stackstorm_finds_it_by_name_and_by_nothing_else(scene, kind):
    scene.place("1.0.0")
    registration = staged(scene, kind)
    path = registration.pack.path
    assert (registration.pack.ref, registration.types) == ("sensu", ("config",))
    below = os.path.relpath(path, str(scene.files.scratch.packs)).split(os.sep)
    assert below[-1] == "sensu" and below[0] == ".stackstorm.st2" and len(below) > 2
    assert sorted(os.listdir(path)) == ["config.schema.yaml", "pack.yaml"]
    with open(os.path.join(path, "pack.yaml")) as ours, open(os.path.join(scene.location, "pack.yaml")) as theirs:
        assert ours.read() == theirs.read()
    found = scene.stub.paths.all_packs()
    assert str(found["sensu"]) == scene.location and not any(name.startswith(".") for name in found)


@KINDS
def test_stackstorm_s_account_may_go_there_and_nobody_may_look_around(scene, kind):
    scene.place("1.0.0")
    path = staged(scene, kind).pack.path
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o755
    run = os.path.dirname(os.path.dirname(path))
    assert stat.S_IMODE(os.stat(run).st_mode) == 0o711


@KINDS
def test_it_goes_with_what_the_run_has_staged(scene, kind):
    scene.place("1.0.0")
    path = staged(scene, kind).pack.path
    scene.files.staging.clear()
    assert not os.path.exists(path)


def test_a_schema_is_put_back_where_its_file_was_lost(scene):
    scene.place("1.0.0", STRICT)
    scene.register()
    scene.unlink("config.schema.yaml")
    scene.place("2.0.0", OTHER)
    scene.register()
    scene.place("1.0.0")  # Back, and without the file that was lost.
    scene.carry(staged(scene, "schema", STRICT))
    scene.register()
    assert scene.stub.config_schema("sensu") == STRICT
    assert scene.stub.pack("sensu")["version"] == "1.0.0" and scene.stub.pack("sensu")["path"] == scene.location


def test_the_schema_of_another_version_is_opened_for_the_config_that_is_there(scene):
    scene.place("1.0.0", STRICT)
    scene.register()
    scene.place("2.0.0")
    scene.files.config("sensu", "c: [1]\n")
    scene.carry(staged(scene, "opening", STRICT, {"c": [1]}))
    scene.register()
    assert is_open(scene.stub.config_schema("sensu")) and scene.stub.config("sensu") == {"c": [1]}
    assert scene.stub.pack("sensu")["version"] == "2.0.0"


def test_a_config_is_put_back_along_with_the_schema(scene):
    scene.place("1.0.0", STRICT)
    scene.files.config("sensu", "key: k\n")
    scene.register()
    scene.unlink("config.schema.yaml")
    scene.place("2.0.0", OTHER)
    scene.files.config("sensu", "a: 1\n")
    scene.register()
    assert scene.stub.config("sensu") == {"a": 1}
    scene.place("1.0.0")
    scene.files.config("sensu", "key: k\n")
    scene.carry(staged(scene, "schema", STRICT))
    assert scene.stub.config_schema("sensu") == STRICT and scene.stub.config("sensu") == {"key": "k"}


def test_a_config_is_cleared_past_a_schema_that_refuses_an_empty_one(scene):
    scene.place("1.0.0", STRICT)
    scene.files.config("sensu", "key: k\n")
    scene.register()
    scene.files.config("sensu", "{}\n")
    scene.carry(staged(scene, "clearing"))
    (scene.files.scratch.configs / "sensu.yaml").unlink()
    scene.register("config")
    assert scene.stub.config("sensu") == {} and scene.stub.config_schema("sensu") == STRICT


def test_a_pack_without_metadata_gives_none(scene):
    scene.place("1.0.0")
    scene.unlink("pack.yaml")
    with pytest.raises(OSError):
        staged(scene, "schema")


def test_what_is_carried_is_yaml_whatever_the_schema_says(scene):
    scene.place("1.0.0")
    schema = {"a": {"type": "string", "default": "ü: # [{", "enum": ["\n", "'"]}}
    path = staged(scene, "schema", schema).pack.path
    with open(os.path.join(path, "config.schema.yaml"), encoding="utf-8") as stream:
        assert yaml.safe_load(stream) == schema
