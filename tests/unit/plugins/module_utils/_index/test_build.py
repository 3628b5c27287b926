# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An index put together: own packs, given entries, other indexes, and who wins."""

from __future__ import annotations

import json

import pytest
from infrastructure.packs import PackTree, quirks
from infrastructure.repositories import GitRepository

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    IndexError_,
    InvalidPackError,
    OptionError,
    SeveralErrors,
    SourceError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index import fetch_indexes
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._index.indexing import build

MIRROR = "https://git.example.com/{ref}.git"


def released(tmp_path, name, *versions, tree=None):
    repository = GitRepository(tmp_path / f"stackstorm-{name}.git")
    for version in versions or ("1.0.0",):
        repository.release(tree or PackTree(name, version, minimal=True))
    repository.build()
    return repository


def others(tmp_path, *indexes):
    urls = []
    for number, content in enumerate(indexes):
        (tmp_path / f"{number}.json").write_text(content if isinstance(content, str) else json.dumps(content))
        urls.append(f"file://{tmp_path}/{number}.json")
    return fetch_indexes(urls, proxy=Proxy(), ca_bundle=None, deadline=Deadline(60))


def entry(ref, url=None, **more):
    return {"ref": ref, "name": ref, "version": "1.0.0", "repo_url": url or f"https://h/{ref}", **more}


def packs(*entries):
    return {"packs": {one["ref"]: one for one in entries}}


def test_a_pack_of_ones_own(tmp_path):
    repository = released(tmp_path, "demo", "1.0.0", "1.1.0")
    built = build(tmp_path, packs=[str(repository.path)], repo_url=MIRROR)
    found = built.entries["demo"]
    assert (found["version"], found["versions"]) == ("1.1.0", ["1.1.0", "1.0.0"])
    assert found["repo_url"] == "https://git.example.com/demo.git"
    assert found["commit"] == repository.head.sha and found["digest"].startswith("sha256:")
    assert found["requires_config"] is False
    assert built.sources == {"demo": f"file://{repository.path}"}
    assert built.newest and built.warnings == []


def test_many_packs_at_once(tmp_path):
    repositories = [released(tmp_path, f"pack_{number}") for number in range(9)]
    built = build(tmp_path, packs=[str(one.path) for one in repositories], repo_url=MIRROR)
    assert {ref: one["commit"] for ref, one in built.entries.items()} == {
        f"pack_{number}": one.head.sha for number, one in enumerate(repositories)
    }


def test_a_plain_directory(tmp_path):
    PackTree("demo", minimal=True).write(tmp_path / "directory")
    built = build(tmp_path, packs=[f"{tmp_path}/directory=2.0.0"], repo_url=MIRROR)
    found = built.entries["demo"]
    assert (found["version"], found["versions"]) == ("1.0.0", ["1.0.0"])
    assert "commit" not in found and "digest" not in found
    assert "2.0.0 was ignored" in built.warnings[0]


def test_who_wins(tmp_path):
    """The task's own packs and entries before every index, of those the leftmost."""
    repository = released(tmp_path, "own")
    indexes = others(
        tmp_path,
        packs(entry("own"), entry("given"), entry("left")),
        packs(entry("left", "https://other/left"), entry("right")),
    )
    given = {"given": {"repo_url": "https://git.example.com/given.git", "version": "3.0.0"}}
    built = build(tmp_path, indexes, packs=[str(repository.path)], entries=given, repo_url=MIRROR)
    assert {ref: one["repo_url"] for ref, one in built.entries.items()} == {
        "own": "https://git.example.com/own.git",
        "given": "https://git.example.com/given.git",
        "left": "https://h/left",
        "right": "https://h/right",
    }
    assert [(one.ref, one.repo_url, one.other_repo_url) for one in built.shadowed] == [
        ("given", "https://git.example.com/given.git", "https://h/given"),
        ("own", "https://git.example.com/own.git", "https://h/own"),
    ]


def test_the_same_repository_is_no_other_pack(tmp_path):
    repository = released(tmp_path, "own")
    indexes = others(tmp_path, packs(entry("own", "https://git.example.com/own")))
    built = build(tmp_path, indexes, packs=[str(repository.path)], repo_url=MIRROR)
    assert built.shadowed == []


def test_a_name_is_looked_up_and_read_anew(tmp_path):
    repository = released(tmp_path, "demo", "1.0.0", "2.0.0")
    indexes = others(tmp_path, packs(entry("demo", f"file://{repository.path}")))
    built = build(tmp_path, indexes, packs=["demo"], index_url=["x"])
    assert built.entries["demo"]["version"] == "2.0.0" and built.shadowed == []
    with pytest.raises(IndexError_, match="No record"):
        build(tmp_path, indexes, packs=["other"], index_url=["x"])


# What cannot be listed


