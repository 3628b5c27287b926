# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that are kept: found again, held against what is there since, put in place, undone, and cleaned."""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as moving
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal, Move
from ansible_collections.stackstorm.st2.plugins.module_utils._change.kept_plans import KeptPlan, KeptPlans
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._change.transaction import Transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)

STATE = ".stackstorm.st2"
DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


class Kept:
    """A pack that is replaced, its virtualenv, and a config that comes new, all of them staged and kept."""

    def __init__(self, root):
        scratch = ScratchHost(root)
        self.host = read_host(str(scratch.st2_conf), scratch.environment())
        self.pack, self.virtualenv = scratch.packs / "demo", scratch.virtualenvs / "demo"
        self.config = scratch.configs / "demo.yaml"
        for place in (self.pack, self.virtualenv):
            place.mkdir()
            (place / "version").write_text("old")
        self.known = {"demo": "1" * 40}
        self.plans = KeptPlans(OwnPlaces(self.host), lambda path: path)
        self.release = scratch.packs / STATE / "releases" / "demo" / "0001-1.0.0" / "pack"
        self.keep()

    def identity(self, ref):
        return self.known.get(ref, "")

    def keep(self, **changes):
        staging = Staging()
        moves = []
        for what, live in (("pack", self.pack), ("virtualenv", self.virtualenv), ("config", self.config)):
            staged = Path(staging.path(Staging.beside(str(live)), what, live.name))
            if what == "config":
                staged.write_text("new")
            else:
                staged.mkdir()
                (staged / "version").write_text("new")
            kept = staging.path(Staging.beside(str(live)), "old", what, live.name)
            moves.append(Move("demo", what, str(live), str(staged), str(self.release) if what == "pack" else kept))
        plan = KeptPlan(
            DIGEST,
            "sha256:asked",
            ("demo",),
            {"demo": "1" * 40},
            {"demo": "2" * 40},
            {"demo": ("pack", "config")},
            {"msg": "demo"},
            moves=tuple(moves),
        )
        self.plans.keep(replace(plan, **changes), [("demo", "overrides", f"{self.host.overrides_path}/demo.yaml")])
        assert staging.clear() == []

    @property
    def plan(self):
        return self.plans.find("sha256:asked")

    def differences(self):
        return self.plans.differences(self.plan, self.identity)

    def contents(self):
        return [
            (path / "version").read_text() if path.is_dir() else path.exists() and path.read_text()
            for path in (self.pack, self.virtualenv, self.config)
        ]


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path)


def transaction(kept, staging):
    return Transaction(Journal(str(kept.pack.parent / STATE)), staging, kept.plans.moves(kept.plan, staging))


def test_it_is_found_by_what_was_asked_and_nobody_else_may_look(kept):
    assert kept.plan.digest == DIGEST and kept.plan.shown == {"msg": "demo"}
    assert kept.plans.find("sha256:other") is None
    for place in OwnPlaces(kept.host).plans[:3]:
        assert [stat.S_IMODE(os.stat(f"{place}/{name}").st_mode) for name in os.listdir(place)] == [0o700]
    document = Path(OwnPlaces(kept.host).plans[0], "a" * 64, "plan.json")
    assert stat.S_IMODE(document.stat().st_mode) == 0o600
    assert kept.contents() == ["old", "old", False]
    assert kept.differences() == [] and not kept.plans.is_done(kept.plan, kept.identity)


def test_it_is_put_in_place_by_renames_and_known_to_be(kept):
    staging = Staging()
    change = transaction(kept, staging)
    change.begin()
    change.carry_out()
    change.end()
    assert kept.contents() == ["new", "new", "new"] and (kept.release / "version").read_text() == "old"
    kept.known["demo"] = "2" * 40
    assert kept.plans.is_done(kept.plan, kept.identity)
    assert staging.clear() == []
    kept.known["demo"] = "3" * 40
    assert not kept.plans.is_done(kept.plan, kept.identity)


def test_undone_it_waits_again(kept):
    staging = Staging()
    change = transaction(kept, staging)
    change.begin()
    change.carry_out()
    assert change.undo()
    change.end()
    assert kept.contents() == ["old", "old", False]
    assert kept.differences() == []


def test_undone_without_exchange_it_waits_again(kept, monkeypatch):
    monkeypatch.setattr(moving, "exchange", lambda *_paths: False)
    test_undone_it_waits_again(kept)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda kept: kept.known.update(demo="3" * 40), "demo was 1111111 when this was staged, and is 3333333 now."),
        (lambda kept: kept.known.clear(), "demo was 1111111 when this was staged, and is not there now."),
        (lambda kept: kept.config.write_text("by hand"), "The config of demo ("),
        (lambda kept: (kept.virtualenv / "more").touch(), "The virtualenv of demo ("),
        (lambda kept: shutil.rmtree(kept.plan.moves[1].staged), "The virtualenv of demo that was staged is no longer"),
        (lambda kept: kept.release.mkdir(parents=True), "where the pack of demo would be kept, exists"),
        (lambda kept: Path(kept.host.overrides_path, "demo.yaml").write_text("x"), "The overrides of demo ("),
    ],
)
def test_what_is_another_since_is_said(kept, change, said):
    change(kept)
    assert len(kept.differences()) == 1 and said in kept.differences()[0], kept.differences()


def test_what_the_packs_hold_may_change_while_they_are_used(kept):
    (kept.pack / "cache").touch()
    assert kept.differences() == []


def test_another_plan_for_the_same_packs_and_an_old_one_supersede(kept):
    kept.plans.clean(["other"])
    assert kept.plan
    kept.plans.clean(["demo"], but=DIGEST)
    assert kept.plan
    os.utime(Path(OwnPlaces(kept.host).plans[0], "a" * 64, "plan.json"), (1, 1))
    kept.plans.clean(["other"])
    assert kept.plan is None
    assert [os.listdir(place) for place in OwnPlaces(kept.host).plans[:3]] == [[], [], []]
    kept.keep()
    kept.plans.clean(["demo"])
    assert kept.plan is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "moves": 3}', "\udcff"])
def test_one_that_cannot_be_read_is_none_and_goes(kept, text):
    document = Path(OwnPlaces(kept.host).plans[0], "a" * 64, "plan.json")
    document.write_text(text, errors="surrogateescape")
    assert kept.plan is None
    kept.plans.clean([])
    assert not document.parent.exists()


def test_a_move_that_takes_away_has_nothing_to_wait(kept):
    kept.keep(moves=(Move("demo", "config", str(kept.config), None, str(kept.release)),))
    assert json.dumps(kept.plan.shown) == '{"msg": "demo"}' and kept.differences() == []


def test_a_planted_link_is_refused(kept, tmp_path):
    place = Path(OwnPlaces(kept.host).plans[0])
    shutil.rmtree(place)
    place.symlink_to(tmp_path)
    for look in (lambda: kept.plans.find("x"), kept.keep, lambda: kept.plans.clean(["demo"])):
        with pytest.raises(HostError, match="symbolic link"):
            look()
