# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work of people in an installed pack, committed or not: seen, undone when asked, and never lost to another version."""

from __future__ import annotations

import os
import shutil

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import run_git
from infrastructure.snapshot import take_snapshot

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

IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.com")


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), released("sensu", "1.0.1", "1.0.2"))
    site.run("sensu=1.0.1")
    site.keep()
    return site


@pytest.fixture
def site(kept):
    kept.restore()
    return kept


@pytest.fixture
def pack(site):
    return site.host.packs / "sensu"


def edit(pack, text="edited"):
    (pack / "actions" / "report.py").write_text(text)


def commit(pack, text="committed", subject="Mine"):
    edit(pack, text)
    (pack / "notes.txt").write_text(text)
    run_git("-C", pack, "add", "--all")
    run_git("-C", pack, *IDENTITY, "commit", "--quiet", f"--message={subject}")
    return run_git("-C", pack, "rev-parse", "HEAD")


def as_st2_did(site, version="1.0.1"):
    """The pack as `st2 pack install` leaves it."""
    pack = site.host.packs / "sensu"
    shutil.rmtree(pack)
    shutil.rmtree(site.host.packs / STATE)
    run_git("clone", "--quiet", site.url("sensu"), pack)
    run_git("-C", pack, "checkout", "--quiet", f"v{version}")
    run_git("-C", pack, "checkout", "--quiet", "-B", "here")
    for path in pack.rglob("*"):
        if ".git" not in path.parts and not path.is_symlink():
            path.chmod(0o775)
    return pack


def work_kept(site):
    return [
        site.host.packs / STATE / "releases" / "sensu" / name / "pack"
        for name in site.releases("sensu")
        if name.endswith("-local-work")
    ]


# What was installed, and not what HEAD is


def test_a_local_commit_is_an_edit_and_is_undone(site, pack):
    before = take_snapshot(pack, exclude=(".git",))
    sha = commit(pack)
    done = converge(site, "sensu", verify="content")
    row = row_of(done)
    assert row["action"] == "repair"
    assert row["edits"] == [f"committed {sha[:7]} Mine", "edited actions/report.py", "extra notes.txt"]
    assert (row["before"]["commit"], row["after"]["commit"]) == (sha, site.sha("sensu", "v1.0.1"))
    assert take_snapshot(pack, exclude=(".git",)) == before
    assert run_git("-C", pack, "rev-parse", "HEAD") == site.sha("sensu", "v1.0.1")
    assert run_git("-C", pack, "status", "--porcelain") == ""
    (work,) = work_kept(site)
    assert run_git("-C", work, "rev-parse", "HEAD") == sha
    (warning,) = done.warnings
    assert f"committed {sha[:7]} Mine" in warning and str(work) in warning


def test_so_it_is_on_a_branch(site, pack):
    site.run("sensu=main", state="latest")
    assert run_git("-C", pack, "symbolic-ref", "--short", "HEAD") == "main"
    tip = run_git("-C", pack, "rev-parse", "HEAD")
    commit(pack)
    commit(pack, "further", "And more")
    done = converge(site, "sensu", verify="content")
    assert [edit.partition(" ")[0] for edit in row_of(done)["edits"]] == ["committed", "committed", "edited", "extra"]
    assert run_git("-C", pack, "symbolic-ref", "--short", "HEAD") == "main"
    assert run_git("-C", pack, "rev-parse", "HEAD") == tip


def test_so_it_is_where_stackstorm_installed_the_pack(site):
    pack = as_st2_did(site)
    before = take_snapshot(pack / "actions")
    sha = commit(pack)
    done = converge(site, "sensu", verify="content")
    assert row_of(done)["edits"][0] == f"committed {sha[:7]} Mine"
    assert run_git("-C", pack, "rev-parse", "HEAD") == site.sha("sensu", "v1.0.1")
    assert take_snapshot(pack / "actions").keys() == before.keys()


def test_what_upstream_has_is_another_version_and_no_edit(site, pack):
    run_git("-C", pack, "checkout", "--quiet", "v1.0.2")
    done = converge(site, "sensu", verify="content")
    assert (row_of(done)["action"], row_of(done)["edits"], done.warnings) == ("none", [], [])
    assert row_of(done)["after"]["version"] == "1.0.2"


