# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that fail: nothing of them stands, the result says so, and what cannot be put back now is put back later."""

from __future__ import annotations

import errno
import itertools
import os

import pytest
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._change.transaction import Transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import (
    Site,
    converge,
    released,
    row_of,
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
    # The same from plain directories, for runs that are made often: they need no git.
    for ref, version in (("plain", "1.0.1"), ("fresh_plain", "2.0.0")):
        PackTree(ref, version, minimal=True).write(made.root / ref)
    made.run("sensu=1.0.1", "old", str(made.root / "plain"))
    PackTree("plain", "1.0.2", minimal=True).add("new.txt", "new").write(made.root / "plain")
    for name in ("configs", "overrides"):
        (made.host.base_path / name / "old.yaml").write_text("x: 1\n")
    made.publish(PackTree("bad", "1.0.0", minimal=True, metadata={"version": "not a version"}))
    made.keep()
    return made


@pytest.fixture
def site(kept):
    """A host with sensu 1.0.1, old 1.0.0 and what belongs to them, that can get more."""
    kept.restore()
    return kept


UPGRADE = ("sensu=1.0.2", "fresh")


def plain_upgrade(site):
    return str(site.root / "plain"), str(site.root / "fresh_plain")


def failed(outcome, step):
    assert isinstance(outcome.failure, St2Error)
    assert outcome.failure.step == step
    assert not outcome.changed
    assert not any(row["changed"] for row in outcome.rows)
    assert all(row["after"] == row["before"] for row in outcome.rows)
    return outcome.failure


class Disk:
    """A file system that refuses one call by which names change, or all from one on."""

    def __init__(self, monkeypatch, number, forever=False, code=errno.EIO):
        self.calls = 0
        self._number, self._forever, self._code = number, forever, code
        # Only what a transaction does: the renames of the other modules are none of this.
        monkeypatch.setattr(transaction, "os", self)
        monkeypatch.setattr(transaction, "exchange", self._refusing(transaction.exchange))
        self.rename = self._refusing(os.rename)

    def __getattr__(self, name):
        return getattr(os, name)

    @property
    def refused(self):
        return self.calls >= self._number

    def _refusing(self, function):
        def wrapper(*arguments):
            self.calls += 1
            if self.calls == self._number or (self._forever and self.calls > self._number):
                raise OSError(self._code, os.strerror(self._code), arguments[0])
            return function(*arguments)

        return wrapper


def each_refusal(site, monkeypatch, names, forever=False, **options):
    """Run with the first, second, ... call refused, until a run gets through; the outcomes of those that did not."""
    for number in itertools.count(1):
        with monkeypatch.context() as patch:
            disk = Disk(patch, number, forever)
            outcome = site.run(*names, **options)
        if not disk.refused:
            assert outcome.failure is None and number > 4
            return
        yield number, outcome


def test_whichever_move_is_refused_all_are_undone(site, monkeypatch):
    before = site.files()
    for number, outcome in each_refusal(site, monkeypatch, plain_upgrade(site)):
        failure = failed(outcome, "apply")
        assert "Input/output error. Everything this task had changed was put back." in failure.message
        assert failure.ref in ("plain", "fresh_plain")
        assert site.files() == before, f"call {number} was refused"
        assert site.debris() == []
        assert site.releases("plain") == [] and site.releases("fresh_plain") == []
    assert site.host.pack_version("plain") == "1.0.2"


def test_whichever_removal_is_refused_all_are_undone(site, monkeypatch):
    before = site.files()
    for number, outcome in each_refusal(site, monkeypatch, ("old", "sensu", "plain"), state="absent", purge=True):
        assert outcome.failure.step == "apply"
        assert site.files() == before, f"call {number} was refused"
        assert site.debris() == []
    assert site.host.installed() == []


def test_what_cannot_even_be_put_back_stays_for_the_next_run(site, monkeypatch):
    before = site.files()
    stuck = 0
    for _number, outcome in each_refusal(site, monkeypatch, plain_upgrade(site), forever=True):
        assert outcome.failure.step == "apply"
        if "cannot be put back" in outcome.failure.message:
            stuck += 1
            assert site.debris(), "the journal and the old trees are there"
            assert "the next run puts them back" in outcome.failure.message
        predicted = site.run("old", check=True)
        healed = site.run("old")
        assert healed.failure is None
        assert (predicted.changed, predicted.recovered) == (healed.changed, healed.recovered)
        assert site.files() == before
        assert site.debris() == []
        assert site.releases("plain") == []
    assert stuck > 2


def test_a_disk_that_is_full_for_the_journal_changes_nothing(site, monkeypatch):
    before = site.files(identity=True)

    def full(*_arguments, **_named):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(transaction, "write_atomically", full)
    failure = failed(site.run(*UPGRADE), "apply")
    assert "No space left on device" in failure.message
    assert site.files(identity=True) == before
    assert site.debris() == []


class Intruder:
    """Somebody who changes what was just put in place, before it is looked at."""

    def __init__(self, monkeypatch, deed):
        true = Transaction.carry_out

        def carry_out(applied):
            true(applied)
            deed()

        monkeypatch.setattr(Transaction, "carry_out", carry_out)


@pytest.mark.parametrize("deed", ["version", "gone", "other_commit"])
def test_what_is_read_back_otherwise_than_planned_is_undone(site, monkeypatch, deed):
    before = site.files()
    live = site.host.packs / "sensu"

    def intrude():
        if deed == "version":
            (live / "pack.yaml").write_text("ref: sensu\nname: sensu\nversion: 6.6.6\n")
        elif deed == "gone":
            live.rename(site.host.tmp / "stolen")
            (site.host.packs / "sensu").mkdir()
        else:
            (live / ".git" / "HEAD").write_text("f" * 40 + "\n")

    with monkeypatch.context() as patch:
        Intruder(patch, intrude)
        outcome = site.run(*UPGRADE)
    if deed == "gone":
        # Something else is there now, which is not ours to take away.
        assert outcome.failure.step == "verify"
        assert not (site.host.packs / "fresh").exists()
        return
    failure = failed(outcome, "verify")
    assert failure.ref == "sensu"
    assert f"sensu 1.0.2 {site.sha('sensu', 'v1.0.2')[:7]} was installed at {live}, but" in failure.message
    assert site.files() == before
    assert site.debris() == []
    assert site.releases("sensu") == []
    converge(site, *UPGRADE)


def test_a_removed_pack_that_is_back_is_noticed(site, monkeypatch):
    with monkeypatch.context() as patch:
        Intruder(patch, (site.host.packs / "old").mkdir)
        outcome = site.run("old", state="absent")
    assert outcome.failure.message == f"old was removed, but {site.host.packs}/old exists."
    assert outcome.failure.step == "verify"


def test_an_error_of_the_programs_own_undoes_too(site, monkeypatch):
    before = site.files()

    def fail():
        raise ZeroDivisionError

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        Intruder(patch, fail)
        site.run(*UPGRADE)
    site.run("old")
    assert site.files() == before


# Before anything is touched

REFUSALS = [
    (["sensu=9.9.9"], {}, "fetch", "9.9.9 is not a version, tag, branch or commit of"),
    (["nosuch"], {}, "index", 'No record of the "nosuch" pack'),
    (["file:///nonexistent/pack"], {}, "fetch", "does not exist"),
    (["core"], {"state": "absent"}, "options", "core is one of StackStorm's own packs and is never removed"),
    (["sensu=1.0.2", "sensu=1.0.1", "fresh"], {}, "dependencies", "in different versions"),
    (["fresh", "sensu=1.0.2"], {"owner": "nosuchuser"}, "options", "The owner nosuchuser does not exist"),
    (["fresh"], {"seconds": 1e-9}, "timeout", "The timeout of"),
]


@pytest.mark.parametrize("names, options, step, message", REFUSALS)
def test_what_cannot_be_had_changes_nothing_and_check_mode_says_the_same(site, names, options, step, message):
    before = site.files(identity=True)
    for check in (True, False):
        if check and "owner" in options:
            continue
        outcome = site.run(*names, check=check, **options)
        failure = failed(outcome, step)
        assert message in failure.message
        assert {ref for row in outcome.rows for ref in row["requested"]} == set(names)
        assert site.files(identity=True) == before
        assert site.debris() == []


def test_one_bad_pack_keeps_the_good_ones_away(site):
    outcome = site.run("sensu=1.0.2", "bad", "fresh")
    failure = failed(outcome, "validate")
    assert failure.ref == "bad"
    assert [(row["ref"], row["step"]) for row in outcome.rows] == [
        ("sensu", None),
        ("bad", "validate"),
        ("fresh", None),
    ]
    assert row_of(outcome, "fresh")["msg"] == "Not done, because of bad."
    assert (site.host.pack_version("sensu"), site.host.installed()) == ("1.0.1", ["old", "plain", "sensu"])


def test_an_unreachable_index_is_no_reason_against_what_is_there(site):
    site.host.configure("content", index_url="file:///nonexistent/index.json")
    assert site.run("sensu=1.0.1", "old").failure is None
    assert "/nonexistent/index.json" in failed(site.run("sensu", state="latest"), "index").message
    site.host.configure("content", index_url=f"file://{site.index}")


def test_the_lock_of_another_run_is_waited_for_and_then_named(site):
    from ansible_collections.stackstorm.st2.plugins.module_utils._change.lock import HostLock
    from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline

    before = site.files(identity=True)
    with HostLock(str(site.host.packs / ".stackstorm.st2")) as lock:
        lock.acquire(Deadline(5), create=True)
        for check in (True, False):
            failure = failed(site.run("sensu=1.0.2", seconds=1, check=check), "lock")
            assert f"process {os.getpid()} on" in failure.message
    assert site.files(identity=True) == before


def test_the_owner_of_the_lock_is_known_while_it_works(site, monkeypatch):
    seen = []
    lock = site.host.packs / ".stackstorm.st2" / "lock"
    Intruder(monkeypatch, lambda: seen.append(lock.read_text()))
    site.run("sensu=1.0.2")
    assert f'"pid": {os.getpid()}' in seen[0]
    assert '"pid"' not in lock.read_text()
