# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the next run does about one that was killed: old trees back, nothing left over, and killed again, the same."""

from __future__ import annotations

import itertools
import json
import os
from types import SimpleNamespace

import pytest
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._change import liveness, recovery
from ansible_collections.stackstorm.st2.plugins.module_utils._change.debris import debris
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal, Move
from ansible_collections.stackstorm.st2.plugins.module_utils._change.lock import HostLock
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.recovery import interrupted, recover
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory, VirtualenvsDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.releases import releases
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_exchange,
    without_waiting_for_disks,
)

REFS = ("sensu", "gone")


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(params=[True, False], ids=["exchange", "two_renames"])
def system(request):
    if request.param:
        yield
    else:
        with without_exchange():
            yield


class Packs:
    """A packs directory with an old version, a kept release and a stranger, and a run that upgrades and installs."""

    def __init__(self, root):
        self.root = root
        self.directory = PacksDirectory(str(root / "packs"))
        (root / "packs").mkdir(parents=True)
        self.places = OwnPlaces(host_in(root))
        self.journal = Journal(self.places.state)
        self.lock = HostLock(self.places.state)
        self._pack(root / "packs" / "sensu", "1.0.1")
        self._pack(root / "packs" / "bystander", "3.0.0")
        self._pack(root / "packs" / "gone", "0.1.0")
        self._pack(root / "packs" / ".stackstorm.st2" / "releases" / "sensu" / "0001-1.0.0" / "pack", "1.0.0")
        receipts = root / "packs" / ".stackstorm.st2" / "receipts"
        receipts.mkdir()
        (receipts / "sensu.json").write_text("old receipt")
        with self.lock as lock:
            lock.acquire(Deadline(0), create=True)
        self.before = self.look()

    @staticmethod
    def _pack(path, version):
        path.mkdir(parents=True)
        (path / "pack.yaml").write_text(f"version: {version}\n")

    def look(self):
        return take_snapshot(self.root, exclude=("staging", "lock"))

    def go(self):
        """An interrupted run: what it stages, its journal, its moves."""
        self.lock.acquire(Deadline(0), create=True)
        staging = Staging(lock=self.lock)
        moves = []
        for ref, version in (("sensu", "1.0.2"), ("fresh", "2.0.0")):
            tree = staging.path(self.directory.staging, "packs", ref)
            self._pack(self.root / tree, version)
            kept = os.path.join(self.directory.releases, ref, "0002-1.0.1") if ref == "sensu" else f"{tree}.kept"
            moves.append(Move(ref, "pack", self.directory.pack(ref), tree, os.path.join(kept, "pack")))
            receipt = staging.path(self.directory.staging, "receipts", f"{ref}.json")
            (self.root / receipt).write_text("new receipt")
            moves.append(Move(ref, "receipt", self.directory.receipt(ref), receipt, os.path.join(kept, "receipt.json")))
        kept = os.path.join(self.directory.releases, "gone", "0001-0.1.0", "pack")
        moves.append(Move("gone", "pack", self.directory.pack("gone"), None, kept))
        moves = [transaction.prepared(move) for move in moves]
        self.journal.begin(moves, staging.name)
        for move in moves:
            transaction.carry_out(move)
        self.lock.release()

    def interrupted(self):
        return interrupted(self.places).refs

    def debris(self):
        with HostLock(self.places.state) as lock:
            lock.acquire(Deadline(0), create=False)
            return debris(self.places.stagings, lock) + self.places.unfinished()

    def put_right(self):
        return recover(interrupted(self.places), self.debris())

    def recover(self):
        return self.put_right().refs


def host_in(root):
    """As much of a host as its own places depend on."""
    names = {name: str(root / name) for name in ("virtualenvs", "configs", "overrides")}
    paths = {f"{name}_path": path for name, path in names.items()}
    packs = str(root / "packs")
    return SimpleNamespace(base_path=str(root), packs_base_paths=(packs,), system_packs_path=packs, **paths)


def kept(packs, moved=None):
    directory = packs.directory if moved is None else PacksDirectory(packs.directory.path, moved)
    return {ref: releases(directory, ref) for ref in REFS}


def test_killed_at_any_instant_the_next_run_leaves_the_host_as_it_was(tmp_path, system):
    seen = set()
    for number in itertools.count(1):
        packs = Packs(tmp_path / str(number))
        killed = is_killed(number, packs.go)
        predicted, then = packs.interrupted(), kept(packs, interrupted(packs.places).moved)
        assert packs.recover() == predicted, "check mode says what the real run does"
        assert kept(packs) == then == {"sensu": ["0001-1.0.0"], "gone": []}, "and which releases there will be"
        assert packs.look() == packs.before, f"killed before operation {number}"
        assert packs.debris() == []
        assert packs.recover() == ()
        seen.add(predicted)
        if not killed:
            break
    assert {(), ("sensu",), ("fresh", "sensu"), ("fresh", "gone", "sensu")} <= seen


