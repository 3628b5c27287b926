# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What packs take of the disk, held against du."""

from __future__ import annotations

import os
import subprocess

import pytest
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_info import describe_packs
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import STATE, Site, released


def du(*paths):
    there = [str(path) for path in paths if path.exists()]
    said = subprocess.run(["du", "-s", "-B1", "--total", *there], capture_output=True, text=True, check=True).stdout
    return int(said.splitlines()[-1].split()[0])


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, released("sensu", "1.0.1", "1.0.2", "1.0.3"), released("gone", "1.0.0"))
    with without_waiting_for_disks():
        for version in ("1.0.1", "1.0.2", "1.0.3"):
            site.run(f"sensu={version}", keep_releases=2)
        site.run("gone")
        site.run("gone", state="absent")
    for ref in ("sensu", "other"):
        path = site.place_virtualenv(ref)
        (path / "own.py").write_text(ref * 5000)
    bases = site.host.virtualenvs / STATE / "bases" / "one"
    bases.mkdir(parents=True)
    (bases / "shared.py").write_text("x" * 50_000)
    os.link(bases / "shared.py", site.host.virtualenvs / "sensu" / "shared.py")
    former = site.host.virtualenvs / STATE / "changes" / "0001-here"
    former.mkdir(parents=True)
    (former / "own.py").write_text("x" * 20_000)
    (site.host.packs / "sensu" / "out").symlink_to("/usr")
    return site


def test_every_part_is_what_du_says(site):
    returned = describe_packs(site.info_task(sizes=True)).returned
    (sensu,) = [row for row in returned["packs"] if row["ref"] == "sensu"]
    packs, virtualenvs, state = site.host.packs, site.host.virtualenvs, site.host.packs / STATE
    assert sensu["disk"]["pack"] == du(packs / "sensu")
    bases = du(virtualenvs / STATE / "bases")
    together = du(virtualenvs / STATE / "bases", virtualenvs / "sensu")
    assert bases > 50_000 and sensu["disk"]["virtualenv"] == together - bases, "what is shared counts once"
    kept = sensu["disk"]["releases"]
    assert [(one["version"], one["commit"]) for one in kept] == [
        (version, site.sha("sensu", f"v{version}")) for version in ("1.0.1", "1.0.2")
    ]
    assert [one["bytes"] for one in kept] == [du(state / "releases" / "sensu" / one["name"]) for one in kept]
    assert sensu["disk"]["total"] == sum([du(packs / "sensu"), together - bases, *(one["bytes"] for one in kept)])
    disk = returned["disk"]
    assert disk["bases"] == bases
    assert disk["packs"] == du(*(path for path in packs.iterdir() if path.name != STATE))
    assert (
        disk["virtualenvs"] == du(virtualenvs / STATE / "bases", virtualenvs / "sensu", virtualenvs / "other") - bases
    )
    assert [(one["ref"], [kept["version"] for kept in one["releases"]]) for one in disk["absent"]] == [
        ("gone", ["1.0.0"])
    ]
    former = virtualenvs / STATE / "changes" / "0001-here"
    assert disk["changes"] == du(state / "changes", former.parent) > 20_000, "former virtualenvs, and what was changed"
    assert disk["total"] == sum(
        disk[key] for key in ("packs", "virtualenvs", "releases", "bases", "staging", "changes")
    )


def test_sizes_are_told_only_when_they_are_asked_for(site, monkeypatch):
    returned = describe_packs(site.info_task("sensu")).returned
    assert "disk" not in returned and "disk" not in returned["packs"][0]


def test_staging_and_a_release_that_something_else_installed(site, tmp_path):
    left = site.host.packs / STATE / "staging" / "1-dead"
    left.mkdir(parents=True)
    (left / "big").write_bytes(os.urandom(70_000))
    release = site.host.packs / STATE / "releases" / "sensu" / "0001-1.0.1"
    PackTree("sensu", "1.0.1", minimal=True).write(release / "pack")
    (site.host.packs / STATE / "releases" / "sensu" / "0009-no-pack" / "pack").mkdir(parents=True)
    returned = describe_packs(site.info_task("sensu", sizes=True)).returned
    assert returned["disk"]["staging"] == du(site.host.packs / STATE / "staging")
    found = {one["name"]: (one["version"], one["commit"]) for one in returned["packs"][0]["disk"]["releases"]}
    assert found["0001-1.0.1"] == ("1.0.1", None)
    assert found["0009-no-pack"] == (None, None)