@pytest.mark.parametrize("by", ["collection", "st2"])
def test_a_program_that_cannot_be_run_any_more_is_an_edit(site, pack, by):
    tree = PackTree("sensu", "1.0.3", minimal=True).add("actions/run.sh", "#!/bin/sh\n", executable=True)
    site.publish(tree)
    site.run("sensu=1.0.3")
    if by == "st2":
        pack = as_st2_did(site, "1.0.3")
    (pack / "actions" / "run.sh").chmod(0o664)
    done = converge(site, "sensu", verify="content")
    assert row_of(done)["edits"] == ["edited actions/run.sh"]
    assert os.access(pack / "actions" / "run.sh", os.X_OK)


def test_a_git_that_was_killed_does_not_stop_a_repair(site, pack):
    edit(pack)
    for name in ("index.lock", "HEAD.lock", "refs/heads/main.lock", "packed-refs.lock"):
        (pack / ".git" / name).parent.mkdir(parents=True, exist_ok=True)
        (pack / ".git" / name).write_text("")
    done = converge(site, "sensu", verify="content")
    assert row_of(done)["edits"] == ["edited actions/report.py"]
    assert list((pack / ".git").rglob("*.lock")) == []


# Another version


@pytest.mark.parametrize("keep_releases", [0, 1])
@pytest.mark.parametrize("what", ["edited", "committed"])
def test_work_that_another_version_replaces_is_named_and_kept(site, pack, what, keep_releases):
    sha = commit(pack) if what == "committed" else site.sha("sensu", "v1.0.1")
    edit(pack, "the work of a day")
    done = converge(site, "sensu=1.0.2", keep_releases=keep_releases)
    (work,) = work_kept(site)
    assert (work / "actions" / "report.py").read_text() == "the work of a day"
    assert run_git("-C", work, "rev-parse", "HEAD") == sha
    (warning,) = done.warnings
    assert warning.startswith(f"{pack} contains changes that are not upstream (") and str(work) in warning
    assert "edited actions/report.py" in row_of(done)["edits"]
    assert ("committed" in warning) == (what == "committed")
    for version in ("1.0.1", "1.0.2", "1.0.1"):
        assert site.run(f"sensu={version}", keep_releases=keep_releases).warnings == []
        assert len(site.releases("sensu")) == 1 + keep_releases
        assert (work / "actions" / "report.py").read_text() == "the work of a day"


def test_nothing_is_said_where_nobody_worked(site, pack):
    (pack / "actions" / "__pycache__").mkdir()
    (pack / "actions" / "__pycache__" / "report.cpython-38.pyc").write_bytes(b"")
    done = converge(site, "sensu=1.0.2")
    assert (done.warnings, row_of(done)["edits"], work_kept(site)) == ([], [], [])


def test_what_stackstorm_made_of_modes_is_nobodys_work(site):
    as_st2_did(site)
    done = converge(site, "sensu=1.0.2")
    assert (done.warnings, work_kept(site)) == ([], [])


def test_the_work_in_a_plain_directory_is_kept_too(site):
    source = PackTree("local", "1.0.0", minimal=True).write(site.root / "source")
    site.run(str(source))
    edit(site.host.packs / "local", "mine")
    PackTree("local", "1.1.0", minimal=True).write(site.root / "newer")
    shutil.rmtree(source)
    (site.root / "newer").rename(source)
    done = converge(site, str(source), state="latest")
    assert row_of(done, "local")["edits"] == ["edited actions/report.py"]
    (name,) = [name for name in site.releases("local") if name.endswith("-local-work")]
    kept = site.host.packs / STATE / "releases" / "local" / name / "pack" / "actions" / "report.py"
    assert kept.read_text() == "mine"


def test_a_pack_that_cannot_be_compared_is_kept(site, pack):
    shutil.rmtree(pack / ".git" / "objects")
    (pack / ".git" / "objects").mkdir()
    done = site.run("sensu=1.0.2")
    assert done.failure is None
    assert "cannot be compared" in done.warnings[0]
    assert len(work_kept(site)) == 1
