# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has the place of a pack, or of what belongs to it, without being that: never destroyed, and always named."""

from __future__ import annotations

import os

import pytest
from infrastructure.packs import PackTree
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils import _mounts
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import (
    STATE,
    Site,
    converge,
    released,
    row_of,
)


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, released("sensu", "1.0.1", "1.0.2"))


@pytest.fixture
def mounted(monkeypatch, tmp_path):
    """Make the kernel say that something is mounted at a path."""

    def mount(path, kind="nfs4"):
        table = tmp_path / "mountinfo"
        table.write_text(f"36 35 98:0 / {path} rw,noatime - {kind} server:/share rw\n")
        monkeypatch.setattr(_mounts, "_TABLE", str(table))

    return mount


def refused(site, *names, **options):
    """The message of a run that may not do anything, the same in check mode; nothing is different afterwards."""
    before = site.files()
    failures = [site.run(*names, check=check, **options) for check in (True, False)]
    assert {failed.changed for failed in failures} == {False}
    assert site.files() == before
    messages = {failed.failure.message for failed in failures}
    assert len(messages) == 1, messages
    return messages.pop()


def half_made(site, ref="sensu"):
    path = site.host.packs / ref
    (path / "actions").mkdir(parents=True)
    (path / "actions" / "mine.py").write_text("hours of work")
    return path


# Directories that are no pack


@pytest.mark.parametrize("keep", [0, 1])
def test_a_directory_without_pack_yaml_makes_room_and_is_kept_for_good(site, keep):
    path = half_made(site)
    before = take_snapshot(path, identity=True)
    done = converge(site, "sensu=1.0.1", keep_releases=keep)
    kept = site.host.packs / STATE / "releases" / "sensu" / "0001-no-pack" / "pack"
    assert take_snapshot(kept, identity=True) == before
    assert row_of(done)["action"] == "install" and site.host.pack_version("sensu") == "1.0.1"
    assert f"(the directory that was there is kept: {kept})" in done.msg
    assert row_of(done)["msg"] == done.msg
    (part,) = done.diff
    assert "in the way: a directory without pack.yaml\n" in part["before"] and f"kept: {kept}\n" in part["after"]
    assert [text for text in done.warnings if f"is kept as {kept}" in text and str(path) in text]
    for version in ("1.0.2", "1.0.1", "1.0.2"):
        converge(site, f"sensu={version}", keep_releases=keep)
    converge(site, "sensu", state="absent", purge=True)
    assert take_snapshot(kept, identity=True) == before
    half_made(site)
    converge(site, "sensu=1.0.1", keep_releases=keep)
    assert take_snapshot(kept, identity=True) == before, "a second one does not take its place"


def test_a_directory_that_is_no_pack_comes_back_when_anything_fails(site):
    before = take_snapshot(half_made(site), identity=True)
    database = PretendedDatabase()
    database.refuses.add(("sensu", "1.0.1"))
    assert "bad content" in site.run("sensu=1.0.1", database=database).failure.message
    assert take_snapshot(site.host.packs / "sensu", identity=True) == before
    assert site.releases("sensu") == []


def test_what_is_no_pack_stays_when_the_pack_is_to_be_absent(site):
    path = half_made(site)
    done = converge(site, "sensu", state="absent", purge=True)
    assert not done.changed
    assert done.warnings == [f"{path} is a directory without pack.yaml: it is not a pack, and stays."]


def test_a_file_is_refused(site):
    (site.host.packs / "sensu").write_text("notes")
    assert "sensu is a file, and not replaced by sensu 1.0.2" in refused(site, "sensu")


# Links


@pytest.fixture
def linked(site, tmp_path):
    PackTree("sensu", "9.0.0", minimal=True).write(tmp_path / "work")
    (site.host.packs / "sensu").symlink_to(tmp_path / "work")
    return tmp_path / "work"


def test_a_link_is_any_version_as_it_is_and_nothing_is_remembered_of_it(site, linked):
    database = PretendedDatabase()
    before = take_snapshot(linked, identity=True)
    assert row_of(converge(site, "sensu", database=database))["action"] == "register", "StackStorm is told of it"
    assert database.rows == {"sensu": "9.0.0"}
    assert row_of(converge(site, "sensu", database=database))["action"] == "none"
    assert not list((site.host.packs / STATE).glob("receipts/*"))
    assert take_snapshot(linked, identity=True) == before


@pytest.mark.parametrize(
    ("name", "state"), [("sensu=1.0.2", "present"), ("sensu=9.0.0", "present"), ("sensu", "latest")]
)
def test_a_link_is_never_replaced(site, linked, name, state):
    said = refused(site, name, state=state)
    assert f"sensu is a symbolic link to {linked}" in said
    assert os.readlink(site.host.packs / "sensu") == str(linked)


@pytest.mark.parametrize("keep", [0, 1])
def test_the_link_goes_and_what_it_leads_to_stays(site, linked, keep):
    before = take_snapshot(linked, identity=True)
    assert row_of(converge(site, "sensu", state="absent", keep_releases=keep))["action"] == "remove"
    assert not os.path.lexists(site.host.packs / "sensu")
    assert take_snapshot(linked, identity=True) == before
    converge(site, "sensu=1.0.1")
    converge(site, "sensu", state="absent", purge=True)
    assert take_snapshot(linked, identity=True) == before


