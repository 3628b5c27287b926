# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old directories that cannot be renamed: copied to where they are kept, removed, and brought back from the copy."""

from __future__ import annotations

import errno
import itertools
import os

import pytest
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal, Move
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_waiting_for_disks,
)


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


def grow(path, text):
    (path / "actions").mkdir(parents=True)
    for name in ("pack.yaml", "actions/run.py"):
        (path / name).write_text(f"{text} {name}")
    (path / "actions" / "run.py").chmod(0o755)
    (path / "link").symlink_to("actions/run.py")


class World:
    """A pack in its place and, unless it is to be removed, a new tree beside it."""

    def __init__(self, root, staged):
        self.live, self.kept = root / "packs" / "demo", root / "releases" / "0001-1.0" / "pack"
        grow(self.live, "old")
        self.kept.parent.mkdir(parents=True)
        if staged:
            grow(root / "staging" / "demo", "new")
        staged = str(root / "staging" / "demo") if staged else None
        self.move = transaction.prepared(Move("demo", "pack", str(self.live), staged, str(self.kept)))
        self.journal = Journal(str(root))
        self.before = take_snapshot(self.live)

    def go(self):
        """What applying does when renaming has been refused."""
        self.journal.begin([self.move])
        move = transaction.copied(self.move)
        self.journal.begin([move])
        transaction.carry_out_copied(move)


@pytest.mark.parametrize("staged", [True, False], ids=["replaced", "removed"])
def test_what_is_carried_out_is_the_same_as_by_renaming(tmp_path, staged):
    world = World(tmp_path, staged)
    world.go()
    assert take_snapshot(world.kept) == world.before
    assert world.live.exists() == staged
    if staged:
        assert (world.live / "pack.yaml").read_text() == "new pack.yaml"
    assert os.listdir(world.kept.parent) == ["pack"]


@pytest.mark.parametrize("staged", [True, False], ids=["replaced", "removed"])
def test_killed_before_any_operation_the_old_tree_comes_back_whole(tmp_path, staged):
    for number in itertools.count(1):
        world = World(tmp_path / str(number), staged)
        killed = is_killed(number, world.go)
        entry = world.journal.read()
        moves = entry.moves if entry else ()
        waiting = transaction.pending(moves)
        for where in waiting.values():
            assert take_snapshot(where) == world.before, "what a check run looks at is whole"
        assert bool(transaction.undo_all(moves)) == bool(waiting)
        assert take_snapshot(world.live) == world.before, f"killed before operation {number}"
        transaction.drop_releases(moves)
        assert transaction.undo_all(moves) == [], "a second time there is nothing to do"
        if not killed:
            break
        assert not world.kept.exists()
    assert number > 10


def test_killed_while_undoing_it_is_undone_by_the_next_one(tmp_path):
    for number in itertools.count(1):
        world = World(tmp_path / str(number), True)
        world.go()
        killed = is_killed(number, lambda world=world: transaction.undo_all(world.journal.read().moves))
        transaction.undo_all(world.journal.read().moves)
        assert take_snapshot(world.live) == world.before, f"killed before operation {number}"
        if not killed:
            break
    assert number > 1


def test_nothing_is_copied_to_where_nothing_could_be_renamed_from(tmp_path, monkeypatch):
    world = World(tmp_path, True)
    true = os.stat

    def stat(path, **named):
        status = true(path, **named)
        if str(path) == str(world.kept.parent):
            status = os.stat_result([*status[:2], status.st_dev + 1, *status[3:]])
        return status

    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(OSError) as raised:
        transaction.copied(world.move)
    assert raised.value.errno == errno.EXDEV
    assert not world.kept.exists() and take_snapshot(world.live) == world.before
