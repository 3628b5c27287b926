# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The line, the diff and the returned values."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._config.document import ConfigFile
from ansible_collections.stackstorm.st2.plugins.module_utils._config.options import Attributes
from ansible_collections.stackstorm.st2.plugins.module_utils._config.plan import ConfigPlan
from ansible_collections.stackstorm.st2.plugins.module_utils._config.redaction import Redaction
from ansible_collections.stackstorm.st2.plugins.module_utils._config.report import diff, line, returned
from ansible_collections.stackstorm.st2.plugins.module_utils._config.values import Changes

UID, GID = os.getuid(), os.getgid()
FILE = ConfigFile("/c/sensu.yaml", True, {"a": 1, "token": "old"}, mode=0o640, uid=UID, gid=GID)
SAME = Attributes(0o640, UID, GID)
MANY = Changes(changed=tuple(f"k{number}" for number in range(7)))


@pytest.mark.parametrize(
    "plan, text",
    [
        ({"action": "none", "values": {}}, "sensu config is as wanted"),
        ({"action": "none"}, "sensu config is not there"),
        ({"action": "create", "values": {}, "register": True, "state": "current"}, "sensu config created; registered"),
        ({"action": "create", "values": {}}, "sensu config created; not registered"),
        ({"action": "create", "values": {}, "state": "absent"}, "sensu config created; not registered"),
        (
            {"action": "change", "values": {}, "changes": Changes(("n",), ("o",), ("p", "q")), "register": True},
            "sensu config: p, q changed, n added, o removed; registered",
        ),
        (
            {"action": "change", "values": {}, "changes": MANY, "register": True},
            "sensu config: k0, k1, k2, k3, k4 and 2 more changed; registered",
        ),
        ({"action": "change", "values": {}, "register": True}, "sensu config: written anew; registered"),
        (
            {"action": "none", "values": {}, "register": True},
            "sensu config registered, as StackStorm did not have it",
        ),
        (
            {"action": "attributes", "values": {}, "attributes": Attributes(0o600, UID, GID), "state": "current"},
            "sensu config: mode 0640 -> 0600",
        ),
        ({"action": "remove", "clear": "empty"}, "sensu config removed; cleared in StackStorm"),
        ({"action": "remove"}, "sensu config removed; StackStorm not told"),
        ({"action": "remove", "state": "absent"}, "sensu config removed"),
        ({"action": "none", "clear": "unload"}, "sensu config cleared in StackStorm"),
    ],
)
def test_one_line_says_what_happens(plan, text):
    assert line(ConfigPlan("sensu", before=FILE, **{"attributes": SAME, **plan})) == text


def test_an_owner_is_shown_by_name_or_number():
    plan = ConfigPlan("sensu", "attributes", FILE, {}, attributes=Attributes(0o640, 471147, 471148))
    assert " -> 471147 and group " in line(plan) and line(plan).endswith(" -> 471148; not registered")


def test_a_diff_masks_both_sides_and_shows_what_else_changes():
    attributes = Attributes(0o600, UID, GID)
    plan = ConfigPlan("sensu", "change", FILE, {"a": 2, "token": "new"}, attributes=attributes, register=True)
    (found,) = diff(plan, Redaction(None))
    assert found["before_header"] == found["after_header"] == "config sensu (/c/sensu.yaml)"
    assert "mode 0640" in found["before"] and "mode 0600" in found["after"]
    assert found["before"].endswith("a: 1\ntoken: '******** (old)'\n")
    assert found["after"].endswith("a: 2\ntoken: '******** (new)'\n")
    assert "another config, or none" in found["before"] and "this config" in found["after"]


def test_a_diff_of_what_cannot_be_read_says_so():
    broken = ConfigFile("/c/sensu.yaml", True, problem="It is broken.", mode=0o640)
    (found,) = diff(ConfigPlan("sensu", "change", broken, {"a": 1}), Redaction(None))
    assert "# It is broken.\n" in found["before"] and found["after"].endswith("a: 1\n")
    (gone,) = diff(ConfigPlan("sensu", "remove", FILE, clear="empty"), Redaction(None))
    assert gone["after"] == "# StackStorm's database: no config\n"
    assert diff(ConfigPlan("sensu", "none", FILE, {}), Redaction(None)) == []


def test_the_returned_values_tell_what_changed_and_what_the_database_has():
    plan = ConfigPlan("sensu", "change", FILE, {"a": 1}, changes=Changes(("x",)), state="current")
    assert returned(plan, "/c/backup~") == {
        "pack": "sensu",
        "path": "/c/sensu.yaml",
        "changes": {"added": ["x"], "removed": [], "changed": []},
        "database_state": "current",
        "backup_file": "/c/backup~",
    }
    assert returned(plan)["backup_file"] is None
