# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An override file as it is prepared: aside, readable, owned as its neighbours, to be moved into place."""

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
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError
from ansible_collections.stackstorm.st2.plugins.module_utils._override.options import Options
from ansible_collections.stackstorm.st2.plugins.module_utils._override.plan import Plan
from ansible_collections.stackstorm.st2.plugins.module_utils._override.planner import OverridePlanner
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)

OLD, NEW = b"rules: {}\n", b"actions:\n  defaults:\n    enabled: false\n"


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


class Bench:
    """A host on which one plan about the overrides of sensu is carried out."""

    def __init__(self, root):
        scratch = ScratchHost(root)
        self.host = read_host(str(scratch.st2_conf), scratch.environment())
        self.path = scratch.overrides / "sensu.yaml"
        self.state = OwnPlaces(self.host).state
        os.mkdir(self.state)

    def carry_out(self, before, after):
        """Do it, and return the transaction."""
        plan = Plan("sensu", str(self.path), before, after, before != after, (), (PackFiles("sensu", "/p"),))
        database = Database(lambda _deadline: (NoRegistrar(), ()), Deadline(60), Records(self.state))
        staging = Staging()
        view = View(self.host, staging)
        staged = OverridePlanner(view, database, Options("sensu"), view.installation).stage(plan)
        assert staged.telling == plan.telling and staged.closing == ()
        transaction = Transaction(Journal(self.state), staging, staged.moves)
        transaction.begin()
        transaction.carry_out()
        return transaction

    def content(self):
        return self.path.read_bytes() if self.path.exists() else None

    def names(self):
        return sorted(name for name in os.listdir(self.path.parent) if not name.startswith(".stackstorm"))


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "host")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_for_everybody_to_read(bench):
    os.umask(0o077)
    try:
        bench.carry_out(None, NEW)
    finally:
        os.umask(0o022)
    assert (bench.content(), mode(bench.path)) == (NEW, 0o644)


def test_the_directory_is_made(bench):
    bench.path.parent.rmdir()
    bench.carry_out(None, NEW)
    assert (bench.content(), mode(bench.path.parent)) == (NEW, 0o755)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_owner_is_that_of_the_directory_or_of_the_file_before(bench):
    os.chown(bench.path.parent, 12, 34)
    bench.carry_out(None, OLD)
    assert (bench.path.stat().st_uid, bench.path.stat().st_gid) == (12, 34)
    os.chown(bench.path, 56, 78)
    bench.carry_out(OLD, NEW)
    assert (bench.path.stat().st_uid, bench.path.stat().st_gid) == (56, 78)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_file_that_may_not_be_given_away_is_written_all_the_same(bench, monkeypatch):
    def refuse(_path, _uid, _gid):
        raise PermissionError(1, "Operation not permitted")

    bench.path.write_bytes(OLD)
    os.chown(bench.path, 56, 78)
    monkeypatch.setattr(os, "lchown", refuse)
    bench.carry_out(OLD, NEW)
    assert bench.content() == NEW


@pytest.mark.parametrize("before, after", [(None, NEW), (OLD, NEW), (OLD, None)], ids=["new", "changed", "removed"])
def test_what_was_there_comes_back_as_it_was(bench, before, after):
    inode = None
    if before is not None:
        bench.path.write_bytes(before)
        bench.path.chmod(0o640)
        inode = bench.path.stat().st_ino
    transaction = bench.carry_out(before, after)
    assert bench.content() == after
    transaction.undo()
    assert bench.content() == before and bench.names() == ([] if before is None else ["sensu.yaml"])
    assert before is None or (mode(bench.path), bench.path.stat().st_ino) == (0o640, inode)


def test_a_link_is_put_back(bench):
    (bench.path.parent / "there").write_bytes(OLD)
    bench.path.symlink_to("there")
    transaction = bench.carry_out(OLD, NEW)
    assert not bench.path.is_symlink() and (bench.path.parent / "there").read_bytes() == OLD
    transaction.undo()
    assert os.readlink(bench.path) == "there"


def test_nothing_is_moved_where_nothing_is_written(bench):
    bench.path.write_bytes(NEW)
    inode = bench.path.stat().st_ino
    bench.carry_out(NEW, NEW)
    assert bench.path.stat().st_ino == inode


def test_what_the_file_system_refuses_is_a_sentence(bench, monkeypatch):
    def full(_old, _new):
        raise OSError(28, "No space left on device")

    bench.path.write_bytes(OLD)
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ApplyError, match=r"sensu\.yaml cannot be written: No space left on device"):
        bench.carry_out(OLD, NEW)
    assert bench.content() == OLD
