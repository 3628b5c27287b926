# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mirrored repositories: what upstream has now, but for tags that are served already."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.findings import MovedTag
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.keeping import read_mirrored
from ansible_collections.stackstorm.st2.plugins.module_utils._source.git_program import Git
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._exchange.exchange_host import (
    check,
    listed,
    mirror_at,
    refs,
    served,
    source,
)


def pack(version, ref="demo", **changes):
    return PackTree(ref, version, minimal=True).set_metadata(**changes)


@pytest.fixture
def upstream(tmp_path):
    repository = GitRepository(tmp_path / "upstream.git")
    repository.release(pack("1.0.0"), annotated=True)
    repository.release(pack("1.1.0"))
    return repository.build()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "exchange"


@pytest.fixture
def fetches(monkeypatch):
    """The repositories that something is fetched from."""
    seen = []
    true = Git.__call__

    def call(self, *arguments, **more):
        if "fetch" in arguments:
            seen.append(arguments[-1])
        return true(self, *arguments, **more)

    monkeypatch.setattr(Git, "__call__", call)
    return seen


def test_a_new_repository_has_branches_and_tags_alone(root, upstream):
    run_git("-C", upstream.path, "update-ref", "refs/pull/1/head", upstream.head.sha)
    (found,) = mirror_at(root).update([source(upstream)])
    assert (found.fetched, found.served, found.error) == (True, True, None)
    wanted = {name: at for name, at in refs(upstream.path).items() if not name.startswith("refs/pull/")}
    assert refs(served(root)) == wanted
    assert (served(root) / "HEAD").read_text() == "ref: refs/heads/main\n"
    check(served(root))


def test_what_clones_read_first_is_as_git_writes_it(root, upstream):
    mirror_at(root).update([source(upstream)])
    files = [served(root) / "info" / "refs", served(root) / "objects" / "info" / "packs"]
    ours = [file.read_text() for file in files]
    assert "refs/tags/v1.0.0^{}" in ours[0]
    for file in files:
        file.unlink()
    run_git("-C", served(root), "update-server-info")
    assert [file.read_text() for file in files] == ours


def test_nothing_of_upstream_stands_in_the_settings(root, upstream):
    mirror_at(root).update([source(upstream)])
    assert str(upstream.path) not in (served(root) / "config").read_text()
    assert not (served(root) / "FETCH_HEAD").exists()


def test_everybody_may_read_what_is_served(root, upstream):
    mirror_at(root).update([source(upstream)])
    for path in (root / "git").rglob("*"):
        wanted = 0o555 if path.is_dir() else 0o444
        assert path.stat().st_mode & wanted == wanted, path


def test_nothing_is_fetched_while_upstream_is_the_same(root, upstream, fetches):
    mirror = mirror_at(root)
    mirror.update([source(upstream)])
    before = {path: path.stat().st_mtime_ns for path in served(root).rglob("*") if path.is_file()}
    (found,) = mirror.update([source(upstream)])
    assert fetches == [f"file://{upstream.path}"]
    assert not found.fetched
    assert before == {path: path.stat().st_mtime_ns for path in served(root).rglob("*") if path.is_file()}


def test_what_is_new_comes_and_branches_go_with_those_of_upstream(root, upstream):
    upstream.branch("topic").build()
    mirror = mirror_at(root)
    mirror.update([source(upstream)])
    upstream.delete_branch("topic").build()
    upstream.branch("topic/one")
    upstream.release(pack("1.2.0"))
    upstream.build()
    (found,) = mirror.update([source(upstream)])
    assert found.fetched
    assert refs(served(root)) == refs(upstream.path)
    assert listed(served(root))["refs/tags/v1.2.0"] == upstream.head.sha
    check(served(root))


def test_head_follows_the_default_branch(root, upstream):
    mirror = mirror_at(root)
    mirror.update([source(upstream)])
    upstream.branch("trunk").delete_branch("main")
    upstream.default_branch = "trunk"
    upstream.build()
    (found,) = mirror.update([source(upstream)])
    assert found.fetched
    assert (served(root) / "HEAD").read_text() == "ref: refs/heads/trunk\n"
    assert "refs/heads/main" not in refs(served(root))


def test_a_moved_tag_is_served_as_it_was_and_its_new_commit_kept_aside(root, upstream):
    mirror = mirror_at(root)
    mirror.update([source(upstream)])
    was = upstream.sha("v1.1.0")
    evil = upstream.commit(pack("1.1.0", description="evil"))
    upstream.tag("v1.1.0", evil).build()
    for _again in range(2):
        (found,) = mirror.update([source(upstream)])
        assert found.moved_tags == (MovedTag("v1.1.0", was, evil.sha),)
        assert found.upstream() == {"url": f"file://{upstream.path}", "moved_tags": ["v1.1.0"]}
        assert "follow_moved_tags" in found.problems()[0]
    assert refs(served(root))["refs/tags/v1.1.0"] == listed(served(root))["refs/tags/v1.1.0"] == was
    assert refs(served(root))[f"refs/moved/v1.1.0/{evil.sha}"] == evil.sha
    assert not [name for name in listed(served(root)) if "moved" in name]
    assert read_mirrored(str(root))["demo"].moved_tags == found.moved_tags


