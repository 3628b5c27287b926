# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs, their configs and their overrides as one plan, with a StackStorm that answers."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree, bodies
from infrastructure.st2_stub import ProgramFault, close, nth

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import is_open
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


def succeeded(result):
    assert result.failure is None, result.failure.message
    return result


def test_the_schema_that_a_new_version_has_no_more_is_opened(packs):
    succeeded(packs.run(packs.source("sensu", schema=SCHEMA)))
    succeeded(packs.run(packs.source("sensu", "2.0.0")))
    assert is_open(packs.stub.config_schema("sensu"))
    assert packs.stub.pack("sensu")["version"] == "2.0.0"


def test_it_is_opened_as_well_when_the_item_has_the_config_that_is_there(packs):
    succeeded(packs.run({**packs.source("sensu", schema=SCHEMA), "config": {"a": 1}}))
    succeeded(packs.run({**packs.source("sensu", "2.0.0"), "config": {"a": 1}}))
    assert is_open(packs.stub.config_schema("sensu")) and packs.stub.config("sensu") == {"a": 1}


def test_a_config_that_does_not_fit_is_refused_by_the_schema_as_people_will_find_it(packs):
    item = {**packs.source("sensu", schema=SCHEMA), "config": {"a": "text"}}
    predicted, done = packs.run(item, check=True), packs.run(item)
    assert f"by {packs.host.packs}/sensu/config.schema.yaml: a must be integer" in done.failure.message
    assert predicted.failure.message == done.failure.message


def test_configs_and_overrides_of_many_packs_cost_one_question_each(packs):
    items = [
        {**packs.source(ref), "config": {"a": 1}, "overrides": {"actions": {"disabled": ["report"]}}}
        for ref in ("sensu", "jira", "consul")
    ]
    succeeded(packs.run(*items))
    again = succeeded(packs.run(*items))
    assert not again.changed
    assert sorted(packs.asked()) == ["GET /actions", "GET /configs", "GET /packs"]


def test_global_overrides_cost_one_question_for_all_packs(packs):
    succeeded(packs.run(packs.source("sensu"), packs.source("jira")))
    given = {"actions": {"defaults": {"enabled": False}}}
    assert succeeded(packs.override("_global", **given)).changed
    assert not succeeded(packs.override("_global", **given)).changed
    assert sorted(packs.asked()) == ["GET /actions", "GET /packs"]
    assert packs.stub.resources("jira")["actions"]["report"]["enabled"] is False


def test_what_goes_with_a_pack_that_people_made_is_named_in_check_mode_too(packs):
    item = packs.source("sensu")
    succeeded(packs.run(item, packs.source("jira", rules=[("on_sensu", "sensu.tick")])))
    packs.stub.make("actions", {**bodies.command_action("mine"), "pack": "sensu"})
    packs.stub.make("rules", bodies.rule("default", "ours", "sensu.tick", {"every": 5}))
    named = [
        "With sensu, StackStorm loses what people made in it by hand, and no file restores it: action mine.",
        "Rules use triggers of sensu: default.ours, jira.on_sensu. When the pack is installed again, those whose "
        "trigger has parameters have to be saved again to work.",
    ]
    gone = {**item, "state": "absent"}
    assert packs.run(gone, check=True).warnings == named
    assert succeeded(packs.run(gone)).warnings == named
    assert succeeded(packs.run(gone)).warnings == [] and packs.asked() == ["GET /packs"]


def test_a_removal_that_failed_too_late_says_what_is_lost(packs):
    item = packs.source("sensu")
    succeeded(packs.run(item))
    packs.stub.make("actions", {**bodies.command_action("mine"), "pack": "sensu"})
    packs.stub.faults.append(nth(2, close("/executions/[^/]+$", work=True)))
    failed = packs.run({**item, "state": "absent"})
    lost = "StackStorm has removed what people had made by hand, and no file restores it: actions sensu.mine."
    assert failed.failure.message.endswith(lost)
    assert failed.changed and [row["changed"] for row in failed.returned["packs"]] == [True]
    assert sorted(packs.stub.resources("sensu")["actions"]) == ["report"]
    assert not succeeded(packs.run(item)).changed


