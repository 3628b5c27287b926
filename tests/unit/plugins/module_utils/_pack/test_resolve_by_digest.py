# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolving where the task says the digest of the content that a pack of a repository must have."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import read_receipt
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.candidate import Candidate
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.resolving import Scene, outcome

OTHER = f"sha256:{'0' * 64}"


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


@pytest.fixture
def repository(scene):
    return scene.repository("demo", "1.0.0", "1.1.0")


def digest_at(scene, repository, revision):
    place = scene.directory / f"checkout-{revision}"
    run_git("clone", "--quiet", f"file://{repository.path}", place)
    run_git("-C", place, "checkout", "--quiet", repository.sha(revision))
    return directory_digest(str(place))


@pytest.mark.parametrize("form", ["name", "source"])
def test_files_with_another_digest_are_refused_and_the_sentence_says_who_asked(scene, repository, form):
    request = {"name": "demo", "version": "1.1.0"}
    if form == "source":
        request["source"] = scene.url("demo")
    with pytest.raises(SourceError) as caught:
        scene.resolve({**request, "digest": OTHER})
    assert caught.value.message.startswith(f"The files of {scene.url('demo')} at {repository.sha('v1.1.0')} are not")
    assert "those that the task asks for" in caught.value.message and f"and not {OTHER}" in caught.value.message
    right = digest_at(scene, repository, "v1.1.0")
    (candidate,) = scene.resolve({**request, "digest": right}).packs.values()
    assert (candidate.metadata.version, candidate.content) == ("1.1.0", right)


def test_what_the_index_says_and_what_the_task_says_are_told_apart(scene, repository):
    right = digest_at(scene, repository, "v1.1.0")
    scene.entries["demo"].update(commit=repository.sha("v1.1.0"), digest=OTHER)
    with pytest.raises(SourceError, match="that the index has listed"):
        scene.resolve({"name": "demo", "digest": right})
    scene.entries["demo"].update(digest=right)
    with pytest.raises(SourceError, match="that the task asks for"):
        scene.resolve({"name": "demo", "digest": OTHER})


def test_a_receipt_with_the_digest_satisfies_without_git(scene, repository):
    scene.install("demo=1.1.0")
    right = digest_at(scene, repository, "v1.1.0")
    resolution = scene.resolve({"name": "demo", "version": "1.1.0", "digest": right})
    assert outcome(resolution) == {"demo": ("1.1.0", "stays")}
    assert (scene.git_runs, scene.index_reads) == (0, 0)


@pytest.mark.parametrize("latest", [False, True])
def test_a_pack_with_another_content_is_not_satisfied_by_its_version(scene, repository, latest):
    scene.install("demo=1.1.0")
    with pytest.raises(SourceError, match="that the task asks for"):
        scene.resolve({"name": "demo", "digest": OTHER}, latest=latest)


def test_a_tag_that_was_moved_to_the_digest_is_taken(scene, repository):
    scene.install("demo=1.1.0")
    repository.commit(PackTree("demo", "1.1.0", minimal=True, actions=("report", "other")))
    repository.tag("v1.1.0")
    repository.build()
    moved = digest_at(scene, repository, "v1.1.0")
    assert outcome(scene.resolve("demo=1.1.0")) == {"demo": ("1.1.0", "stays")}
    resolution = scene.resolve({"name": "demo", "version": "1.1.0", "digest": moved})
    assert outcome(resolution) == {"demo": ("1.1.0", "new")}


def test_of_what_stackstorm_installed_the_content_is_learned_once(scene, repository):
    scene.install_like_st2(repository, "demo", "v1.1.0")
    right = digest_at(scene, repository, "v1.1.0")
    resolution = scene.resolve({"name": "demo", "version": "1.1.0", "digest": right})
    assert outcome(resolution) == {"demo": ("1.1.0", "stays")} and scene.git_runs
    assert resolution.proven["demo"].content == right


def test_of_a_pack_in_a_directory_of_a_repository_it_is_the_digest_of_that(scene):
    inner = PackTree("inner", "2.0.0", minimal=True)
    repository = GitRepository(scene.directory / "stackstorm-demo.git")
    repository.commit(Tree().mount("packs/inner", inner))
    repository.build()
    right = directory_digest(str(inner.write(scene.directory / "inner")))
    request = {"source": scene.url("demo"), "subdir": "packs/inner"}
    with pytest.raises(SourceError, match="that the task asks for"):
        scene.resolve({**request, "digest": OTHER})
    assert outcome(scene.resolve({**request, "digest": right})) == {"inner": ("2.0.0", "new")}
    scene.install(request)
    assert outcome(scene.resolve({**request, "digest": right})) == {"inner": ("2.0.0", "stays")}
    assert scene.git_runs == 0


def test_the_receipt_holds_the_content(scene, repository):
    installed = scene.install("demo")
    receipt = read_receipt(PacksDirectory(str(scene.packs)), "demo")
    assert receipt.content == digest_at(scene, repository, "v1.1.0") == directory_digest(installed.location)
    assert receipt.digest == ""


def test_one_digest_is_more_particular_than_none(scene, repository):
    right = digest_at(scene, repository, "v1.0.0")
    resolution = scene.resolve({"name": "demo", "version": "1.0.0", "digest": right}, "demo")
    (candidate,) = resolution.packs.values()
    assert isinstance(candidate, Candidate) and candidate.metadata.version == "1.0.0"
