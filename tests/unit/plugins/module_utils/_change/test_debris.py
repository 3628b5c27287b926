# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debris: what killed runs left staged, told from what living ones work on."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change import liveness
from ansible_collections.stackstorm.st2.plugins.module_utils._change.debris import debris
from ansible_collections.stackstorm.st2.plugins.module_utils._change.lock import HostLock
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import OWNER_FILE, Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._own_directory import STATE_DIRECTORY


class OtherHost:
    """This process as it would be on another host, or in another boot or namespace."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch

    def __call__(self, **identity):
        for name, value in identity.items():
            self._monkeypatch.setattr(liveness, name, lambda value=value: value)


@pytest.fixture
def become(monkeypatch):
    return OtherHost(monkeypatch)


@pytest.fixture
def lock(tmp_path):
    with HostLock(str(tmp_path / STATE_DIRECTORY)) as lock:
        lock.acquire(Deadline(0), create=True)
        yield lock


@pytest.fixture
def another_lock(tmp_path):
    with HostLock(str(tmp_path / "another" / STATE_DIRECTORY)) as lock:
        lock.acquire(Deadline(0), create=True)
        yield lock


def killed(place, lock):
    """What a process leaves that stages something and is killed."""
    child = os.fork()
    if child == 0:
        Staging(lock=lock).path(place, "packs", "sensu")
        os._exit(0)
    os.waitpid(child, 0)
    (name,) = os.listdir(place)
    return os.path.join(place, name)


def test_what_was_staged_under_the_lock_that_this_run_holds_is_debris(tmp_path, lock, become):
    place = PacksDirectory(str(tmp_path)).staging
    assert debris([place], lock) == []
    become(host_name="node2", boot_id="another boot")
    roots = sorted(Staging(lock=lock).root(place) for _number in range(2))
    become(host_name="node1")
    assert debris([str(tmp_path / "nowhere"), place], lock) == roots
    lock.release()
    assert debris([place], lock) == [], "who does not hold the lock cannot say so"


def test_without_its_owner_file_it_is_known_by_its_name(tmp_path, lock):
    place = PacksDirectory(str(tmp_path)).staging
    root = Staging(lock=lock).root(place)
    os.unlink(os.path.join(root, "owner.json"))
    assert debris([place], lock) == [root], "a run that was killed right after it made the directory"


@pytest.mark.parametrize("which", ["host_name", "boot_id", "pid_namespace"])
def test_what_another_host_staged_under_another_lock_is_its_own(tmp_path, lock, another_lock, become, which):
    place = PacksDirectory(str(tmp_path)).staging
    root = killed(place, another_lock)
    become(**{which: "another"})
    assert debris([place], lock) == []
    os.utime(root, (1, 1))
    assert debris([place], lock) == [], "however long ago that was"


def test_what_a_process_of_this_host_staged_under_another_lock_is_debris_when_it_is_gone(tmp_path, lock, another_lock):
    place = PacksDirectory(str(tmp_path)).staging
    living = Staging(lock=another_lock).root(place)
    assert debris([place], lock) == []
    os.rename(living, tmp_path / "aside")
    root = killed(place, another_lock)
    assert debris([place], lock) == [root]
    assert debris([place], HostLock(str(tmp_path))) == [root], "also for who does not hold any lock"


@pytest.mark.parametrize("owner", [None, "", "{", '{"pid": 0}'])
@pytest.mark.parametrize("name", ["123-0a1b2c3d", "f" * 16 + "-0a1b2c3d"])
def test_what_does_not_say_whose_it_is_gets_time(tmp_path, lock, owner, name):
    place = tmp_path / STATE_DIRECTORY / "staging"
    (place / name).mkdir(parents=True)
    if owner is not None:
        (place / name / "owner.json").write_text(owner)
    assert debris([str(place)], lock) == []
    os.utime(place / name, (1, 1))
    assert debris([str(place)], lock) == [str(place / name)]
    lock.release()
    assert debris([str(place)], lock) == []


def test_what_is_kept_on_purpose_is_no_debris(tmp_path, lock):
    directory = PacksDirectory(str(tmp_path))
    os.makedirs(os.path.join(directory.plans, "0" * 16 + "-00000000"))
    os.utime(os.path.join(directory.plans, "0" * 16 + "-00000000"), (1, 1))
    assert debris([directory.staging], lock) == []
    assert directory.plans != directory.staging


def test_a_link_is_asked_for_no_owner(tmp_path, lock, another_lock):
    place = PacksDirectory(str(tmp_path)).staging
    root = killed(place, another_lock)
    os.rename(root, tmp_path / "aside")
    assert os.path.exists(tmp_path / "aside" / OWNER_FILE)
    os.symlink(tmp_path / "aside", root)
    assert debris([place], lock) == [], "what it leads to says nothing of it"
    os.utime(root, (1, 1), follow_symlinks=False)
    assert debris([place], lock) == [root]


def test_an_owner_that_is_not_small_is_none(tmp_path, lock, another_lock):
    place = PacksDirectory(str(tmp_path)).staging
    root = killed(place, another_lock)
    with open(os.path.join(root, OWNER_FILE), encoding="ascii") as stream:
        owner = json.load(stream)
    with open(os.path.join(root, OWNER_FILE), "w", encoding="ascii") as stream:
        json.dump({**owner, "host": owner["host"], "more": "x" * 10000}, stream)
    assert debris([place], lock) == []


def test_a_link_in_the_place_of_a_staging_directory_is_refused(tmp_path, lock):
    (tmp_path / "elsewhere").mkdir()
    os.makedirs(tmp_path / STATE_DIRECTORY, exist_ok=True)
    os.symlink(tmp_path / "elsewhere", tmp_path / STATE_DIRECTORY / "staging")
    with pytest.raises(HostError):
        debris([PacksDirectory(str(tmp_path)).staging], lock)
