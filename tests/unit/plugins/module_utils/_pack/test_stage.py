# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Staging: the trees, virtualenvs, receipts and releases that a run puts in place."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from infrastructure.packs import PackTree
from infrastructure.snapshot import compare, take_snapshot

from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import (
    STATE,
    Site,
    converge,
    released,
    row_of,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.virtualenv_workshop import package_index

OTHER = 54321
# What git writes down about its own doings.
GIT_NOTES = ("index", "logs", "ORIG_HEAD")
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, released("sensu", "1.0.1", "1.0.2"))


# Trees, receipts, releases


def test_the_pack_is_a_working_copy_that_can_go_on(site):
    site.run("sensu=1.0.1")
    assert site.host.git("sensu", "describe", "--tags") == "v1.0.1"
    assert site.host.edited("sensu") == []
    site.host.git("sensu", "checkout", "--quiet", "v1.0.2")
    assert site.host.pack_version("sensu") == "1.0.2", "every version is there, without the network"


def test_modes_are_those_of_git_and_nobody_else_may_write(site):
    PackTree("tools", "1.0.0").write(site.root / "tools")
    site.publish(PackTree("full", "1.0.0"))
    site.run("full", str(site.root / "tools"))
    for ref in ("full", "tools"):
        assert (site.host.packs / ref / "actions" / "scripts" / "greet.sh").stat().st_mode & 0o777 == 0o755
        assert (site.host.packs / ref / "pack.yaml").stat().st_mode & 0o777 == 0o644
    assert site.host.writable_by_others() == []


def test_a_repair_restores_the_tree_its_branch_and_its_modes(site):
    site.run(f"{site.url('sensu')}=main")
    before = take_snapshot(site.host.packs / "sensu", exclude=GIT_NOTES)
    (site.host.packs / "sensu" / "actions" / "report.py").chmod(0o755)
    (site.host.packs / "sensu" / "actions" / "lib").rename(site.host.packs / "sensu" / "moved")
    outcome = site.run("sensu", verify="content")
    assert row_of(outcome)["action"] == "repair"
    assert take_snapshot(site.host.packs / "sensu", exclude=GIT_NOTES) == before
    assert site.host.branch("sensu") == "main"


def test_what_is_remembered_lies_where_stackstorm_looks_for_nothing(site):
    site.run("sensu=1.0.1")
    receipts = site.host.packs / STATE / "receipts"
    assert sorted(path.name for path in receipts.iterdir()) == ["sensu.contents.json", "sensu.json"]
    assert json.loads((receipts / "sensu.json").read_text())["commit"] == site.sha("sensu", "v1.0.1")
    site.run("sensu=1.0.2")
    assert site.host.installed() == ["sensu"], "a release is no pack for StackStorm"
    (release,) = (site.host.packs / STATE / "releases" / "sensu").iterdir()
    assert json.loads((release / "receipt.json").read_text())["commit"] == site.sha("sensu", "v1.0.1")
    site.run("sensu", state="absent")
    assert list(receipts.iterdir()) == []


def test_a_kept_release_is_the_whole_pack_as_it_was(site):
    site.run("sensu=1.0.1")
    before = take_snapshot(site.host.packs / "sensu", identity=True)
    site.run("sensu=1.0.2")
    (release,) = (site.host.packs / STATE / "releases" / "sensu").iterdir()
    assert take_snapshot(release / "pack", identity=True) == before


def test_without_kept_releases_none_is_left(site):
    for version in ("1.0.1", "1.0.2", "1.0.1"):
        site.run(f"sensu={version}", keep_releases=0)
    assert site.releases("sensu") == []
    assert site.debris() == []


@ROOT
def test_owner_and_group_are_given_to_what_comes_and_not_to_what_is_there(site):
    (site.host.packs / "bystander").mkdir()
    site.run("sensu=1.0.1", owner=str(OTHER), group=str(OTHER + 1))
    tree = [site.host.packs / "sensu", *(site.host.packs / "sensu").rglob("*")]
    assert {(os.lstat(path).st_uid, os.lstat(path).st_gid) for path in tree} == {(OTHER, OTHER + 1)}
    for path in (site.host.packs, site.host.packs / "bystander", site.host.packs / "core"):
        assert os.lstat(path).st_uid == os.geteuid()
    assert not site.run("sensu=1.0.1", owner=str(OTHER)).changed


