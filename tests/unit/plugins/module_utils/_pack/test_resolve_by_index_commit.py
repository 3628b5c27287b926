# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolving where the index tells the commit of its version, and the digest of its files."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.resolving import Scene, outcome


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


@pytest.fixture
def pinned(scene):
    """A pack in an index that tells its commit and digest."""
    repository = scene.repository("demo", "1.0.0", "1.1.0")
    pin(scene, repository)
    return repository


def pin(scene, repository, revision="v1.1.0", **more):
    scene.entries["demo"]["commit"] = repository.sha(revision)
    scene.entries["demo"].update(more)


def digest_at(scene, repository, revision):
    place = scene.directory / f"checkout-{revision}"
    run_git("clone", "--quiet", f"file://{repository.path}", place)
    run_git("-C", place, "checkout", "--quiet", repository.sha(revision))
    return directory_digest(str(place))


@pytest.mark.parametrize("how", ["demo", "demo=1.1.0", "URL", "URL=main", "COMMIT"])
@pytest.mark.parametrize("asked", ["demo", "demo=1.1.0", "demo=v1.1.0"])
def test_the_commit_in_the_index_is_enough_to_know_what_is_latest(scene, pinned, how, asked):
    for word, value in (("URL", scene.url("demo")), ("COMMIT", f"{scene.url('demo')}={pinned.sha('v1.1.0')}")):
        how = how.replace(word, value)
    scene.install(how)
    resolution = scene.resolve(asked, latest=True)
    assert outcome(resolution) == {"demo": ("1.1.0", "stays")}
    assert (scene.git_runs, scene.index_reads <= 1) == (0, True)


def test_what_stackstorm_installed_is_known_by_the_commit_in_the_index(scene, pinned):
    scene.install_like_st2(pinned, "demo", "v1.1.0")
    resolution = scene.resolve("demo", latest=True)
    assert outcome(resolution) == {"demo": ("1.1.0", "stays")} and scene.git_runs == 0
    assert resolution.proven["demo"].resolved == Resolved("tag", "v1.1.0", "1.1.0")


def test_another_commit_than_that_of_the_index_is_replaced(scene, pinned):
    scene.install("demo=1.0.0")
    (candidate,) = scene.resolve("demo", latest=True).packs.values()
    assert (candidate.commit, candidate.resolved) == (pinned.sha("v1.1.0"), Resolved("tag", "v1.1.0", "1.1.0"))


def test_a_tag_that_was_moved_is_refused(scene, pinned):
    pin(scene, pinned, "v1.0.0")
    with pytest.raises(SourceError) as caught:
        scene.resolve("demo")
    assert pinned.sha("v1.0.0") in caught.value.message and pinned.sha("v1.1.0") in caught.value.message
    assert "The tag v1.1.0" in caught.value.message and "moved" in caught.value.message
    # Another version than the index's own is nothing that it tells of; nor is a commit.
    assert outcome(scene.resolve("demo=1.0.0")) == {"demo": ("1.0.0", "new")}
    assert outcome(scene.resolve(f"demo={pinned.sha('v1.1.0')}")) == {"demo": ("1.1.0", "new")}


def test_of_a_moved_tag_latest_follows_the_index_and_not_the_name(scene, pinned):
    scene.install("demo")
    pinned.commit(PackTree("demo", "1.1.0", minimal=True, actions=("report", "other")))
    pinned.tag("v1.1.0")
    pinned.build()
    assert outcome(scene.resolve("demo", latest=True)) == {"demo": ("1.1.0", "stays")}, "the index stands"
    pin(scene, pinned)
    assert outcome(scene.resolve("demo", latest=True)) == {"demo": ("1.1.0", "new")}


@pytest.mark.parametrize("branch", ["main", "dev"])
def test_of_a_branch_the_commit_of_the_index_is_taken(scene, pinned, branch):
    base = pinned.sha("v1.1.0")
    pinned.commit(PackTree("demo", "2.0.0", minimal=True), branch=branch)
    pinned.build()
    first = pinned.sha(branch)
    pinned.commit(PackTree("demo", "3.0.0", minimal=True), branch=branch)
    pinned.build()
    assert len({base, first, pinned.sha(branch)}) == 3
    pin(scene, pinned, first, version=branch)
    (candidate,) = scene.resolve("demo").packs.values()
    assert (candidate.commit, candidate.metadata.version, candidate.resolved.name) == (first, "2.0.0", branch)
    head = run_git("-C", candidate.staged, "rev-parse", "HEAD", "--abbrev-ref", "HEAD", "@{upstream}")
    assert head.split() == [first, branch, f"origin/{branch}"]
    assert run_git("-C", candidate.staged, "status", "--porcelain") == ""


def test_a_version_that_is_no_name_there_is_the_commit_of_the_index(scene, pinned):
    pin(scene, pinned, "v1.0.0", version="7.7.7")
    (candidate,) = scene.resolve("demo").packs.values()
    assert (candidate.commit, candidate.resolved) == (pinned.sha("v1.0.0"), Resolved("commit", "", "7.7.7"))


def test_a_commit_that_is_not_there_is_refused(scene, pinned):
    pin(scene, pinned, version="main", commit="1" * 40)
    with pytest.raises(SourceError, match=r"does not have the commit 1{40}, which the index says main is"):
        scene.resolve("demo")


@pytest.mark.parametrize("commit", [None, "", "1234567", "v1.1.0", 7, ["x"], "A" * 40, "1" * 41])
def test_what_is_no_commit_in_the_index_tells_nothing(scene, pinned, commit):
    pin(scene, pinned, commit=commit, digest="md5:1")
    assert outcome(scene.resolve("demo")) == {"demo": ("1.1.0", "new")}


def test_the_digest_in_the_index_has_to_be_that_of_the_files(scene, pinned):
    pin(scene, pinned, digest=digest_at(scene, pinned, "v1.1.0"))
    assert outcome(scene.resolve("demo")) == {"demo": ("1.1.0", "new")}
    pin(scene, pinned, digest=digest_at(scene, pinned, "v1.0.0"))
    with pytest.raises(SourceError, match=r"are not those that the index has listed: they have the digest sha"):
        scene.resolve("demo")
    assert outcome(scene.resolve("demo=1.0.0")) == {"demo": ("1.0.0", "new")}


def test_of_one_pack_in_many_the_digest_of_all_says_nothing(scene):
    repository = GitRepository(scene.directory / "stackstorm-demo.git")
    repository.commit(Tree().mount("packs/demo", PackTree("demo", minimal=True)))
    repository.build()
    scene.entries["demo"] = {"version": "main", "repo_url": f"file://{repository.path}", "digest": f"sha256:{'0' * 64}"}
    pin(scene, repository, "main")
    (candidate,) = scene.resolve({"name": "demo", "subdir": "packs/demo"}).packs.values()
    assert candidate.commit == repository.sha("main")
