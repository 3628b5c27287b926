# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change leaves of itself: which moves are written down, where what they replace is kept, and for how long."""

from __future__ import annotations

import os
import stat
from types import SimpleNamespace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change import recording
from ansible_collections.stackstorm.st2.plugins.module_utils._change.change_sets import (
    ChangeSet,
    ChangeSets,
    Part,
    State,
    file_state,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Move
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.planner import Staged
from ansible_collections.stackstorm.st2.plugins.module_utils._change.recording import MOST, clean, recorded
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._change.telling import Telling
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)

STATE = ".stackstorm.st2"


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


class Site:
    """A host with version 1.0.0 of a pack, its virtualenv and its config, and a run that changes them."""

    def __init__(self, root):
        self.root = root
        for name in ("packs", "virtualenvs", "configs", "overrides"):
            (root / name).mkdir()
        self.pack(root / "packs" / "sensu", "1.0.0")
        (root / "virtualenvs" / "sensu").mkdir()
        (root / "configs" / "sensu.yaml").write_text("a: 1\n")
        packs = str(root / "packs")
        self.places = OwnPlaces(
            SimpleNamespace(
                base_path=str(root),
                system_packs_path=packs,
                packs_base_paths=(packs,),
                virtualenvs_path=str(root / "virtualenvs"),
                configs_path=str(root / "configs"),
                overrides_path=str(root / "overrides"),
            )
        )
        self.sets = ChangeSets(self.places)
        self.staging = Staging()

    @staticmethod
    def pack(path, version):
        path.mkdir(parents=True)
        (path / "pack.yaml").write_text(f"ref: sensu\nname: sensu\nversion: {version}\n")

    def live(self, what, name="sensu"):
        below = {"pack": "packs", "virtualenv": "virtualenvs", "config": "configs", "overrides": "overrides"}[what]
        return self.root / below / (f"{name}.yaml" if below in ("configs", "overrides") else name)

    def move(self, what, version="2.0.0", name="sensu"):
        """A new one for an old one; of no version, one that goes."""
        live = self.live(what, name)
        staged = None
        if version:
            staged = self.root / self.staging.path(Staging.beside(str(live)), what, live.name)
            if what == "pack":
                self.pack(staged, version)
            elif what == "virtualenv":
                staged.mkdir()
            else:
                staged.write_text(version)
        kept = self.staging.path(Staging.beside(str(live)), "old", what, live.name)
        if what == "pack":
            kept = f"{self.root}/packs/{STATE}/releases/sensu/0001-1.0.0/pack"
        return Move(name, what, str(live), str(staged) if staged else None, kept)

    def record(self, *moves, **how):
        return recorded(Staged(moves=moves, **how), self.places, self.staging, "api")

    def set_of(self, staged):
        """The change set, as it is once its own move is made."""
        last = staged.closing[-1]
        assert last.what == "change set" and last.live == self.sets.path("0001")
        os.makedirs(os.path.dirname(last.live), exist_ok=True)
        os.rename(last.staged, last.live)
        (found,) = self.sets.all()
        return found


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.mark.parametrize("moves", [(), (Move("sensu", "receipt", "/live", "/staged", "/kept"),)])
def test_a_change_of_nothing_that_runs_needs_none(site, moves):
    assert site.record(*moves) == ("", Staged(moves=moves))
    assert not (site.root / "packs" / STATE).exists()


def test_what_was_there_and_what_comes_is_written_down(site):
    change, staged = site.record(
        site.move("pack"), site.move("virtualenv"), site.move("config"), site.move("overrides"), undoes="0007"
    )
    found = site.set_of(staged)
    assert (change, found.id, found.registered, found.undoes) == ("0001", "0001", "api", "0007")
    parts = {part.what: part for part in found.parts}
    assert (parts["pack"].before.version, parts["pack"].after.version) == ("1.0.0", "2.0.0")
    assert parts["config"].before == file_state(str(site.live("config")), found.salt) != parts["config"].after
    assert parts["overrides"].before is None and parts["overrides"].after is not None
    assert stat.S_IMODE(os.stat(site.sets.path("0001")).st_mode) == 0o600


def test_what_is_replaced_is_kept_under_the_number_of_the_change(site):
    moves = [site.move("pack"), site.move("virtualenv"), site.move("config"), site.move("overrides")]
    _change, staged = site.record(*moves)
    kept = {move.what: move.kept for move in staged.moves}
    assert kept["pack"] == moves[0].kept, "a release is kept already"
    for what, below in (("virtualenv", "virtualenvs"), ("config", "configs")):
        place = site.sets.kept(str(site.root / below), "0001")
        assert kept[what] == os.path.join(place, what, os.path.basename(str(site.live(what))))
    assert kept["overrides"] == moves[3].kept, "there was nothing"
    assert [part.kept for part in site.set_of(staged).parts] == [*list(kept.values())[:3], ""]


