# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs on a scratch host: what check mode predicts is what the run does, and a second run does nothing."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.planner import PackPlanner
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import (
    Site,
    converge,
    released,
    row_of,
    told,
)


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture
def site(tmp_path):
    """A host that can get sensu 1.0.1 and 1.0.2, and napalm, which needs it."""
    made = Site(tmp_path, released("sensu", "1.0.1", "1.0.2"))
    made.publish(PackTree("napalm", "0.5.0", minimal=True, dependencies=("sensu=1.0.1",)))
    return made


# Create, change, remove


def test_a_pack_is_created_changed_and_removed(site):
    done = converge(site, "sensu=1.0.1")
    assert done.changed and row_of(done)["action"] == "install"
    assert (site.host.pack_version("sensu"), site.host.head("sensu")) == ("1.0.1", site.sha("sensu", "v1.0.1"))
    done = converge(site, "sensu=1.0.2")
    assert row_of(done)["action"] == "upgrade"
    assert site.host.head("sensu") == site.sha("sensu", "v1.0.2")
    assert site.host.edited("sensu") == []
    done = converge(site, "sensu=1.0.1", keep_releases=5)
    assert row_of(done)["action"] == "downgrade"
    assert site.host.pack_version("sensu") == "1.0.1"
    done = converge(site, "sensu", state="absent")
    assert row_of(done)["action"] == "remove"
    assert site.host.installed() == []


def test_what_a_row_says_is_what_git_says(site):
    converge(site, "sensu=1.0.1")
    row = row_of(converge(site, "sensu", state="latest"))
    assert row["before"] == {"version": "1.0.1", "commit": site.sha("sensu", "v1.0.1")}
    assert row["after"] == {"version": "1.0.2", "commit": site.host.head("sensu")}
    assert row["source"] == site.url("sensu")
    assert row["requested"] == ["sensu"]


def test_dependencies_come_first_and_with_their_version(site):
    done = converge(site, "napalm")
    assert [row["ref"] for row in done.rows] == ["sensu", "napalm"]
    assert (site.host.pack_version("sensu"), site.host.pack_version("napalm")) == ("1.0.1", "0.5.0")
    both = converge(site, "napalm", "sensu", state="absent")
    assert {row["action"] for row in both.rows} == {"remove"}


@pytest.mark.parametrize("policy", ["install", "check"])
def test_what_another_pack_needs_stays(site, policy):
    site.run("napalm")
    refused = site.run("sensu", state="absent", dependencies=policy)
    assert "napalm 0.5.0 needs sensu" in refused.failure.message and refused.failure.step == "dependencies"
    assert site.host.pack_version("sensu") == "1.0.1"
    assert site.run("sensu", state="absent", dependencies="skip").changed
    assert site.host.installed() == ["napalm"]


def test_several_requests_for_one_pack_are_one_row(site):
    done = converge(site, "sensu", "sensu=1.0.1", site.url("sensu") + "=1.0.1")
    assert [row["requested"] for row in done.rows] == [["sensu", "sensu=1.0.1", site.url("sensu") + "=1.0.1"]]
    gone = converge(site, "sensu", "sensu=1.0.1", state="absent")
    assert [row["requested"] for row in gone.rows] == [["sensu", "sensu=1.0.1"]]


def test_a_branch_follows_its_tip_only_with_latest(site):
    converge(site, site.url("sensu") + "=main")
    repository = site.repositories["sensu"]
    repository.commit(PackTree("sensu", "1.1.0", minimal=True))
    repository.build()
    assert not converge(site, site.url("sensu") + "=main").changed
    done = converge(site, site.url("sensu") + "=main", state="latest")
    assert row_of(done)["action"] == "upgrade"
    assert (site.host.branch("sensu"), site.host.head("sensu")) == ("main", site.sha("sensu"))


def test_a_directory_is_installed_by_its_content(site, tmp_path):
    tree = PackTree("local", "1.0.0", minimal=True)
    tree.write(tmp_path / "local")
    done = converge(site, str(tmp_path / "local"))
    assert row_of(done, "local")["after"]["digest"].startswith("sha256:")
    (tmp_path / "local" / "new.txt").write_text("new")
    done = converge(site, str(tmp_path / "local"))
    assert row_of(done, "local")["action"] == "replace"
    assert (site.host.packs / "local" / "new.txt").read_text() == "new"


