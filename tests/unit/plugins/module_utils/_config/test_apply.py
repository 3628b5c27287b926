# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only room that writes: all or nothing, the file and the database."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import RegisteredRecords
from ansible_collections.stackstorm.st2.plugins.module_utils._config.apply import (
    Applier,
    back_up,
    put_back,
    set_attributes,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._config.document import read_config
from ansible_collections.stackstorm.st2.plugins.module_utils._config.options import Attributes
from ansible_collections.stackstorm.st2.plugins.module_utils._config.plan import ConfigPlan
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError, RegistrationError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Registered

OWN = Attributes(0o640, -1, -1)
PACK = PackFiles("sensu", "/packs/sensu")


class Database:
    """A registrar that remembers what it was told and what the file said then."""

    name, by, reads, unloads = "api", "http://st2", True, True

    def __init__(self, path):
        self.path, self.calls, self.fails = path, [], False

    def register(self, packs, types=(), **_options):
        self.calls.append(("register", tuple(types), self.path.read_text() if self.path.exists() else None))
        if self.fails:
            raise RegistrationError("StackStorm said no.")
        return Registered({"configs": 1})

    def unload(self, refs):
        self.calls.append(("unload", tuple(refs), self.path.exists()))


class Bench:
    def __init__(self, root):
        self.path = root / "configs" / "sensu.yaml"
        self.path.parent.mkdir()
        self.records = RegisteredRecords(str(root / "state"))
        self.database = Database(self.path)

    def apply(self, action, content=b"", pack=PACK, backup=False, **plan):
        plan = ConfigPlan("sensu", action, read_config(str(self.path)), content=content, **{"attributes": OWN, **plan})
        applier = Applier(plan, pack, self.database, self.records, backup=backup)
        return applier.apply()


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_is_there_with_its_mode_before_it_is_registered_and_recorded(bench):
    applied = bench.apply("create", b"a: 1\n", register=True)
    assert bench.database.calls == [("register", ("config",), "a: 1\n")]
    assert (bench.path.read_text(), mode(bench.path), applied.registered.counts) == ("a: 1\n", 0o640, {"configs": 1})
    digest = bench.records.config_digest(str(bench.path))
    assert bench.records.read("sensu") == {"config": digest, "by": "http://st2"}
    assert os.listdir(bench.path.parent) == ["sensu.yaml"]


def test_a_registration_that_fails_leaves_all_as_it_was(bench):
    bench.path.write_text("a: 1\n")
    bench.path.chmod(0o604)
    bench.records.write("sensu", {"config": "x", "pack": "p", "by": "http://st2"})
    bench.database.fails = True
    with pytest.raises(RegistrationError) as raised:
        bench.apply("change", b"a: 2\n", register=True)
    assert raised.value.message == f"StackStorm said no. The file {bench.path} is as it was."
    assert (bench.path.read_text(), mode(bench.path)) == ("a: 1\n", 0o604)
    # Nobody knows what the database has now; of the pack itself it still is known.
    assert bench.records.read("sensu") == {"pack": "p", "by": "http://st2"}


def test_what_cannot_be_put_back_is_said(bench, monkeypatch):
    bench.path.write_text("a: 1\n")
    bench.database.fails = True

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ansible_collections.stackstorm.st2.plugins.module_utils._config.apply.put_back", full)
    with pytest.raises(RegistrationError) as raised:
        bench.apply("change", b"a: 2\n", register=True)
    assert "could not be put back: No space left on device" in raised.value.message


def test_a_database_of_another_server_makes_the_whole_record_void(bench):
    bench.records.write("sensu", {"config": "x", "pack": "p", "by": "http://elsewhere"})
    bench.apply("create", b"a: 1\n", register=True)
    assert "pack" not in bench.records.read("sensu")


def test_without_a_pack_nothing_is_registered(bench):
    bench.apply("create", b"a: 1\n", pack=None)
    assert bench.database.calls == [] and bench.records.read("sensu") == {}


def test_an_empty_config_is_registered_before_the_file_goes(bench):
    bench.path.write_text("a: 1\n")
    bench.records.write("sensu", {"config": "x", "pack": "p", "by": "http://st2"})
    bench.apply("remove", clear="empty")
    assert bench.database.calls == [("register", ("config",), "{}\n")] and not bench.path.exists()
    assert bench.records.read("sensu") == {"pack": "p", "by": "http://st2"}


def test_a_pack_is_unloaded_and_registered_again_without_its_config(bench):
    bench.path.write_text("a: 1\n")
    bench.records.write("sensu", {"config": "x", "pack": "p", "overrides": "o", "by": "http://st2"})
    bench.apply("remove", clear="unload")
    assert bench.database.calls == [("unload", ("sensu",), False), ("register", (), None)]
    assert bench.records.read("sensu") == {"pack": "p", "overrides": "o", "by": "http://st2"}


def test_a_removal_that_fails_puts_file_and_database_back(bench):
    bench.path.write_text("a: 1\n")
    bench.database.fails = True
    with pytest.raises(RegistrationError):
        bench.apply("remove", clear="unload")
    assert bench.path.read_text() == "a: 1\n"
    assert bench.database.calls[-1] == ("register", ("config",), "a: 1\n")


def test_a_backup_is_made_of_what_changes_or_goes(bench):
    bench.path.write_text("a: 1\n")
    bench.path.chmod(0o644)
    backups = [bench.apply("change", b"a: 2\n", backup=True).backup, bench.apply("attributes", backup=True).backup]
    assert backups[1] is None and backups[0].startswith(f"{bench.path}.") and backups[0].endswith("~")
    with open(backups[0]) as stream:
        assert stream.read() == "a: 1\n" and stat.S_IMODE(os.fstat(stream.fileno()).st_mode) == 0o600


def test_a_link_is_put_back_as_a_link(tmp_path):
    path = tmp_path / "sensu.yaml"
    path.symlink_to("elsewhere")
    file = read_config(str(path))
    path.unlink()
    path.write_text("a: 1\n")
    put_back(file)
    assert os.readlink(path) == "elsewhere"


def test_attributes_are_those_of_the_file_and_never_of_what_a_link_leads_to(tmp_path):
    path, other = tmp_path / "sensu.yaml", tmp_path / "other"
    path.write_text("a: 1\n")
    other.write_text("")
    other.chmod(0o600)
    file = read_config(str(path))
    set_attributes(file, Attributes(0o604, file.uid, file.gid))
    assert mode(path) == 0o604
    path.unlink()
    path.symlink_to(other)
    with pytest.raises(OSError):
        set_attributes(file, Attributes(0o644, file.uid, file.gid))
    assert mode(other) == 0o600


def test_a_file_that_may_not_be_given_away_is_a_sentence(bench, monkeypatch):
    def refuse(_descriptor, _uid, _gid):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(ApplyError) as raised:
        bench.apply("create", b"a: 1\n", attributes=Attributes(0o640, 4711, -1))
    assert "Run with become" in raised.value.message and os.listdir(bench.path.parent) == []


def test_two_backups_do_not_share_a_name_with_the_config(tmp_path):
    path = tmp_path / "sensu.yaml"
    path.write_text("a: 1\n")
    assert not back_up(read_config(str(path))).endswith(".yaml")
