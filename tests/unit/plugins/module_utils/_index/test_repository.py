# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories for the index: fetched once, and asked for nothing but their refs while nothing new is there."""

from __future__ import annotations

import shutil

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._index.choice import choose
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._index.indexing import indexed


@pytest.fixture
def repository(tmp_path):
    one = GitRepository(tmp_path / "demo.git")
    one.release(PackTree("demo", "1.0.0", minimal=True))
    return one.build()


@pytest.fixture
def commands(monkeypatch):
    """The git commands that are run, but for their settings."""
    from ansible_collections.stackstorm.st2.plugins.module_utils._source.git_program import Git

    seen = []
    true = Git.__call__

    def call(self, *arguments, **more):
        names = list(arguments)
        while names[0] == "-c":
            del names[:2]
        seen.append(names[0])
        return true(self, *arguments, **more)

    monkeypatch.setattr(Git, "__call__", call)
    return seen


def files(directory):
    return sorted(path for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("revision", ["tag", "branch", "published"])
def test_a_second_run_asks_for_the_refs_only(tmp_path, repository, commands, revision):
    first = choose(indexed(tmp_path, repository), revision)
    ours = ["ls-remote", "clone", *(["rev-list"] if revision == "published" else []), "ls-tree", "cat-file"]
    assert commands == ours
    commands.clear()
    assert choose(indexed(tmp_path, repository, run="again"), revision) == first
    assert commands == ["ls-remote"]


def test_a_new_release_is_fetched_into_the_same_clone(tmp_path, repository, commands):
    choose(indexed(tmp_path, repository), "tag")
    repository.release(PackTree("demo", "1.1.0", minimal=True))
    repository.build()
    commands.clear()
    assert choose(indexed(tmp_path, repository, run="again"), "tag").version == "1.1.0"
    assert commands.count("fetch") == 1


def test_a_moved_tag_is_another_commit(tmp_path, repository):
    choose(indexed(tmp_path, repository), "tag")
    moved = repository.commit(PackTree("demo", "1.0.0", minimal=True, actions=("other",)))
    repository.tag("v1.0.0", moved)
    repository.build()
    found = choose(indexed(tmp_path, repository, run="again"), "tag")
    assert found.commit == moved.sha and found.description.pack["content"]["actions"]["resources"] == ["other"]


def test_nothing_is_written_where_it_may_not_be(tmp_path, repository):
    found = choose(indexed(tmp_path, repository, keep=False), "tag")
    assert not (tmp_path / "cache").exists()
    choose(indexed(tmp_path, repository, run="kept"), "tag")
    before = files(tmp_path / "cache")
    repository.release(PackTree("demo", "1.1.0", minimal=True))
    repository.build()
    assert choose(indexed(tmp_path, repository, keep=False, run="again"), "tag").version == "1.1.0" != found.version
    assert files(tmp_path / "cache") == before


@pytest.mark.parametrize("damage", ["objects", "lock", "refs", "described", "no head"])
def test_what_a_killed_run_left_is_put_right(tmp_path, repository, damage):
    first = choose(indexed(tmp_path, repository), "tag")
    cache = tmp_path / "cache" / "demo.git"
    clone = cache / "repository.git"
    described = cache / "commits" / f"{first.commit}.json"
    if damage == "objects":
        shutil.rmtree(clone / "objects")
    elif damage == "lock":
        (clone / "packed-refs.lock").touch()
        (clone / "shallow.lock").touch()
    elif damage == "refs":
        (clone / "packed-refs").write_text("nonsense\n")
    elif damage == "no head":
        (clone / "HEAD").write_text("")
    described.write_text("{" if damage == "described" else '{"format": 0}')
    repository.release(PackTree("demo", "1.1.0", minimal=True))
    repository.build()
    found = choose(indexed(tmp_path, repository, run="again"), "tag")
    assert found.version == "1.1.0"
    found = choose(indexed(tmp_path, repository, run="more"), "tag", asked="1.0.0")
    assert found.description == first.description


def test_only_what_is_still_listed_is_kept(tmp_path, repository):
    one = indexed(tmp_path, repository)
    first = choose(one, "tag")
    one.finish("demo")
    assert one.known_ref() == "demo"
    repository.release(PackTree("demo", "1.1.0", minimal=True))
    repository.build()
    other = indexed(tmp_path, repository, run="again")
    second = choose(other, "tag")
    other.finish("demo")
    kept = [path.name for path in (tmp_path / "cache/demo.git/commits").iterdir()]
    assert kept == [f"{second.commit}.json"] and first.commit != second.commit


def test_a_repository_that_is_not_there(tmp_path, repository):
    shutil.rmtree(repository.path)
    with pytest.raises(SourceError, match=r"demo\.git cannot be fetched"):
        choose(indexed(tmp_path, repository), "tag")


def test_a_repository_that_goes_away_in_between(tmp_path, repository):
    one = indexed(tmp_path, repository)
    assert one.refs.tags
    shutil.rmtree(repository.path)
    with pytest.raises(SourceError, match=r"demo\.git cannot be fetched"):
        choose(one, "tag")