def test_what_a_killed_run_was_writing_goes(tmp_path):
    packs = Packs(tmp_path / "p")
    os.mkdir(packs.places.records)
    left = [os.path.join(path, ".new-0a1b2c") for path in (packs.places.state, packs.places.records)]
    for path in left:
        with open(path, "w", encoding="ascii") as stream:
            stream.write('{"for')
    assert packs.places.require() and packs.debris() == left
    packs.recover()
    assert packs.debris() == [] and not packs.places.require()


def test_a_recovery_that_is_killed_is_ended_by_the_next_one(tmp_path, system):
    for number in itertools.count(1):
        packs = Packs(tmp_path / str(number))
        packs.go()
        killed = is_killed(number, packs.recover)
        packs.recover()
        assert packs.look() == packs.before, f"killed before operation {number} of the recovery"
        assert packs.debris() == []
        if not killed:
            break
    assert number > 8


def test_a_finished_run_is_not_undone(tmp_path):
    packs = Packs(tmp_path / "p")
    packs.go()
    packs.journal.end()
    done = packs.look()
    assert packs.interrupted() == ()
    assert packs.recover() == ()
    assert packs.look() == done
    assert packs.debris() == [], "only what was staged goes"


def test_without_a_journal_only_debris_is_cleared(tmp_path):
    packs = Packs(tmp_path / "p")
    with packs.lock as lock:
        lock.acquire(Deadline(0), create=True)
        path = Staging(lock=lock).path(packs.directory.staging, "half")
    with open(path, "w", encoding="ascii") as stream:
        stream.write("half a download")
    assert packs.debris() == [os.path.dirname(path)]
    assert packs.recover() == ()
    assert os.listdir(packs.directory.staging) == []
    assert packs.look() == packs.before


def test_what_was_installed_by_hand_after_the_crash_stays(tmp_path):
    packs = Packs(tmp_path / "p")
    packs.go()
    live = tmp_path / "p" / "packs" / "sensu"
    os.rename(live, tmp_path / "thrown away")
    packs._pack(live, "9.9.9")
    assert packs.interrupted() == ("fresh", "gone", "sensu"), "the receipt of sensu goes back"
    assert packs.recover() == ("fresh", "gone", "sensu")
    assert (live / "pack.yaml").read_text() == "version: 9.9.9\n"
    kept = tmp_path / "p" / "packs" / ".stackstorm.st2" / "releases" / "sensu" / "0002-1.0.1" / "pack" / "pack.yaml"
    assert kept.read_text() == "version: 1.0.1\n", "and the old version is kept"


def test_nothing_is_interrupted_without_a_journal(tmp_path):
    found = interrupted(OwnPlaces(host_in(tmp_path)))
    assert not found and (found.refs, found.moved) == ((), {})


# A stuck journal needs no hands


def asides(packs):
    return sorted(name for name in os.listdir(packs.places.state) if name.startswith("journal"))


def test_an_old_tree_that_somebody_took_away_is_named_and_the_rest_is_put_back(tmp_path):
    packs = Packs(tmp_path / "p")
    packs.go()
    kept = tmp_path / "p" / "packs" / ".stackstorm.st2" / "releases" / "sensu" / "0002-1.0.1" / "pack"
    os.rename(kept, tmp_path / "taken")
    moved = interrupted(packs.places).moved
    live = packs.directory.pack("sensu")
    assert live not in moved and moved[packs.directory.pack("fresh")] is None
    done = packs.put_right()
    assert done.refs == ("fresh", "gone", "sensu"), "of sensu the receipt"
    _undone, said = done.warnings
    assert f"The pack of sensu that was at {live} is neither at" in said and "What is there now stays" in said
    assert said.endswith(f"is written in {packs.places.state}/journal.unresolved-1.json.")
    with open(os.path.join(live, "pack.yaml"), encoding="ascii") as stream:
        assert stream.read() == "version: 1.0.2\n", "the new one is better than none"
    assert asides(packs) == ["journal.unresolved-1.json"] and packs.debris() == []
    assert packs.put_right().warnings == [] and not packs.interrupted(), "and the next run has no more of it"


def test_a_journal_that_cannot_be_read_is_set_aside(tmp_path):
    packs = Packs(tmp_path / "p")
    for number in (1, 2):
        packs.go() if number == 1 else None
        with open(packs.journal.path, "w", encoding="ascii") as stream:
            stream.write('{"format": 2, "moves": [')
        seen = take_snapshot(tmp_path / "p" / "packs" / "sensu")
        assert packs.interrupted() == ()
        (said,) = packs.put_right().warnings
        assert f"could not be read and is now {packs.places.state}/journal.unresolved-{number}.json" in said
        assert take_snapshot(tmp_path / "p" / "packs" / "sensu") == seen
    assert asides(packs) == ["journal.unresolved-1.json", "journal.unresolved-2.json"]
    assert packs.put_right().warnings == []


def test_a_journal_of_0_2_0_is_undone_where_that_left_it(tmp_path, system):
    packs = Packs(tmp_path / "p")
    packs.go()
    former = tmp_path / "p" / ".stackstorm.st2"
    former.mkdir()
    with open(packs.journal.path, "rb") as stream:
        document = json.loads(stream.read())
    (former / "journal.json").write_text(json.dumps({"pid": 1, "moves": document["moves"]}))
    packs.journal.end()
    assert packs.interrupted() == packs.recover() == ("fresh", "gone", "sensu")
    assert os.listdir(former) == []
    former.rmdir()
    assert packs.look() == packs.before


