# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories in one file: clones of them are ordinary ones, and the same history has the same bytes."""

from __future__ import annotations

import subprocess

import pytest
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._source.git_bundle import (
    BundledRepository,
    write_git_bundle,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._source.refs import Found
from ansible_collections.stackstorm.st2.plugins.module_utils._source.repository import Repository
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at, releases

URL = "https://git.example.com/acme/stackstorm-dns.git"


def git_says(directory, *arguments):
    return subprocess.run(
        ["git", "-c", "safe.directory=*", *arguments],
        cwd=directory,
        env=clean_environment(directory),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def upstream(tmp_path):
    return releases(tmp_path / "upstream", "dns", "1.0.0", "1.1.0")


def written(tmp_path, upstream, names, number=0):
    """The file with the history behind some refs, made of a fresh clone, and what the refs are."""
    place = tmp_path / f"made-{number}"
    place.mkdir()
    git = git_at(tmp_path)
    Repository(git, f"file://{upstream.path}").clone(str(place / "clone"))
    refs = {name: git_says(place / "clone", "rev-parse", at) for name, at in names.items()}
    write_git_bundle(git, str(place / "clone"), refs, str(place / "bundle"))
    return place / "bundle", refs


TAG = {"refs/tags/v1.0.0": "v1.0.0"}


def test_a_tag_has_its_history_and_the_real_address(tmp_path, upstream):
    path, refs = written(tmp_path, upstream, TAG)
    repository = BundledRepository(git_at(tmp_path), URL, str(path), refs)
    found = repository.clone(str(tmp_path / "copy"))
    commit = git_says(upstream.path, "rev-parse", "v1.0.0^{commit}")
    assert found.tags == {"v1.0.0": commit}
    assert not found.branches
    repository.check_out(str(tmp_path / "copy"), Found(Resolved("tag", "v1.0.0"), commit))
    copy = tmp_path / "copy"
    assert git_says(copy, "remote", "get-url", "origin") == URL
    assert git_says(copy, "rev-parse", "HEAD") == commit
    assert git_says(copy, "rev-list", "HEAD") == git_says(upstream.path, "rev-list", "v1.0.0")
    assert git_says(copy, "status", "--porcelain") == ""
    assert git_says(copy, "fsck", "--full", "--strict") == ""
    assert str(path) not in "".join(it.read_text("latin-1") for it in (copy / ".git").iterdir() if it.is_file())


def test_a_branch_is_followed_as_in_every_clone(tmp_path, upstream):
    path, refs = written(tmp_path, upstream, {"refs/heads/main": "origin/main"})
    repository = BundledRepository(git_at(tmp_path), URL, str(path), refs, default="main")
    found = repository.clone(str(tmp_path / "copy"))
    assert (found.default, found.head) == ("main", refs["refs/heads/main"])
    repository.check_out(str(tmp_path / "copy"), Found(Resolved("default", "main"), refs["refs/heads/main"]))
    assert git_says(tmp_path / "copy", "rev-parse", "--abbrev-ref", "main@{upstream}") == "origin/main"
    assert git_says(tmp_path / "copy", "symbolic-ref", "HEAD") == "refs/heads/main"


def test_a_commit_alone_leaves_no_name(tmp_path, upstream):
    commit = git_says(upstream.path, "rev-parse", "main~1")
    path, refs = written(tmp_path, upstream, {f"refs/locked/{commit}": commit})
    repository = BundledRepository(git_at(tmp_path), URL, str(path), refs)
    found = repository.clone(str(tmp_path / "copy"))
    assert not (found.branches or found.tags)
    repository.check_out(str(tmp_path / "copy"), Found(Resolved("commit", ""), commit))
    assert git_says(tmp_path / "copy", "for-each-ref") == ""
    assert git_says(tmp_path / "copy", "rev-parse", "HEAD") == commit


def test_equal_history_has_equal_bytes_whatever_else_is_upstream(tmp_path, upstream):
    one = written(tmp_path, upstream, TAG)[0].read_bytes()
    upstream.release(PackTree("dns", "1.2.0", minimal=True))
    git_says(upstream.path, "gc", "--aggressive", "--prune=now")
    two = written(tmp_path, upstream, TAG, 1)[0].read_bytes()
    assert one == two


def test_nobody_is_asked_for_what_is_not_there(tmp_path, upstream):
    path, refs = written(tmp_path, upstream, TAG)
    repository = BundledRepository(git_at(tmp_path), f"file://{upstream.path}", str(path), refs)
    found = repository.clone(str(tmp_path / "copy"))
    newer = git_says(upstream.path, "rev-parse", "main")
    with pytest.raises(SourceError):
        repository.find(str(tmp_path / "copy"), found, newer)


@pytest.mark.parametrize("change", ["cut", "other", "missing"])
def test_a_file_that_is_not_whole_is_refused(tmp_path, upstream, change):
    path, refs = written(tmp_path, upstream, TAG)
    content = path.read_bytes()
    if change == "cut":
        path.write_bytes(content[:-40])
    elif change == "other":
        path.write_bytes(content[: len(content) // 2] + b"x" + content[len(content) // 2 + 1 :])
    else:
        refs = {"refs/tags/v9": refs["refs/tags/v1.0.0"]}
    with pytest.raises(SourceError) as caught:
        BundledRepository(git_at(tmp_path), URL, str(path), refs).clone(str(tmp_path / "copy"))
    assert f"The repository {URL} cannot be read from {path}: " in caught.value.message
