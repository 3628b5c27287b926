# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and database together: what StackStorm is told, in which order, and what stands when it refuses."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal
from ansible_collections.stackstorm.st2.plugins.module_utils._own_directory import STATE_DIRECTORY

from .pretended_database import PretendedDatabase
from .scratch_run import Site, converge, released, row_of

ACTION = "---\nname: {name}\nrunner_type: local-shell-cmd\nentry_point: ''\nenabled: true\n"


def with_actions(ref, version, *names):
    tree = PackTree(ref, version, minimal=True)
    for name in names:
        tree.add(f"actions/{name}.yaml", ACTION.format(name=name))
    return tree


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, released("sensu", "1.0.0", "1.1.0"), released("jira", "2.0.0"))


@pytest.fixture
def database():
    return PretendedDatabase()


def test_all_packs_of_a_task_are_registered_once_and_then_found_current(site, database):
    done = converge(site, "sensu", "jira", database=database)
    assert database.told() == [("register", ["jira", "sensu"])]
    assert database.rows == {"sensu": "1.1.0", "jira": "2.0.0"}
    assert [row["database_state"] for row in done.rows] == ["current", "current"]


def test_nobody_is_told_without_a_database(site):
    done = converge(site, "sensu")
    assert row_of(done)["database_state"] == "unknown"


@pytest.mark.parametrize("reads", [True, False])
def test_upgrade_and_removal_take_the_database_along(site, reads):
    database = PretendedDatabase(reads=reads)
    converge(site, "sensu=1.0.0", database=database)
    converge(site, "sensu=1.1.0", database=database)
    assert database.rows == {"sensu": "1.1.0"}
    gone = converge(site, "sensu", state="absent", database=database)
    assert database.rows == {}
    assert database.told()[-1] == ("unload", ["sensu"])
    assert row_of(gone)["database_state"] == "absent"


def test_a_pack_that_the_database_has_lost_is_registered_although_its_files_are_right(site, database):
    converge(site, "sensu", database=database)
    database.rows.clear()
    done = converge(site, "sensu", database=database)
    assert database.rows == {"sensu": "1.1.0"}
    assert row_of(done)["action"] == "register"
    assert done.msg == "sensu 1.1.0 " + site.sha("sensu")[:7] + " registered"
    assert "database: not known to have it" in done.diff[0]["before"]


def test_a_pack_that_was_copied_by_hand_is_registered(site, database):
    PackTree("mine", "3.0.0", minimal=True).write(site.host.packs / "mine")
    done = converge(site, "mine", database=database)
    assert database.rows == {"mine": "3.0.0"}
    assert row_of(done, "mine")["action"] == "register"


def test_a_pack_that_st2_pack_install_put_there_is_adopted_without_telling_anybody(site, database):
    site.host.install_like_st2(site.repositories["sensu"], "sensu")
    database.rows["sensu"] = "1.1.0"
    done = converge(site, "sensu=1.1.0", database=database)
    assert not done.changed
    assert database.told() == []
    assert row_of(done)["database_state"] == "current"


def test_an_adopted_pack_is_registered_where_the_database_has_another_version(site, database):
    site.host.install_like_st2(site.repositories["sensu"], "sensu")
    database.rows["sensu"] = "1.0.0"
    done = converge(site, "sensu=1.1.0", database=database)
    assert done.changed
    assert database.rows == {"sensu": "1.1.0"}


def test_a_registration_that_fails_puts_files_and_database_back(site, database):
    site.run("sensu=1.0.0", database=database)
    before = site.files()
    database.refuses.add(("sensu", "1.1.0"))
    failed = site.run("sensu=1.1.0", database=database)
    assert failed.failure.step == "register"
    assert "StackStorm refuses sensu 1.1.0: bad content." in failed.failure.message
    assert not failed.changed
    assert site.files() == before
    assert database.rows == {"sensu": "1.0.0"}
    assert database.told()[-2:] == [("register", ["sensu"]), ("register", ["sensu"])]
    assert row_of(failed)["after"]["version"] == "1.0.0"
    assert row_of(failed)["database_state"] == "current"
    assert not site.run("sensu=1.0.0", database=database).changed


def test_a_new_pack_that_cannot_be_registered_is_gone_again_from_files_and_database(site, database):
    before = site.files()
    database.refuses.add(("sensu", "1.1.0"))
    failed = site.run("sensu", "jira", database=database)
    assert failed.failure.ref == "sensu"
    assert site.files() == before
    assert database.rows == {}


def test_what_could_not_be_put_back_is_said_and_put_right_by_the_next_run(site, database):
    site.run("sensu=1.0.0", database=database)
    database.refuses |= {("sensu", "1.1.0"), ("sensu", "1.0.0")}
    failed = site.run("sensu=1.1.0", database=database)
    assert "could not be put back, which the next run does" in failed.failure.message
    assert row_of(failed)["database_state"] == "stale"
    database.refuses.clear()
    done = site.run("sensu", database=database)
    assert (done.changed, done.recovered) == (True, ("sensu",))
    assert row_of(done)["database_state"] == "current"
    assert database.rows == {"sensu": "1.0.0"}


def test_success_that_left_nothing_in_the_database_is_a_failure(site, database):
    database.loses = True
    failed = site.run("sensu", database=database)
    assert "reported success, but its database has no such pack" in failed.failure.message
    assert not (site.host.packs / "sensu").exists()


