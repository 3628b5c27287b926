# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repositories of the tests, read by git itself."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

from infrastructure.packs import PackTree, Tree, quirk
from infrastructure.real_data import MISSING, real_data
from infrastructure.repositories import (
    GitError,
    GitRepository,
    build_exchange,
    index_document,
    index_entry,
    rewrite_index,
    run_git,
)


def test_releases_branches_and_tags_are_what_git_sees(tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "demo.git", default_branch="devel")
    one = repository.release(PackTree("demo", "1.0.0"))
    two = repository.release(PackTree("demo", "1.1.0"), annotated=True)
    ahead = repository.commit(PackTree("demo", "1.1.0").add("NEWS", "soon"))
    nowhere = repository.commit(PackTree("demo", "9.9.9"), parent=one, on_branch=False)
    repository.tag("v9.9.9", nowhere).branch("v1.0.0", ahead)
    line = repository.commit(PackTree("demo", "1.0.1"), branch="1.0", parent=one)
    repository.build()
    assert repository.sha() == ahead.sha and repository.sha("refs/tags/v1.0.0") == one.sha
    assert repository.sha("refs/heads/v1.0.0") == ahead.sha and repository.sha("1.0") == line.sha
    assert run_git("-C", repository.path, "cat-file", "-t", "v1.1.0") == "tag"
    assert repository.sha("v1.1.0") == two.sha and ahead.version == "1.1.0"
    assert run_git("-C", repository.path, "branch", "--contains", nowhere.sha) == ""
    assert run_git("-C", repository.path, "log", "--format=%h", "1.0").splitlines() == [line.short, one.short]
    assert repository.versions == ["1.0.0", "1.1.0", "9.9.9"]
    assert run_git("-C", repository.path, "symbolic-ref", "HEAD") == "refs/heads/devel"
    assert "being-built" not in run_git("-C", repository.path, "show-ref")
    run_git("-C", repository.path, "fsck", "--strict")


def test_commit_ids_are_the_same_every_time(tmp_path: Path) -> None:
    ids = []
    for name in ("a", "b"):
        repository = GitRepository(tmp_path / name)
        repository.release(PackTree("demo", "1.0.0"))
        ids.append(repository.build().head.sha)
        time.sleep(0.01)
    assert ids[0] == ids[1] and len(ids[0]) == 40


def test_a_repository_moves_on_after_it_is_built(tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "demo.git")
    one = repository.release(PackTree("demo", "1.0.0"))
    repository.build()
    two = repository.release(PackTree("demo", "2.0.0"))
    repository.delete_tag("v1.0.0").tag("latest", one).branch("old", one).build()
    assert repository.sha() == two.sha and repository.sha("latest") == one.sha
    with pytest.raises(GitError):
        repository.sha("v1.0.0")
    repository.delete_branch("old").tag("latest", two).detach_head(one).build()
    assert repository.sha("latest") == two.sha and repository.sha() == one.sha
    assert (repository.path / "HEAD").read_text().strip() == one.sha
    repository.detach_head().build()
    assert repository.sha() == two.sha
    with pytest.raises(GitError):
        repository.sha("old")


def test_files_of_every_kind_survive(tmp_path: Path) -> None:
    tree = quirk("odd-file-names").link("to", "pack.yaml").add("run", "#!/bin/sh\n", executable=True)
    tree.add("blob", bytes(range(256))).submodule("vendor", "0123456789" * 4)
    repository = GitRepository(tmp_path / "odd.git")
    repository.commit(tree)
    repository.build()
    run_git("clone", "--quiet", repository.path, tmp_path / "odd")
    clone = tmp_path / "odd"
    assert (clone / "etc" / "caf\u00e9 'quoted\"").read_text() == "x" and (clone / "etc" / "a\nb").exists()
    assert (clone / "to").is_symlink() and (clone / "run").stat().st_mode & 0o100
    assert "160000 commit 0123456789" in run_git("-C", clone, "ls-tree", "HEAD")
    assert (clone / "blob").read_bytes() == bytes(range(256))
    tree.remove("etc").add("run", "x")
    repository.commit(tree)
    repository.build()
    run_git("-C", clone, "pull", "--quiet")
    assert not (clone / "etc").exists() and not (clone / "run").stat().st_mode & 0o100


def test_an_empty_and_a_multi_pack_repository(tmp_path: Path) -> None:
    empty = GitRepository(tmp_path / "empty.git").build()
    assert run_git("ls-remote", empty.path) == ""
    many = Tree({"README.md": "two packs\n"})
    for ref in ("one", "two"):
        many.mount(f"packs/{ref}", PackTree(ref, "1.0.0"))
    repository = GitRepository(tmp_path / "many.git")
    assert repository.commit(many).version == ""
    repository.build()
    listed = run_git("-C", repository.path, "ls-tree", "--name-only", "HEAD", "packs/")
    assert listed.splitlines() == ["packs/one", "packs/two"]


