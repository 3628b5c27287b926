# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on a host: in which order it looks, moves and tells, and that nothing of it stands when anything fails."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field

import pytest
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as moving
from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal, Move
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.planner import Staged
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records
from ansible_collections.stackstorm.st2.plugins.module_utils._change.session import Session, undisturbed
from ansible_collections.stackstorm.st2.plugins.module_utils._change.telling import Registration, Telling
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    MissingLibraryError,
    RegistrationError,
    SourceError,
    VerifyError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._process import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Resource
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)

STEPS = ("make", "stage", "verify", "verify_database")
GONE = Resource("rules", "x", "sensu.x", True, "rules/x.yaml")


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@dataclass(frozen=True)
class Upgrade:
    """A plan to have sensu in a version, and to be rid of a rule and of a file beside it once StackStorm was told."""

    version: str = "2.0.0"
    changed: bool = True
    acts: bool = True
    parts: dict = field(default_factory=lambda: {"sensu": ("pack",)})


class Planner:
    """Plans the upgrade, and fails where a test says so.

    :arg fails: The error by the step that raises it.
    """

    def __init__(self, view, site, rest, fails):
        self.view, self.site, self._rest, self._fails = view, site, rest, fails
        self.warnings = ["found"]

    def _at(self, step):
        self.site.steps.append(step)
        if step in self._fails:
            raise self._fails[step]

    def at_rest(self):
        self._at("at_rest")
        return self._rest

    def make(self):
        self._at("make")
        return Upgrade()

    def stage(self, plan):
        self._at("stage")
        self.warnings.append("staged")
        directory = PacksDirectory(self.view.host.system_packs_path)
        tree = self.view.staging.path(directory.staging, "packs", "sensu")
        self.site.write(tree, plan.version)
        kept = [self.view.staging.path(directory.staging, "old", name, "x") for name in ("pack", "config")]
        pack = Registration(PackFiles("sensu", directory.pack("sensu")))
        telling = Telling(register=(pack,), closing=(pack,), delete=(GONE,))
        return Staged(
            (Move("sensu", "pack", directory.pack("sensu"), tree, kept[0]),),
            (Move("sensu", "config", str(self.site.config), None, kept[1]),),
            telling if self.site.tells else Telling(),
        )

    def verify(self, plan):
        assert self.site.version() == plan.version and self.site.config.exists()
        self._at("verify")

    def verify_database(self, plan):
        assert not self.site.config.exists()
        self._at("verify_database")


class Site:
    """A host with sensu 1.0.0 and its config, and a database that has both."""

    def __init__(self, root):
        self.scratch = ScratchHost(root / "host")
        self.host = read_host(str(self.scratch.st2_conf), self.scratch.environment())
        self.state = OwnPlaces(self.host).state
        self.journal, self.records = Journal(self.state), Records(self.state)
        self.config = self.scratch.configs / "sensu.yaml"
        self.config.write_text("a: 1\n")
        self.write(self.scratch.packs / "sensu", "1.0.0")
        self.registrar = PretendedDatabase()
        self.registrar.rows = {"sensu": "1.0.0"}
        self.registrar.stored = {"sensu": {GONE.ref: GONE}}
        self.steps = []
        self.before = self.look()

    @staticmethod
    def write(path, version):
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "pack.yaml"), "w") as stream:
            stream.write(f"ref: sensu\nname: sensu\nversion: {version}\n")

    def version(self):
        return self.scratch.pack_version("sensu")

    def look(self):
        return self.scratch.snapshot(exclude=(".stackstorm.st2",))

    def run(self, check=False, rest=None, tells=True, **fails):
        """Run, and return the outcome; every error of C(fails) is raised by its step."""
        self.steps.clear()
        self.tells, registrar = tells, self.registrar if tells else NoRegistrar()
        database = Database(lambda _deadline: (registrar, ()), Deadline(60), self.records)
        return Session(
            self.host,
            database,
            lambda view: Planner(view, self, rest, fails),
            check=check,
            scratch=str(self.scratch.tmp),
            deadline=Deadline(60),
        ).run()

    def debris(self):
        return list(self.scratch.base_path.glob("**/.stackstorm.st2/staging/*"))


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_files_and_database_are_changed_in_the_order_in_which_both_can_be_put_back(site, monkeypatch):
    register = site.registrar.register

    def watched(*arguments, **named):
        site.steps.append(f"register {site.version()} {'with' if site.config.exists() else 'without'} config")
        assert site.journal.read().told == {"sensu": ()}, "all of it"
        assert site.records.read("sensu")["pack"].digest == "", "nobody knows what StackStorm has"
        return register(*arguments, **named)

    monkeypatch.setattr(site.registrar, "register", watched)
    outcome = site.run()
    assert (outcome.failure, outcome.stands, outcome.changed) == (None, True, True)
    assert site.steps == [
        "at_rest", "make", "stage", "verify", "register 2.0.0 with config",
        "register 2.0.0 without config", "verify_database",
    ]  # fmt: skip
    assert site.registrar.rows == {"sensu": "2.0.0"}
    assert site.registrar.told()[-1] == ("delete", ["sensu.x"]), "what cannot be undone comes last"
    assert site.records.read("sensu")["pack"].digest
    assert site.journal.read() is None and site.debris() == []
    assert outcome.warnings == ["found", "staged"]


