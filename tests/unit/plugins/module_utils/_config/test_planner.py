# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a config as it is prepared: aside, with its attributes, to be moved into place."""

from __future__ import annotations

import os
import stat

import pytest
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records
from ansible_collections.stackstorm.st2.plugins.module_utils._change.session import View
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._change.transaction import Transaction
from ansible_collections.stackstorm.st2.plugins.module_utils._config.document import read_config
from ansible_collections.stackstorm.st2.plugins.module_utils._config.options import Attributes, ConfigOptions
from ansible_collections.stackstorm.st2.plugins.module_utils._config.plan import ConfigPlan
from ansible_collections.stackstorm.st2.plugins.module_utils._config.planner import ConfigPlanner
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar

OWN = Attributes(0o640, -1, -1)


class Bench:
    """A host on which one plan about the config of sensu is carried out."""

    def __init__(self, root):
        scratch = ScratchHost(root)
        self.host = read_host(str(scratch.st2_conf), scratch.environment())
        self.path = scratch.configs / "sensu.yaml"
        self.state = OwnPlaces(self.host).state
        os.mkdir(self.state)

    def plan(self, action, content=b"", **plan):
        return ConfigPlan("sensu", action, read_config(str(self.path)), content=content, **{"attributes": OWN, **plan})

    def stage(self, plan, backup=False):
        """Prepare it, and return the planner and the transaction that is to come."""
        database = Database(lambda _deadline: (NoRegistrar(), ()), Deadline(60), Records(self.state))
        options = ConfigOptions("sensu", backup=backup)
        staging = Staging()
        planner = ConfigPlanner(View(self.host, staging), database, options, Redactor())
        staged = planner.stage(plan)
        transaction = Transaction(Journal(self.state), staging, staged.moves, staged.closing)
        transaction.begin()
        return planner, transaction

    def apply(self, action, content=b"", backup=False, **plan):
        """Carry it out, closing moves and all, and return the planner."""
        planner, transaction = self.stage(self.plan(action, content, **plan), backup)
        transaction.carry_out()
        transaction.close()
        transaction.end()
        return planner

    def names(self):
        return sorted(name for name in os.listdir(self.path.parent) if not name.startswith(".stackstorm"))


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "host")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_until_it_is_moved_nothing_is_there_and_nobody_else_can_look(bench):
    _planner, transaction = bench.stage(bench.plan("create", b"a: 1\n"))
    assert bench.names() == []
    (staging,) = (bench.path.parent / ".stackstorm.st2" / "staging").iterdir()
    assert mode(staging) == 0o700
    transaction.carry_out()
    assert (bench.path.read_text(), mode(bench.path), bench.names()) == ("a: 1\n", 0o640, ["sensu.yaml"])
    transaction.undo()
    assert bench.names() == []


@pytest.mark.parametrize("action, content", [("change", b"a: 2\n"), ("attributes", b""), ("remove", b"")])
def test_what_was_there_comes_back_as_it_was(bench, action, content):
    bench.path.write_text("a: 1\n")
    bench.path.chmod(0o604)
    inode = bench.path.stat().st_ino
    _planner, transaction = bench.stage(bench.plan(action, content))
    transaction.carry_out()
    now = (bench.path.read_text(), mode(bench.path)) if bench.path.exists() else None
    assert now == {"change": ("a: 2\n", 0o640), "attributes": ("a: 1\n", 0o640), "remove": None}[action]
    transaction.undo()
    assert (bench.path.read_text(), mode(bench.path), bench.path.stat().st_ino) == ("a: 1\n", 0o604, inode)


@pytest.mark.parametrize("text", ["a: 1\n", None], ids=["there", "gone"])
def test_an_empty_config_stands_until_the_closing_moves(bench, text):
    if text:
        bench.path.write_text(text)
    plan = bench.plan("remove" if text else "none", clear="empty")
    _planner, transaction = bench.stage(plan)
    transaction.carry_out()
    assert (bench.path.read_text(), mode(bench.path)) == ("{}\n", 0o640)
    transaction.close()
    assert bench.names() == []
    transaction.undo()
    assert (bench.path.read_text() if bench.path.exists() else None) == text


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_owner_and_group_are_set_before_the_file_has_its_name(bench):
    _planner, transaction = bench.stage(bench.plan("create", b"a: 1\n", attributes=Attributes(0o600, 12, 34)))
    transaction.carry_out()
    status = bench.path.stat()
    assert (status.st_uid, status.st_gid, mode(bench.path)) == (12, 34, 0o600)


def test_a_backup_is_made_of_what_changes_or_goes(bench):
    bench.path.write_text("a: 1\n")
    bench.path.chmod(0o644)
    backup = bench.apply("change", b"a: 2\n", backup=True).backup
    assert backup.startswith(f"{bench.path}.") and backup.endswith("~")
    with open(backup) as stream:
        assert stream.read() == "a: 1\n" and stat.S_IMODE(os.fstat(stream.fileno()).st_mode) == 0o600
    os.unlink(backup)
    assert bench.apply("attributes", backup=True).backup == "" and bench.names() == ["sensu.yaml"]
    backup = bench.apply("remove", backup=True, clear="empty").backup
    with open(backup) as stream:
        assert stream.read() == "a: 2\n"
    assert bench.names() == [os.path.basename(backup)]


def test_a_backup_goes_when_the_change_is_undone(bench):
    bench.path.write_text("a: 1\n")
    _planner, transaction = bench.stage(bench.plan("change", b"a: 2\n"), backup=True)
    transaction.carry_out()
    assert len(bench.names()) == 2
    transaction.undo()
    assert bench.names() == ["sensu.yaml"] and bench.path.read_text() == "a: 1\n"


def test_a_link_is_put_back_as_a_link(bench):
    bench.path.symlink_to("elsewhere")
    _planner, transaction = bench.stage(bench.plan("change", b"a: 1\n"))
    transaction.carry_out()
    assert not bench.path.is_symlink() and bench.path.read_text() == "a: 1\n"
    transaction.undo()
    assert os.readlink(bench.path) == "elsewhere"


def test_attributes_are_those_of_the_file_and_never_of_what_a_link_leads_to(bench, tmp_path):
    other = tmp_path / "other"
    bench.path.write_text("a: 1\n")
    other.write_text("")
    other.chmod(0o600)
    plan = bench.plan("attributes", attributes=Attributes(0o644, -1, -1))
    bench.path.unlink()
    bench.path.symlink_to(other)
    _planner, transaction = bench.stage(plan)
    transaction.carry_out()
    assert mode(other) == 0o600 and other.read_text() == ""
    assert not bench.path.is_symlink() and (bench.path.read_text(), mode(bench.path)) == ("a: 1\n", 0o644)


def test_a_file_that_may_not_be_given_away_is_a_sentence(bench, monkeypatch):
    def refuse(_descriptor, _uid, _gid):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(ApplyError) as raised:
        bench.apply("create", b"a: 1\n", attributes=Attributes(0o640, 4711, -1))
    assert "Run with become" in raised.value.message and raised.value.ref == "sensu" and bench.names() == []


def test_what_the_file_system_refuses_is_a_sentence(bench, monkeypatch):
    def full(_old, _new):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ApplyError, match=r"sensu\.yaml cannot be changed: No space left on device"):
        bench.apply("create", b"a: 1\n")
    assert bench.names() == []
