# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The moves of one change: all or none of them, whoever ends it, and what StackStorm is told written down meanwhile."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

import pytest
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as moving
from ansible_collections.stackstorm.st2.plugins.module_utils._change import transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal, Move
from ansible_collections.stackstorm.st2.plugins.module_utils._change.recovery import Interrupted, recover
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._change.transaction import Transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_waiting_for_disks,
)

TOLD = {"demo": ("action", "config")}


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


class Host:
    """A pack that is replaced, another that goes, and a config that is emptied and then taken away.

    :arg config: Whether the config was there before.
    """

    def __init__(self, root, config=True):
        self.root = root
        for name in ("live/demo", "live/old"):
            (root / name).mkdir(parents=True)
            (root / name / "pack.yaml").write_text(name)
        if config:
            (root / "live" / "demo.yaml").write_text("a: 1")
        self.state = root / "live" / ".stackstorm.st2"
        self.journal = Journal(str(self.state))
        self.before = self.look()
        self.staging = Staging()

    def look(self):
        return take_snapshot(self.root / "live", exclude=(self.state.name,))

    def staged(self, name):
        return Path(self.staging.path(str(self.state / "staging"), "new", name))

    def kept(self, live, number):
        return Path(self.staging.path(str(self.state / "staging"), "old", live, number, "any")).parent

    def recover(self):
        """What the next run does; the packs of which it put something back."""
        entry = self.journal.read()
        found = Interrupted({self.journal: entry} if entry else {})
        predicted = found.refs
        done = recover(found)
        assert done.refs == predicted and len(done.warnings) == bool(predicted)
        return done.refs

    def transaction(self, **how):
        self.staged("demo").mkdir()
        (self.staged("demo") / "pack.yaml").write_text("staging/demo")
        self.staged("empty").write_text("{}")
        moves = [self._move("demo", "pack", "demo", "demo"), self._move("old", "pack", "old", None)]
        moves.append(self._move("demo", "config", "demo.yaml", "empty"))
        return Transaction(
            self.journal, self.staging, moves, [self._move("demo", "config", "demo.yaml", None, "2")], **how
        )

    def _move(self, ref, what, live, staged, number="1"):
        staged = staged and str(self.staged(staged))
        return Move(ref, what, str(self.root / "live" / live), staged, str(self.kept(live, number) / what))

    def go(self):
        """What a session does when nothing fails, but for the end."""
        made = self.transaction(told=TOLD)
        made.begin()
        made.carry_out()
        made.close()
        return made

    def live(self):
        return sorted(name for name in os.listdir(self.root / "live") if name != self.state.name)


def left(host):
    """Moves and packs that the journal still names; C(None) for no journal."""
    entry = host.journal.read()
    return entry and (entry.moves, entry.told)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_no_moves_and_nothing_told_need_no_journal(tmp_path):
    made = Transaction(Journal(str(tmp_path / ".stackstorm.st2")), Staging(), ())
    for step in (made.begin, made.carry_out, made.close, made.undo, made.end):
        step()
    assert os.listdir(tmp_path) == [] and not made.made and made.refs == frozenset()


def test_what_is_staged_is_on_disk_before_the_journal_names_it(host, monkeypatch):
    seen = []

    def sync_trees(trees):
        seen.append((sorted(map(os.path.basename, trees)), host.journal.read()))

    monkeypatch.setattr(transaction, "sync_trees", sync_trees)
    host.transaction().begin()
    assert seen == [(["demo", "empty"], None)]
    assert host.journal.read() is not None


def test_closing_moves_wait_until_they_are_asked_for(host):
    made = host.transaction()
    made.begin()
    made.carry_out()
    assert host.live() == ["demo", "demo.yaml"]
    assert (host.root / "live" / "demo.yaml").read_text() == "{}"
    assert (host.root / "live" / "demo" / "pack.yaml").read_text() == "staging/demo"
    made.close()
    assert host.live() == ["demo"]
    made.end()
    assert host.journal.read() is None
    assert (made.made, made.refs) == (True, {"demo", "old"})


@pytest.mark.parametrize("config", [True, False])
def test_after_any_part_of_it_all_can_be_undone(tmp_path, config):
    for number, steps in enumerate((("begin",), ("begin", "carry_out"), ("begin", "carry_out", "close"))):
        host = Host(tmp_path / str(number), config)
        made = host.transaction(told=TOLD)
        for step in steps:
            getattr(made, step)()
        assert made.undo()
        assert host.look() == host.before
        assert left(host) == ((), TOLD), "StackStorm may still have been told"
        made.end()
        assert host.journal.read() is None


