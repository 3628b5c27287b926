# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs, their configs and their overrides as one plan, with a StackStorm that answers."""

from __future__ import annotations

import pytest

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
