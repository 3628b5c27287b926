# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply: the file is changed and StackStorm told, or both are as before."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError, RegistrationError, VerifyError
from ansible_collections.stackstorm.st2.plugins.module_utils._override.apply import apply
from ansible_collections.stackstorm.st2.plugins.module_utils._override.plan import Plan
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Registered, Resource
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)

OLD, NEW = b"rules: {}\n", b"actions:\n  defaults:\n    enabled: false\n"
SENSU = PackFiles("sensu", "/packs/sensu")


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


class Registrar:
    """Says what it was told while which file was there, and fails when it is to."""

    name = by = "api"

    def __init__(self, path, failures=(), rows=None):
        self.path = path
        self.failures = list(failures)
        self.rows = rows
        self.reads = rows is not None
        self.log = []

    def register(self, packs, types=(), **_how):
        content = self.path.read_bytes() if self.path.exists() else None
        self.log.append(([pack.ref for pack in packs], tuple(types), content))
        if self.failures:
            failure = self.failures.pop(0)
            if failure:
                raise failure
        return Registered()

    def resources_of(self, refs, kinds):
        (ref,) = refs
        return [Resource(kind, name, f"{ref}.{name}", on) for (kind, name), on in self.rows.items() if kind in kinds]


class Records(dict):
    """The record of what was registered, in memory."""

    def read(self, ref):
        return self.get(ref, {})

    def write(self, ref, values):
        self[ref] = {**self.read(ref), **values}


@pytest.fixture
def path(tmp_path):
    (tmp_path / "overrides").mkdir()
    return tmp_path / "overrides" / "sensu.yaml"


def plan(path, before, after, registers=(SENSU,), **more):
    agreeing = tuple(pack.ref for pack in registers)
    writes = before != after
    return Plan("sensu", str(path), before, after, writes, (), registers, ("action",), agreeing=agreeing, **more)


def test_a_new_file_is_for_everybody_to_read(path):
    os.umask(0o077)
    try:
        registrar, records = Registrar(path), Records()
        apply(plan(path, None, NEW), registrar, records)
    finally:
        os.umask(0o022)
    assert path.read_bytes() == NEW and stat.S_IMODE(path.stat().st_mode) == 0o644
    assert registrar.log == [(["sensu"], ("action",), NEW)]
    assert records["sensu"]["by"] == "api" and records["sensu"]["overrides"].startswith("sha256:")


def test_the_directory_is_made(path):
    path.parent.rmdir()
    apply(plan(path, None, NEW), Registrar(path), Records())
    assert path.read_bytes() == NEW and stat.S_IMODE(path.parent.stat().st_mode) == 0o755


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_owner_is_that_of_the_directory_or_of_the_file_before(path):
    os.chown(path.parent, 12, 34)
    apply(plan(path, None, OLD), Registrar(path), Records())
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)
    os.chown(path, 56, 78)
    apply(plan(path, OLD, NEW), Registrar(path), Records())
    assert (path.stat().st_uid, path.stat().st_gid) == (56, 78)


def test_a_file_is_removed(path):
    path.write_bytes(OLD)
    registrar = Registrar(path)
    apply(plan(path, OLD, None), registrar, Records())
    assert not path.exists() and registrar.log[0][2] is None


def test_nothing_is_registered_where_nothing_is_to_be(path):
    registrar, records = Registrar(path), Records()
    apply(plan(path, None, NEW, registers=()), registrar, records)
    assert path.read_bytes() == NEW and registrar.log == [] and records == {}


@pytest.mark.parametrize("before, after", [(None, NEW), (OLD, NEW), (OLD, None)], ids=["new", "changed", "removed"])
def test_what_stackstorm_refuses_is_put_back_and_registered_again(path, before, after):
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o640)
    registrar, records = Registrar(path, [RegistrationError("No.")]), Records()
    with pytest.raises(RegistrationError) as failed:
        apply(plan(path, before, after), registrar, records)
    assert failed.value.message == f"No. {path} was put back as it was, and registered again."
    assert (path.read_bytes() if path.exists() else None) == before
    assert before is None or stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [content for _refs, _types, content in registrar.log] == [after, before]
    assert [entry.name for entry in path.parent.iterdir()] == ([] if before is None else ["sensu.yaml"])
    assert records["sensu"]["overrides"] == "pending", "the next run registers whatever is there"


def test_a_directory_that_was_made_is_taken_away_again(path):
    path.parent.rmdir()
    with pytest.raises(RegistrationError):
        apply(plan(path, None, NEW), Registrar(path, [RegistrationError("No.")]), Records())
    assert not path.parent.exists()


def test_a_link_is_put_back(path):
    (path.parent / "there").write_bytes(OLD)
    path.symlink_to("there")
    with pytest.raises(RegistrationError):
        apply(plan(path, OLD, NEW), Registrar(path, [RegistrationError("No.")]), Records())
    assert os.readlink(str(path)) == "there" and path.read_bytes() == OLD


def test_what_cannot_be_registered_again_is_said(path):
    registrar = Registrar(path, [RegistrationError("No."), RegistrationError("Down.")])
    with pytest.raises(RegistrationError) as failed:
        apply(plan(path, None, NEW), registrar, Records())
    assert (
        "was put back as it was, but what StackStorm has of these packs may be old and new: sensu: Down."
        in failed.value.message
    )


def test_each_pack_gets_what_it_had_also_after_one_that_is_refused_again(path):
    packs = (SENSU, PackFiles("other", "/packs/other"))
    registrar = Registrar(path, [RegistrationError("No."), RegistrationError("No.")])
    with pytest.raises(RegistrationError):
        apply(plan(path, None, NEW, registers=packs), registrar, Records())
    assert [(refs, content) for refs, _types, content in registrar.log] == [
        (["sensu", "other"], NEW), (["sensu"], None), (["other"], None),
    ]  # fmt: skip


def test_a_failure_without_a_change_of_the_file_says_nothing_of_it(path):
    path.write_bytes(NEW)
    with pytest.raises(RegistrationError) as failed:
        apply(plan(path, NEW, NEW), Registrar(path, [RegistrationError("No.")]), Records())
    assert failed.value.message == "No."


def test_a_database_that_disagrees_afterwards(path):
    expected = {"sensu": {("actions", "check"): False}}
    registrar = Registrar(path, rows={("actions", "check"): True})
    with pytest.raises(VerifyError) as failed:
        apply(plan(path, None, NEW, expected=expected), registrar, Records())
    assert "action check (enabled)" in failed.value.message and "registered again" in failed.value.message
    assert not path.exists() and len(registrar.log) == 2


def test_an_interruption_puts_the_file_back(path):
    with pytest.raises(KeyboardInterrupt):
        apply(plan(path, None, NEW), Registrar(path, [KeyboardInterrupt()]), Records())
    assert not path.exists()


def test_what_the_file_system_refuses(path, monkeypatch):
    def full(_old, _new):
        raise OSError(28, "No space left on device")

    path.write_bytes(OLD)
    registrar = Registrar(path)
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ApplyError, match="No space left on device"):
        apply(plan(path, OLD, NEW), registrar, Records())
    assert path.read_bytes() == OLD and registrar.log == []
