# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back to a kept release: without the network, to what it was, and each earlier version is kept once."""

from __future__ import annotations

import json
import shutil

import pytest
from infrastructure.packs import PackTree
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
    told,
)


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    site = Site(
        tmp_path_factory.mktemp("site"), released("sensu", "1.0.1", "1.0.2", "1.0.3"), released("free", "1.0.0")
    )
    site.shas = {version: site.sha("sensu", f"v{version}") for version in ("1.0.1", "1.0.2", "1.0.3")}
    for version in site.shas:
        site.run(f"sensu={version}", keep_releases=5)
    site.keep()
    return site


@pytest.fixture
def site(kept):
    kept.restore()
    return kept


@pytest.fixture
def cut_off(site):
    """The same host without a network: neither index nor repository answers."""
    away = site.root / "away"
    repository = site.repositories["sensu"].path
    repository.rename(away)
    (repository / "objects").mkdir(parents=True)
    (repository / "HEAD").write_text("ref: refs/heads/main\n")
    index = site.index.read_bytes()
    site.index.unlink()
    yield site
    shutil.rmtree(repository)
    away.rename(repository)
    site.index.write_bytes(index)


def versions(site):
    return [name.split("-")[1] for name in site.releases("sensu")]


@pytest.mark.parametrize("request_for", ["sensu=1.0.1", "sensu=v1.0.1", "URL=1.0.1", "COMMIT", "URLCOMMIT", "SHORT"])
def test_an_earlier_version_needs_no_network(cut_off, request_for):
    commit = cut_off.shas["1.0.1"]
    url = cut_off.url("sensu")
    spelt = {"COMMIT": f"sensu={commit}", "SHORT": f"sensu={commit[:9]}", "URLCOMMIT": f"{url}={commit}"}
    done = converge(cut_off, spelt.get(request_for, request_for.replace("URL", url)), keep_releases=5)
    assert row_of(done)["action"] == "downgrade"
    assert row_of(done)["after"] == {"version": "1.0.1", "commit": commit}
    assert row_of(done)["source"] == url
    assert (cut_off.host.pack_version("sensu"), cut_off.host.head("sensu")) == ("1.0.1", commit)
    assert cut_off.host.edited("sensu") == []


def test_every_earlier_version_is_kept_once(cut_off):
    assert versions(cut_off) == ["1.0.1", "1.0.2"]
    for version, left in (("1.0.1", ["1.0.2", "1.0.3"]), ("1.0.3", ["1.0.2", "1.0.1"]), ("1.0.2", ["1.0.1", "1.0.3"])):
        converge(cut_off, f"sensu={version}", keep_releases=5)
        assert versions(cut_off) == left
    converge(cut_off, "sensu=1.0.1", keep_releases=1)
    assert versions(cut_off) == ["1.0.2"], "the one that was gone back to does not count"


def test_a_pack_that_is_absent_comes_back_from_its_release_unless_it_was_purged(cut_off):
    converge(cut_off, "sensu", state="absent", keep_releases=2)
    assert versions(cut_off) == ["1.0.2", "1.0.3"]
    assert row_of(converge(cut_off, f"{cut_off.url('sensu')}=1.0.3"))["action"] == "install"
    converge(cut_off, "sensu", state="absent", keep_releases=2)
    assert row_of(converge(cut_off, "sensu=1.0.3"))["action"] == "install"
    done = converge(cut_off, "sensu", state="absent", purge=True)
    assert not (cut_off.host.packs / STATE / "releases" / "sensu").exists()
    assert "/releases/sensu" in done.diff[0]["before"]
    assert cut_off.run("sensu=1.0.3").failure.step == "index"


def test_releases_of_an_absent_pack_are_purged_later(site):
    converge(site, "sensu", state="absent")
    assert versions(site)
    predicted, done, again = (site.run("sensu", state="absent", purge=True, check=check) for check in (True, False, 0))
    assert told(done) == told(predicted)
    assert (done.changed, row_of(done)["action"], done.msg) == (True, "purge", "sensu purged: releases")
    assert versions(site) == [] and not again.changed


def test_what_was_edited_in_a_release_is_not_what_it_was(cut_off, site):
    release = site.host.packs / STATE / "releases" / "sensu" / site.releases("sensu")[0]
    (release / "pack" / "actions" / "report.py").write_text("edited")
    (release / "pack" / "extra.txt").write_text("extra")
    converge(site, "sensu=1.0.1", keep_releases=5)
    assert site.host.edited("sensu") == []
    assert not (site.host.packs / "sensu" / "extra.txt").exists()


