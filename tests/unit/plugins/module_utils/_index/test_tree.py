# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of commits, read without a checkout."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree, quirks
from infrastructure.packs.tree import Tree
from infrastructure.repositories import GitRepository
from infrastructure.repositories.git_repository import EPOCH, run_git
from infrastructure.repositories.raw_objects import write_commit, write_object, write_tree

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError, SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._index.tree import write_files
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest
from ansible_collections.stackstorm.st2.plugins.module_utils._source.repository import Repository
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at


def read(tmp_path, repository, commit):
    git = git_at(tmp_path)
    target = str(tmp_path / "files")
    return write_files(git, Repository(git, str(repository.path)), str(repository.path), commit, target)


def checked_out(tmp_path, repository, commit):
    run_git("clone", "--quiet", "--no-checkout", repository.path, tmp_path / "clone")
    run_git("-C", tmp_path / "clone", "checkout", "--quiet", "--detach", commit)
    return tmp_path / "clone"


def committed(tmp_path, tree):
    repository = GitRepository(tmp_path / "pack.git")
    commit = repository.commit(tree)
    repository.build()
    return repository, commit.sha


def whole_pack():
    tree = PackTree("demo")
    tree.add("actions/lib/__pycache__/x.pyc", b"\0")
    tree.add("etc/na\u00efve name.txt", b"x")
    tree.add("etc/big.bin", b"\0" * 300_000)
    tree.add("etc/same.bin", b"\0" * 300_000)
    tree.add("etc/huge.yaml", b"# \n" * (4 << 20))
    tree.add(".gitattributes", "*.md text=auto diff=markdown\n*.bin -text\n")
    return tree


def test_the_digest_is_that_of_a_checkout(tmp_path):
    repository, commit = committed(tmp_path, whole_pack())
    found = read(tmp_path, repository, commit)
    assert found.digest == directory_digest(str(checked_out(tmp_path, repository, commit)))
    assert found.time == EPOCH + 60


@pytest.mark.parametrize(
    "quirk", [quirk for quirk in quirks(valid=True) if quirk.topic == "files"], ids=lambda quirk: quirk.name
)
def test_the_digest_of_quirks_is_that_of_a_checkout(tmp_path, quirk):
    repository, commit = committed(tmp_path, quirk.tree())
    assert read(tmp_path, repository, commit).digest == directory_digest(str(checked_out(tmp_path, repository, commit)))


def test_what_says_what_the_pack_is_has_its_content_and_all_else_is_there(tmp_path):
    tree = whole_pack()
    repository, commit = committed(tmp_path, tree)
    read(tmp_path, repository, commit)
    files = tmp_path / "files"
    assert (files / "pack.yaml").read_bytes() == tree.files["pack.yaml"].content
    assert (files / "actions/report.yaml").read_bytes() == tree.files["actions/report.yaml"].content
    assert (files / "actions/report.py").read_bytes() == b""
    assert (files / "tests/fixtures/full.yaml").is_symlink()
    assert {path.relative_to(files).as_posix() for path in files.rglob("*") if not path.is_dir()} == set(tree.files)


@pytest.mark.parametrize("rule", ["*.py eol=crlf", "*.txt ident", "x filter=lfs", "* working-tree-encoding=UTF-16"])
def test_there_is_no_digest_where_a_checkout_would_change_files(tmp_path, rule):
    tree = PackTree("demo", minimal=True)
    tree.add("sub/.gitattributes", f"{rule}\n")
    repository, commit = committed(tmp_path, tree)
    assert read(tmp_path, repository, commit).digest is None


def test_a_submodule_is_no_file(tmp_path):
    tree = PackTree("demo", minimal=True)
    tree.submodule("vendor/other", "a" * 40)
    repository, commit = committed(tmp_path, tree)
    assert read(tmp_path, repository, commit).digest
    assert not (tmp_path / "files/vendor").exists()


def crafted(tmp_path, entries):
    """A commit of a tree with entries that git would not make; each is mode, name, and content or entries."""
    repository = GitRepository(tmp_path / "pack.git")
    repository.commit(PackTree("demo", minimal=True))
    repository.build()

    def write(listed):
        return write_tree(
            repository,
            [
                (mode, name, write(inside) if isinstance(inside, list) else write_object(repository, "blob", inside))
                for mode, name, inside in listed
            ],
        )

    return repository, write_commit(repository, write(entries))


@pytest.mark.parametrize(
    "entries",
    [
        [("40000", b"..", [("100644", b"escaped", b"x")])],
        [("100644", b"../escaped", b"x")],
        [("40000", b".git", [("100644", b"escaped", b"x")])],
        [("40000", b".GIT", [("100644", b"escaped", b"x")])],
        [("120000", b"out", b".."), ("40000", b"out", [("100644", b"escaped", b"x")])],
        [("40000", b"out", [("100644", b"x", b"x")]), ("120000", b"out", b"..")],
        [("100644", b"out", b"x"), ("40000", b"out", [("100644", b"x", b"x")])],
        [("100644", b"same", b"x"), ("100644", b"same", b"y")],
        [("100644", b"caf\xe9", b"x")],
        [("120000", b"empty", b"")],
        [("120000", b"long", b"x" * 5000)],
        [("100644", b"x" * 300, b"x")],
        [("120000", b"nul", b"a\0b")],
    ],
)
def test_names_that_lead_out_or_stand_twice_write_nothing_elsewhere(tmp_path, entries):
    repository, commit = crafted(tmp_path, entries)
    with pytest.raises((InvalidPackError, SourceError)):
        read(tmp_path, repository, commit)
    assert not (tmp_path / "escaped").exists() and not (tmp_path / "files" / "escaped").exists()


def test_what_is_not_there_is_named(tmp_path):
    repository, commit = crafted(tmp_path, [("100644", b"pack.yaml", b"x")])
    blob = run_git("-C", repository.path, "rev-parse", f"{commit}:pack.yaml")
    (repository.path / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceError):
        read(tmp_path, repository, commit)


def test_an_empty_commit(tmp_path):
    repository = GitRepository(tmp_path / "pack.git")
    commit = repository.commit(Tree({}))
    repository.build()
    assert read(tmp_path, repository, commit.sha).time == EPOCH + 60