def test_a_pack_that_is_forgotten_leaves_nothing(site):
    moves = [site.move("virtualenv", ""), site.move("config", "")]
    _change, staged = site.record(*moves, forgets=("sensu",))
    assert [move.kept for move in staged.moves] == [move.kept for move in moves]
    assert [(part.kept, part.after) for part in site.set_of(staged).parts] == [("", None), ("", None)]


def test_where_the_pack_is_not_kept_neither_is_its_virtualenv(site):
    pack = site.move("pack", "")
    lost = Move(pack.ref, pack.what, pack.live, pack.staged, f"{site.root}/packs/{STATE}/staging/run/old")
    virtualenv = site.move("virtualenv", "")
    _change, staged = site.record(lost, virtualenv)
    assert staged.moves[1].kept == virtualenv.kept


def test_of_two_moves_of_one_thing_the_first_says_what_was_there(site):
    first, last = site.move("pack", ""), site.move("pack", "3.0.0")
    last = Move(last.ref, last.what, last.live, last.staged, f"{last.kept}.later")
    _change, staged = recorded(Staged(moves=(first,), closing=(last,)), site.places, site.staging, "api")
    (part,) = site.set_of(staged).parts
    assert (part.before.version, part.after.version, part.kept) == ("1.0.0", "3.0.0", first.kept)
    assert staged.closing[0] == last


def test_other_parts_of_the_change_stay_as_they_are(site):
    telling = Telling(unload=("gone",))
    note = Move("sensu", "note", "/live", "/staged", "/kept")
    _change, staged = site.record(note, site.move("config"), telling=telling, forgets=("x",))
    assert (staged.moves[0], staged.telling, staged.forgets) == (note, telling, ("x",))


def test_nobody_else_may_look_into_the_places(site):
    place = site.root / "configs" / STATE / "changes"
    place.mkdir(parents=True, mode=0o755)
    site.record(site.move("config"))
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


# What is not needed any more


class History:
    """The change sets of a host, one after the other."""

    def __init__(self, site):
        self.site = site
        self.number = 0

    def add(self, *parts):
        """A change with some kinds of parts; returns where it keeps them."""
        self.number += 1
        change = f"{self.number:04}"
        made = []
        for what in parts:
            live = self.site.live(what)
            if what == "pack":
                kept = f"{self.site.root}/packs/{STATE}/releases/sensu/{change}-1.0.0/pack"
            else:
                kept = os.path.join(self.site.sets.kept(str(live.parent), change), what, live.name)
            os.makedirs(kept)
            made.append(Part("sensu", what, str(live), kept, State("a"), State("b")))
        path = self.site.sets.path(change)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        document = ChangeSet(
            change, recording.host_name(), "2026-01-01T00:00:00Z", "api", "", "00" * 16, tuple(made)
        ).document()
        with open(path, "wb") as stream:
            stream.write(document)
        return [part.kept for part in made]


@pytest.fixture
def history(site):
    return History(site)


def there(*paths):
    return [os.path.exists(path) for path in paths]


def test_the_last_changes_stay_with_what_they_keep(site, history):
    kept = [history.add("config")[0] for _number in range(MOST + 2)]
    assert clean(site.places) == []
    assert [one.id for one in site.sets.all()] == [f"{number:04}" for number in range(3, MOST + 3)]
    assert there(*kept) == [False, False, *[True] * MOST]
    assert clean(site.places) == [] and there(*kept[2:]) == [True] * MOST


def test_a_virtualenv_goes_with_its_release(site, history):
    pack, virtualenv = history.add("pack", "virtualenv")
    clean(site.places)
    assert there(virtualenv) == [True]
    os.rmdir(pack)
    clean(site.places)
    assert there(virtualenv) == [False]


def test_of_virtualenvs_that_were_only_made_anew_the_last_one_stays(site, history):
    old, new = history.add("virtualenv"), history.add("virtualenv")
    clean(site.places)
    assert there(*old, *new) == [False, True]


def test_what_no_change_set_knows_goes_unless_people_are_needed(site, history):
    history.add("config")
    stray = site.sets.kept(str(site.root / "configs"), "0000")
    os.makedirs(stray)
    unresolved = site.root / "packs" / STATE / "journal.unresolved-1.json"
    unresolved.write_text("{}")
    clean(site.places)
    assert there(stray) == [True]
    unresolved.unlink()
    clean(site.places)
    assert there(stray) == [False]


def test_what_cannot_be_removed_is_said_and_the_rest_goes(site, history, monkeypatch):
    old, older = history.add("virtualenv"), history.add("virtualenv")
    history.add("virtualenv")

    def refuse(path):
        if path == old[0]:
            raise PermissionError(1, "Operation not permitted")
        os.rmdir(path)

    monkeypatch.setattr(recording, "remove_own", refuse)
    (warning,) = clean(site.places)
    assert warning.startswith(f"{old[0]} is no longer needed and cannot be removed: ")
    assert there(*old, *older) == [True, False]