def test_an_index_says_what_the_repositories_have(tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "group" / "stackstorm-demo.git")
    repository.path.parent.mkdir()
    for version in ("1.2.0", "1.9.0", "1.10.0"):
        repository.release(PackTree("demo", version, name="The Demo", dependencies=["core"]))
    repository.build()
    index = index_document([repository], "https://git.example.com", tmp_path)
    entry = index["packs"]["demo"]
    assert entry["repo_url"] == "https://git.example.com/group/stackstorm-demo"
    assert entry["versions"] == ["1.9.0", "1.2.0", "1.10.0"] and entry["version"] == "1.10.0"
    assert entry["content"]["actions"] == {"count": 3, "resources": ["greet", "relay", "report"]}
    assert entry["dependencies"] == ["core"] and list(entry) == sorted(entry)
    assert len(index["metadata"]["hash"]) == 32 and json.loads(json.dumps(index)) == index
    other = dict(index_entry(quirk("no-ref").files, "https://h/x", []), version="7.0.0")
    assert index_document([other], "unused")["packs"]["no_ref"]["version"] == "7.0.0"


def test_a_real_index_is_pointed_elsewhere() -> None:
    real = {"packs": {name: {"name": name, "repo_url": f"https://github.com/Org/pack-{name}"} for name in "abc"}}
    few = rewrite_index(real, "https://127.0.0.1:1", {"a": "", "b": "elsewhere/b"})
    assert {key: entry["repo_url"] for key, entry in few["packs"].items()} == {
        "a": "https://127.0.0.1:1/Org/pack-a",
        "b": "https://127.0.0.1:1/elsewhere/b",
    }
    everything = rewrite_index(real, "https://127.0.0.1:1", ["a"], keep_missing=True)
    assert "github.com" not in json.dumps(everything) and len(everything["packs"]) == 3
    assert "github.com" in json.dumps(real)


def test_the_exchange_is_rebuilt_from_real_metadata(tmp_path: Path) -> None:
    data = real_data()
    if data is None:
        pytest.skip(MISSING)
    exchange = build_exchange(tmp_path / "srv", data)
    assert len(exchange.packs) == len(list((data / "exchange" / "packs").iterdir())) == 45
    for name, pack in exchange.packs.items():
        files = json.loads((data / "exchange" / "packs" / name / "FILES.json").read_text())
        assert sorted(pack.repository.tags) == sorted(files["tags"]), name
        assert pack.repository.default_branch == files["default_branch"]
        real = (data / "exchange" / "packs" / name / "pack.yaml").read_bytes()
        assert pack.repository.head.files["pack.yaml"].content == real
        for tag, commit in pack.repository.tags.items():
            assert commit.version == tag.lstrip("v"), name
        _entry_points_exist(pack.repository)
    index = json.loads((data / "exchange" / "index.json").read_text())
    ours = exchange.index(index, "https://127.0.0.1:1")
    # The two that are no part of the index are the Exchange's own test packs.
    assert exchange.packs.keys() - ours["packs"].keys() == {"test", "test2"}
    assert "github.com/StackStorm-Exchange" not in json.dumps([e["repo_url"] for e in ours["packs"].values()])
    assert {name for name, pack in exchange.packs.items() if pack.python_2_only} == {"clicrud", "vdx_vtep"}


def test_requirements_of_the_rebuilt_exchange(tmp_path: Path) -> None:
    data = real_data()
    if data is None:
        pytest.skip(MISSING)
    found = {}
    for kind in ("none", "local", "real"):
        exchange = build_exchange(tmp_path / kind, data, requirements=kind, names=["sensu"])
        found[kind] = exchange.packs["sensu"].repository.head.files["requirements.txt"].content
    assert found["none"] == b"" and found["local"] == b"tinydep>=1.0.0\n"
    assert found["real"] == (data / "exchange" / "packs" / "sensu" / "requirements.txt").read_bytes()


def _entry_points_exist(repository: GitRepository) -> None:
    files = repository.head.files
    sample = [path for path in files if path.startswith("actions/") and path.count("/") == 1][:40]
    for path in sample:
        if path.endswith((".yaml", ".yml")):
            entry_point = yaml.safe_load(files[path].content)["entry_point"]
            assert not entry_point or f"actions/{entry_point}" in files, path
