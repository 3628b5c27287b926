# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which commit an index describes, and which versions it lists."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError, SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._index.choice import choose, published_versions
from ansible_collections.stackstorm.st2.plugins.module_utils._source.refs import Refs
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._index.indexing import indexed


def pack(version, **metadata):
    return PackTree("demo", version, minimal=True, metadata=metadata)


@pytest.fixture
def repository(tmp_path):
    return GitRepository(tmp_path / "demo.git")


def chosen(tmp_path, repository, revision="tag", **how):
    return choose(indexed(tmp_path, repository.build()), revision, **how)


def test_the_highest_version_is_described_whenever_it_was_made(tmp_path, repository):
    for version in ("1.10.0", "1.9.0", "2.0.0-rc.1", "1.2.0"):
        repository.release(pack(version), annotated=version == "1.10.0")
    repository.commit(pack("3.0.0"))
    found = chosen(tmp_path, repository)
    assert (found.version, found.commit) == ("1.10.0", repository.tags["v1.10.0"].sha)
    assert found.versions == ("2.0.0-rc.1", "1.10.0", "1.9.0", "1.2.0")
    assert found.description.version == "1.10.0" and found.warnings == ()


def test_a_pre_release_is_described_while_there_is_nothing_else(tmp_path, repository):
    repository.release(pack("1.0.0-alpha"))
    repository.release(pack("1.0.0-beta"))
    assert chosen(tmp_path, repository).version == "1.0.0-beta"


def test_a_tag_without_v_is_one_too_and_the_only_letter_is_kept(tmp_path, repository):
    repository.commit(pack("1.0.0-dev"))
    for tag in ("1.0.0-dev", "nightly", "v2", "version-1", "v1.0"):
        repository.tag(tag)
    found = chosen(tmp_path, repository)
    assert (found.version, found.versions) == ("1.0.0-dev", ("1.0.0-dev",))


def test_of_two_tags_for_a_version_it_is_the_one_that_stackstorm_installs(tmp_path, repository):
    first = repository.release(pack("1.0.0"))
    second = repository.commit(pack("1.0.0", description="other"))
    repository.tag("1.0.0", second)
    found = chosen(tmp_path, repository)
    assert found.commit == second.sha != first.sha and found.versions == ("1.0.0",)


def test_a_branch_of_that_name_comes_before_the_tag_as_in_stackstorm(tmp_path, repository):
    repository.release(pack("1.0.0"))
    branch = repository.commit(pack("1.0.0", description="of the branch"), branch="1.0.0")
    assert chosen(tmp_path, repository).commit == branch.sha


def test_a_tag_that_holds_another_version_is_passed_over(tmp_path, repository):
    right = repository.release(pack("1.0.0"))
    repository.commit(pack("1.0.0", description="forgotten"))
    repository.tag("v1.1.0")
    found = chosen(tmp_path, repository)
    assert (found.version, found.commit) == ("1.0.0", right.sha)
    assert "1.1.0 contains version 1.0.0" in found.warnings[0]
    assert found.versions == ("1.1.0", "1.0.0")


def test_nothing_to_describe(tmp_path, repository):
    repository.commit(pack("1.0.0"))
    with pytest.raises(InvalidPackError, match="no tag that is a version"):
        chosen(tmp_path, repository)
    repository.tag("v3.0.0")
    with pytest.raises(
        InvalidPackError, match=r"no tag whose pack\.yaml has the same version\. The highest is 3\.0\.0"
    ):
        choose(indexed(tmp_path, repository.build(), run="again"), "tag")


def test_a_broken_release_is_named_with_file_and_line(tmp_path, repository):
    repository.release(pack("1.0.0"))
    repository.release(pack("1.1.0", python_versions="3"))
    with pytest.raises(InvalidPackError) as caught:
        chosen(tmp_path, repository)
    assert "demo.git at version 1.1.0 (" in caught.value.message
    assert "pack.yaml" in caught.value.message and "line" in caught.value.message and caught.value.ref == "demo"


def test_the_tip_of_the_default_branch(tmp_path):
    repository = GitRepository(tmp_path / "demo.git", "devel")
    repository.release(pack("1.0.0"))
    found = chosen(tmp_path, repository, "branch")
    assert (found.version, found.commit) == ("1.0.0", repository.head.sha), "its version leads there"
    repository.commit(pack("1.0.0", description="more"))
    found = choose(indexed(tmp_path, repository.build(), run="again"), "branch")
    assert (found.version, found.commit) == ("devel", repository.head.sha), "its version leads elsewhere"
    assert found.description.version == "1.0.0" and found.versions == ("1.0.0",)