def test_check_mode_plans_and_writes_nothing(site):
    everything = site.scratch.snapshot(identity=True)
    outcome = site.run(check=True)
    assert (outcome.changed, outcome.plan, outcome.warnings) == (True, Upgrade(), ["found"])
    assert site.steps == ["at_rest", "make"]
    assert site.scratch.snapshot(identity=True) == everything and site.registrar.told() == []


def test_what_is_at_rest_needs_no_lock_and_writes_nothing(site):
    rest = Upgrade(changed=False, acts=False)
    everything = site.scratch.snapshot(identity=True)
    outcome = site.run(rest=rest)
    assert (outcome.changed, outcome.stands, outcome.plan) == (False, True, rest)
    assert site.steps == ["at_rest"]
    assert site.scratch.snapshot(identity=True) == everything and site.registrar.told() == []


def test_something_to_remember_alone_is_done_and_no_change(site):
    outcome = site.run(rest=Upgrade(changed=False))
    assert (outcome.changed, outcome.stands) == (False, True)
    assert site.steps[:2] == ["at_rest", "stage"]


@pytest.mark.parametrize("step", STEPS)
def test_whichever_step_fails_files_and_database_are_as_they_were(site, step):
    outcome = site.run(**{step: VerifyError("It is not so.", ref="sensu")})
    assert outcome.failure.ref == "sensu" and outcome.failure.message.startswith("It is not so.")
    assert outcome.failure.message.endswith("Everything this task had changed was put back.") == ("verify" in step)
    assert (outcome.stands, outcome.changed, outcome.stuck, outcome.astray) == (False, False, frozenset(), frozenset())
    assert outcome.plan == (None if step == "make" else Upgrade())
    assert site.look() == site.before
    assert site.registrar.rows == {"sensu": "1.0.0"} and GONE.ref in site.registrar.stored["sensu"]
    assert site.journal.read() is None and site.debris() == []
    assert site.steps[-1] == step and "found" in outcome.warnings


def test_a_refusal_of_stackstorm_undoes_the_moves(site):
    site.registrar.refuses.add(("sensu", "2.0.0"))
    outcome = site.run()
    assert "StackStorm refuses sensu 2.0.0: bad content." in outcome.failure.message
    assert outcome.failure.message.endswith("Everything this task had changed was put back.")
    assert site.look() == site.before and site.registrar.rows == {"sensu": "1.0.0"}


