# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of refs that are served: branches follow upstream, tags stay."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.findings import MovedTag
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.ref_plan import RefPlan, plan_refs

SERVED = {"refs/heads/main": "a", "refs/heads/old": "b", "refs/tags/v1": "a", "refs/tags/v2": "b"}


def plan(upstream, *, served=None, **more):
    return plan_refs(SERVED if served is None else served, upstream, **{"follow_moved_tags": False, **more})


def test_nothing_is_done_where_nothing_differs():
    assert plan(SERVED) == RefPlan({})
    assert not plan(SERVED).changes


def test_branches_follow_and_new_tags_come():
    found = plan({**SERVED, "refs/heads/main": "c", "refs/heads/new": "c", "refs/tags/v3": "c"})
    assert found == RefPlan({"refs/heads/main": "c", "refs/heads/new": "c", "refs/tags/v3": "c"})


def test_branches_go_with_those_of_upstream_and_tags_stay():
    found = plan({"refs/heads/main": "a", "refs/tags/v2": "b"})
    assert found == RefPlan({}, ("refs/heads/old",), (), ("v1",))


def test_a_moved_tag_stays_and_the_new_object_is_kept_beside():
    upstream = {**SERVED, "refs/tags/v1": "evil"}
    found = plan(upstream)
    assert found == RefPlan({"refs/moved/v1/evil": "evil"}, (), (MovedTag("v1", "a", "evil"),))
    again = plan(upstream, served={**SERVED, "refs/moved/v1/evil": "evil"})
    assert again.moved == found.moved
    assert not again.changes


def test_tags_follow_where_that_is_asked_for():
    found = plan({"refs/heads/main": "a", "refs/heads/old": "b", "refs/tags/v1": "c"}, follow_moved_tags=True)
    assert found == RefPlan({"refs/tags/v1": "c"}, ("refs/tags/v2",))


def test_what_was_kept_beside_is_nobody_elses():
    assert plan(SERVED, served={**SERVED, "refs/moved/v1/evil": "evil"}, follow_moved_tags=True) == RefPlan({})


def test_a_tag_without_room_beside_a_kept_one_is_left_out():
    found = plan({"refs/heads/main": "a", "refs/heads/old": "b", "refs/tags/v2": "b", "refs/tags/v1/x": "c"})
    assert (found.written, found.deleted, found.blocked) == ({}, ("v1",), ("v1/x",))


def test_a_branch_in_the_way_of_a_new_one_goes_first():
    found = plan({"refs/heads/main": "a", "refs/heads/old/er": "b", "refs/tags/v1": "a", "refs/tags/v2": "b"})
    assert found.in_the_way() == ["refs/heads/old"]


def test_a_part_of_the_refs_says_nothing_about_the_others():
    found = plan({"refs/tags/v3": "c", "refs/tags/v1": "c"}, whole=False)
    assert found == RefPlan({"refs/moved/v1/c": "c", "refs/tags/v3": "c"}, (), (MovedTag("v1", "a", "c"),))
