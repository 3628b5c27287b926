# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of st2_pack as a whole: from a task's parameters to a result that Ansible can show."""

from __future__ import annotations

import json

import pytest
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import converge_packs
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import Site, released


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, released("sensu", "1.0.1", "1.0.2"))


def work(site, *names, **given):
    result = converge_packs(site.pack_task(*names, **{"virtualenv": "never", **given}))
    json.dumps([result.returned, result.diff])
    return result


def test_a_result_has_all_that_ansible_shows(site):
    result = work(site, "sensu=1.0.1")
    short = site.sha("sensu", "v1.0.1")[:7]
    assert (result.changed, result.msg, result.failure) == (True, f"sensu absent -> 1.0.1 {short}", None)
    assert result.returned["database_state"] == "unknown", "nobody was told"
    assert [row["ref"] for row in result.returned["packs"]] == ["sensu"]
    assert [part["after_header"] for part in result.diff] == ["pack sensu"]
    again = work(site, "sensu=1.0.1")
    assert (again.changed, again.msg, again.diff) == (False, f"sensu 1.0.1 {short} is there", [])


def test_check_mode_is_passed_on(site):
    result = work(site, "sensu", check=True)
    assert result.changed
    assert site.host.installed() == []


def test_packs_and_names_are_one_request(site, tmp_path):
    PackTree("other", "2.0.0", minimal=True).write(tmp_path / "other=1")
    result = work(site, "sensu=1.0.1", packs=[{"name": "other", "source": str(tmp_path / "other=1")}])
    assert [row["ref"] for row in result.returned["packs"]] == ["sensu", "other"]
    assert site.host.installed() == ["other", "sensu"]


def test_dependencies_are_listed_in_every_run(site, tmp_path):
    def item(ref, *dependencies, version="1.0.0"):
        tree = PackTree(ref, version, minimal=True, dependencies=dependencies)
        return {"name": ref, "source": str(tree.write(tmp_path / f"{ref}-{version}"))}

    top, deep = item("top", "core", "middle", "sensu=1.0.1"), item("deep", "top")
    work(site, "sensu=1.0.1", packs=[item("middle", "deep")], dependencies="skip")
    work(site, packs=[deep], dependencies="skip")
    runs = [work(site, packs=[top], check=True), *(work(site, packs=[top]) for _run in range(2))]
    runs.append(work(site, packs=[top], verify="content"))
    assert [run.changed for run in runs] == [True, True, False, False]
    for run in runs:
        rows = {row["ref"]: row for row in run.returned["packs"]}
        assert list(rows) == ["top", "middle", "sensu", "deep"]
        assert [row["requested"] for row in rows.values()][1:] == [["middle"], ["sensu=1.0.1"], ["deep"]]
        assert [(row["action"], row["changed"]) for row in rows.values()][1:] == [("none", False)] * 3
        assert rows["sensu"]["before"] == rows["sensu"]["after"] and rows["sensu"]["after"]["version"] == "1.0.1"
    assert runs[-1].msg == runs[-2].msg and "middle" not in runs[-1].msg
    skipped = work(site, packs=[top], dependencies="skip")
    assert [row["ref"] for row in skipped.returned["packs"]] == ["top"]


def test_a_failure_is_in_the_result_with_the_list_of_packs(site):
    result = work(site, "sensu=9.9.9")
    assert result.failure.step == "fetch"
    assert (result.changed, result.diff) == (False, [])
    (row,) = result.returned["packs"]
    assert (row["ref"], row["step"], row["changed"]) == ("sensu", "fetch", False)
    assert "9.9.9" in result.failure.message and "9.9.9" not in row["msg"], "what is wrong is said once"


@pytest.mark.parametrize(
    "given, message",
    [
        ({"name": [], "exclusive": True}, "exclusive with an empty list"),
        ({"name": ["sensu"], "purge": True}, "purge requires state=absent or exclusive"),
        ({"name": ["sensu"], "keep_releases": -1}, "keep_releases is -1; the least is 0."),
        ({"name": ["../x"]}, "../x"),
        ({"name": ["sensu"], "base_path": "/srv/packs"}, "base_path is /srv/packs"),
    ],
)
def test_options_that_cannot_be_used_are_raised(site, given, message):
    with pytest.raises(OptionError) as raised:
        work(site, **given)
    assert message in raised.value.message
    assert site.host.installed() == []


def test_a_host_that_cannot_be_used_is_raised(site):
    site.host.packs.rename(site.root / "away")
    with pytest.raises(HostError):
        work(site, "sensu")


def test_every_secret_of_the_options_is_known_before_anything_is_written(site):
    task = site.pack_task(
        "https://user:hunter2@127.0.0.1:9/org/repo",
        token="tok-en-1",
        pip_index_url="https://u:pip-secret@pypi.example.com/simple",
        index_url=["https://u:index-secret@127.0.0.1:9/index.json"],
        http_proxy="http://u:proxy-secret@127.0.0.1:9",
        timeout=20,
    )
    result = converge_packs(task)
    told = task.redactor.text("hunter2 tok-en-1 pip-secret index-secret proxy-secret")
    assert told == " ".join(["********"] * 5)
    assert result.failure is not None
    said = repr([result.returned, result.diff, result.msg, result.failure.message, result.failure.stderr])
    for secret in ("hunter2", "tok-en-1", "pip-secret", "index-secret", "proxy-secret"):
        assert secret not in said


@pytest.mark.parametrize("option", ["owner", "group"])
def test_check_mode_sees_as_well_that_an_account_does_not_exist(site, option):
    foretold, done = (work(site, "sensu", check=check, **{option: "nosuchname"}) for check in (True, False))
    assert foretold.failure.message == done.failure.message == f"The {option} nosuchname does not exist on this host."
    assert not foretold.changed and not done.changed and site.host.installed() == []
