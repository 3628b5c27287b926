# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs over packs with what StackStorm refuses: nothing is changed, or it is left out and told."""

from __future__ import annotations

import pytest

from .pretended_database import PretendedDatabase
from .scratch_run import Site, released, row_of

TWICE = "name: twice\nrunner_type: noop\nname: twice\n"
OLD = "name: old\nrunner_type: mistral-v2\n"


@pytest.fixture
def site(tmp_path):
    (tree,) = released("sensu", "1.0.0")
    tree.add("actions/twice.yaml", TWICE).add("actions/old.yaml", OLD)
    tree.add("config.schema.yaml", "url:\n  type: text\n")
    return Site(tmp_path, [tree])


def test_all_of_it_is_named_and_nothing_is_changed(site):
    before = site.files()
    outcome = site.run("sensu", database=PretendedDatabase())
    assert outcome.failure.step == "validate" and outcome.failure.ref == "sensu"
    assert "actions/old.yaml, line 2: this StackStorm has no runner mistral-v2" in outcome.failure.message
    assert "actions/twice.yaml, line 3, is not YAML" in outcome.failure.message
    assert site.files() == before


def test_what_is_left_out_is_told(site):
    database = PretendedDatabase()
    outcome = site.run("sensu", database=database, fail_on_failure=False)
    assert outcome.failure is None and outcome.changed
    left_out = row_of(outcome)["left_out"]
    assert [one.split(",")[0] for one in left_out] == [
        "actions/old.yaml",
        "actions/twice.yaml",
        "StackStorm refuses config.schema.yaml",
    ]
    for one in left_out:
        assert f"sensu: StackStorm leaves out what it refuses: {one}." in outcome.warnings
    again = site.run("sensu", database=database, fail_on_failure=False)
    assert not again.changed and "left_out" not in row_of(again)


def test_nobody_knows_the_runners(tmp_path):
    (tree,) = released("sensu", "1.0.0")
    outcome = Site(tmp_path, [tree.add("actions/old.yaml", OLD)]).run("sensu")
    assert outcome.failure is None
    assert any("the runner mistral-v2, which StackStorm 3.9 does not have: old." in one for one in outcome.warnings)


def test_two_packs_of_one_name(tmp_path):
    first, second = released("first", "1.0.0"), released("second", "1.0.0")
    for tree in (*first, *second):
        tree.set_metadata(name="The Same")
    site = Site(tmp_path, first, second)
    both = site.run("first", "second")
    assert "is that of the pack first" in both.failure.message and both.failure.ref == "second"
    assert site.run("first").failure is None
    before = site.files()
    outcome = site.run("second")
    assert "second 1.0.0 cannot be installed: its pack.yaml has the name The Same" in outcome.failure.message
    assert site.files() == before