def test_a_detached_head_and_none(tmp_path, repository):
    first = repository.release(pack("1.0.0"))
    repository.commit(pack("1.1.0"))
    repository.detach_head(first)
    assert chosen(tmp_path, repository, "branch").commit == first.sha
    (repository.path / "HEAD").write_text("ref: refs/heads/gone\n")
    with pytest.raises(InvalidPackError, match="no default branch"):
        choose(indexed(tmp_path, repository, run="again"), "branch")


@pytest.mark.parametrize("revision", ["tag", "branch", "published"])
@pytest.mark.parametrize("asked", ["1.0.0", "v1.0.0", "stable", "commit", "short"])
def test_the_version_that_the_task_names_counts(tmp_path, repository, revision, asked):
    first = repository.release(pack("1.0.0"))
    repository.release(pack("1.1.0"))
    repository.branch("stable", first)
    repository.build()
    name = {"commit": first.sha, "short": first.short}.get(asked, asked)
    found = chosen(tmp_path, repository, revision, asked=name)
    assert (found.version, found.commit) == ("1.0.0", first.sha)


def test_a_version_without_a_tag_is_offered_as_what_was_asked_for(tmp_path, repository):
    repository.release(pack("1.0.0"))
    repository.commit(pack("2.0.0"), branch="next")
    found = chosen(tmp_path, repository, asked="next")
    assert (found.version, found.description.version) == ("next", "2.0.0")


def test_a_version_that_is_none(tmp_path, repository):
    repository.release(pack("1.0.0"))
    with pytest.raises(SourceError, match=r"2\.0\.0 is not a version.*Available versions, newest first: 1\.0\.0"):
        chosen(tmp_path, repository, asked="2.0.0")
    with pytest.raises(SourceError, match="cannot be listed"):
        choose(indexed(tmp_path, repository, run="again"), "tag", asked="a" * 40)


def test_a_tag_of_a_file_is_no_version(tmp_path, repository):
    repository.release(pack("1.0.0"))
    repository.build()
    blob = repository.path / "refs/tags/v2.0.0"
    from infrastructure.repositories.git_repository import run_git

    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_text(run_git("-C", repository.path, "rev-parse", "HEAD:pack.yaml") + "\n")
    with pytest.raises(SourceError, match="cannot be listed: fatal: not a tree object"):
        choose(indexed(tmp_path, repository), "tag")


# As the Exchange does it


def test_the_exchange_describes_the_newest_tagged_commit(tmp_path, repository):
    repository.release(pack("1.8.0"))
    newest = repository.release(pack("1.0.1"))
    repository.commit(pack("1.9.0"))
    found = chosen(tmp_path, repository, "published")
    assert (found.version, found.commit) == ("1.0.1", newest.sha) and found.versions == ("1.8.0", "1.0.1")


def test_the_exchange_lists_what_its_version_does_not_lead_to(tmp_path, repository):
    repository.release(pack("1.0.0"))
    repository.commit(pack("1.0.0", description="later"))
    repository.tag("odd")
    found = chosen(tmp_path, repository, "published")
    assert (found.version, found.commit) == ("1.0.0", None)
    assert "1.0.0 is commit" in found.warnings[0]


def test_the_exchange_does_not_look_at_resources(tmp_path, repository):
    tree = pack("1.0.0")
    tree.add("actions/broken.yaml", "name: [x\n")
    repository.release(tree)
    assert chosen(tmp_path, repository, "published").version == "1.0.0"
    with pytest.raises(InvalidPackError, match=r"broken\.yaml"):
        choose(indexed(tmp_path, repository, run="again"), "tag")


def test_the_exchange_lists_nothing_without_a_tag(tmp_path, repository):
    repository.commit(pack("1.0.0"))
    with pytest.raises(InvalidPackError, match="no tags"):
        chosen(tmp_path, repository, "published")


@pytest.mark.parametrize(
    "tags, versions",
    [
        (["v1.9.0", "v1.10.0", "v1.2.0"], ["1.9.0", "1.2.0", "1.10.0"]),
        (["v1.0.0-dev", "0.9.0", "nightly"], ["1.0.0-de"]),
        (["v1", "vv1"], ["1"]),
        ([f"v0.0.{number:03}" for number in range(150)], [f"0.0.{number:03}" for number in range(149, 49, -1)]),
    ],
)
def test_the_versions_of_the_exchange(tags, versions):
    assert published_versions(Refs(tags=dict.fromkeys(tags, "c"))) == versions