def test_one_pack_of_a_repository_with_several(site):
    repository = site.repositories["sensu"]
    tree = PackTree("sensu", "3.0.0", minimal=True)
    tree.mount("packs/inner", PackTree("inner", "2.0.0", minimal=True))
    repository.release(tree)
    repository.build()
    request = {"source": site.url("sensu"), "version": "3.0.0", "subdir": "packs/inner"}
    done = converge(site, packs=[request])
    assert row_of(done, "inner")["after"]["version"] == "2.0.0"
    assert row_of(done, "inner")["after"]["commit"] == site.sha("sensu", "v3.0.0")
    assert not (site.host.packs / "inner" / ".git").exists()


@pytest.mark.parametrize(("names", "version"), [(("sensu=1.0.1",), "1.0.1"), (("sensu",), "1.0.2")])
def test_the_plan_is_made_anew_after_another_run_was_at_work(site, monkeypatch, names, version):
    """Between the first look and the lock, another run installs what is asked for, or something else."""
    look = PackPlanner.at_rest
    other = iter([lambda: site.run(f"sensu={version}")])

    def look_and_be_overtaken(planner):
        found = look(planner)
        next(other, lambda: None)()
        return found

    monkeypatch.setattr(PackPlanner, "at_rest", look_and_be_overtaken)
    outcome = site.run(*names)
    assert outcome.failure is None and [row["action"] for row in outcome.rows] == ["none"]
    assert site.host.pack_version("sensu") == version
    assert site.run(*names).rows == outcome.rows


# Repair, adopt, purge


def test_another_version_than_the_one_that_shall_be_absent_stays(site):
    converge(site, "sensu=1.0.2")
    before = site.host.snapshot(identity=True)
    for check in (True, False):
        done = site.run("sensu=1.0.1", state="absent", check=check)
        assert not done.changed and done.failure is None
        assert done.msg == f"sensu 1.0.2 {site.sha('sensu', 'v1.0.2')[:7]} is there"
    assert site.host.snapshot(identity=True) == before
    assert row_of(converge(site, "sensu", version="1.0.2", state="absent"))["action"] == "remove"
    assert site.host.installed() == []


def test_the_version_of_the_one_pack_in_name(site):
    converge(site, "sensu", version="1.0.1")
    assert site.host.pack_version("sensu") == "1.0.1"
    for given in ({"name": ["sensu", "napalm"]}, {"name": None, "packs": [{"name": "sensu"}]}):
        with pytest.raises(OptionError, match="version is that of the one pack in name"):
            site.run(version="1.0.2", **given)


def test_a_pack_that_takes_the_place_of_one_from_another_source_is_named(site, tmp_path):
    fork = GitRepository(tmp_path / "fork.git")
    fork.release(PackTree("sensu", "9.0.0", minimal=True))
    fork.build()
    converge(site, "sensu=1.0.2")
    done = converge(site, f"file://{fork.path}")
    assert f"sensu 9.0.0 from file://{fork.path} replaces sensu 1.0.2 from {site.url('sensu')}." in done.warnings
    assert "replaces" not in "".join(converge(site, f"file://{fork.path}=v9.0.0").warnings)


def test_what_an_address_holds_is_asked_once(site, tmp_path):
    """The dependency is named by an address whose name says nothing, and the pack is there from elsewhere."""
    other = GitRepository(tmp_path / "by_another_name.git")
    other.release(PackTree("sensu", "1.0.1", minimal=True))
    other.build()
    site.publish(PackTree("app", "1.0.0", minimal=True, dependencies=(f"file://{other.path}",)))
    converge(site, "sensu=1.0.2", "app")
    assert site.host.pack_version("sensu") == "1.0.2"
    other.path.rename(tmp_path / "away.git")
    nothing = {"PATH": str(tmp_path / "nothing")}
    done = site.run("app", environment=nothing)
    assert not done.changed and done.failure is None


