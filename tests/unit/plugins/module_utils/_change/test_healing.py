# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run does about one that was interrupted: in check mode it supposes, otherwise it puts right."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change import healing
from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.healing import Healing
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal, Move, carry_out, prepared
from ansible_collections.stackstorm.st2.plugins.module_utils._change.lock import HostLock
from ansible_collections.stackstorm.st2.plugins.module_utils._change.on_disk import OnDisk
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._files import TEMPORARY_PREFIX
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)

UNDONE = "An earlier run was interrupted while it changed sensu: what was there before was put back."


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


class Host:
    """A host with a pack, and what a run does there about earlier ones."""

    def __init__(self, root, registrar):
        self.root, self.registrar = root, registrar
        paths = {name: str(root / name) for name in ("packs", "virtualenvs", "configs", "overrides")}
        for path in paths.values():
            (root / path).mkdir()
        self.base = SimpleNamespace(
            base_path=str(root),
            system_packs_path=paths["packs"],
            packs_base_paths=(paths["packs"],),
            virtualenvs_path=paths["virtualenvs"],
            configs_path=paths["configs"],
            overrides_path=paths["overrides"],
        )
        self.pack(root / "packs" / "sensu", "1.0.0")
        self.places = OwnPlaces(self.base)
        self.journal = Journal(self.places.state)
        self.lock = HostLock(self.places.state)
        self.records = Records(self.places.state)
        self.warnings = []
        self.database = Database(lambda _deadline: (registrar, ()), Deadline(60), self.records)
        staging = Staging(lock=self.lock)
        self.healing = Healing(self.places, self.lock, staging, self.database, self.on_disk, self.warnings)

    @staticmethod
    def pack(path, version):
        path.mkdir(parents=True)
        (path / "pack.yaml").write_text(f"ref: sensu\nname: sensu\nversion: {version}\n")

    def on_disk(self):
        return OnDisk(self.base, Installation([self.base.system_packs_path]), self.records)

    def interrupt(self, *, moves=True, told=None):
        """A run is killed that has put version 2.0.0 in place."""
        staged = self.root / "packs" / ".stackstorm.st2" / "staging" / "run" / "sensu"
        self.pack(staged, "2.0.0")
        move = prepared(Move("sensu", "pack", f"{self.root}/packs/sensu", str(staged), f"{staged}.kept"))
        self.journal.begin([move] if moves else [], "run", told)
        if moves:
            carry_out(move)

    @property
    def version(self):
        return (self.root / "packs" / "sensu" / "pack.yaml").read_text().split()[-1]


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path, PretendedDatabase())


@pytest.fixture
def silent(tmp_path):
    """A host whose StackStorm is told nothing."""
    return Host(tmp_path, NoRegistrar())


def test_where_nothing_was_interrupted_nothing_happens_and_no_lock_is_taken(host):
    assert host.healing.suppose() == host.healing.heal(Deadline(0)) == {}
    assert not host.lock.held and not (host.root / "packs" / ".stackstorm.st2").exists()
    assert (host.healing.recovered, host.warnings, host.registrar.calls) == ((), [], [])


def test_check_mode_supposes_and_changes_nothing(host):
    host.interrupt(told={"sensu": ()})
    moved = host.healing.suppose()
    assert moved[f"{host.root}/packs/sensu"].endswith("sensu.kept") and host.healing.recovered == ("sensu",)
    assert host.database.healed("sensu"), "the database is taken for what the files say"
    assert (host.version, host.lock.held, host.registrar.calls) == ("2.0.0", False, []) and host.journal.exists()


def test_a_run_puts_files_and_database_back_with_the_lock(host):
    host.interrupt(told={"sensu": ()})
    host.registrar.rows["sensu"] = "2.0.0"
    assert host.healing.heal(Deadline(60)) == {}
    assert host.lock.held and (host.version, host.registrar.rows) == ("1.0.0", {"sensu": "1.0.0"})
    assert (host.healing.recovered, host.healing.unhealed) == (("sensu",), {}) and host.warnings == [UNDONE]
    assert not host.journal.exists()


def test_what_only_the_database_lacks_is_put_right_as_well(host, monkeypatch):
    begun = []
    monkeypatch.setattr(healing, "begin", lambda: begun.append(host.lock.held))
    host.interrupt(moves=False, told={"sensu": ()})
    host.healing.heal(Deadline(60))
    assert host.registrar.rows == {"sensu": "1.0.0"} and host.healing.recovered == ("sensu",)
    assert begun == [False], "the run is under way before it may wait for another one"


@pytest.mark.parametrize("problem", ["", "The lock cannot be used."])
def test_what_is_in_nobodys_way_is_only_removed_by_who_gets_the_lock(host, problem):
    left = host.root / "packs" / ".stackstorm.st2" / f"{TEMPORARY_PREFIX}left"
    left.parent.mkdir()
    left.write_text("")
    host.lock.problem = problem
    host.healing.heal(Deadline(60))
    assert (host.lock.held, left.exists()) == (not problem, bool(problem))


def test_what_stackstorm_refuses_remains_to_be_done(host):
    host.interrupt(told={"sensu": ("action",)})
    host.registrar.refuses.add(("sensu", "1.0.0"))
    host.healing.heal(Deadline(60))
    assert host.version == "1.0.0" and dict(host.healing.unhealed) == {"sensu": ("action",)}
    assert host.warnings[0] == UNDONE and "may have sensu as an interrupted run left them" in host.warnings[-1]
    assert host.journal.exists(), "the next run tries again"


def test_who_tells_stackstorm_nothing_only_puts_files_back(silent):
    silent.interrupt(told={"sensu": ()})
    silent.healing.suppose()
    assert not silent.database.healed("sensu")
    silent.healing.heal(Deadline(60))
    assert silent.version == "1.0.0" and silent.journal.exists()
    assert dict(silent.healing.unhealed) == {"sensu": ()}, "somebody else has to tell it"


def test_who_tells_stackstorm_nothing_has_nothing_to_put_right_where_only_that_is_missing(silent):
    silent.interrupt(moves=False, told={"sensu": ()})
    silent.healing.heal(Deadline(60))
    assert not silent.lock.held and silent.journal.exists()