def test_a_deleted_tag_is_served_still(root, upstream):
    mirror = mirror_at(root)
    mirror.update([source(upstream)])
    was = refs(upstream.path)["refs/tags/v1.0.0"]
    upstream.delete_tag("v1.0.0").build()
    (found,) = mirror.update([source(upstream)])
    assert found.deleted_tags == ("v1.0.0",)
    assert refs(served(root))["refs/tags/v1.0.0"] == was
    assert "served as it was" in found.problems()[0]


def test_tags_follow_where_that_is_asked_for(root, upstream):
    mirror_at(root).update([source(upstream)])
    upstream.delete_tag("v1.0.0").tag("v1.1.0", upstream.commit(pack("1.1.0", description="again"))).build()
    (found,) = mirror_at(root, follow_moved_tags=True).update([source(upstream)])
    assert found.problems() == []
    assert refs(served(root)) == refs(upstream.path)


def test_a_repository_that_became_empty_takes_nothing_away(root, upstream, tmp_path):
    mirror = mirror_at(root)
    mirror.update([source(upstream)])
    before = refs(served(root))
    for name in refs(upstream.path):
        run_git("-C", upstream.path, "update-ref", "-d", name)
    (found,) = mirror.update([source(upstream)])
    assert "is empty" in found.error
    assert found.served
    assert refs(served(root)) == before


def test_a_broken_upstream_holds_up_no_other_and_what_it_had_is_served(root, upstream, tmp_path):
    other = GitRepository(tmp_path / "other.git")
    other.release(pack("1.0.0", "other"))
    other.build()
    mirror = mirror_at(root)
    sources = [source(other, "other"), source(upstream)]
    mirror.update(sources)
    before = refs(served(root, "other"))
    other.path.rename(tmp_path / "gone")
    upstream.release(pack("1.2.0"))
    upstream.build()
    broken, whole = mirror.update(sources)
    assert (broken.ref, broken.fetched, broken.served) == ("other", False, True)
    assert "cannot be fetched" in broken.error
    assert read_mirrored(str(root))["other"].error == broken.error
    assert (whole.error, whole.fetched) == (None, True)
    assert refs(served(root, "other")) == before


def test_a_branch_whose_objects_are_broken_changes_nothing_that_is_served(root, upstream):
    mirror = mirror_at(root)
    mirror.update([source(upstream)])
    before = refs(served(root))
    upstream.release(pack("1.2.0"))
    upstream.build()
    for path in (upstream.path / "objects" / "pack").glob("*.pack"):
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-40])
    (found,) = mirror.update([source(upstream)])
    assert found.error
    assert refs(served(root)) == before
    check(served(root))


def test_the_ref_is_found_out_from_the_newest_version(root, upstream):
    mirror = mirror_at(root)
    for fetched in (True, False):
        (found,) = mirror.update([source(upstream, ref=None)])
        assert (found.ref, found.fetched, found.error) == ("demo", fetched, None)
    assert sorted(path.name for path in (root / "git").iterdir()) == ["demo.git"]


def test_a_ref_that_is_served_from_elsewhere_is_refused(root, upstream):
    (found,) = mirror_at(root).update([source(upstream, ref=None)], taken=["demo"])
    assert "demo, which is served from elsewhere" in found.error
    assert not served(root).exists()
    assert not list((root / "state" / "mirror").glob("*.new"))


def test_an_own_pack_whose_name_only_its_clone_tells_wins_against_an_index(root, upstream, tmp_path):
    public = GitRepository(tmp_path / "public.git")
    public.release(pack("9.0.0"))
    public.build()
    listed_there = source(public, kind="index", origin="https://index.example.com")
    mirror_at(root).update([listed_there])
    shadowed, own = mirror_at(root).update([listed_there, source(upstream, ref=None)])
    assert (shadowed.served, shadowed.fetched) == (False, False)
    assert "since a source of the settings has the pack of that name" in shadowed.problems()[0]
    assert (own.ref, own.error) == ("demo", None)
    assert refs(served(root)) == refs(upstream.path)
    assert read_mirrored(str(root))["demo"] == own._replace(fetched=False)


def test_a_repository_without_a_pack_is_refused(root, tmp_path):
    repository = GitRepository(tmp_path / "none.git")
    repository.commit(pack("1.0.0").remove("pack.yaml"))
    repository.build()
    (found,) = mirror_at(root).update([source(repository, ref=None)])
    assert "name beside the source" in found.error
    assert (found.ref, found.served) == ("", False)


def test_a_new_address_that_the_settings_name_is_another_repository(root, upstream, tmp_path):
    mirror_at(root).update([source(upstream, kind="index", origin="https://index.example.com")])
    own = GitRepository(tmp_path / "own.git")
    own.release(pack("0.1.0"))
    own.build()
    (found,) = mirror_at(root).update([source(own)])
    assert (found.problems(), found.fetched) == ([], True)
    assert refs(served(root)) == refs(own.path)


def test_a_new_address_in_an_index_moves_no_tag(root, upstream, tmp_path):
    origin = "https://index.example.com"
    mirror_at(root).update([source(upstream, kind="index", origin=origin)])
    was = refs(served(root))
    evil = GitRepository(tmp_path / "evil.git")
    evil.release(pack("1.0.0", description="evil"))
    evil.build()
    (found,) = mirror_at(root).update([source(evil, kind="index", origin=origin)])
    assert [moved.tag for moved in found.moved_tags] == ["v1.0.0"]
    assert found.deleted_tags == ("v1.1.0",)
    now = refs(served(root))
    assert {name: now[name] for name in was if name.startswith("refs/tags/")} == {
        name: at for name, at in was.items() if name.startswith("refs/tags/")
    }