def test_what_something_else_put_there_since_is_left_to_it_and_not_said_to_be_undone(host):
    made = host.transaction()
    made.begin()
    made.carry_out()
    (host.root / "live" / "old").mkdir()
    assert not made.undo()
    assert host.live() == ["demo", "demo.yaml", "old"] and not os.listdir(host.root / "live" / "old")
    assert (host.root / "live" / "demo.yaml").read_text() == "a: 1"


@pytest.mark.parametrize("config", [True, False])
def test_killed_at_any_instant_the_next_run_puts_all_back_and_check_mode_sees_where_it_is(tmp_path, config):
    seen = set()
    for number in itertools.count(1):
        host = Host(tmp_path / str(number), config)
        killed = is_killed(number, host.go)
        entry = host.journal.read()
        waiting = Interrupted({host.journal: entry} if entry else {}).moved
        place = str(host.root / "live" / "demo.yaml")
        where = waiting.get(place, place)
        if config:
            with open(where) as stream:
                assert stream.read() == "a: 1", f"killed before operation {number}"
        else:
            assert where is None or not os.path.exists(where), f"killed before operation {number}"
        seen.add(host.recover())
        assert host.look() == host.before, f"killed before operation {number}"
        assert left(host) in (None, ((), TOLD))
        if not killed:
            break
    assert {(), ("demo",), ("demo", "old")} <= seen


def test_what_is_told_is_written_down_before_anything_moves_and_with_what_an_earlier_run_left(host):
    unhealed = {"other": ("rule",), "demo": ("rule",)}
    made = host.transaction(told=TOLD, before={"refs": ["demo"]}, unhealed=unhealed)
    made.begin()
    assert host.look() == host.before
    entry = host.journal.read()
    assert entry.told == {"other": ("rule",), "demo": ("rule", "action", "config")}
    assert len(entry.moves) == 3 and entry.before == {"refs": ["demo"]}
    made.carry_out()
    made.close()
    made.end()
    assert left(host) == ((), unhealed), "which this run has not put right"


@pytest.mark.parametrize(("unhealed", "rest"), [(("config",), None), ((), ()), (("rule",), ("rule",))])
@pytest.mark.parametrize("told", [("action", "config"), ()])
def test_what_an_earlier_run_left_is_put_right_by_telling_as_much(host, unhealed, rest, told):
    made = host.transaction(told={"demo": told}, unhealed={"demo": unhealed})
    made.begin()
    made.end()
    assert left(host) == (None if rest is None or not told else ((), {"demo": rest}))


def test_a_move_that_is_refused_is_named_and_leaves_the_rest_undoable(host):
    made = host.transaction()
    made.begin()
    host.staged("empty").unlink()
    with pytest.raises(ApplyError) as raised:
        made.carry_out()
    assert raised.value.ref == "demo"
    assert raised.value.message == (
        f"The config of demo cannot be put at {host.root}/live/demo.yaml: No such file or directory."
    )
    assert host.look() != host.before
    made.undo()
    assert host.look() == host.before
    made.end()
    assert host.journal.read() is None


def test_a_closing_move_that_is_refused_is_undone_with_the_others(host):
    made = host.transaction()
    made.begin()
    made.carry_out()
    (host.kept("demo.yaml", "2") / "config").mkdir()
    with pytest.raises(ApplyError, match="The config of demo cannot be taken from"):
        made.close()
    made.undo()
    assert host.look() == host.before


def test_a_directory_that_cannot_be_renamed_is_copied_to_where_it_is_kept(host, monkeypatch):
    true = moving.carry_out

    def refuse_directories(move):
        if os.path.isdir(move.live):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        true(move)

    monkeypatch.setattr(moving, "carry_out", refuse_directories)
    made = host.transaction(told=TOLD)
    made.begin()
    made.carry_out()
    assert (host.root / "live" / "demo" / "pack.yaml").read_text() == "staging/demo"
    assert (host.kept("demo", "1") / "pack" / "pack.yaml").read_text() == "live/demo"
    entry = host.journal.read()
    assert [bool(move.discarded) for move in entry.moves] == [True, True, False]
    assert entry.told == TOLD
    made.undo()
    assert host.look() == host.before


def test_what_cannot_be_put_back_stays_in_the_journal(host, monkeypatch):
    made = host.go()

    def refuse(*_paths):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(moving, "exchange", refuse)
        patch.setattr(os, "rename", refuse)
        with pytest.raises(ApplyError, match=r"cannot be put back: .*the next run puts them back"):
            made.undo()
    assert len(host.journal.read().moves) == 3
    assert host.recover() == ("demo", "old")
    assert host.look() == host.before