def test_what_the_database_still_has_wrong_is_a_change_and_stays_written_down(site):
    site.registrar.refuses |= {("sensu", "2.0.0"), ("sensu", "1.0.0")}
    outcome = site.run()
    assert (outcome.astray, outcome.changed, outcome.stands) == ({"sensu"}, True, False)
    assert site.look() == site.before
    entry = site.journal.read()
    assert entry.moves == () and set(entry.told) == {"sensu"}
    site.registrar.refuses.clear()
    for tells in (False, True):
        rest = site.run(rest=Upgrade(changed=False, acts=False), tells=tells)
        assert (rest.changed, rest.recovered) == ((True, ("sensu",)) if tells else (False, ()))
        assert site.journal.exists() is not tells, "it waits for a run that may tell"


def test_what_cannot_be_moved_back_is_a_change_that_the_next_run_undoes(site, monkeypatch):
    def refuse(*_moves):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(moving, "undo_all", refuse)
        outcome = site.run(verify=VerifyError("No."))
    assert "cannot be put back" in outcome.failure.message
    assert (outcome.stuck, outcome.astray, outcome.changed) == ({"sensu"}, {"sensu"}, True)
    assert site.version() == "2.0.0" and site.debris(), "the old files are there"
    view = undisturbed(site.host, str(site.scratch.tmp))
    assert view.installation.get("sensu").version == "1.0.0"
    with open(view.now(str(site.config))) as stream:
        assert stream.read() == "a: 1\n"
    rest = Upgrade(changed=False, acts=False)
    everything = site.scratch.snapshot(identity=True)
    predicted = site.run(check=True, rest=rest)
    assert site.scratch.snapshot(identity=True) == everything
    done = site.run(rest=rest)
    assert predicted.recovered == done.recovered == ("sensu",) and predicted.changed and done.changed
    assert site.look() == site.before and site.registrar.rows == {"sensu": "1.0.0"}
    assert any("An earlier run was interrupted while it changed sensu" in text for text in done.warnings)
    assert site.journal.read() is None and site.debris() == []


def test_a_failure_of_what_comes_last_leaves_the_change_standing(site, monkeypatch):
    def refuse(_resource):
        raise RegistrationError("It cannot be deleted.")

    monkeypatch.setattr(site.registrar, "delete", refuse)
    outcome = site.run()
    assert outcome.failure.message == "It cannot be deleted." and outcome.failure.ref == "sensu"
    assert (outcome.stands, outcome.changed, site.version()) == (True, True, "2.0.0")


def test_where_nobody_is_told_the_record_of_what_changed_is_void(site):
    site.run()
    site.config.write_text("a: 2\n")
    known = site.records.read("sensu")
    outcome = site.run(tells=False)
    assert outcome.failure is None
    told = site.records.read("sensu")
    assert told["pack"].digest == "" and told["overrides"] == known["overrides"]


def test_an_error_of_the_programs_own_undoes_too_and_comes_out(site):
    with pytest.raises(ZeroDivisionError):
        site.run(verify=ZeroDivisionError())
    assert site.look() == site.before and site.registrar.rows == {"sensu": "1.0.0"}


def test_a_file_that_cannot_be_read_is_a_sentence_and_a_missing_library_another_pythons_business(site):
    failure = site.run(make=PermissionError(errno.EACCES, "Permission denied", "/x")).failure
    assert failure.message.startswith("A file of this host cannot be read or written: [Errno 13]")
    assert site.run(make=SourceError("No.", step="")).failure.step, "every failure has a step"
    with pytest.raises(MissingLibraryError):
        site.run(make=MissingLibraryError("yaml"))


def test_killed_at_any_move_the_next_run_makes_files_and_database_agree(tmp_path):
    for number in range(1, 99):
        site = Site(tmp_path / str(number))
        killed = is_killed(number, site.run, ("rename", "unlink"))
        done = site.run(rest=Upgrade(changed=False, acts=False))
        assert done.failure is None
        assert site.journal.read() is None and site.debris() == []
        if not killed:
            assert site.version() == "2.0.0"
            break
        assert site.version() in ("1.0.0", "2.0.0")
        if site.version() == "1.0.0":
            assert site.look() == site.before, f"killed before change {number}"
    assert number > 6