@pytest.mark.parametrize("quirk", quirks(valid=False), ids=lambda quirk: quirk.name)
def test_every_invalid_quirk_is_refused_with_its_fault(tmp_path, quirk):
    if quirk.topic == "files":
        pytest.skip("what no repository can hold is tested with trees that git does not make")
    repository = GitRepository(tmp_path / "stackstorm-quirk.git")
    repository.commit(quirk.tree())
    repository.tag("v1.0.0")
    repository.build()
    with pytest.raises(InvalidPackError) as caught:
        build(tmp_path, packs=[str(repository.path)], repo_url=MIRROR)
    assert "stackstorm-quirk.git" in caught.value.message and str(tmp_path / "build") not in caught.value.message


def test_all_that_is_wrong_is_named_and_nothing_is_listed(tmp_path):
    one = released(tmp_path, "one", tree=PackTree("one", minimal=True, metadata={"email": 5}))
    two = GitRepository(tmp_path / "two.git")
    two.commit(PackTree("two", minimal=True))
    two.build()
    good = released(tmp_path, "good")
    sources = [str(repository.path) for repository in (one, two, good)]
    with pytest.raises(SeveralErrors) as caught:
        build(tmp_path, packs=sources, repo_url=MIRROR)
    assert "email (line " in caught.value.message and "no tag that is a version" in caught.value.message
    built = build(tmp_path, packs=sources, repo_url=MIRROR, on_invalid="skip")
    assert list(built.entries) == ["good"]
    assert [(skipped.name, skipped.ref) for skipped in built.skipped] == [(sources[0], "one"), (sources[1], None)]


@pytest.mark.parametrize("how", ["said", "asked", "known", "called"])
def test_the_name_of_a_pack_that_is_left_out_is_not_taken_over(tmp_path, how):
    """Else StackStorm would install another's pack under the name of a private one for as long as that is broken."""
    name = "private" if how == "called" else "anything"
    repository = GitRepository(tmp_path / f"stackstorm-{name}.git")
    source = {"source": str(repository.path), "name": "private" if how == "asked" else None}
    if how == "known":
        repository.release(PackTree("private", "1.0.0", minimal=True))
        repository.build()
        build(tmp_path, packs=[source], repo_url=MIRROR)
    broken = PackTree("private", "1.1.0", minimal=True)
    broken.add("pack.yaml", "ref: private\nname: [" if how != "said" else "ref: private\nname: private\n")
    repository.commit(broken)
    repository.tag("v1.1.0")
    repository.build()
    indexes = others(tmp_path, packs(entry("private"), entry("public")))
    built = build(tmp_path, indexes, packs=[source], repo_url=MIRROR, on_invalid="skip")
    assert list(built.entries) == ["public"] and len(built.skipped) == 1
    assert [(one.ref, one.repo_url, one.other_repo_url) for one in built.shadowed] == [
        ("private", None, "https://h/private")
    ]


def test_when_all_are_left_out_nothing_is_published(tmp_path):
    repository = GitRepository(tmp_path / "empty.git")
    repository.commit(PackTree("demo", minimal=True))
    repository.build()
    with pytest.raises(InvalidPackError, match="an empty index is not published"):
        build(tmp_path, packs=[str(repository.path)], repo_url=MIRROR, on_invalid="skip")


def test_an_index_without_packs_is_one(tmp_path):
    assert build(tmp_path, others(tmp_path, {"packs": {}}), packs=[]).entries == {}


def test_a_repository_that_cannot_be_reached_is_never_just_left_out(tmp_path):
    with pytest.raises(SourceError, match="cannot be fetched"):
        build(tmp_path, packs=["https://127.0.0.1:9/x/gone.git"], on_invalid="skip")
    with pytest.raises(SourceError, match="does not exist on this host"):
        build(tmp_path, packs=[f"{tmp_path}/gone"], repo_url=MIRROR, on_invalid="skip")


def test_one_name_twice(tmp_path):
    one = released(tmp_path, "demo")
    two = released(tmp_path / "other", "demo")
    with pytest.raises(OptionError, match=r"lists demo twice: from file://.* and from file://"):
        build(tmp_path, packs=[str(one.path), str(two.path)], repo_url=MIRROR)
    given = {"demo": {"repo_url": "https://h/demo"}}
    with pytest.raises(OptionError, match="lists demo twice"):
        build(tmp_path, packs=[str(one.path)], entries=given, repo_url=MIRROR)


@pytest.mark.parametrize(
    "content",
    ["null", "4", '"x"', "[]", "{}", '{"packs": null}', '{"packs": ["ab"]}', '{"packs": 4}', "{", "", '{"x": 1}'],
)
def test_what_stackstorm_cannot_read_is_refused_by_name(tmp_path, content):
    indexes = others(tmp_path, packs(entry("good")), content)
    with pytest.raises(IndexError_) as caught:
        build(tmp_path, indexes, entries={"own": {"repo_url": "https://h/own"}})
    assert (
        f"file://{tmp_path}/1.json is " in caught.value.message and "its packs would be removed" in caught.value.message
    )
    built = build(tmp_path, indexes, entries={"own": {"repo_url": "https://h/own"}}, index_strict=False)
    assert sorted(built.entries) == ["good", "own"]
    assert f"file://{tmp_path}/1.json is " in built.warnings[0]