def test_a_refused_installation_over_a_pack_whose_files_are_gone_says_what_the_database_has(packs):
    gone = {**packs.source("sensu"), "state": "absent"}
    succeeded(packs.run(packs.source("sensu")))
    succeeded(packs.run(gone, register="none"))
    packs.stub.refuse("sensu")
    failed = packs.run(packs.source("sensu", "2.0.0"))
    assert "StackStorm's database has sensu 2.0.0 now instead of 1.0.0" in failed.failure.message
    assert packs.stub.pack("sensu")["version"] == "2.0.0" and failed.changed


def test_overrides_of_what_a_new_version_brings_are_current_when_it_is_registered(packs):
    succeeded(packs.run(packs.source("sensu")))
    new = packs.source("sensu", "2.0.0", actions=("report", "new"))
    done = succeeded(packs.run({**new, "overrides": {"actions": {"disabled": ["new"]}}}))
    assert done.returned["database_state"] == "current"
    # Both are directories of their own.
    assert [warning.partition(" from ")[0] for warning in done.warnings] == ["sensu 2.0.0"]
    assert packs.stub.resources("sensu")["actions"]["new"]["enabled"] is False


def test_what_overrides_did_that_people_took_away_is_compared(packs):
    item = packs.source("sensu", actions=("report", "other"))
    succeeded(packs.run({**item, "overrides": {"actions": {"disabled": ["report"]}}}))
    (packs.host.overrides / "sensu.yaml").unlink()
    done = succeeded(packs.override("sensu", actions={"disabled": ["other"]}))
    assert done.returned["database_state"] == "current"
    switched = {name: one["enabled"] for name, one in packs.stub.resources("sensu")["actions"].items()}
    assert switched == {"report": True, "other": False}


def test_a_sensor_that_a_refusal_had_left_switched_off_is_switched_off_again(packs):
    sensor = PackTree("sensu", "1.0.0", actions=())
    item = {"name": "sensu", "source": str(sensor.write(packs.packs / "sensing"))}
    packs.stub.make("aliases", {**bodies.alias("mine", "core.noop"), "pack": "sensu"})
    packs.stub.refuse("sensu", kind="aliases")
    for _time in range(2):
        assert "keeps sensor sensu.PulseSensor (switched off)" in packs.run(item).failure.message
        assert packs.stub.resources("sensu")["sensors"]["PulseSensor"]["enabled"] is False


@pytest.mark.parametrize("former", [None, SCHEMA], ids=["none", "that of the version before"])
def test_a_schema_that_a_refused_version_brought_goes(packs, former):
    succeeded(packs.run(packs.source("sensu", "0.9.0", schema=former)))
    # Somebody has removed it: then the database alone has one.
    (packs.host.packs / "sensu" / "config.schema.yaml").unlink(missing_ok=True)
    packs.stub.refuse("sensu")
    new = {"b": {"type": "string", "required": True}}
    failed = packs.run(packs.source("sensu", "2.0.0", schema=new))
    assert failed.failure is not None and "keeps" not in failed.failure.message
    left = packs.stub.config_schema("sensu")
    assert left == former if former else is_open(left)
    assert packs.stub.pack("sensu")["path"] == str(packs.host.packs / "sensu"), "no carrier stays"


def test_a_config_that_a_refused_version_brought_is_named(packs):
    succeeded(packs.run(packs.source("sensu", schema=SCHEMA)))
    packs.stub.refuse("sensu", kind="actions")
    failed = packs.run({**packs.source("sensu", "2.0.0"), "config": {"a": 1}})
    assert failed.failure.message.endswith("StackStorm's database keeps the config of sensu.")
    assert packs.stub.config("sensu") == {"a": 1} and not (packs.host.configs / "sensu.yaml").exists()