def test_all_that_is_installed_is_upgraded_from_where_it_came(site, tmp_path):
    fork = GitRepository(tmp_path / "stackstorm-follows.git")
    fork.commit(PackTree("follows", "1.0.0", minimal=True))
    fork.build()
    pinned = GitRepository(tmp_path / "stackstorm-pinned.git")
    pinned.release(PackTree("pinned", "1.0.0", minimal=True), PackTree("pinned", "1.1.0", minimal=True))
    pinned.build()
    PackTree("linked", "1.0.0", minimal=True).write(tmp_path / "linked")
    (site.host.packs / "linked").symlink_to(tmp_path / "linked")
    PackTree("local", "1.0.0", minimal=True).write(tmp_path / "local")
    names = ["sensu=1.0.1", f"file://{fork.path}", f"file://{pinned.path}=v1.0.0", str(tmp_path / "local")]
    converge(site, *names)
    fork.commit(PackTree("follows", "1.0.1", minimal=True))
    fork.build()
    PackTree("local", "1.0.1", minimal=True).write(tmp_path / "local")
    done = converge(site, "*", state="latest")
    assert {row["ref"]: (row["action"], row["after"]["version"]) for row in done.rows} == {
        "follows": ("upgrade", "1.0.1"),
        "linked": ("none", "1.0.0"),
        "local": ("upgrade", "1.0.1"),
        "pinned": ("none", "1.0.0"),
        "sensu": ("upgrade", "1.0.2"),
    }
    for state in ("present", "absent"):
        with pytest.raises(OptionError, match="all installed packs"):
            site.run("*", state=state)


def test_a_directory_with_blanks_in_its_path(site, tmp_path):
    source = tmp_path / "my packs" / "demo"
    PackTree("demo", "1.0.0", minimal=True).write(source)
    converge(site, str(source))
    assert site.host.pack_version("demo") == "1.0.0"
    converge(site, "demo", state="absent")
    converge(site, name=None, packs=[{"source": f"file://{source.parent}", "subdir": "demo"}])
    assert site.host.pack_version("demo") == "1.0.0"


def test_edits_are_repaired_and_named(site):
    converge(site, "sensu=1.0.1")
    (site.host.packs / "sensu" / "pack.yaml").write_text("broken: [")
    (site.host.packs / "sensu" / "actions" / "report.py").unlink()
    (site.host.packs / "sensu" / "extra.txt").write_text("x")
    assert not site.run("sensu").changed, "fast verification does not read the files"
    done = converge(site, "sensu", verify="content")
    assert row_of(done)["edits"] == ["edited pack.yaml", "extra extra.txt", "missing actions/report.py"]
    assert site.host.edited("sensu") == []
    assert not converge(site, "sensu", verify="content").changed


def test_edits_of_a_plain_directory_are_repaired_from_where_it_came_from(site, tmp_path):
    PackTree("local", "1.0.0", minimal=True).write(tmp_path / "local")
    converge(site, str(tmp_path / "local"))
    (site.host.packs / "local" / "actions" / "report.py").write_text("edited")
    done = converge(site, str(tmp_path / "local"), verify="content")
    assert row_of(done, "local")["action"] == "repair"
    assert (site.host.packs / "local" / "actions" / "report.py").read_text() != "edited"


def test_edits_of_a_plain_directory_whose_source_is_another_now_are_refused(site, tmp_path):
    PackTree("local", "1.0.0", minimal=True).write(tmp_path / "local")
    converge(site, str(tmp_path / "local"))
    (site.host.packs / "local" / "actions" / "report.py").write_text("edited")
    (tmp_path / "local" / "new.txt").write_text("new")
    before = site.files(identity=True)
    failed = site.run("local", verify="content")
    assert "its source" in failed.failure.message and "is not what was installed any more" in failed.failure.message
    assert site.files(identity=True) == before


def test_a_pack_that_stackstorm_installed_is_adopted_and_not_installed_again(site):
    site.host.install_like_st2(site.repositories["sensu"], "sensu", "v1.0.1")
    before = site.files(identity=True)
    assert not converge(site, "sensu").changed
    assert not converge(site, "sensu=1.0.1").changed
    assert not converge(site, site.sha("sensu", "v1.0.1") and "sensu=" + site.sha("sensu", "v1.0.1")).changed
    assert site.files(identity=True) == before
    assert row_of(converge(site, "sensu", state="latest"))["action"] == "upgrade"


def test_adopting_changes_nothing_that_stackstorm_sees(site):
    site.host.install_like_st2(site.repositories["sensu"], "sensu", origin=site.url("sensu"))
    before = take_snapshot(site.host.packs / "sensu", identity=True)
    predicted, first = (site.run(site.url("sensu"), state="latest", check=check) for check in (True, False))
    assert told(first) == told(predicted)
    assert (first.changed, row_of(first)["action"]) == (False, "adopt")
    assert take_snapshot(site.host.packs / "sensu", identity=True) == before
    assert not converge(site, site.url("sensu"), state="latest").changed, "from now on it is known"


