# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that were killed, and hosts in odd states: the next run finds its way, and check mode knows which."""

from __future__ import annotations

import itertools
import json
import os
import shutil

import pytest
from infrastructure.packs import PackTree
from infrastructure.snapshot import compare

from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    PLACING,
    is_killed,
    without_exchange,
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import (
    STATE,
    Site,
    converge,
    released,
    row_of,
    told,
)


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    made = Site(
        tmp_path_factory.mktemp("site"),
        released("sensu", "1.0.1", "1.0.2"),
        released("old", "1.0.0"),
        released("fresh", "2.0.0"),
    )
    made.run("sensu=1.0.1", "old")
    # The same from plain directories, for runs that are made often: they need no git.
    for ref, version in (("plain", "1.0.1"), ("fresh_plain", "2.0.0")):
        PackTree(ref, version, minimal=True).write(made.root / ref)
    made.run(str(made.root / "plain"))
    PackTree("plain", "1.0.2", minimal=True).add("new.txt", "new").write(made.root / "plain")
    (made.host.configs / "old.yaml").write_text("x: 1\n")
    (made.host.virtualenvs / "old" / "bin").mkdir(parents=True)
    made.keep()
    return made


@pytest.fixture
def site(kept):
    """A host with sensu 1.0.1 of two and old, that can get fresh too."""
    kept.restore()
    return kept


def upgrade(site, **options):
    return site.run(str(site.root / "plain"), str(site.root / "fresh_plain"), **options)


def remove(site, **options):
    return site.run("old", "plain", state="absent", purge=True, **options)


def predicted_and_done(site, work):
    """Check, then run: the same is said, nothing is written by the first."""
    before = site.host.snapshot(identity=True)
    predicted = work(site, check=True)
    assert compare(before, site.host.snapshot(identity=True)) == ([], [], []), "check mode writes nothing"
    done = work(site)
    assert done.failure is None, done.failure.message
    # What a killed run left is put right by a real run only, which then says so.
    assert told(done)[:4] == told(predicted)[:4]
    return done


def killed_runs(site, work):
    """The host as runs leave it that are killed before one move after the other, and at last as one that was not.

    Of all the kills before anything is written down, the first stands for the rest: only debris tells them apart.
    """
    journals = 0
    for number in itertools.count(1):
        killed = is_killed(number, lambda: work(site), PLACING)
        journal = (site.host.packs / STATE / "journal.json").exists()
        journals += journal
        if number == 1 or journal or not killed:
            yield number, killed
        if not killed:
            assert journals > 4
            return
        site.restore()


@pytest.mark.parametrize("work, system", [(upgrade, "exchange"), (upgrade, "two_renames"), (remove, "exchange")])
def test_killed_at_any_move_the_same_run_again_gets_there(site, work, system):
    goals, recovered = [], set()
    with without_exchange() if system == "two_renames" else without_waiting_for_disks():
        for number, _killed in killed_runs(site, work):
            done = predicted_and_done(site, work)
            recovered.add(done.recovered)
            assert site.debris() == [], f"killed before move {number}"
            goals.append(site.files())
            assert goals[-1] == goals[0]
    assert not work(site).changed
    assert () in recovered and len(recovered) > 2


def test_killed_at_any_move_a_run_about_something_else_puts_the_old_back(site):
    before = site.files()
    for _number, killed in killed_runs(site, upgrade):
        if not killed:
            return
        done = predicted_and_done(site, lambda site, **options: site.run("old", **options))
        assert site.files() == before
        assert site.debris() == []
        assert site.releases("plain") == []
        assert [row["ref"] for row in done.rows] == ["old"]
        if done.recovered:
            refs = ", ".join(done.recovered)
            assert done.changed and done.msg.startswith(f"interrupted run undone ({refs})")
            assert any(f"An earlier run was interrupted while it changed {refs}" in text for text in done.warnings)


def interrupted(site):
    """Leave the host at the end of an upgrade, before it is said that the new packs may stay."""
    for number in itertools.count(1):
        site.restore()
        assert is_killed(number, lambda: upgrade(site), ("rename", "unlink"))
        versions = [site.host.pack_version(ref) for ref in ("plain", "fresh_plain")]
        if versions == ["1.0.2", "2.0.0"] and (site.host.packs / STATE / "journal.json").exists():
            return


def test_a_failure_after_something_was_put_back_is_a_change_all_the_same(site):
    interrupted(site)
    for check in (True, False):
        outcome = site.run("nosuch", check=check)
        assert outcome.failure.step == "index"
        assert (outcome.changed, outcome.recovered) == (True, ("fresh_plain", "plain"))
    assert not site.run("nosuch").changed


def test_a_journal_that_cannot_be_read_stops_no_run(site):
    state = site.host.packs / STATE
    (state / "journal.json").write_text("{")
    done = predicted_and_done(site, upgrade)
    assert site.host.pack_version("plain") == "1.0.2"
    assert (state / "journal.unresolved-1.json").read_text() == "{"
    assert any(f"is now {state}/journal.unresolved-1.json" in text for text in done.warnings)
    again = upgrade(site)
    assert not again.changed and not any("journal" in text for text in again.warnings)


