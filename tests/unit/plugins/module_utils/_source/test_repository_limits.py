# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories that stand for more than a host has room for: refused before git writes it."""

from __future__ import annotations

import os

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.repositories.raw_objects import read_tree, write_commit, write_object, write_tree

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError, SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._source import git_program, repository
from ansible_collections.stackstorm.st2.plugins.module_utils._source.repository import Repository
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at

pytestmark = pytest.mark.real_start


@pytest.fixture
def source(tmp_path):
    one = GitRepository(tmp_path / "stackstorm-demo.git")
    one.commit(PackTree("demo", "1.0.0", minimal=True))
    return one.build()


def check_out(source, tmp_path):
    remote = Repository(git_at(tmp_path), f"file://{source.path}")
    refs = remote.clone(str(tmp_path / "clone"))
    remote.check_out(str(tmp_path / "clone"), remote.find(str(tmp_path / "clone"), refs, None))


def refusal(source, tmp_path, kind=InvalidPackError):
    with pytest.raises(kind) as caught:
        check_out(source, tmp_path)
    assert sorted(os.listdir(tmp_path / "clone")) == [".git"] if (tmp_path / "clone").exists() else True
    return caught.value.message


def test_a_tree_of_trees_that_stands_for_very_many_files(source, tmp_path):
    level = write_tree(source, [("100644", b"%02d" % n, write_object(source, "blob", b"x")) for n in range(20)])
    for _level in range(5):
        level = write_tree(source, [("40000", b"%02d" % n, level) for n in range(20)])
    write_commit(source, write_tree(source, [*read_tree(source), ("40000", b"z", level)]))
    assert "more files, or longer names of files, than any pack needs" in refusal(source, tmp_path)


@pytest.mark.parametrize("most, fits", [(1 << 20, False), (1 << 22, True)])
def test_a_few_objects_that_stand_for_very_many_bytes(source, tmp_path, monkeypatch, most, fits):
    monkeypatch.setattr(repository, "_MOST_BYTES", most)
    blob = write_object(source, "blob", b"\0" * 100_000)
    data = write_tree(source, [("100644", b"%02d" % n, blob) for n in range(20)])
    write_commit(source, write_tree(source, [*read_tree(source), ("40000", b"z", data)]))
    if fits:
        check_out(source, tmp_path)
        assert os.path.getsize(tmp_path / "clone" / "z" / "19") == 100_000
    else:
        assert "have more than 1 MiB" in refusal(source, tmp_path)


def test_a_submodule_has_no_size(source, tmp_path):
    write_commit(source, write_tree(source, [*read_tree(source), ("160000", b"z", "1" * 40)]))
    check_out(source, tmp_path)
    assert os.listdir(tmp_path / "clone" / "z") == []


def test_a_repository_that_is_too_large_is_not_fetched_to_its_end(source, tmp_path, monkeypatch):
    monkeypatch.setattr(repository, "MOST_FETCHED", 1 << 20)
    write_commit(source, write_tree(source, [("100644", b"x", write_object(source, "blob", os.urandom(3 << 20)))]))
    message = refusal(source, tmp_path, SourceError)
    assert f"file://{source.path} cannot be stored: it has more than 1 MiB" in message


def test_git_gets_only_so_much_memory(source, tmp_path, monkeypatch):
    monkeypatch.setattr(git_program, "_MOST_MEMORY", 28 << 20)
    write_commit(source, write_tree(source, [("100644", b"x", write_object(source, "blob", b"\0" * (30 << 20)))]))
    assert "this host has not enough memory" in refusal(source, tmp_path, SourceError)