def test_files_stay_when_the_database_does_not_let_go(site, database):
    site.run("sensu", database=database)
    before = site.files()
    database.unload_fails = True
    failed = site.run("sensu", state="absent", database=database)
    assert "packs.unload of sensu failed." in failed.failure.message
    assert site.files() == before
    assert database.rows == {"sensu": "1.1.0"}


def test_a_pack_whose_files_are_gone_is_unloaded(site, database):
    database.rows["sensu"] = "1.1.0"
    done = converge(site, "sensu", state="absent", database=database)
    assert row_of(done)["action"] == "unload"
    assert database.rows == {}


def test_what_cannot_be_unloaded_is_said(site):
    database = PretendedDatabase(name="local", reads=False, unloads=False)
    site.run("sensu", database=database)
    gone = site.run("sensu", state="absent", database=database)
    assert not (site.host.packs / "sensu").exists()
    assert row_of(gone)["database_state"] == "stale"
    assert any("keeps what it has of sensu" in warning for warning in gone.warnings)


def test_without_prune_the_database_keeps_what_the_new_version_dropped(tmp_path, database):
    site = Site(tmp_path, [with_actions("sensu", "1.0.0", "one", "two"), with_actions("sensu", "1.1.0", "two")])
    site.run("sensu=1.0.0", database=database)
    site.run("sensu=1.1.0", database=database)
    assert sorted(database.stored["sensu"]) == ["sensu.one", "sensu.report", "sensu.two"]


def test_prune_takes_away_what_has_no_file_any_more_and_nothing_else(tmp_path, database):
    site = Site(tmp_path, [with_actions("sensu", "1.0.0", "one", "two"), with_actions("sensu", "1.1.0", "two")])
    site.run("sensu=1.0.0", database=database)
    by_hand = type(next(iter(database.stored["sensu"].values())))("rules", "mine", "sensu.mine", True, "", "sensu")
    database.stored["sensu"]["sensu.mine"] = by_hand
    done = converge(site, "sensu=1.1.0", prune=True, database=database)
    assert sorted(database.stored["sensu"]) == ["sensu.mine", "sensu.report", "sensu.two"]
    assert row_of(done)["pruned"] == ["sensu.one"]
    assert "only in the database:\n  - actions one\n" in done.diff[0]["before"]


def test_prune_of_a_pack_that_is_right_otherwise(tmp_path, database):
    site = Site(tmp_path, [with_actions("sensu", "1.0.0", "one", "two"), with_actions("sensu", "1.1.0", "two")])
    site.run("sensu=1.0.0", database=database)
    site.run("sensu=1.1.0", database=database)
    done = converge(site, "sensu", prune=True, database=database)
    assert row_of(done)["action"] == "prune"
    assert sorted(database.stored["sensu"]) == ["sensu.report", "sensu.two"]


def test_types_and_fail_on_failure_are_handed_on(site, database):
    site.run("sensu", database=database, register_types=["action"], fail_on_failure=False)
    assert database.seen == [(("action",), False)]


def test_a_repaired_pack_is_registered(site, database):
    site.run("sensu", database=database)
    (site.host.packs / "sensu" / "pack.yaml").write_text("name: other\n")
    database.calls.clear()
    site.run("sensu", verify="content", database=database)
    assert database.told() == [("register", ["sensu"])]


def test_what_an_interrupted_run_left_in_the_database_waits_for_a_run_that_may_tell(site, database):
    site.run("sensu", "jira", database=database)
    Journal(str(site.host.packs / STATE_DIRECTORY)).begin([], told={"sensu": []})
    database.rows["sensu"] = "0.9.0"
    assert not site.run("jira").changed
    database.refuses.add(("sensu", "1.1.0"))
    failed = site.run("jira", database=database)
    assert not failed.changed
    assert any("may have sensu as an interrupted run left them" in text for text in failed.warnings)
    database.refuses.clear()
    foretold = site.run("jira", check=True, database=database)
    assert foretold.changed
    assert database.rows["sensu"] == "0.9.0"
    done = site.run("jira", database=database)
    assert (done.changed, done.recovered) == (True, ("sensu",))
    assert database.rows["sensu"] == "1.1.0"
    assert not site.run("jira", database=database).changed


def test_a_database_that_does_not_answer_any_more_is_not_said_to_be_put_back(site, database):
    site.run("sensu=1.0.0", database=database)
    database.refuses.add(("sensu", "1.1.0"))
    database.answers = 1
    failed = site.run("sensu=1.1.0", database=database)
    assert "bad content" in failed.failure.message
    assert "could not be put back, which the next run does: its API no longer responds" in failed.failure.message
    assert failed.changed
    database.answers = None
    database.rows["sensu"] = "1.1.0"
    done = site.run("jira", database=database)
    assert done.recovered == ("sensu",)
    assert database.rows == {"sensu": "1.0.0", "jira": "2.0.0"}


def test_what_cannot_be_taken_out_of_the_database_again_is_said(site):
    database = PretendedDatabase(name="local", reads=False, unloads=False)
    database.refuses.add(("sensu", "1.1.0"))
    failed = site.run("sensu", database=database)
    assert "database keeps what StackStorm had registered before it refused the rest" in failed.failure.message
    assert not (site.host.packs / "sensu").exists()
    assert not site.run("jira", state="absent", database=database).warnings
