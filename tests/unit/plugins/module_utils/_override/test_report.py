# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as people read it."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._override import report
from ansible_collections.stackstorm.st2.plugins.module_utils._override.plan import Plan, Switch
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles

PACK = (PackFiles("sensu", "/packs/sensu"),)


def switch(kind, name, before, after, origin="exception", pack="sensu"):
    return Switch(pack, kind, name, before, after, origin)


def plan(*switches, pack="sensu", after=b"new\n", writes=True, registers=PACK, **more):
    return Plan(pack, f"/o/{pack}.yaml", b"old\n", after, writes, switches, registers, **more)


OFF = [switch("actions", name, True, False) for name in ("a", "b")]
ON = switch("sensors", "S", False, True)


@pytest.mark.parametrize(
    "what, line",
    [
        (plan(*OFF, ON), "sensu: 2 actions disabled, 1 sensor enabled; registered"),
        (plan(switch("aliases", "x", True, False)), "sensu: 1 alias disabled; registered"),
        (plan(*OFF, registers=()), "sensu: 2 actions disabled; not registered"),
        (plan(switch("rules", "r", None, True)), "sensu: 1 rule enabled; registered"),
        (plan(switch("rules", "r", True, True), registers=()), "sensu: overrides written, nothing switched"),
        (plan(after=None, registers=()), "sensu: overrides removed, nothing switched"),
        (plan(writes=False), "sensu: registered"),
        (plan(writes=False, registers=()), "sensu: overrides are as asked"),
        (plan(registers=(), installed=False), "sensu: overrides written, the pack is not installed"),
        (plan(*OFF, switch("actions", "a", True, False, pack="x"), pack="_global"),
         "_global: 3 actions disabled in 2 packs; registered"),
    ],
)  # fmt: skip
def test_one_line(what, line):
    assert report.line(what) == line


def test_the_diff_has_the_file_and_a_line_for_each_resource():
    same = switch("rules", "r", True, True)
    unknown = switch("rules", "u", None, False, "metadata")
    assert report.diff(plan(*OFF[:1], same, unknown)) == [
        {"before_header": "/o/sensu.yaml", "after_header": "/o/sensu.yaml", "before": "old\n", "after": "new\n"},
        {"prepared": "actions a: enabled -> disabled (exception)\nrules u: unknown -> disabled (metadata)\n"},
    ]
    assert report.diff(plan(same, writes=False)) == []
    (found,) = report.diff(plan(switch("sensors", "S", True, False, "global"), pack="_global", writes=False))
    assert found["prepared"] == "sensu sensors S: enabled -> disabled (global)\n"


def test_resources_and_counts():
    found = plan(*OFF, ON, switch("rules", "r", True, True), overridden={"actions": 2, "sensors": 1, "rules": 0})
    assert report.resources(found)[0] == {
        "pack": "sensu", "kind": "actions", "name": "a", "before": True, "after": False, "from": "exception",
        "changed": True,
    }  # fmt: skip
    assert [row["changed"] for row in report.resources(found)] == [True, True, True, False]
    assert report.counts(found) == {
        "sensors": {"enabled": 1, "disabled": 0, "overridden": 1},
        "actions": {"enabled": 0, "disabled": 2, "overridden": 2},
        "rules": {"enabled": 0, "disabled": 0, "overridden": 0},
        "aliases": {"enabled": 0, "disabled": 0, "overridden": 0},
    }