@pytest.mark.parametrize("harm", ["objects", "pack.yaml", "receipt", "link"])
def test_a_release_that_is_not_whole_is_passed_over(site, harm):
    release = site.host.packs / STATE / "releases" / "sensu" / site.releases("sensu")[0]
    if harm == "objects":
        (release / "pack" / ".git" / "objects").rename(release / "pack" / ".git" / "gone")
    elif harm == "pack.yaml":
        (release / "pack" / "pack.yaml").unlink()
    elif harm == "receipt":
        (release / "receipt.json").write_text('{"format": 1}')
    else:
        (release / "pack").rename(site.root / "elsewhere")
        (release / "pack").symlink_to(site.root / "elsewhere")
    done = converge(site, "sensu=1.0.1", keep_releases=5)
    assert row_of(done)["after"]["commit"] == site.shas["1.0.1"] == site.host.head("sensu")
    assert site.host.edited("sensu") == []


def test_another_source_is_not_gone_back_to(site):
    other = Site(site.root / "other", released("sensu", "1.0.1", minimal=False))
    done = site.run(f"{other.url('sensu')}=1.0.1", keep_releases=5)
    assert row_of(done)["after"]["commit"] == other.sha("sensu", "v1.0.1") == site.host.head("sensu")
    converge(site, "sensu=1.0.2", keep_releases=5)
    assert site.host.head("sensu") == site.shas["1.0.2"]
    assert "1.0.2" in versions(site), "a name means the source that the pack has now: the release was not taken"


def test_a_branch_and_the_latest_are_asked_for_upstream(cut_off):
    for name, state in (("sensu=main", "present"), ("sensu", "latest"), (cut_off.url("sensu"), "latest")):
        assert cut_off.run(name, state=state).failure is not None


def test_a_directory_that_is_known_by_its_digest(site, tmp_path):
    digests = []
    for version in ("1.0.0", "2.0.0"):
        PackTree("local", version, minimal=True).write(tmp_path / version)
        done = site.run(str(tmp_path / version))
        digests.append(row_of(done, "local")["after"]["digest"])
    (tmp_path / "1.0.0" / "pack.yaml").unlink()
    sent = {"remote_src": False, "packs": [{"source": "/home/me/local", "digest": digests[0]}]}
    done = converge(site, **sent)
    assert row_of(done, "local")["after"] == {"version": "1.0.0", "digest": digests[0]}
    release = site.host.packs / STATE / "releases" / "local" / site.releases("local")[-1]
    (release / "pack" / "actions" / "report.py").write_text("edited")
    sent["packs"][0]["digest"] = digests[1]
    failed = site.run(**sent)
    assert failed.failure.step == "upload", "what was edited is sent anew"


def test_a_repair_keeps_the_edited_files_and_every_earlier_version(site):
    for number in range(2):
        (site.host.packs / "sensu" / "actions" / "report.py").write_text(f"edited {number}")
        converge(site, "sensu", verify="content", keep_releases=1)
        assert versions(site) == ["1.0.1", "1.0.2", "1.0.3"][1:], "as many as are kept, and what was edited last"
        assert site.releases("sensu")[-1].endswith("-edited")
        path = (
            site.host.packs
            / STATE
            / "releases"
            / "sensu"
            / site.releases("sensu")[-1]
            / "pack"
            / "actions"
            / "report.py"
        )
        assert path.read_text() == f"edited {number}"
    converge(site, "sensu=1.0.2", keep_releases=1)
    assert [name for name in site.releases("sensu") if name.endswith("-edited")] == []
    assert versions(site) == ["1.0.3"]


def test_the_virtualenv_stays_while_what_is_required_is_the_same(cut_off, site):
    site.place_virtualenv("sensu")
    before = take_snapshot(site.host.virtualenvs / "sensu", identity=True)
    done = converge(site, "sensu=1.0.1", virtualenv="always")
    assert row_of(done)["virtualenv"] == "kept"
    assert take_snapshot(site.host.virtualenvs / "sensu", identity=True) == before


def test_a_failure_leaves_the_release_where_it_was(cut_off, site, database_that_refuses):
    before = site.releases("sensu")
    failed = site.run("sensu=1.0.1", database=database_that_refuses)
    assert failed.failure and site.releases("sensu") == before
    assert site.host.pack_version("sensu") == "1.0.3"


@pytest.fixture
def database_that_refuses():
    from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
        PretendedDatabase,
    )

    database = PretendedDatabase()
    database.refuses.add(("sensu", "1.0.1"))
    database.rows["sensu"] = "1.0.3"
    return database


def test_a_release_with_another_content_than_the_digest_is_not_gone_back_to(cut_off):
    release = cut_off.host.packs / STATE / "releases" / "sensu" / cut_off.releases("sensu")[0]
    content = json.loads((release / "receipt.json").read_text())["content"]
    asked = {"name": "sensu", "version": "1.0.1"}
    assert cut_off.run(packs=[{**asked, "digest": f"sha256:{'0' * 64}"}]).failure is not None
    done = cut_off.run(packs=[{**asked, "digest": content}], keep_releases=5)
    assert (row_of(done)["after"]["commit"], done.failure) == (cut_off.shas["1.0.1"], None)