def test_the_config_of_a_new_pack_that_cannot_go_whole_is_named(packs):
    packs.stub.make("policies", {**bodies.policy("mine", "core.noop"), "pack": "sensu"})
    packs.stub.refuse("jira", kind="actions")
    failed = packs.run({**packs.source("sensu"), "config": {"a": 1}}, packs.source("jira"))
    assert "the pack sensu itself" in failed.failure.message
    assert failed.failure.message.endswith(" StackStorm's database keeps the config of sensu.")
    assert packs.stub.config("sensu") == {"a": 1}


def test_a_config_of_a_pack_that_is_registered_whole_is_registered_whatever_the_database_has(packs):
    """What the database has may go first, as of an interrupted run, and check mode does not see that."""
    item = {**packs.source("sensu"), "config": {"a": 1}}
    succeeded(packs.run(item))
    succeeded(packs.run({"name": "sensu", "state": "absent"}, register="none", purge=True))
    assert packs.stub.config("sensu") == {"a": 1}
    predicted, done = packs.run(item, check=True), succeeded(packs.run(item))
    assert predicted.msg == done.msg and done.msg.endswith("; sensu config created; registered")


def test_who_cannot_read_opens_the_schema_of_the_former_version(packs):
    packs.stub.install_register_content()
    succeeded(packs.run(packs.source("sensu", schema=SCHEMA), register="local"))
    succeeded(packs.run(packs.source("sensu", "2.0.0"), register="local"))
    assert is_open(packs.stub.config_schema("sensu")) and packs.stub.pack("sensu")["version"] == "2.0.0"


def test_what_a_refused_version_switched_and_the_former_one_has_not_is_named(packs):
    succeeded(packs.run(packs.source("sensu", actions=("report", "old"))))
    succeeded(packs.run(packs.source("sensu", "2.0.0")))
    packs.stub.refuse("sensu", kind="rules")
    new = packs.source("sensu", "3.0.0", actions=("report", "old"), rules=[("ticks", "sensu.tick")])
    failed = packs.run({**new, "overrides": {"actions": {"disabled": ["old"]}}})
    assert failed.failure.message.endswith("StackStorm's database keeps action sensu.old (switched off).")
    assert packs.stub.resources("sensu")["actions"]["old"]["enabled"] is False


def test_what_st2_register_content_left_undone_the_api_takes_for_no_surplus(packs):
    """Who runs the program cannot note what the database has: then nothing is taken out of it."""
    packs.stub.install_register_content()
    succeeded(packs.run(packs.source("sensu", rules=[("ticks", "sensu.tick")])))
    packs.stub.make("actions", {**bodies.command_action("mine"), "pack": "sensu"})
    before = packs.stub.database_snapshot()
    packs.stub.order(ProgramFault(times=None))
    failed = packs.override("sensu", actions={"disabled": ["report"]}, register="local")
    assert "could not be put back, which the next run does" in failed.failure.message
    healed = succeeded(packs.run())
    assert healed.changed and packs.stub.database_snapshot() == before
    assert "keeps what that run had registered, as it could not note what was there before" in healed.warnings[0]


def test_a_config_without_a_file_that_a_refused_version_changed_is_named(packs):
    old = packs.source("sensu", schema=SCHEMA)
    succeeded(packs.run({**old, "config": {"a": 1}}))
    (packs.host.configs / "sensu.yaml").unlink()
    packs.stub.refuse("sensu")
    kept = "StackStorm's database keeps the config of sensu."
    for values, named in (({"a": 1}, False), ({"a": 2}, True)):
        failed = packs.run({**packs.source("sensu", "2.0.0"), "config": values})
        assert failed.failure.message.endswith(kept) == named


def test_what_goes_and_what_stays_is_one_question(packs):
    items = [packs.source("sensu"), {**packs.source("jira"), "state": "absent"}]
    succeeded(packs.run(*items))
    succeeded(packs.run(*items, verify="content"))
    assert packs.asked() == ["GET /packs"]
