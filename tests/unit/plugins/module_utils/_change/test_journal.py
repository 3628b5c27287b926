# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction at every instant: whole old trees or whole new ones, and the way back from anywhere."""

from __future__ import annotations

import itertools
import json
import os

import pytest
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Entry, Journal, Move
from ansible_collections.stackstorm.st2.plugins.module_utils._change.liveness import this_process
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError
from ansible_collections.stackstorm.st2.plugins.module_utils._own_directory import STATE_DIRECTORY
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_exchange,
    without_waiting_for_disks,
)

KINDS = ("install", "replace", "remove", "relink", "unlink", "in_the_way", "whole")


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(params=[True, False], ids=["exchange", "two_renames"])
def system(request, tmp_path):
    """A file system with, or without, the exchange of two names in one step."""
    if request.param:
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
        if not transaction.exchange(str(tmp_path / "one"), str(tmp_path / "other")):
            pytest.skip("this file system cannot exchange two names in one step (renameat2)")
        yield
    else:
        with without_exchange():
            yield


def grow(path, *leaves):
    """A small tree with files in two levels, a link, and an executable."""
    (path / "actions").mkdir(parents=True)
    for leaf in leaves:
        (path / leaf).write_text(f"{path.name} {leaf}")
        (path / "actions" / leaf).write_text(f"{leaf} below {path.name}")
    (path / "actions" / leaves[0]).chmod(0o755)
    (path / "link").symlink_to("actions")
    return path