def test_an_old_pack_that_somebody_took_away_stops_no_run(site):
    interrupted(site)
    (kept,) = (site.host.packs / STATE / "releases" / "plain").iterdir()
    shutil.rmtree(kept / "pack")
    done = predicted_and_done(site, lambda site, **options: site.run("old", **options))
    assert done.recovered == ("fresh_plain", "plain"), "of plain what is remembered of it"
    assert site.host.pack_version("plain") == "1.0.2" and "fresh_plain" not in site.host.installed()
    assert any(f"that was at {site.host.packs}/plain is neither at" in text for text in done.warnings)
    upgrade(site)
    assert not upgrade(site).changed and set(site.host.installed()) >= {"plain", "fresh_plain"}


def test_check_mode_sees_the_old_pack_where_it_really_is(site):
    interrupted(site)
    predicted = site.run("plain", check=True)
    assert (row_of(predicted, "plain")["action"], predicted.changed) == ("none", True)
    assert row_of(predicted, "plain")["before"]["version"] == "1.0.1"
    assert site.host.pack_version("plain") == "1.0.2", "and leaves things as they are"
    assert told(site.run("plain"))[:4] == told(predicted)[:4]
    assert site.host.pack_version("plain") == "1.0.1"
    assert "fresh_plain" not in site.host.installed()


# Odd states

STATES = {
    "no state at all": lambda site: shutil.rmtree(site.host.packs / STATE),
    "no receipts": lambda site: shutil.rmtree(site.host.packs / STATE / "receipts"),
    "an empty receipt": lambda site: receipt(site).write_text(""),
    "a receipt that is a list": lambda site: receipt(site).write_text("[]"),
    "a receipt of the future": lambda site: receipt(site).write_text('{"format": 99}'),
    "a receipt with more": lambda site: receipt(site).write_text(
        json.dumps({**json.loads(receipt(site).read_text()), "x": 1})
    ),
    "contents that are gone": lambda site: (site.host.packs / STATE / "receipts" / "sensu.contents.json").unlink(),
    "contents that make no sense": lambda site: (
        site.host.packs / STATE / "receipts" / "sensu.contents.json"
    ).write_text("{}"),
    "a touched pack.yaml": lambda site: os.utime(site.host.packs / "sensu" / "pack.yaml", (1, 1)),
    "debris": lambda site: old_debris(site.host.packs / STATE / "staging" / "1-dead"),
    "half a journal": lambda site: (site.host.packs / STATE / ".new-abc").write_text('{"moves"'),
    "half a release": lambda site: (site.host.packs / STATE / "releases" / "sensu" / "0001-1.0.0").mkdir(parents=True),
    "a file among the releases": lambda site: junk(site.host.packs / STATE / "releases" / "sensu" / "notes"),
    "no git directory": lambda site: shutil.rmtree(site.host.packs / "sensu" / ".git"),
    "a broken HEAD": lambda site: (site.host.packs / "sensu" / ".git" / "HEAD").write_text("what?"),
    "no pack.yaml": lambda site: (site.host.packs / "sensu" / "pack.yaml").unlink(),
    "a broken pack.yaml": lambda site: (site.host.packs / "sensu" / "pack.yaml").write_text("{"),
    "a file instead of the pack": lambda site: (
        shutil.rmtree(site.host.packs / "sensu"),
        junk(site.host.packs / "sensu"),
    ),
    "a dangling link instead of the pack": lambda site: (
        shutil.rmtree(site.host.packs / "sensu"),
        (site.host.packs / "sensu").symlink_to("nowhere"),
    ),
}


def receipt(site):
    return site.host.packs / STATE / "receipts" / "sensu.json"


def old_debris(path):
    (path / "packs" / "sensu").mkdir(parents=True)
    os.utime(path, (1, 1))


def junk(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("junk")


@pytest.mark.parametrize("state", STATES)
def test_from_an_odd_state_the_wanted_one_is_reached_as_predicted(site, state):
    STATES[state](site)
    if state.startswith("a dangling link"):
        assert "is a symbolic link" in site.run("sensu=1.0.2").failure.message
        converge(site, "sensu", state="absent")
    if state.startswith("a file instead"):
        assert "sensu is a file, and not replaced by sensu 1.0.2" in site.run("sensu=1.0.2").failure.message
        (site.host.packs / "sensu").unlink()
    done = converge(site, "sensu=1.0.2")
    assert row_of(done)["after"]["commit"] == site.sha("sensu", "v1.0.2") == site.host.head("sensu")
    assert site.host.edited("sensu") == []
    assert site.debris() == []
    assert not list((site.host.packs / STATE).glob(".new-*"))


@pytest.mark.parametrize("state", STATES)
def test_from_an_odd_state_a_pack_is_removed_as_predicted(site, state):
    STATES[state](site)
    predicted_and_done(site, lambda site, **options: site.run("sensu", state="absent", **options))
    assert "sensu" not in site.host.installed()
    assert site.debris() == []


def test_copies_of_a_pack_in_several_base_paths_go_together(tmp_path):
    site = Site(tmp_path, released("sensu", "1.0.1"), packs_base_paths=["srv/packs"])
    site.run("sensu")
    copy = site.host.extra_base_paths[0] / "sensu"
    PackTree("sensu", "0.9.0", minimal=True).write(copy)
    done = converge(site, "sensu", state="absent")
    assert not copy.exists()
    assert [row["before"]["version"] for row in done.rows] == ["1.0.1", "0.9.0"]
