# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A link where the collection has a place of its own, in a directory that others may write: no run follows it."""

from __future__ import annotations

import itertools
import shutil

import pytest
from infrastructure.packs import PackTree
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import STATE, Site

DIRECTORIES = [
    f"{root}/{STATE}{below}"
    for root, places in {
        "packs": ("staging", "staged", "releases", "receipts", "registered"),
        "virtualenvs": ("staging", "staged", "bases"),
        "configs": ("staging",),
        "overrides": ("staging",),
        ".": (),
    }.items()
    for below in ("", *(f"/{name}" for name in places))
]
FILES = [f"packs/{STATE}/{name}" for name in ("lock", "journal.json", "receipts/sensu.json", "registered/.key")]


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("planted"))
    for version in ("1.0.1", "1.0.2"):
        PackTree("sensu", version).write(made.root / version)
    assert made.run(str(made.root / "1.0.1")).failure is None
    made.keep()
    return made


@pytest.fixture
def site(kept):
    """A host with sensu 1.0.1."""
    kept.restore()
    return kept


def satisfied(site, **options):
    return site.run(str(site.root / "1.0.1"), **options)


def changing(site, **options):
    return site.run(str(site.root / "1.0.2"), **options)


def interrupted(site):
    """Leave the host with the new pack in place and the journal there."""
    journal = site.host.packs / STATE / "journal.json"
    for number in itertools.count(1):
        site.restore()
        assert is_killed(number, lambda: changing(site), ("rename", "unlink"))
        if journal.exists() and site.host.pack_version("sensu") == "1.0.2":
            return


def plant(site, place, *, file=False):
    """Put a link at a place that points at something of somebody else; return that."""
    precious = site.host.root / "precious"
    (precious / "folder").mkdir(parents=True)
    (precious / "folder" / "letters").write_text("precious")
    (precious / "file").write_text("precious too")
    path = site.host.base_path / place
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(precious / "file" if file else precious)
    return precious


@pytest.mark.parametrize("state", ["satisfied", "changing", "recovering"])
@pytest.mark.parametrize("place", DIRECTORIES)
def test_a_link_at_a_directory_is_refused_and_not_followed(site, place, state):
    if state == "recovering":
        interrupted(site)
    precious = plant(site, place)
    before, packs = take_snapshot(precious), site.files()
    for check in (True, False):
        outcome = (changing if state == "changing" else satisfied)(site, check=check)
        assert outcome.failure is not None and outcome.failure.step in ("observe", "lock")
        said = outcome.failure.message
        path = f"{site.host.base_path}/{place}".replace("/./", "/")
        assert said.startswith(f"{path} must be a directory") and f"a symbolic link to {precious}. " in said
        assert not outcome.changed
    assert take_snapshot(precious) == before and site.files() == packs


@pytest.mark.parametrize("state", ["satisfied", "changing"])
@pytest.mark.parametrize("place", FILES)
def test_a_link_at_a_file_is_not_followed(site, place, state):
    precious = plant(site, place, file=True)
    before = take_snapshot(precious)
    for check in (True, False):
        outcome = (changing if state == "changing" else satisfied)(site, check=check)
        if place.endswith("lock"):
            assert f"{place} cannot be used" in outcome.failure.message
        else:
            assert outcome.failure is None
    assert take_snapshot(precious) == before
