# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What st2_override says of a database that does not have all of the pack."""

from __future__ import annotations

import pytest
from infrastructure.packs import bodies

from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._tasks.pack_site import PackSite


@pytest.fixture
def packs(tmp_path):
    site = PackSite(tmp_path)
    with without_waiting_for_disks():
        yield site
    site.stub.stop()


def test_a_task_that_failed_does_not_say_current_of_a_pack_that_nobody_registered(packs):
    packs.run(packs.source("sensu"), register="none")
    failed = packs.override("sensu", actions={"disabled": ["no"]})
    assert failed.failure is not None and failed.returned["database_state"] == "stale"
    assert packs.stub.resources("sensu")["actions"] == {}


def test_a_task_that_failed_says_current_where_it_is(packs):
    packs.run({**packs.source("sensu"), "overrides": {"actions": {"disabled": ["report"]}}})
    failed = packs.override("sensu", actions={"disabled": ["no"]}, merge="merge")
    assert failed.failure is not None and failed.returned["database_state"] == "current"


def test_what_was_refused_and_put_back_is_stale_where_a_rule_is_missing(packs):
    packs.run(packs.source("sensu", rules=[("on_tick", "sensu.tick")]), register="none")
    packs.stub.refuse("sensu", kind="rules")
    failed = packs.override("sensu", rules={"disabled": ["on_tick"]})
    assert failed.failure is not None and failed.returned["database_state"] == "stale"


def test_a_pack_of_which_there_is_only_what_people_made_is_registered(packs):
    packs.run(packs.source("sensu"), register="none")
    packs.stub.make("aliases", {**bodies.alias("mine", "core.noop"), "pack": "sensu"})
    done = packs.override("sensu", state="absent")
    assert done.failure is None and done.changed and done.returned["database_state"] == "current"
    assert sorted(packs.stub.resources("sensu")["actions"]) == ["report"]
    assert not packs.override("sensu", state="absent").changed


def test_what_a_newer_version_on_disk_has_more_is_named_and_stale(packs):
    packs.run(packs.source("sensu"))
    packs.run(packs.source("sensu", "2.0.0", actions=("report", "new")), register="none")
    done = packs.override("sensu", actions={"disabled": ["report"]})
    assert done.failure is None and done.returned["database_state"] == "current", "as actions are registered"
    packs.run(packs.source("sensu", "3.0.0", actions=("report", "newer")), register="none")
    again = packs.override("sensu", actions={"disabled": ["report"]})
    assert not again.changed and again.returned["database_state"] == "stale"
    assert again.warnings == ["StackStorm's database does not have all of the pack sensu: action newer."]


def test_who_cannot_read_does_not_say_current_of_a_pack_whose_files_are_others(packs):
    packs.stub.install_register_content()
    asked = {"actions": {"disabled": ["report"]}, "register": "local"}
    packs.run(packs.source("sensu"), register="local")
    assert packs.override("sensu", **asked).returned["database_state"] == "current"
    packs.run(packs.source("sensu", "2.0.0", actions=("report", "new")), register="none")
    assert packs.override("sensu", **asked).returned["database_state"] == "stale"
    packs.run(packs.source("sensu", "2.0.0", actions=("report", "new")), register="local")
    assert packs.override("sensu", **asked).returned["database_state"] == "current"


def test_without_global_overrides_what_packs_have_is_known_or_looked_at(packs):
    gone = {"state": "absent"}
    packs.run({**packs.source("sensu"), "overrides": {"actions": {"disabled": ["report"]}}})
    assert packs.override("_global", **gone).returned["database_state"] == "current"
    assert packs.asked() == ["GET /packs"]
    (packs.host.overrides / "sensu.yaml").unlink()
    done = packs.override("_global", **gone)
    assert done.changed and done.returned["database_state"] == "current"
    assert packs.stub.resources("sensu")["actions"]["report"]["enabled"] is True
    assert not packs.override("_global", **gone).changed


def test_global_overrides_register_no_pack_that_nobody_registered_and_name_it(packs):
    packs.run(packs.source("sensu"), register="none")
    done = packs.override("_global", state="absent")
    assert not done.changed and done.returned["database_state"] == "stale"
    assert done.warnings == ["StackStorm's database does not have all of the pack sensu: action report."]


def test_without_global_overrides_packs_with_other_files_than_were_told_are_looked_at(packs):
    packs.run(packs.source("sensu"))
    packs.run(packs.source("sensu", "2.0.0", actions=("report", "new")), register="none")
    done = packs.override("_global", state="absent")
    assert not done.changed and done.returned["database_state"] == "stale"
    assert done.warnings == ["StackStorm's database does not have all of the pack sensu: action new."]
