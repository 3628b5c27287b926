# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A working copy read from its files says what git says of it."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.working_copy import Head, WorkingCopy


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    one = GitRepository(tmp_path_factory.mktemp("source") / "demo.git", "trunk")
    one.release(PackTree("demo", "1.0.0", minimal=True))
    one.release(PackTree("demo", "1.1.0", minimal=True), annotated=True)
    one.tag("also-1.1.0")
    one.commit(PackTree("demo", "1.2.0", minimal=True))
    one.commit(PackTree("demo", "2.0.0", minimal=True), branch="feature/x")
    return one.build()


@pytest.fixture
def clone(repository, tmp_path):
    run_git("clone", "--quiet", repository.path, tmp_path / "clone")
    return tmp_path / "clone"


def git(clone, *arguments):
    return run_git("-C", clone, *arguments)


def test_a_branch_that_is_checked_out(repository, clone):
    assert WorkingCopy(str(clone)).head() == Head(repository.head.sha, "trunk")
    git(clone, "checkout", "--quiet", "-b", "feature/x", "origin/feature/x")
    assert WorkingCopy(str(clone)).head() == Head(repository.branches["feature/x"].sha, "feature/x")


def test_a_branch_among_packed_refs(repository, clone):
    git(clone, "pack-refs", "--all")
    assert not (clone / ".git/refs/heads/trunk").exists()
    assert WorkingCopy(str(clone)).head() == Head(repository.head.sha, "trunk")


def test_a_loose_branch_hides_an_older_packed_one(repository, clone):
    git(clone, "pack-refs", "--all")
    git(clone, "reset", "--quiet", "--hard", "v1.0.0")
    assert WorkingCopy(str(clone)).head() == Head(repository.tags["v1.0.0"].sha, "trunk")


@pytest.mark.parametrize("revision", ["v1.0.0", "v1.1.0"])
def test_a_detached_head_has_no_branch(repository, clone, revision):
    git(clone, "checkout", "--quiet", revision)
    assert WorkingCopy(str(clone)).head() == Head(repository.tags[revision].sha, None)


def test_a_sha256_repository(tmp_path):
    run_git("init", "--quiet", "--object-format=sha256", "--initial-branch=main", tmp_path)
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "one")
    head = WorkingCopy(str(tmp_path)).head()
    assert head == Head(git(tmp_path, "rev-parse", "HEAD"), "main")
    assert len(head.commit) == 64


@pytest.mark.parametrize(
    "content", ["", "ref: refs/heads/none", "ref: refs/tags/v1.0.0", "1234567", "ref: refs/heads/../HEAD", "\x00"]
)
def test_a_head_that_cannot_be_read_is_none(clone, content):
    (clone / ".git/HEAD").write_text(content)
    assert WorkingCopy(str(clone)).head() is None


def test_a_new_repository_has_no_head(tmp_path):
    run_git("init", "--quiet", tmp_path)
    assert WorkingCopy(str(tmp_path)).exists()
    assert WorkingCopy(str(tmp_path)).head() is None


def test_what_is_no_working_copy(tmp_path, clone):
    empty = WorkingCopy(str(tmp_path / "none"))
    assert (empty.exists(), empty.head(), empty.origin(), empty.tag("v1.0.0")) == (False, None, None, None)
    git(clone, "worktree", "add", "--quiet", tmp_path / "worktree", "v1.0.0")
    assert (tmp_path / "worktree/.git").is_file()
    assert not WorkingCopy(str(tmp_path / "worktree")).exists()


def test_tags_of_a_clone_are_commits_annotated_or_not(repository, clone):
    found = WorkingCopy(str(clone))
    assert found.tag("v1.0.0") == repository.tags["v1.0.0"].sha
    assert found.tag("v1.1.0") == repository.tags["v1.1.0"].sha
    assert found.tag("v9.9.9") is None
    assert sorted(found.tags_at(repository.tags["v1.1.0"].sha)) == ["also-1.1.0", "v1.1.0"]
    assert found.tags_at(repository.head.sha) == []


def test_a_loose_tag_is_not_trusted_since_it_may_be_annotated(repository, clone):
    git(clone, "tag", "mine")
    git(clone, "tag", "--force", "v1.0.0", "HEAD")
    found = WorkingCopy(str(clone))
    assert found.tag("mine") is None
    assert found.tag("v1.0.0") is None  # It is elsewhere now than the packed refs say.
    git(clone, "pack-refs", "--all")
    again = WorkingCopy(str(clone))
    assert again.tag("mine") == again.tag("v1.0.0") == repository.head.sha


def test_remote_branches(repository, clone):
    found = WorkingCopy(str(clone))
    assert found.remote_branch("feature/x") == repository.branches["feature/x"].sha
    assert found.remote_branch("trunk") == repository.head.sha
    assert found.remote_branch("v1.0.0") is None
    repository.commit(PackTree("demo", "2.0.1", minimal=True), branch="feature/x")
    new = repository.build().branches["feature/x"].sha
    git(clone, "fetch", "--quiet")
    assert WorkingCopy(str(clone)).remote_branch("feature/x") == new


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/org/stackstorm-demo.git",
        "git@git.example.com:org/demo",
        "https://git.example.com/a;b#c",
        "/srv/packs/demo",
    ],
)
def test_the_origin_is_the_one_git_has(clone, url):
    git(clone, "remote", "set-url", "origin", url)
    git(clone, "remote", "add", "first", "https://elsewhere.example.com/x")
    git(clone, "config", "branch.trunk.url", "no")
    assert WorkingCopy(str(clone)).origin() == url


def test_no_origin(clone):
    git(clone, "remote", "rename", "origin", "upstream")
    assert WorkingCopy(str(clone)).origin() is None


def test_nothing_is_written_and_no_program_started(clone, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    before = sorted((path, path.stat().st_mtime_ns) for path in clone.rglob("*"))
    found = WorkingCopy(str(clone))
    assert found.head() and found.tag("v1.0.0") and found.origin() and found.remote_branch("trunk")
    assert sorted((path, path.stat().st_mtime_ns) for path in clone.rglob("*")) == before