# Two hosts, one directory of packs


class TwoHosts:
    """Hosts that share the packs; each has virtualenvs of its own, by one path that this swaps."""

    def __init__(self, root, monkeypatch):
        self.packs = Packs(root)
        self.root = root
        self._monkeypatch = monkeypatch
        self._name = ""
        for name in ("one", "two"):
            (root / f"virtualenvs of {name}" / "sensu").mkdir(parents=True)
            (root / f"virtualenvs of {name}" / "sensu" / "python").write_text(f"old, of {name}")

    def be(self, name):
        """Be the host of this name from now on."""
        here = self.root / "virtualenvs"
        if self._name:
            here.rename(self.root / f"virtualenvs of {self._name}")
        (self.root / f"virtualenvs of {name}").rename(here)
        self._name = name
        for what, value in (("host_name", name), ("boot_id", f"boot of {name}"), ("pid_namespace", "1:1")):
            self._monkeypatch.setattr(liveness, what, lambda value=value: value)
        self._monkeypatch.setattr(recovery, "host_name", lambda: name)

    def virtualenv(self):
        return (self.root / "virtualenvs" / "sensu" / "python").read_text()

    def pack(self):
        return (self.root / "packs" / "sensu" / "pack.yaml").read_text()

    def upgrade(self):
        """A run that is killed when it has changed pack and virtualenv."""
        packs, virtualenvs = self.packs, VirtualenvsDirectory(str(self.root / "virtualenvs"))
        packs.lock.acquire(Deadline(0), create=True)
        staging = Staging(lock=packs.lock)
        tree = staging.path(packs.directory.staging, "packs", "sensu")
        Packs._pack(self.root / tree, "1.0.2")
        built = staging.path(virtualenvs.staging, "virtualenvs", "sensu")
        os.mkdir(built)
        with open(os.path.join(built, "python"), "w", encoding="ascii") as stream:
            stream.write("new")
        kept = os.path.join(packs.directory.releases, "sensu", "0002-1.0.1", "pack")
        aside = staging.path(virtualenvs.staging, "old", "sensu")
        moves = [
            Move("sensu", "virtualenv", virtualenvs.virtualenv("sensu"), built, aside),
            Move("sensu", "pack", packs.directory.pack("sensu"), tree, kept),
        ]
        moves = [transaction.prepared(move) for move in moves]
        packs.journal.begin(moves, staging.name)
        for move in moves:
            transaction.carry_out(move)
        packs.lock.release()


@pytest.fixture
def hosts(tmp_path, monkeypatch):
    return TwoHosts(tmp_path / "p", monkeypatch)


def test_what_another_host_left_is_undone_where_both_are_and_the_rest_is_left_to_it(hosts, system):
    hosts.be("one")
    hosts.upgrade()
    assert (hosts.pack(), hosts.virtualenv()) == ("version: 1.0.2\n", "new")
    hosts.be("two")
    assert hosts.packs.directory.pack("sensu") in interrupted(hosts.packs.places).moved
    assert str(hosts.root / "virtualenvs" / "sensu") not in interrupted(hosts.packs.places).moved
    assert hosts.packs.recover() == ("sensu",)
    assert (hosts.pack(), hosts.virtualenv()) == ("version: 1.0.1\n", "old, of two")
    assert asides(hosts.packs) == ["journal.one.json"]
    assert not interrupted(hosts.packs.places), "and it is nothing to this host any more"
    hosts.be("one")
    assert hosts.virtualenv() == "new"
    assert hosts.packs.interrupted() == hosts.packs.recover() == ("sensu",)
    assert (hosts.pack(), hosts.virtualenv()) == ("version: 1.0.1\n", "old, of one")
    assert asides(hosts.packs) == [] and hosts.packs.debris() == []


def test_killed_in_the_recovery_of_what_another_host_left_nothing_is_lost(tmp_path, monkeypatch):
    for number in itertools.count(1):
        with monkeypatch.context() as patch:
            hosts = TwoHosts(tmp_path / str(number), patch)
            hosts.be("one")
            hosts.upgrade()
            hosts.be("two")
            killed = is_killed(number, hosts.packs.recover)
            hosts.packs.recover()
            assert (hosts.pack(), hosts.virtualenv()) == ("version: 1.0.1\n", "old, of two"), number
            hosts.be("one")
            hosts.packs.recover()
            assert (hosts.pack(), hosts.virtualenv()) == ("version: 1.0.1\n", "old, of one"), number
            assert asides(hosts.packs) == []
        if not killed:
            break
    assert number > 5


def test_what_lies_where_both_hosts_are_is_undone_by_either(hosts):
    hosts.be("one")
    hosts.packs.go()
    hosts.be("two")
    assert hosts.packs.recover() == ("fresh", "gone", "sensu")
    assert asides(hosts.packs) == []
    assert hosts.pack() == "version: 1.0.1\n"