def test_what_was_known_of_a_pack_says_nothing_of_the_link_in_its_place(site, tmp_path):
    site.run("sensu=1.0.1")
    (site.host.packs / "sensu").rename(tmp_path / "work")
    (site.host.packs / "sensu").symlink_to(tmp_path / "work")
    assert "is a symbolic link to" in refused(site, "sensu=1.0.1")


# Sources that are the place itself


@pytest.mark.parametrize("state", ["present", "latest"])
def test_a_pack_is_satisfied_by_itself_as_a_source(site, tmp_path, state):
    PackTree("mine", "1.0.0", minimal=True).write(site.host.packs / "mine")
    (tmp_path / "by_link").symlink_to(site.host.packs)
    before = take_snapshot(site.host.packs / "mine", identity=True)
    database = PretendedDatabase()
    for number, item in enumerate(
        [
            {"source": f"{site.host.packs}/mine"},
            {"source": f"file://{site.host.packs}/../packs/mine/", "name": "mine"},
            {"source": str(site.host.packs), "subdir": "mine"},
            {"source": f"{tmp_path}/by_link/mine"},
        ]
    ):
        done = converge(site, packs=[item], state=state, database=database)
        assert row_of(done, "mine")["action"] == ("none" if number else "register")
    assert database.rows == {"mine": "1.0.0"}
    assert take_snapshot(site.host.packs / "mine", identity=True) == before
    assert not list((site.host.packs / STATE).glob("receipts/*"))


def test_a_directory_of_the_controller_that_is_this_very_one(site):
    from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest

    path = PackTree("mine", "1.0.0", minimal=True).write(site.host.packs / "mine")
    sent = {"remote_src": False, "packs": [{"source": str(path), "digest": directory_digest(str(path))}]}
    assert not converge(site, **sent).changed
    sent["packs"][0]["digest"] = f"sha256:{'0' * 64}"
    assert "has content that is not installed here" in refused(site, **sent), "of another controller"


def test_a_pack_is_removed_by_its_own_place_as_a_source(site):
    path = PackTree("mine", "1.0.0", minimal=True).write(site.host.packs / "mine")
    assert row_of(converge(site, str(path), state="absent"), "mine")["action"] == "remove"


# Mount points


def test_a_pack_that_is_a_mount_point_is_satisfied_as_it_is_and_never_moved(site, mounted):
    site.run("sensu=1.0.1")
    mounted(site.host.packs / "sensu")
    assert not converge(site, "sensu=1.0.1").changed
    what = "sensu is a mount point (nfs4), and not"
    assert f"{what} replaced by sensu 1.0.2. Nothing was changed" in refused(site, "sensu=1.0.2")
    assert f"{what} removed. Nothing was changed" in refused(site, "sensu", state="absent")
    (site.host.packs / "sensu" / "pack.yaml").write_text("broken: [")
    assert f"{what} replaced by what was installed there" in refused(site, "sensu", verify="content")


def test_a_mount_point_without_a_pack_is_refused(site, mounted):
    (site.host.packs / "sensu").mkdir()
    mounted(site.host.packs / "sensu", "xfs")
    assert "sensu is a mount point (xfs), and not replaced by sensu 1.0.2" in refused(site, "sensu")


def test_a_mount_point_is_not_removed_by_an_exclusive_list(site, mounted):
    site.run("sensu=1.0.1")
    mounted(site.host.packs / "sensu")
    PackTree("mine", "1.0.0", minimal=True).write(site.host.packs / "mine")
    done = converge(site, "mine", exclusive=True)
    assert not done.changed
    assert [text for text in done.warnings if "sensu is a mount point (nfs4)" in text]


@pytest.mark.parametrize(
    ("what", "place"),
    [("virtualenv", "virtualenvs/sensu"), ("config", "configs/sensu.yaml"), ("overrides", "overrides/sensu.yaml")],
)
def test_what_belongs_to_a_pack_is_not_purged_where_it_is_mounted_or_something_else(site, mounted, what, place):
    site.run("sensu=1.0.1")
    path = site.host.base_path / place
    if what == "virtualenv":
        path.write_text("no directory")
    else:
        (path / "..data").mkdir(parents=True)
    assert f"where the {what} of sensu is to be" in refused(site, "sensu", state="absent", purge=True)
    mounted(path)
    said = refused(site, "sensu", state="absent", purge=True)
    assert (
        f"{path} is a mount point (nfs4), which is not changed" in said and f"change the {what} of sensu where" in said
    )


def test_a_virtualenv_is_not_built_over_a_mount_point(site, mounted):
    (site.host.virtualenvs / "sensu").mkdir()
    mounted(site.host.virtualenvs / "sensu")
    assert "sensu is a mount point (nfs4), which is not changed" in refused(site, "sensu", virtualenv="always")


@pytest.mark.parametrize(
    ("place", "item"),
    [
        ("configs/sensu.yaml", {"config": {"host": "a"}}),
        ("overrides/sensu.yaml", {"overrides": {"actions": {"defaults": {"enabled": False}}}}),
    ],
)
def test_a_file_that_is_mounted_is_not_written(site, mounted, place, item):
    site.run("sensu=1.0.1")
    (site.host.base_path / place).write_text("actions: {defaults: {enabled: true}}\n")
    mounted(site.host.base_path / place)
    assert "sensu.yaml is a mount point (nfs4), which is not changed" in refused(
        site, packs=[{"name": "sensu", **item}]
    )
