# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One plan carried out: when it is written down, what stands after a failure, and what is said of that."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as moving
from ansible_collections.stackstorm.st2.plugins.module_utils._change.change import Change
from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal, Move
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.planner import Staged
from ansible_collections.stackstorm.st2.plugins.module_utils._change.telling import Registration, Telling
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError, RegistrationError, VerifyError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._change.scratch_files import ScratchFiles
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)

PUT_BACK = " Everything this task had changed was put back."


@dataclass(frozen=True)
class Plan:
    """To have another config of sensu."""

    changed: bool = True
    acts: bool = True
    parts: dict = field(default_factory=lambda: {"sensu": ("config",)})


class Site:
    """A host with sensu and its config, which StackStorm has; and what a change of that config is made of.

    :ivar at: What is done at a step of the planner, by its name.
    """

    warnings = ()

    def __init__(self, root):
        self.files = ScratchFiles(root)
        self.pack = self.files.pack("sensu")
        self.files.config("sensu", "a: 1\n")
        self.places = OwnPlaces(self.files.host)
        self.journal = Journal(self.places.state)
        self.registrar = PretendedDatabase()
        self.registrar.rows["sensu"] = "1.0.0"
        self.at = {}

    @property
    def text(self):
        path = self.files.scratch.configs / "sensu.yaml"
        return path.read_text() if path.exists() else None

    def change(self, unhealed=None):
        database = Database(lambda _deadline: (self.registrar, ()), Deadline(60), self.files.records)
        return Change(self.places, self.files.staging, database, lambda: self.files.now, unhealed or {})

    def _at(self, step):
        self.at.get(step, lambda: None)()

    def stage(self, _plan):
        self._at("stage")
        live = str(self.files.scratch.configs / "sensu.yaml")
        place = self.files.staging.beside(live)
        staged = self.files.staging.path(place, "config", "sensu.yaml")
        with open(staged, "w") as stream:
            stream.write("a: 2\n")
        move = Move("sensu", "config", live, staged, self.files.staging.path(place, "old", "sensu.yaml"))
        told = (Registration(PackFiles("sensu", str(self.pack)), ("config",)),)
        return Staged((move,), (), Telling(register=told if self.registrar.name != "none" else ()))

    def verify(self, _plan):
        self._at("verify")

    def verify_database(self, _plan):
        self._at("verify_database")


@pytest.fixture
def site(tmp_path):
    with without_waiting_for_disks():
        yield Site(tmp_path)


def fail(error):
    """What raises an error, whatever it is given."""

    def at(*_arguments, **_named):
        raise error

    return at


def failed(site, change):
    with pytest.raises(ApplyError) as raised:
        change.carry_out(site, Plan())
    return raised.value.message


def test_it_is_written_down_before_anything_moves_and_no_more_once_all_is_done(site):
    seen = []
    site.at["stage"] = lambda: seen.append((site.journal.exists(), site.text))
    site.at["verify"] = lambda: seen.append((site.journal.exists(), site.text))
    change = site.change()
    assert change.carry_out(site, Plan()).register[0].types == ("config",)
    assert seen == [(False, "a: 1\n"), (True, "a: 2\n")]
    assert not site.journal.exists() and site.text == "a: 2\n"
    assert site.files.records.read("sensu")["config"].digest == site.files.now.config("sensu")
    assert change.stuck == change.astray == frozenset()


def test_what_fails_before_it_is_written_down_is_not_said_to_be_put_back(site):
    site.at["stage"] = fail(ApplyError("No room."))
    assert failed(site, site.change()) == "No room."
    assert site.registrar.told() == [] and not site.journal.exists()


@pytest.mark.parametrize("step", ["verify", "verify_database"])
def test_what_fails_afterwards_is_put_back_in_both_and_said_once(site, step):
    site.at[step] = fail(ApplyError("No."))
    change = site.change()
    assert failed(site, change) == f"No.{PUT_BACK}"
    assert site.text == "a: 1\n" and not site.journal.exists()
    told = [("register", ["sensu"])]
    assert site.registrar.told() == (told * 2 if step == "verify_database" else [])
    assert change.stuck == change.astray == frozenset()


def test_what_stackstorm_does_not_take_back_stays_written_down_without_the_moves(site):
    def down():
        site.registrar.register = fail(RegistrationError("Down."))
        raise VerifyError("No.")

    site.at["verify_database"] = down
    change = site.change()
    with pytest.raises(VerifyError) as raised:
        change.carry_out(site, Plan())
    assert raised.value.message.endswith("could not be put back, which the next run does: Down.")
    assert change.astray == {"sensu"} and site.text == "a: 1\n"
    entry = site.journal.read()
    assert entry.moves == () and dict(entry.told) == {"sensu": ("config",)}


def test_what_cannot_be_moved_back_is_stuck_and_the_journal_stays(site, monkeypatch):
    def refuse(*_moves):
        raise OSError("Read-only.")

    monkeypatch.setattr(moving, "undo_all", refuse)
    site.at["verify"] = fail(ApplyError("No."))
    change = site.change()
    assert "cannot be put back: Read-only." in failed(site, change)
    assert change.stuck == change.astray == {"sensu"}
    assert site.journal.read().moves and site.text == "a: 2\n"


def test_what_an_earlier_run_left_to_be_told_stays_so_unless_this_one_tells_as_much(site):
    site.change({"jira": (), "sensu": ("config",)}).carry_out(site, Plan())
    assert dict(site.journal.read().told) == {"jira": ()}
    assert site.journal.read().moves == ()


def test_an_error_that_is_none_of_ours_is_put_back_too(site):
    site.at["verify"] = fail(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        site.change().carry_out(site, Plan())
    assert site.text == "a: 1\n" and not site.journal.exists()


def test_what_stackstorm_has_is_on_record_before_the_journal_ends(site, monkeypatch):
    end, recorded = Journal.end, []

    def watched(journal):
        recorded.append(bool(site.files.records.read("sensu")["config"].digest))
        return end(journal)

    monkeypatch.setattr(Journal, "end", watched)
    site.change().carry_out(site, Plan())
    assert recorded == [True]
