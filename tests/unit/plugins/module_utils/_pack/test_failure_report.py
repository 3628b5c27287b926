# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each pack in a run that failed."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._content.request import parse_spec
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.failure_report import (
    Failure,
    failed_at,
    rows_after_failure,
    rows_of_requests,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Plan, State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.report import rows
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    ONE,
    URL,
    pack_plan,
)

HERE = State("1.0.1", ONE, "", URL)


def test_after_a_failure_nothing_stands_and_the_pack_that_failed_says_why():
    plan = Plan(
        (
            pack_plan("install", ref="dependency", before=None, virtualenv="built"),
            pack_plan(virtualenv="rebuilt"),
            pack_plan("none", ref="calm", after=HERE),
        )
    )
    dependency, sensu, calm = rows_after_failure(plan, [Failure("sensu", "virtualenv", "six cannot be installed.")])
    assert (sensu["step"], sensu["msg"]) == ("virtualenv", failed_at("virtualenv"))
    assert (dependency["step"], dependency["msg"]) == (
        None,
        "dependency absent -> 1.0.2 2222222: not done, because of sensu",
    )
    assert (calm["step"], calm["msg"]) == (None, "calm 1.0.1 1111111 is there")
    assert [row["changed"] for row in (dependency, sensu, calm)] == [False, False, False]
    assert dependency["after"] is None
    assert sensu["after"] == sensu["before"] == {"version": "1.0.1", "commit": ONE}
    assert [row["action"] for row in (dependency, sensu)] == ["install", "upgrade"], "what was planned"


@pytest.mark.parametrize(
    "planned, there",
    [
        ("none", "none"),
        ("skipped", "skipped"),
        ("kept", "kept"),
        ("built", "none"),
        ("rebuilt", "kept"),
        ("removed", "kept"),
    ],
)
def test_after_a_failure_the_virtualenv_is_the_one_that_was_there(planned, there):
    (row,) = rows_after_failure(Plan((pack_plan(virtualenv=planned),)), [Failure("sensu", "apply", "No.")])
    assert row["virtualenv"] == there


def test_each_pack_that_failed_says_why_and_the_others_name_them_all():
    plan = Plan(tuple(pack_plan(ref=ref) for ref in ("a", "b", "c")))
    failed = [Failure("c", "fetch", "No c."), Failure("a", "validate", "Bad a.")]
    a, b, c = rows_after_failure(plan, failed)
    assert [(row["step"], row["msg"]) for row in (a, c)] == [("validate", "Bad a."), ("fetch", "No c.")]
    assert (b["step"], b["msg"]) == (None, "b 1.0.1 -> 1.0.2 2222222: not done, because of c, a")


def test_a_failure_that_is_about_no_pack_is_said_so():
    (row,) = rows_after_failure(Plan((pack_plan(),)), [Failure("", "apply", "The disk is full.")])
    assert row["msg"] == "sensu 1.0.1 -> 1.0.2 2222222: not done, because of the failure"


def test_packs_whose_change_stands_say_so_beside_one_that_failed():
    plan = Plan((pack_plan(ref="a"), pack_plan(ref="b")))
    a, b = rows_after_failure(plan, [Failure("b", "apply", "No.")], done=("a",))
    assert (a["changed"], a["after"]["version"], a["msg"]) == (True, "1.0.2", "a 1.0.1 -> 1.0.2 2222222")
    assert (b["changed"], b["after"]["version"], b["msg"]) == (False, "1.0.1", failed_at("apply"))


def test_a_run_that_failed_before_its_plan_tells_what_is_there(tmp_path):
    (tmp_path / "sensu").mkdir()
    (tmp_path / "sensu" / "pack.yaml").write_text("ref: sensu\nname: Sensu\nversion: 1.0.1\n")
    requests = [parse_spec(text) for text in ("sensu=2.0.0", "nosuch", "https://git.example.com/o/r=1.0.0")]
    failed = [Failure("nosuch", "index", "No record.")]
    found = rows_of_requests(
        requests, Installation([str(tmp_path)]), failed, {"sensu": "stale", "nosuch": "absent"}.get
    )
    assert [row["ref"] for row in found] == ["sensu", "nosuch", None]
    assert [row["name"] for row in found] == ["Sensu", "nosuch", None]
    assert found[0]["before"] == found[0]["after"] == {"version": "1.0.1"}
    assert found[1]["before"] is found[1]["after"] is None
    assert [row["step"] for row in found] == [None, "index", None]
    other = "Not done, because of nosuch."
    assert [row["msg"] for row in found] == [other, failed_at("index"), other]
    assert {row["changed"] for row in found} == {False}
    assert {row["action"] for row in found} == {"none"}
    assert [row["database_state"] for row in found] == ["stale", "absent", "unknown"]
    assert [row["source"] for row in found] == [None, None, "https://git.example.com/o/r"]
    assert [set(row) for row in found] == [set(rows(Plan((pack_plan(),)))[0])] * 3, "the same keys as of any run"


def test_a_single_request_is_the_one_that_failed():
    (row,) = rows_of_requests(
        [parse_spec("https://git.example.com/o/r")], Installation([]), [Failure("", "fetch", "No.")], str
    )
    assert (row["step"], row["msg"]) == ("fetch", "Failed at the step fetch. See msg of the task.")
