# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Staging: where things are prepared, where StackStorm looks for none of it, and how it is cleared away."""

from __future__ import annotations

import json
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change import liveness
from ansible_collections.stackstorm.st2.plugins.module_utils._change.lock import HostLock
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory, VirtualenvsDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._own_directory import STATE_DIRECTORY


def test_a_path_is_free_and_its_directory_is_there(tmp_path):
    place = PacksDirectory(str(tmp_path)).staging
    staging = Staging()
    path = staging.path(place, "packs", "sensu")
    assert os.path.isdir(os.path.dirname(path))
    assert not os.path.lexists(path)
    assert os.path.dirname(os.path.dirname(path)) == staging.root(place)
    assert os.path.dirname(staging.root(place)) == place


def test_nobody_else_reads_what_is_being_prepared_and_all_may_enter_the_way_to_it(tmp_path):
    place = PacksDirectory(str(tmp_path)).staging
    root = Staging().root(place)
    assert stat.S_IMODE(os.stat(root).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o755


def test_two_runs_do_not_meet(tmp_path):
    place = PacksDirectory(str(tmp_path)).staging
    one, other = Staging(), Staging()
    assert one.root(place) != other.root(place)
    assert one.root(place) == one.root(place)
    one.clear()
    assert os.listdir(place) == [os.path.basename(other.root(place))]


def test_threads_of_a_run_share_it(tmp_path):
    place = PacksDirectory(str(tmp_path)).staging
    for _attempt in range(20):
        staging, together = Staging(), threading.Barrier(8)

        def ask(_number, staging=staging, together=together):
            together.wait()
            return staging.root(place)

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(ask, range(8)))) == 1


def test_each_directory_gets_its_own_on_its_own_file_system(tmp_path):
    packs, virtualenvs = PacksDirectory(str(tmp_path / "packs")), VirtualenvsDirectory(str(tmp_path / "virtualenvs"))
    staging = Staging()
    assert staging.path(packs.staging, "x").startswith(str(tmp_path / "packs"))
    assert staging.path(virtualenvs.staging, "x").startswith(str(tmp_path / "virtualenvs"))
    assert staging.path(Staging.beside(str(tmp_path / "configs" / "sensu.yaml")), "x").startswith(
        str(tmp_path / "configs")
    )


def test_stackstorm_sees_no_pack_in_it(tmp_path):
    # st2common/content/loader.py _get_packs_from_dir: sub-directories of a packs path that have a pack.yaml.
    path = Staging().path(PacksDirectory(str(tmp_path)).staging, "packs", "sensu")
    os.makedirs(path)
    with open(os.path.join(path, "pack.yaml"), "w", encoding="utf-8") as stream:
        stream.write("ref: sensu\n")
    assert [name for name in os.listdir(tmp_path) if os.path.exists(tmp_path / name / "pack.yaml")] == []


def test_clearing_takes_everything_of_this_run(tmp_path):
    place = PacksDirectory(str(tmp_path)).staging
    staging = Staging()
    locked = staging.path(place, "packs", "sensu", "locked")
    os.makedirs(locked)
    os.symlink(str(tmp_path), os.path.join(locked, "link"))
    os.chmod(locked, 0o500)
    staging.clear()
    assert os.listdir(place) == []
    assert os.path.isdir(tmp_path)
    assert os.path.isdir(staging.root(place)), "and it can be used again"


def test_a_run_that_leaves_the_host_alone_prepares_elsewhere(tmp_path):
    host, scratch = tmp_path / "host", tmp_path / "scratch"
    host.mkdir()
    staging = Staging(str(scratch))
    path = staging.path(PacksDirectory(str(host)).staging, "packs", "sensu")
    assert path.startswith(str(scratch))
    assert os.listdir(host) == []
    staging.clear()
    assert os.listdir(scratch) == []


@pytest.mark.parametrize("path", ["/opt/stackstorm/configs/sensu.yaml", "/opt/stackstorm/configs/other"])
def test_beside_a_file_is_below_its_directory(path):
    assert Staging.beside(path) == "/opt/stackstorm/configs/.stackstorm.st2/staging"


def test_the_owner_is_written_before_anything_else(tmp_path):
    place = PacksDirectory(str(tmp_path)).staging
    with HostLock(str(tmp_path / STATE_DIRECTORY)) as lock:
        lock.acquire(Deadline(0), create=True)
        root = Staging(lock=lock).root(place)
        with open(os.path.join(root, "owner.json"), encoding="ascii") as stream:
            assert liveness.owner_from(json.load(stream)) == liveness.this_process(lock.id)