class World:
    """Live names, staging and a place for what is kept, in a directory of their own."""

    def __init__(self, root, kind):
        self.root = root
        self.live = root / "live"
        self.staging, self.kept = (root / STATE_DIRECTORY / name for name in ("staging", "releases"))
        for path in (self.live, self.staging, self.kept / "0001-1.0", root / "elsewhere"):
            path.mkdir(parents=True)
        grow(self.live / "bystander", "pack.yaml")
        grow(root / "elsewhere" / "developer", "pack.yaml")
        self.journal = Journal(str(root))
        self.moves = [transaction.prepared(move) for move in getattr(self, f"_{kind}")()]
        self.before = self.look()

    def look(self):
        return take_snapshot(self.live)

    def go(self):
        """What applying does: the journal, then the moves."""
        self.journal.begin(self.moves)
        for move in self.moves:
            transaction.carry_out(move)

    def go_back(self):
        """What the next run does."""
        entry = self.journal.read()
        return transaction.undo_all(entry.moves if entry else ())

    def _move(self, what, name, new=True):
        return Move(
            "demo",
            what,
            str(self.live / name),
            str(self.staging / name) if new else None,
            str(self.kept / "0001-1.0" / what),
        )

    def _install(self):
        grow(self.staging / "demo", "pack.yaml", "new.py")
        return [self._move("pack", "demo")]

    def _replace(self):
        grow(self.live / "demo", "pack.yaml", "old.py")
        return self._install()

    def _remove(self):
        grow(self.live / "demo", "pack.yaml", "old.py")
        return [self._move("pack", "demo", new=False)]

    def _relink(self):
        (self.live / "demo").symlink_to("../elsewhere/developer")
        return self._install()

    def _unlink(self):
        (self.live / "demo").symlink_to("../elsewhere/developer")
        return [self._move("pack", "demo", new=False)]

    def _in_the_way(self):
        (self.live / "demo").write_text("a file where the pack belongs")
        return self._install()

    def _whole(self):
        """A pack with virtualenv, receipt, a file that is new and a config that goes."""
        moves = [*self._replace()]
        grow(self.live / "virtualenv", "python")
        grow(self.staging / "virtualenv", "python", "pip")
        (self.live / "receipt").write_text("old receipt")
        (self.staging / "receipt").write_text("new receipt")
        (self.staging / "contents").write_text("new contents")
        (self.live / "config").write_text("config")
        moves.insert(0, self._move("virtualenv", "virtualenv"))
        moves += [self._move("contents", "contents"), self._move("receipt", "receipt")]
        return [*moves, self._move("config", "config", new=False)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_carried_out_is_the_new_tree_and_keeps_the_old_one(tmp_path, system, kind):
    world = World(tmp_path / "w", kind)
    staged = {
        move.live: take_snapshot(move.staged) if move.staged and os.path.isdir(move.staged) else None
        for move in world.moves
    }
    inodes = {move.live: move.old for move in world.moves}
    world.go()
    for move in world.moves:
        if move.staged is None:
            assert not os.path.lexists(move.live)
        elif staged[move.live] is not None:
            assert take_snapshot(move.live) == staged[move.live]
        if move.old:
            assert os.lstat(move.kept).st_ino == inodes[move.live]
        assert not move.staged or not os.path.lexists(move.staged)
    assert (world.live / "bystander" / "pack.yaml").read_text() == "bystander pack.yaml"


@pytest.mark.parametrize("kind", KINDS)
def test_killed_before_any_operation_everything_can_be_put_back(tmp_path, system, kind):
    for number in itertools.count(1):
        world = World(tmp_path / str(number), kind)
        killed = is_killed(number, world.go)
        seen = world.look()
        if seen != world.before:
            document = json.loads((world.root / "journal.json").read_text())
            assert [move["live"] for move in document["moves"]] == [move.live for move in world.moves]
        waiting = pending(world)
        undone = world.go_back()
        assert world.look() == world.before, f"killed before operation {number}"
        assert bool(undone) == (seen != world.before), "it says that it undid something exactly when it did"
        assert sorted(move.live for move in undone) == waiting, "and what there was to undo was known before"
        assert world.go_back() == [], "a second time there is nothing to do"
        if not killed:
            break
    # The journal is one operation, each move one to three: an end that comes too early would prove nothing.
    assert number > 1 + len(world.moves)


def pending(world):
    """The live names that are to be undone, of which it is known where the old tree is."""
    entry = world.journal.read()
    moves = entry.moves if entry else ()
    waiting = transaction.pending(moves)
    for move in moves:
        if move.live in waiting:
            where = waiting[move.live]
            assert (where is None) == (move.old == 0)
            assert where is None or os.lstat(where).st_ino == move.old
    return sorted(waiting)


def test_killed_while_undoing_everything_can_still_be_put_back(tmp_path, system):
    """What is undone depends on nothing but what is there: from where another way led as well, it is not gone again."""
    states, ends = [], 0
    for number in itertools.count(1):
        for again in itertools.count(1):
            world = World(tmp_path / f"{number}-{again}", "whole")
            killed = is_killed(number, world.go)
            interrupted = is_killed(again, world.go_back)
            state = take_snapshot(world.root, exclude=["journal.json"])
            known = state in states
            states.append(state)
            world.go_back()
            assert world.look() == world.before, f"killed before operation {number}, and then before {again}"
            if not interrupted or (known and again > 1):
                break
        ends += again > 1
        if not killed:
            break
    assert ends > 1


@pytest.mark.parametrize("kind", ["replace", "remove", "relink", "whole"])
def test_at_every_instant_a_pack_is_whole(tmp_path, kind):
    if not transaction.exchange(str(grow(tmp_path / "a", "x")), str(grow(tmp_path / "b", "x"))):
        pytest.skip("this file system cannot exchange two names in one step (renameat2)")
    for number in itertools.count(1):
        world = World(tmp_path / str(number), kind)
        old = take_snapshot(world.live / "demo") if (world.live / "demo").is_dir() else None
        new = take_snapshot(world.staging / "demo") if (world.staging / "demo").exists() else None
        killed = is_killed(number, world.go)
        there = os.path.lexists(world.live / "demo")
        now = take_snapshot(world.live / "demo") if there else None
        assert now in (old, new)
        if not killed:
            break


def test_a_move_that_is_refused_leaves_the_rest_undoable(tmp_path, system):
    world = World(tmp_path / "w", "whole")
    os.unlink(world.staging / "receipt")
    with pytest.raises(OSError):
        world.go()
    assert world.look() != world.before
    transaction.undo_all(world.moves)
    assert world.look() == world.before


def test_an_old_tree_that_was_taken_away_is_missed_by_name(tmp_path):
    world = World(tmp_path / "w", "remove")
    world.go()
    os.rename(world.kept / "0001-1.0" / "pack", tmp_path / "taken")
    with pytest.raises(ApplyError) as raised:
        world.go_back()
    assert f"The pack of demo that was at {world.live}/demo is neither at" in raised.value.message
    assert raised.value.ref == "demo"
    os.rename(tmp_path / "taken", world.live / "demo")
    assert world.go_back() == []
    assert world.look() == world.before


@pytest.mark.parametrize("kind", ["install", "replace", "remove"])
def test_what_something_else_put_there_since_is_left_alone(tmp_path, kind):
    world = World(tmp_path / "w", kind)
    world.go()
    if kind != "remove":
        os.rename(world.live / "demo", tmp_path / "gone")
    grow(world.live / "demo", "pack.yaml", "third.py")
    seen = world.look()
    assert transaction.pending(world.moves) == {}
    assert world.go_back() == []
    assert world.look() == seen


def test_an_installation_can_be_undone_without_its_staging_directory(tmp_path):
    world = World(tmp_path / "w", "install")
    world.go()
    world.staging.rmdir()
    assert world.go_back()
    assert world.look() == world.before


def test_whereabouts_of_nothing_is_nowhere(tmp_path):
    world = World(tmp_path / "w", "install")
    assert transaction.whereabouts(world.moves[0]) is None
    world = World(tmp_path / "v", "replace")
    assert transaction.whereabouts(world.moves[0]) == str(world.live / "demo")


def test_releases_whose_pack_went_back_are_dropped_and_others_stay(tmp_path, system):
    world = World(tmp_path / "w", "replace")
    grow(world.kept / "0000-0.9" / "pack", "pack.yaml")
    world.go()
    transaction.drop_releases(world.moves)
    assert sorted(os.listdir(world.kept)) == ["0000-0.9", "0001-1.0"], "the old pack is there, and there only"
    world.go_back()
    transaction.drop_releases(world.moves)
    assert os.listdir(world.kept) == ["0000-0.9"]
    assert world.look() == world.before


def test_the_first_release_leaves_nothing_behind_when_it_is_dropped(tmp_path, system):
    world = World(tmp_path / "w", "replace")
    world.go()
    world.go_back()
    transaction.drop_releases(world.moves)
    assert not world.kept.exists()


def test_the_journal_gives_back_what_it_was_told(tmp_path):
    journal = Journal(str(tmp_path))
    assert not journal.exists()
    assert journal.read() is None
    moves = [Move("demo", "pack", "/a", "/b", "/c", 1, 2), Move("demo", "config", "/d", None, "/e", 0, 3)]
    journal.begin(moves, "run-1")
    assert journal.exists()
    assert Journal(str(tmp_path)).read() == Entry(tuple(moves), "run-1", this_process())
    assert os.stat(journal.path).st_mode & 0o777 == 0o644
    journal.end()
    assert journal.read() is None
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"moves": 1}', b'{"moves": [{"ref": "x"}]}', b'{"pid": 1}', b"\xff\xfe"]
)
def test_a_journal_that_makes_no_sense_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / "journal.json").write_bytes(content)
    with pytest.raises(ApplyError) as raised:
        Journal(str(tmp_path)).read()
    assert f"The journal {tmp_path}/journal.json of an interrupted run cannot be read" in raised.value.message


def test_a_journal_that_is_nested_without_end_is_an_error(tmp_path):
    (tmp_path / "journal.json").write_bytes(b"[" * 200_000)
    with pytest.raises(ApplyError, match="cannot be read"):
        Journal(str(tmp_path)).read()
