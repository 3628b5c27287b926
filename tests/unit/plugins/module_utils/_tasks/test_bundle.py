# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a lock to a bundle: built of what is locked, and of nothing else."""

from __future__ import annotations

import json
import os

import pytest
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories.git_repository import run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.archive import manifest_of, open_archive
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, SourceError, St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest, unpack_directory
from ansible_collections.stackstorm.st2.plugins.module_utils._source.git_bundle import BundledRepository
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._tasks.bundle_site import PINS, BundleSite

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def site(tmp_path):
    found = BundleSite(tmp_path)
    yield found
    found.stop()


@pytest.fixture
def locked(site):
    """A site with a lock of a pack by a tag, one by its branch, one by a commit, and a directory."""
    dns, mail, own = (site.repository(ref, "1.0.0", "1.1.0") for ref in ("dns", "mail", "ours"))
    site.write_lock(
        site.locked("dns", dns, requirements=DIGEST),
        site.locked("mail", mail, "default", "main", version="1.1.0"),
        site.locked("ours", own, "commit", "", "main~1"),
        site.directory("here"),
    )
    return site


def test_a_bundle_holds_what_is_locked(locked, tmp_path):
    result = locked.build()
    assert result.changed
    assert result.msg.startswith(f"{locked.path}: 4 packs, 2 Python packages, sha256:")
    assert result.returned["blobs"] == {"directory": 1, "git": 3, "lfs": 0, "package": 2}
    assert result.returned["platforms"] == {
        "cp311-manylinux_2_36_x86_64": {"python": "3.11", "packages": list(PINS), "without": []}
    }
    json.dumps(result.returned)
    with open_archive(str(locked.path)) as archive:
        manifest = manifest_of(archive)
        archive.check()
        assert manifest.lock == locked.lockfile.read_text()
        for pack in locked.lock.packs.values():
            (blob,) = manifest.of_pack(pack.source, pack.commit or pack.content)
            archive.copy(blob.member, str(tmp_path / f"{pack.ref}.blob"))
            place = tmp_path / "scratch" / pack.ref
            if pack.is_directory:
                unpack_directory(str(tmp_path / f"{pack.ref}.blob"), str(place))
            else:
                repository = BundledRepository(
                    git_at(tmp_path), pack.source, str(tmp_path / f"{pack.ref}.blob"), blob.refs
                )
                repository.clone(str(place))
                run_git("-C", place, "checkout", "--quiet", pack.commit)
            assert directory_digest(str(place)) == pack.content
        for files in locked.lock.wheels.values():
            for file, digest in files.items():
                assert manifest.package(digest).name == file
        index = json.loads(archive.read("index.json"))["packs"]
    assert sorted(index) == ["dns", "mail", "ours"]
    dns = locked.lock.packs["dns"]
    assert (index["dns"]["commit"], index["dns"]["digest"]) == (dns.commit, dns.content)
    assert index["dns"]["repo_url"] == locked.url("dns")


def test_it_is_built_once(locked):
    first = locked.build()
    asked = len(locked.server.requests)
    before = locked.path.stat()
    again = locked.build()
    assert not again.changed
    assert again.returned == first.returned
    assert len(locked.server.requests) == asked
    assert locked.path.stat() == before
    assert not locked.build(check=True).changed


def test_two_bundles_of_one_lock_are_equal_whatever_happens_upstream(locked):
    first = locked.build()
    content = locked.path.read_bytes()
    locked.path.unlink()
    repository = locked.repository("new")
    for path in (locked.root / "served").iterdir():
        if path != repository.path:
            run_git("-C", path, "gc", "--quiet", "--aggressive", "--prune=now")
            run_git("-C", path, "tag", "v9.9.9", "main")
    second = locked.build()
    assert second.returned == first.returned
    assert locked.path.read_bytes() == content


def test_check_mode_proves_everything_and_writes_nothing(locked):
    checked = locked.build(check=True)
    assert checked.changed
    assert sorted(os.listdir(locked.path.parent)) == ["own", "packs.lock.yml"]
    run = locked.build()
    assert (run.msg, run.returned, run.diff) == (checked.msg, checked.returned, checked.diff)
    assert sorted(os.listdir(locked.path.parent)) == ["own", "packs.bundle", "packs.lock.yml"]
    assert "pack dns 1.0.0 " in run.diff[0]["after"]


