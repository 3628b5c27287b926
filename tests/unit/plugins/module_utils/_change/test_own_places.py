# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own places on a host: where they are, what lies there, and what must not have their names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Journal
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError
from ansible_collections.stackstorm.st2.plugins.module_utils._files import TEMPORARY_PREFIX
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host

STATE = ".stackstorm.st2"


@pytest.fixture
def host(tmp_path):
    scratch = ScratchHost(tmp_path)
    return read_host(str(scratch.st2_conf), scratch.environment())


def test_lock_and_journal_lie_with_the_packs_which_hosts_may_share(host):
    assert OwnPlaces(host).state == os.path.join(host.system_packs_path, STATE)


def test_without_packs_they_lie_where_they_did_before(host):
    shutil.rmtree(host.system_packs_path)
    places = OwnPlaces(host)
    assert places.state == places.former_state == os.path.join(host.base_path, STATE)


def test_each_directory_that_gets_files_has_a_staging_directory_of_its_own(host):
    above = {str(Path(path).parents[1]) for path in OwnPlaces(host).stagings}
    assert above >= {*host.packs_base_paths, host.virtualenvs_path, host.configs_path, host.overrides_path}


def test_a_host_that_nothing_was_done_to_is_undisturbed_and_stays_so(host):
    places = OwnPlaces(host)
    before = sorted(os.listdir(host.system_packs_path))
    assert places.require() is False and places.unfinished() == []
    assert sorted(os.listdir(host.system_packs_path)) == before


def test_what_is_staged_anywhere_is_to_be_looked_at(host):
    for place in OwnPlaces(host).stagings:
        staging = Staging()
        staging.root(place)
        assert OwnPlaces(host).require() is True, place
        staging.clear()
        assert OwnPlaces(host).require() is False, place


@pytest.mark.parametrize("former", [False, True], ids=["now", "up to 0.2.0"])
@pytest.mark.parametrize("owner", ["", "node-b"], ids=["of all", "of another host"])
def test_a_journal_is_to_be_looked_at(host, former, owner):
    places = OwnPlaces(host)
    Journal(places.former_state if former else places.state, owner).begin([], told={"sensu": ()})
    assert places.require() is True


def test_what_was_being_written_is_debris_and_records_and_locks_are_not(host):
    places = OwnPlaces(host)
    for path in (places.state, places.records):
        os.makedirs(path, exist_ok=True)
        Path(path, ".key").touch(), Path(path, "sensu.json").touch(), Path(path, "lock").touch()
    assert places.require() is False and places.unfinished() == []
    left = [f"{path}/{TEMPORARY_PREFIX}x" for path in (places.state, places.records)]
    for path in left:
        Path(path).touch()
    assert places.require() is True and sorted(places.unfinished()) == sorted(left)


@pytest.mark.parametrize("what", ["link", "file"])
def test_nothing_else_may_have_the_name_of_any_of_them(host, tmp_path, what):
    (tmp_path / "elsewhere").mkdir()
    places = OwnPlaces(host)
    for path in sorted({places.state, places.records, *places.stagings, *places.plans}, key=len):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if what == "link":
            os.symlink(tmp_path / "elsewhere", path)
        else:
            Path(path).touch()
        with pytest.raises(HostError) as raised:
            places.require()
        assert path in raised.value.message
        os.unlink(path)
    assert not os.listdir(tmp_path / "elsewhere")
