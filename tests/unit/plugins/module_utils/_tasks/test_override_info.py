# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What st2_override_info tells of files and database, and that it changes nothing."""

from __future__ import annotations

import json

import pytest
from infrastructure.snapshot import compare
from infrastructure.st2_stub import StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override_info import describe_overrides
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._override.scene import Scene
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path / "host")


@pytest.fixture
def st2(scene):
    with StackStormStub(scene.host) as stub:
        yield stub


def api(st2):
    return {"register": "api", "api_url": f"{st2.api_url}/v1", "api_key": st2.api_key}


def describe(scene, *packs, **given):
    before = scene.host.snapshot(identity=True)
    result = describe_overrides(scene.info_task(*packs, **given))
    assert compare(before, scene.host.snapshot(identity=True)) == ([], [], []), "looking changes nothing"
    assert not result.changed and result.failure is None
    json.dumps(result.returned)
    return result


def row(result, kind, name):
    (pack,) = [pack for pack in result.returned["packs"] if pack["ref"] == "sensu"]
    return next(row for row in pack["resources"] if (row["kind"], row["name"]) == (kind, name))


def test_what_is_enabled_and_why(scene):
    scene.write("actions:\n  defaults:\n    enabled: false\n  exceptions:\n    list:\n      enabled: true\n")
    scene.write("sensors:\n  defaults:\n    enabled: false\n", "_global")
    result = describe(scene, "sensu")
    assert row(result, "actions", "check") == {
        "kind": "actions", "name": "check", "file": "actions/check.yaml", "enabled": False, "from": "defaults",
        "metadata": True, "database": None, "database_state": "unknown",
    }  # fmt: skip
    assert row(result, "actions", "list")["from"] == "exception"
    assert row(result, "sensors", "PulseSensor")["from"] == "global"
    assert row(result, "rules", "unsaid") == {
        "kind": "rules", "name": "unsaid", "file": "rules/unsaid.yaml", "enabled": False, "from": "metadata",
        "metadata": None, "database": None, "database_state": "unknown",
    }  # fmt: skip
    (pack,) = result.returned["packs"]
    assert pack["overridden"] == {"sensors": 1, "actions": 1, "rules": 0, "aliases": 0}
    assert pack["database_state"] == "unknown" and pack["file"] == str(scene.path())
    assert [file["pack"] for file in result.returned["files"]] == ["_global", "sensu"]
    assert result.returned["files"][1]["overrides"] == scene.document()
    assert result.msg == "3 of 6 resources of 1 pack decided by overrides"
    assert result.warnings == []


def test_problems_with_their_lines(scene):
    path = scene.write("actions:\nrules: {}\npolicies: {}\n")
    scene.write("rules: {}\n", "gone")
    (scene.host.overrides / "core.yml").write_text("rules: {}\n")
    result = describe(scene)
    assert [problem.split(" ")[0] for problem in result.returned["problems"]] == [f"{path}:1:", f"{path}:3:"]
    (file,) = [file for file in result.returned["files"] if file["pack"] == "sensu"]
    assert [(one["line"], one["breaks"]) for one in file["problems"]] == [(1, ["actions"]), (3, [])]
    assert row(result, "actions", "check")["enabled"] is None and row(result, "rules", "unsaid")["enabled"] is False
    assert {file["pack"]: file["installed"] for file in result.returned["files"]} == {"sensu": True, "gone": False}
    assert any("core.yml has no effect" in warning for warning in result.warnings)
    assert "2 problems in override files" in result.msg


def test_packs_that_are_not_there(scene):
    result = describe(scene, "nosuch", "_global")
    assert result.returned["missing"] == ["nosuch"] and result.returned["packs"] == []
    assert result.msg.endswith("; not installed: nosuch")
    with pytest.raises(OptionError):
        describe(scene, "No/such")


def test_whether_the_database_agrees(scene, st2):
    assert describe(scene, "sensu", **api(st2)).returned["packs"][0]["database_state"] == "current"
    scene.write("actions:\n  defaults:\n    enabled: false\n")
    result = describe(scene, "sensu", **api(st2))
    assert result.returned["packs"][0]["database_state"] == "stale"
    assert (
        row(result, "actions", "check")["database"] is True
        and row(result, "actions", "check")["database_state"] == "stale"
    )
    assert row(result, "rules", "unsaid")["database_state"] == "current"
    assert "not in StackStorm's database: sensu" in result.msg
    st2.register("sensu")
    assert describe(scene, "sensu", **api(st2)).returned["packs"][0]["database_state"] == "current"


def test_what_cannot_be_registered_agrees_with_nothing(scene, st2):
    scene.write("actions:\n")
    (pack,) = describe(scene, "sensu", **api(st2)).returned["packs"]
    assert pack["database_state"] == "unknown"


def test_exceptions_for_what_the_pack_does_not_have(scene):
    path = scene.write("actions:\n  exceptions:\n    check: {enabled: false}\n    sensu.list:\n      enabled: false\n")
    result = describe(scene, "sensu")
    assert result.returned["problems"] == [f"{path}:4: the pack sensu has no action sensu.list; StackStorm ignores it."]
    (file,) = result.returned["files"]
    assert file["problems"] == [{"line": 4, "text": "the pack sensu has no action sensu.list", "breaks": []}]
    (scene.host.packs / "sensu" / "actions" / "more.yaml").write_text("name: [")
    assert describe(scene, "sensu").returned["problems"] == [], "it may be in the file that cannot be read"
