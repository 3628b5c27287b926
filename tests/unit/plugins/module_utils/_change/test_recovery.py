# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the next run does about one that was killed: old trees back, nothing left over, and killed again, the same."""

from __future__ import annotations

import itertools
import os

import pytest
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal, Move
from ansible_collections.stackstorm.st2.plugins.module_utils._change.recovery import interrupted, recover
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging, debris
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_exchange,
    without_waiting_for_disks,
)


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
        self.journal = Journal(str(root / "state"))
        self._pack(root / "packs" / "sensu", "1.0.1")
        self._pack(root / "packs" / "bystander", "3.0.0")
        self._pack(root / "packs" / "gone", "0.1.0")
        self._pack(root / "packs" / ".stackstorm.st2" / "releases" / "sensu" / "0001-1.0.0" / "pack", "1.0.0")
        receipts = root / "packs" / ".stackstorm.st2" / "receipts"
        receipts.mkdir()
        (receipts / "sensu.json").write_text("old receipt")
        (root / "state").mkdir()
        self.before = self.look()

    @staticmethod
    def _pack(path, version):
        path.mkdir(parents=True)
        (path / "pack.yaml").write_text(f"version: {version}\n")

    def look(self):
        return take_snapshot(self.root, exclude=("staging",))

    def go(self):
        """An interrupted run: what it stages, its journal, its moves."""
        staging = Staging()
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
        self.journal.begin(moves)
        for move in moves:
            os.makedirs(os.path.dirname(move.kept), exist_ok=True)
            transaction.carry_out(move)

    def moves(self):
        entry = self.journal.read()
        return entry.moves if entry else ()

    def recover(self):
        return recover(self.journal, debris([self.directory.staging]))


def test_killed_at_any_instant_the_next_run_leaves_the_host_as_it_was(tmp_path, system):
    seen = set()
    for number in itertools.count(1):
        packs = Packs(tmp_path / str(number))
        killed = is_killed(number, packs.go)
        predicted = interrupted(packs.moves())
        assert packs.recover() == predicted, "check mode says what the real run does"
        assert packs.look() == packs.before, f"killed before operation {number}"
        assert debris([packs.directory.staging]) == []
        assert packs.recover() == ()
        seen.add(predicted)
        if not killed:
            break
    assert {(), ("sensu",), ("fresh", "sensu"), ("fresh", "gone", "sensu")} <= seen


def test_a_recovery_that_is_killed_is_ended_by_the_next_one(tmp_path, system):
    for number in itertools.count(1):
        packs = Packs(tmp_path / str(number))
        packs.go()
        killed = is_killed(number, packs.recover)
        packs.recover()
        assert packs.look() == packs.before, f"killed before operation {number} of the recovery"
        assert debris([packs.directory.staging]) == []
        if not killed:
            break
    assert number > 8


def test_a_finished_run_is_not_undone(tmp_path):
    packs = Packs(tmp_path / "p")
    packs.go()
    packs.journal.end()
    done = packs.look()
    assert interrupted(packs.moves()) == ()
    assert packs.recover() == ()
    assert packs.look() == done
    assert debris([packs.directory.staging]) == [], "only what was staged goes"


def test_without_a_journal_only_debris_is_cleared(tmp_path):
    packs = Packs(tmp_path / "p")
    staging = Staging()
    (tmp_path / staging.path(packs.directory.staging, "half")).write_text("half a download")
    found = debris([packs.directory.staging, str(tmp_path / "nowhere")])
    assert [os.path.basename(path) for path in found] == os.listdir(packs.directory.staging)
    assert recover(packs.journal, found) == ()
    assert os.listdir(packs.directory.staging) == []
    assert packs.look() == packs.before


def test_an_old_tree_that_cannot_be_found_stops_the_recovery_and_nothing_is_removed(tmp_path):
    packs = Packs(tmp_path / "p")
    packs.go()
    kept = tmp_path / "p" / "packs" / ".stackstorm.st2" / "releases" / "sensu" / "0002-1.0.1" / "pack"
    os.rename(kept, tmp_path / "taken")
    staged = debris([packs.directory.staging])
    with pytest.raises(ApplyError) as raised:
        packs.recover()
    assert "The pack of sensu that was at" in raised.value.message
    assert raised.value.message.endswith(f"To accept what is there instead, remove {packs.journal.path}.")
    assert packs.journal.exists()
    assert debris([packs.directory.staging]) == staged
    os.rename(tmp_path / "taken", kept)
    assert packs.recover() == ("sensu",)
    assert packs.look() == packs.before


def test_what_was_installed_by_hand_after_the_crash_stays(tmp_path):
    packs = Packs(tmp_path / "p")
    packs.go()
    live = tmp_path / "p" / "packs" / "sensu"
    os.rename(live, tmp_path / "thrown away")
    packs._pack(live, "9.9.9")
    assert interrupted(packs.moves()) == ("fresh", "gone", "sensu"), "the receipt of sensu goes back"
    assert packs.recover() == ("fresh", "gone", "sensu")
    assert (live / "pack.yaml").read_text() == "version: 9.9.9\n"
    kept = tmp_path / "p" / "packs" / ".stackstorm.st2" / "releases" / "sensu" / "0002-1.0.1" / "pack" / "pack.yaml"
    assert kept.read_text() == "version: 1.0.1\n", "and the old version is kept"


def test_nothing_is_interrupted_without_a_journal(tmp_path):
    assert interrupted(None) == ()
    assert interrupted([]) == ()