def test_another_lock_makes_another_bundle_of_the_packages_that_are_there(locked):
    locked.build()
    before = len(locked.packages.requests)
    locked.write_lock(*(pack for ref, pack in locked.lock.packs.items() if ref != "mail"))
    result = locked.build()
    assert result.changed
    assert [pack["ref"] for pack in result.returned["packs"]] == ["dns", "here", "ours"]
    assert "pack mail" in result.diff[0]["before"]
    assert "pack mail" not in result.diff[0]["after"]
    assert len(locked.packages.requests) == before


def test_a_bundle_that_was_cut_off_is_built_anew(locked):
    first = locked.build()
    content = locked.path.read_bytes()
    locked.path.write_bytes(content[:-2000])
    with pytest.raises(SourceError):
        locked.info()
    result = locked.build()
    assert result.changed
    assert "could not be used" in result.warnings[0]
    assert result.returned == first.returned
    assert locked.path.read_bytes() == content


def test_a_file_that_is_no_bundle_is_left_alone(locked):
    locked.path.write_text("mine")
    with pytest.raises(OptionError) as caught:
        locked.build()
    assert "is not a bundle, so it is not replaced" in caught.value.message
    assert locked.path.read_text() == "mine"


def test_a_tag_that_moved_is_refused_with_both_commits(locked):
    dns = locked.lock.packs["dns"]
    moved = run_git("-C", locked.root / "served" / "dns.git", "rev-parse", "main")
    run_git("-C", locked.root / "served" / "dns.git", "tag", "--force", "v1.0.0", "main")
    with pytest.raises(SourceError) as caught:
        locked.build()
    assert dns.commit in caught.value.message
    assert moved in caught.value.message
    assert not locked.path.exists()


def test_everything_that_is_not_as_locked_is_said_at_once(locked):
    PackTree("here", "0.2.0", minimal=True).write(locked.root / "site" / "own" / "here")
    (wheel,) = locked.packages.files("six")
    wheel.write_bytes(b"another six")
    for wheel in locked.packages.files("tinydep"):
        wheel.unlink()
    run_git("-C", locked.root / "served" / "dns.git", "tag", "--delete", "v1.0.0")
    with pytest.raises(St2Error) as caught:
        locked.build()
    message = caught.value.message
    assert message.startswith("4 things are wrong: ")
    assert "has no tag v1.0.0 any more" in message
    assert "The files of here 0.1.0 in " in message
    assert "six-1.16.0-py3-none-any.whl does not match the lock" in message
    assert "tinydep-1.0.0-py3-none-any.whl is in the lock and not at " in message
    assert not locked.path.exists()


def test_packs_of_one_repository_are_in_one_blob(site):
    both = site.repository("several", "1.0.0")
    tree = Tree()
    for ref in ("one", "two"):
        tree.mount(f"packs/{ref}", PackTree(ref, "1.0.0", minimal=True))
    both.commit(tree)
    both.tag("v2.0.0")
    both.build()
    site.write_lock(
        site.locked("one", both, name="v2.0.0", subdir="packs/one"),
        site.locked("two", both, name="v2.0.0", subdir="packs/two"),
        pins=(),
    )
    assert site.build().returned["blobs"]["git"] == 1


def test_credentials_do_not_leave_the_controller(tmp_path):
    site = BundleSite(tmp_path)
    try:
        repository = site.repository("dns")
        site.write_lock(site.locked("dns", repository), pins=("six==1.16.0",))
        site.server.username, site.server.password = "me", "s3cret-of-git"
        site.packages.username, site.packages.password = "you", "s3cret-of-pip"
        url = site.packages.index_url.replace("://", "://you:s3cret-of-pip@")
        result = site.build(username="me", password="s3cret-of-git", pip_index_url=url)
        content = site.path.read_bytes()
        assert b"s3cret" not in content
        assert "s3cret" not in json.dumps([result.msg, result.returned, result.diff, result.warnings])
    finally:
        site.stop()


def test_the_info_is_what_the_bundle_was_built_as(locked):
    built = locked.build()
    info = locked.info()
    assert not info.changed
    assert info.msg == built.msg
    assert info.returned == {**built.returned, "lock": locked.lockfile.read_text()}
