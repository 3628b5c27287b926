# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the two phases of a task about packs return."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._tasks.pack_site import SCHEMA, PackSite


@pytest.fixture
def packs(tmp_path):
    site = PackSite(tmp_path)
    with without_waiting_for_disks():
        yield site
    site.stub.stop()


def run(packs, phase, *items, **given):
    """A phase, which tells StackStorm nothing: changed, message and the result."""
    result = packs.run(*items, phase=phase, **given)
    assert packs.asked() == []
    return result.changed, result.msg, result


def test_both_phases_from_check_mode_to_the_second_time(packs):
    item = {
        **packs.source("sensu", schema=SCHEMA),
        "config": {"a": 1},
        "overrides": {"actions": {"disabled": ["report"]}},
    }
    changed, msg, foretold = run(packs, "stage", item, check=True)
    assert changed and msg.startswith("staged: sensu absent -> 1.0.0")
    changed, _msg, staged = run(packs, "stage", item)
    assert changed and staged.diff == foretold.diff != [] and staged.returned["restart_needed"] == []
    assert {**staged.returned, "restart_needed": None} == {**foretold.returned, "restart_needed": None}
    assert not (packs.host.packs / "sensu").exists()
    (row,) = staged.returned["packs"]
    assert row["changed"] and row["content"].startswith("sha256:") and row["database_state"] == "unknown"
    changed, msg, _again = run(packs, "stage", item)
    assert not changed and msg.startswith("staged already: sensu absent -> 1.0.0")

    changed, _msg, foretold = run(packs, "swap", item, check=True)
    assert changed and not (packs.host.packs / "sensu").exists()
    changed, msg, done = run(packs, "swap", item)
    assert changed and msg == foretold.msg and done.diff == foretold.diff == staged.diff
    assert (packs.host.packs / "sensu" / "pack.yaml").exists() and done.returned["plan"] == staged.returned["plan"]
    for result in (foretold, done):
        (row,) = result.returned["packs"]
        states = {row["database_state"], row["config"]["database_state"], row["overrides"]["database_state"]}
        assert states == {"stale"} and result.returned["database_state"] == "stale"
    assert done.returned["registration"]["by"] in (None, "none")

    changed, msg, again = run(packs, "swap", item)
    assert (changed, msg, again.diff, again.returned["restart_needed"]) == (False, "sensu 1.0.0 is there", [], [])
    (row,) = again.returned["packs"]
    assert (row["action"], row["changed"], row["before"]) == ("none", False, row["after"])
    assert (row["config"]["changes"], row["overrides"]["switched"]) == ({}, [])
    assert again.returned["database_state"] == "stale", "until it is registered"


def test_a_pack_goes_in_two_phases(packs):
    packs.run(packs.source("sensu"), register="none")
    given = {"state": "absent", "name": ["sensu"]}
    assert run(packs, "stage", **given)[0] and (packs.host.packs / "sensu").exists()
    assert run(packs, "swap", **given)[0] and not (packs.host.packs / "sensu").exists()
    changed, msg, again = run(packs, "swap", **given)
    assert (changed, msg) == (False, "sensu is not there") and again.returned["packs"][0]["after"] is None


def test_a_phase_that_fails_says_what_it_was_about(packs):
    changed, _msg, result = run(packs, "swap", packs.source("sensu"))
    assert not changed and "phase=stage first" in result.failure.message
    (row,) = result.returned["packs"]
    assert (row["ref"], row["changed"], row["step"]) == ("sensu", False, "observe")
    assert result.returned["restart_needed"] == []


def test_an_item_whose_config_is_refused_is_not_staged(packs):
    item = {**packs.source("sensu", schema=SCHEMA), "config": {"a": "text"}}
    _changed, _msg, result = run(packs, "stage", item)
    assert "a must be integer" in result.failure.message
    assert "phase=stage first" in run(packs, "swap", item)[2].failure.message
