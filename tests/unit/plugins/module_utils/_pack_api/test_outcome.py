# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of a run that failed."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import IndexError_, SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.failure_report import failed_at
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.observe import RegisteredPack
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.outcome import rows_after_failure
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.plan import plan_absent, plan_present
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.request import ApiRequest
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.resolve import Target


def packs(**versions):
    return {ref: RegisteredPack(ref, ref, version) for ref, version in versions.items()}


def steps(before, *wanted):
    targets = [Target(ref, ref, (ref,), version, f"{ref}={version}") for ref, version in wanted]
    return plan_present(before, targets, dependencies="skip")


def seen(row):
    return {key: row[key] for key in ("changed", "database_state", "step", "msg")}, (row["after"] or {}).get("version")


def test_done_failed_and_not_begun():
    planned = steps(packs(two="1.0.0"), ("one", "1.0.0"), ("two", "2.0.0"), ("three", "3.0.0"))
    error = SourceError("No such tag.", ref="two")
    now = packs(one="1.0.0", two="1.0.0")
    one, two, three = rows_after_failure(planned, (), now, error, done={"one"}, touched=set())
    assert seen(one) == (
        {"changed": True, "database_state": "current", "step": None, "msg": "one absent -> 1.0.0"},
        "1.0.0",
    )
    assert seen(two) == (
        {"changed": False, "database_state": "current", "step": "fetch", "msg": failed_at("fetch")},
        "1.0.0",
    )
    said = "three absent -> 3.0.0: not done, because of two"
    assert seen(three) == ({"changed": False, "database_state": "absent", "step": None, "msg": said}, None)


def test_files_that_may_be_others():
    planned = steps(packs(two="1.0.0"), ("two", "2.0.0"))
    (row,) = rows_after_failure(
        planned, (), packs(two="1.0.0"), SourceError("It broke.", ref="two"), done=set(), touched={"two"}
    )
    assert row["changed"] and row["database_state"] == "unknown" and row["after"]["version"] == "1.0.0"


def test_a_failure_of_nobody_in_particular_and_a_world_that_cannot_be_seen():
    planned = steps(packs(two="1.0.0"), ("two", "2.0.0"))
    (row,) = rows_after_failure(planned, (), None, SourceError("It broke."), done=set(), touched=set())
    assert row["after"]["version"] == "1.0.0" and row["msg"].endswith("not done, because of the failure")
    assert row["database_state"] == "unknown"


def test_a_removal_that_was_done_by_half():
    planned = plan_absent(packs(two="1.0.0"), [ApiRequest("two", "two", "two")], dependencies="skip")
    (row,) = rows_after_failure(planned, (), {}, SourceError("It broke.", ref="two"), done=set(), touched={"two"})
    assert (row["after"], row["changed"], row["database_state"], row["action"]) == (None, True, "absent", "remove")


def test_a_run_without_a_plan():
    requests = (ApiRequest("one", "one", "one"), ApiRequest("two=2.0.0", "two", "two", "2.0.0"))
    error = IndexError_("Not listed.", ref="two")
    one, two = rows_after_failure((), requests, packs(one="1.0.0"), error, done=set(), touched=set())
    assert (one["ref"], one["before"], one["msg"]) == (
        "one",
        {"version": "1.0.0"},
        "Not done, because another pack of the task failed.",
    )
    assert (two["before"], two["after"], two["msg"], two["step"]) == (None, None, failed_at("index"), "index")
    assert two["requested"] == ["two=2.0.0"] and not (one["changed"] or two["changed"])
    assert (one["database_state"], two["database_state"]) == ("current", "absent")