def test_the_virtualenv_of_an_adopted_pack_stays_as_stackstorm_left_it(site):
    site.host.install_like_st2(site.repositories["sensu"], "sensu", origin=site.url("sensu"))
    python = site.host.virtualenvs / "sensu" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(site.host.service / "bin" / "python")
    before = take_snapshot(site.host.virtualenvs, identity=True)
    assert row_of(site.run(site.url("sensu"), state="latest", virtualenv="auto"))["action"] == "adopt"
    for _time in range(2):
        assert row_of(site.run("sensu", virtualenv="auto"))["action"] == "none"
    assert take_snapshot(site.host.virtualenvs, identity=True) == before


@pytest.mark.parametrize("purge", [False, True])
def test_purging_takes_what_belongs_to_a_pack(site, purge):
    converge(site, "sensu")
    places = [site.host.configs / "sensu.yaml", site.host.overrides / "sensu.yaml"]
    for path in places:
        path.write_text("enabled: true\n")
    (site.host.virtualenvs / "sensu" / "bin").mkdir(parents=True)
    others = [site.host.configs / "napalm.yaml", site.host.overrides / "_global.yaml"]
    for path in others:
        path.write_text("x: 1\n")
    done = converge(site, "sensu", state="absent", purge=purge)
    assert row_of(done)["virtualenv"] == ("removed" if purge else "kept")
    left = [path.exists() for path in (*places, site.host.virtualenvs / "sensu")]
    assert left == [not purge] * 3
    assert all(path.exists() for path in others)
    again = converge(site, "sensu", state="absent", purge=True)
    assert row_of(again)["action"] == ("none" if purge else "purge")
    assert not any(path.exists() for path in places)


# Where, and how many


def test_another_base_path_of_the_host(tmp_path):
    site = Site(tmp_path, released("sensu", "1.0.1", "1.0.2"), packs_base_paths=["srv/packs"])
    other = str(site.host.extra_base_paths[0])
    converge(site, "sensu=1.0.1", base_path=other)
    assert (site.host.extra_base_paths[0] / "sensu" / "pack.yaml").exists()
    assert not site.host.pack_path("sensu").exists()
    converge(site, "sensu=1.0.2")
    assert "1.0.2" in (site.host.extra_base_paths[0] / "sensu" / "pack.yaml").read_text(), "it stays where it is"
    before = site.files()
    refused = site.run("sensu=1.0.1", base_path=str(site.host.packs))
    assert refused.failure and site.files() == before


def test_a_base_path_that_the_host_does_not_have_is_refused(site, tmp_path):
    with pytest.raises(OptionError, match="looks for packs only in"):
        site.run("sensu", base_path=str(tmp_path))


def test_a_host_without_its_packs_directory_is_refused(site):
    site.host.configure("content", system_packs_base_path=str(site.root / "nowhere"))
    with pytest.raises(HostError, match=r"nowhere does not exist\. Is StackStorm installed here"):
        site.run("sensu")


@pytest.mark.parametrize("keep, kept", [(0, 0), (1, 1), (2, 2), (5, 3)])
def test_earlier_versions_are_kept_as_many_as_asked(site, keep, kept):
    site.publish(*released("sensu", "1.0.3", "1.0.4"))
    for version in ("1.0.1", "1.0.2", "1.0.3", "1.0.4"):
        site.run(f"sensu={version}", keep_releases=keep)
    names = ["0001-1.0.1", "0002-1.0.2", "0003-1.0.3"]
    assert [name.rsplit("-", 1)[0] for name in site.releases("sensu")] == (names[-kept:] if kept else [])
    for name in site.releases("sensu"):
        release = site.host.packs / ".stackstorm.st2" / "releases" / "sensu" / name
        assert sorted(path.name for path in release.iterdir()) == ["contents.json", "pack", "receipt.json"]
        assert f"version: {name.split('-')[1]}" in (release / "pack" / "pack.yaml").read_text()


def test_a_satisfied_run_needs_neither_network_nor_programs(site, tmp_path):
    site.run("sensu=1.0.2", "napalm", dependencies="skip")
    site.index.unlink()
    for repository in site.repositories.values():
        repository.path.rename(tmp_path / f"{repository.path.name}.away")
    before = site.host.snapshot(identity=True)
    nothing = {"PATH": str(tmp_path / "nothing")}
    done = site.run("sensu=1.0.2", "napalm", dependencies="skip", environment=nothing)
    assert not done.changed and done.failure is None
    assert site.run("absent_one", state="absent", environment=nothing).failure is None
    assert site.host.snapshot(identity=True) == before