def test_packs_on_another_file_system_are_put_in_place_all_the_same(tmp_path, other_file_system):
    other = other_file_system
    site = Site(tmp_path, released("sensu", "1.0.1", "1.0.2"), packs_base_paths=[str(other)])
    site.run("sensu=1.0.1", base_path=str(other))
    outcome = site.run("sensu=1.0.2")
    assert outcome.failure is None and outcome.changed
    assert "version: 1.0.2" in (other / "sensu" / "pack.yaml").read_text()
    assert not (site.host.packs / "sensu").exists()
    assert list((other / STATE / "staging").iterdir()) == []
    assert site.run("sensu", state="absent").failure is None
    assert not (other / "sensu").exists()


# Virtualenvs


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    with package_index(tmp_path_factory.mktemp("packages")) as index:
        yield index


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A host that can get two packs with virtualenvs, one of which breaks with its second version."""
    root = tmp_path_factory.mktemp("site")
    good = [PackTree("good", "1.0.0", requirements=("tinydep==1.0.0",), imports=("tinydep",))]
    good += [PackTree("good", "1.1.0", requirements=("tinydep==1.0.0",), imports=("tinydep",))]
    good += [PackTree("good", "2.0.0", requirements=("tinydep==2.0.0",), imports=("tinydep",))]
    bad = [PackTree("bad", "1.0.0"), PackTree("bad", "2.0.0", requirements=("nosuchdep",))]
    return Site(root, good, bad)


def groups(root):
    return {os.lstat(path).st_gid for path in (root, *root.rglob("*"))}


def test_virtualenvs_are_built_kept_rebuilt_and_left_alone_as_the_packs_need(kept, packages):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    given = {"virtualenv": "auto", "environment": {**packages.environment(), "PATH": path}}
    done = converge(kept, "good=1.0.0", "bad=1.0.0", **given)
    assert {row["virtualenv"] for row in done.rows} == {"built"}
    assert kept.host.run_action("good", "report")["imports"] == {"tinydep": "1.0.0"}
    assert kept.host.run_action("bad", "report")["prefix"] == str(kept.host.virtualenvs / "bad")

    virtualenv = take_snapshot(kept.host.virtualenvs / "good", exclude=("__pycache__",), identity=True)
    assert row_of(converge(kept, "good=1.1.0", **given), "good")["virtualenv"] == "kept"
    there = take_snapshot(kept.host.virtualenvs / "good", exclude=("__pycache__",), identity=True)
    assert compare(virtualenv, there) == ([], [], [])

    # One that cannot be built keeps away the other, which could be.
    before = kept.files()
    outcome = kept.run("good=2.0.0", "bad=2.0.0", **given)
    assert (outcome.failure.step, outcome.failure.ref) == ("virtualenv", "bad")
    assert "nosuchdep" in outcome.failure.stderr
    assert [row["virtualenv"] for row in outcome.rows] == ["kept", "kept"]
    assert kept.files() == before
    assert kept.debris() == []
    assert kept.host.run_action("good", "report")["imports"] == {"tinydep": "1.0.0"}

    assert row_of(converge(kept, "good=2.0.0", **given), "good")["virtualenv"] == "rebuilt"
    assert kept.host.run_action("good", "report")["imports"] == {"tinydep": "2.0.0"}

    # Virtualenvs share files; who owns one of them owns nothing of the others.
    (kept.host.virtualenvs / "bad" / "bin" / "python").unlink()
    group = OTHER if os.geteuid() == 0 else os.getegid()
    done = converge(kept, "bad", group=str(group), **given)
    assert groups(kept.host.virtualenvs / "bad") == {group}
    assert groups(kept.host.virtualenvs / "good") == {os.getegid()}
    assert (row_of(done, "bad")["action"], row_of(done, "bad")["virtualenv"]) == ("virtualenv", "rebuilt")
    assert kept.host.run_action("bad", "report")["message"] == "ready"

    done = converge(kept, "good", "bad", state="absent", purge=True)
    assert {row["virtualenv"] for row in done.rows} == {"removed"}
    assert [path.name for path in kept.host.virtualenvs.iterdir()] == [STATE]
