# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a task to a result, with the stand-in for StackStorm in the place of a real one."""

from __future__ import annotations

import json

import pytest
from infrastructure.st2_stub import StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override import converge_override
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._override.scene import Scene
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)

PUT_BACK = "Everything this task had changed was put back."
OFF = {"actions": {"disabled": ["check"]}}


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


def enabled(st2, kind, name):
    return st2.resources("sensu")[kind][name]["enabled"]


def test_a_result_over_the_api(scene, st2):
    result = converge_override(scene.task({**OFF, **api(st2)}))
    assert result.failure is None and result.changed
    assert result.msg == "sensu: 1 action disabled; registered"
    assert result.returned["path"] == str(scene.path()) and result.returned["database_state"] == "current"
    assert result.returned["counts"]["actions"] == {"enabled": 0, "disabled": 1, "overridden": 1}
    assert [row["name"] for row in result.returned["resources"]] == ["check"]
    assert [sorted(part) for part in result.diff] == [
        ["after", "after_header", "before", "before_header"],
        ["prepared"],
    ]
    json.dumps(result.returned)
    assert enabled(st2, "actions", "check") is False and enabled(st2, "actions", "list") is True
    again = converge_override(scene.task({**OFF, **api(st2)}))
    assert not again.changed and again.returned["database_state"] == "current" and again.diff == []


def test_what_stackstorm_refuses_fails_and_is_put_back(scene, st2):
    st2.refuse("sensu")
    result = converge_override(scene.task({**OFF, **api(st2)}))
    assert result.failure.step == "register" and PUT_BACK in result.failure.message
    assert not result.changed and result.returned == {
        "path": str(scene.path()),
        "restart_needed": [],
        "database_state": "current",
    }
    assert not scene.path().exists() and enabled(st2, "actions", "check") is True


def test_without_credentials_it_is_said_that_nothing_is_registered(scene):
    result = converge_override(scene.task({**OFF, "register": "auto"}))
    assert result.changed and result.returned["database_state"] == "unknown"
    assert any("Nothing is registered" in warning for warning in result.warnings)
    assert result.msg == "sensu: 1 action disabled; not registered"


def test_options_are_checked_before_anything_else(scene):
    with pytest.raises(OptionError):
        converge_override(
            scene.task({"actions": {"enabled": "no"}, "register": "api", "api_url": "http://127.0.0.1:1"})
        )
