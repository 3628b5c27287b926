# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs by a lock: exactly what is in it comes, whatever its sources have now, or nothing does."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from e2e.locks import LockFile
from e2e.scene import Scene, only, warnings
from infrastructure.locks import content
from infrastructure.packs import PackTree


@pytest.fixture
def lock(scene: Scene) -> LockFile:
    """A lock of ``jira`` 1.0.0, which needs ``common``, for which nobody asks; both have newer releases."""
    common = scene.repository("common")
    for version in ("1.0.0", "2.0.0"):
        common.release(PackTree("common", version, minimal=True))
    jira = scene.repository("jira")
    for version in ("1.0.0", "2.0.0"):
        jira.release(PackTree("jira", version, minimal=True, dependencies=["common"]))
    scene.publish()
    return (
        LockFile(scene).add(common, "1.0.0", requested=[]).add(jira, "1.0.0", "jira", dependencies={"common": "common"})
    )


def test_the_lock_is_installed_and_costs_nothing_from_then_on(scene: Scene, lock: LockFile) -> None:
    foretold = scene.run("jira", check=True, **lock.options())
    result = scene.change("jira", **lock.options())
    assert result["packs"] == foretold["packs"] and result["msg"] == foretold["msg"]
    assert [(row["ref"], row["after"]["version"], row["requested"]) for row in result["packs"]] == [
        ("common", "1.0.0", ["common"]),
        ("jira", "1.0.0", ["jira"]),
    ]
    assert scene.index.requests == [], "the lock says where packs come from"
    assert scene.host.head("jira") == lock.document["packs"]["jira"]["commit"]
    for state in ("present", "latest"):
        scene.satisfied("jira", state=state, **lock.options())
    scene.satisfied("jira=1.0.0")
    scene.change("jira", "common", state="latest")
    scene.change("jira", state="latest", **lock.options())
    assert scene.host.pack_version("jira") == scene.host.pack_version("common") == "1.0.0"


def test_without_names_all_that_is_locked_is_asked_for(scene: Scene, lock: LockFile) -> None:
    scene.release("other", "1.0.0")
    scene.change("other")
    result = scene.change(exclusive=True, **lock.options())
    assert [(row["ref"], row["action"]) for row in result["packs"]] == [
        ("other", "remove"),
        ("common", "install"),
        ("jira", "install"),
    ]
    scene.satisfied(exclusive=True, **lock.options())
    refused = scene.refuse(state="absent", **lock.options())
    assert "would remove all locked packs" in refused["msg"]
    scene.change("jira", state="absent", **lock.options())
    assert not (scene.host.packs / "jira").exists()


def test_all_that_is_not_in_it_is_said_at_once(scene: Scene, lock: LockFile) -> None:
    scene.release("other", "1.0.0")
    asked = ("jira=2.0.0", "other", "https://git.example.com/org/thing=main", "common")
    refused = scene.refuse(*asked, **lock.options())
    assert "4 things are wrong" in refused["msg"]
    for said in (
        "jira=2.0.0 is asked for, and the lock packs.lock.yml has jira as jira.",
        "other is asked for, and is not in the lock packs.lock.yml.",
        "https://git.example.com/org/thing=main is asked for, and is not in the lock",
        "common is asked for, and the lock packs.lock.yml has common only as others depend on it.",
    ):
        assert said in refused["msg"], refused["msg"]
    assert scene.quiet and scene.programs == []
    steps = {row["ref"]: row["step"] for row in refused["packs"]}
    assert steps == {"jira": "options", "other": "options", None: None, "common": "options"}


def test_prefer_resolves_what_is_not_in_it(scene: Scene, lock: LockFile) -> None:
    later = scene.repository("later")
    later.release(PackTree("later", "1.0.0", minimal=True, dependencies=["common", "further"]))
    scene.release("further", "1.0.0")
    result = scene.change("jira=2.0.0", "later", locked="prefer", **lock.options())
    found = {row["ref"]: row["after"]["version"] for row in result["packs"]}
    assert found == {"jira": "2.0.0", "later": "1.0.0", "common": "1.0.0", "further": "1.0.0"}
    told = " ".join(warnings(result))
    for said in (
        "jira=2.0.0 is asked for, and the lock packs.lock.yml has jira as jira: it was resolved without the lock.",
        "later is asked for, and is not in the lock packs.lock.yml: it was resolved",
        "later 1.0.0 needs further, which is not in the lock packs.lock.yml: it was resolved",
    ):
        assert said in told, told
    scene.keep("jira=2.0.0", "later", locked="prefer", **lock.options())


def test_a_tag_that_was_moved_is_an_error_with_both_commits(scene: Scene, lock: LockFile) -> None:
    jira = scene.repositories[1]
    moved = jira.commit(PackTree("jira", "1.0.0", minimal=True, metadata={"description": "another"}))
    jira.tag("v1.0.0", moved).build()
    refused = scene.refuse("jira", **lock.options())
    assert f"The tag v1.0.0 of {scene.url(jira)} is {moved.sha} now" in refused["msg"]
    assert f"{lock.document['packs']['jira']['commit']} by the lock packs.lock.yml" in refused["msg"]
    assert not (scene.host.packs / "common").exists()


def test_other_content_is_refused(scene: Scene, lock: LockFile) -> None:
    lock.document["packs"]["common"]["content"] = f"sha256:{'0' * 64}"
    refused = scene.refuse("jira", **lock.options())
    assert "are not those that the lock packs.lock.yml has listed" in refused["msg"] and refused["step"] == "fetch"


def test_a_source_that_no_request_could_name_is_refused(scene: Scene, lock: LockFile) -> None:
    lock.document["packs"]["common"]["source"] = "ext::true"
    refused = scene.refuse("jira", **lock.options())
    assert "The source of common in the lock packs.lock.yml" in refused["msg"]
    assert "TRANSPORT::ADDRESS is not allowed" in refused["msg"]


def test_what_another_program_installed_is_satisfied_by_its_commit(scene: Scene, lock: LockFile) -> None:
    common, jira = scene.repositories[:2]
    scene.host.install_like_st2(common, "common", "v1.0.0", "https://mirror.example.com/common")
    scene.host.install_like_st2(jira, "jira", "v1.0.0", "https://mirror.example.com/jira")
    scene.satisfied("jira", **lock.options())


def test_a_branch_stays_where_it_was_locked(scene: Scene) -> None:
    repository = scene.repository("flow")
    first = repository.commit(PackTree("flow", "0.1.0", minimal=True))
    scene.publish()
    url = scene.url(repository)
    lock = LockFile(scene)
    repository.tag("v0.1.0", first)
    lock.add(repository, "0.1.0", f"{url}=main", resolved={"kind": "branch", "name": "main"})
    repository.commit(PackTree("flow", "0.2.0", minimal=True))
    repository.delete_tag("v0.1.0")
    scene.publish()
    scene.change(f"{url}=main", **lock.options())
    assert scene.host.head("flow") == first.sha and scene.host.pack_version("flow") == "0.1.0"
    scene.satisfied(f"{url}=main", state="latest", **lock.options())
    assert only(scene.change(f"{url}=main", state="latest"))["after"]["version"] == "0.2.0"
    scene.forget()
    scene.change(f"{url}=main", **lock.options())
    assert scene.host.head("flow") == first.sha


def test_a_pack_inside_of_a_repository(scene: Scene) -> None:
    repository = scene.repository("many")
    tree = PackTree("unused", "1.0.0", minimal=True)
    files = {}
    for ref in ("one", "two"):
        files.update({f"packs/{ref}/{path}": file for path, file in PackTree(ref, "1.0.0", minimal=True).files.items()})
    tree.files = files
    commit = repository.commit(tree)
    repository.build()
    url = scene.url(repository)
    lock = LockFile(scene)
    for ref in ("one", "two"):
        lock.document["packs"][ref] = {
            "version": "1.0.0",
            "source": url,
            "subdir": f"packs/{ref}",
            "requested": [url],
            "resolved": {"kind": "default", "name": "main"},
            "commit": commit.sha,
            "content": content(commit.files, f"packs/{ref}"),
        }
    packs = [{"source": url, "subdir": f"packs/{ref}"} for ref in ("one", "two")]
    result = scene.change(packs=packs, **lock.options())
    assert [row["ref"] for row in result["packs"]] == ["one", "two"]
    scene.satisfied(packs=packs, **lock.options())
    scene.satisfied(**lock.options())
    refused = scene.refuse(packs=[{"source": url}], **lock.options())
    assert "is not in the lock" in refused["msg"]


def test_a_kept_release_is_taken_where_it_is_what_is_locked(scene: Scene, lock: LockFile) -> None:
    scene.change("jira=1.0.0", "common=1.0.0")
    scene.change("jira=2.0.0", "common=2.0.0")
    scene.forget()
    scene.change("jira", **lock.options())
    assert scene.git.requests == [] and scene.index.requests == []
    assert scene.host.pack_version("jira") == "1.0.0"


def test_a_lock_on_the_target(scene: Scene, lock: LockFile, tmp_path: Path) -> None:
    ours = PackTree("ours", "0.1.0", minimal=True)
    ours.write(tmp_path / "site" / "packs" / "ours")
    lock.document["packs"]["ours"] = {
        "version": "0.1.0",
        "source": "./packs/ours",
        "requested": ["./packs/ours"],
        "resolved": {"kind": "content"},
        "content": content(ours.files),
    }
    url = f"file://{lock.write(tmp_path / 'site')}"
    scene.change(lockfile=url)
    assert scene.host.pack_version("ours") == "0.1.0"
    scene.satisfied(lockfile=url)
    scene.satisfied(f"{tmp_path}/site/packs/ours", lockfile=url)
    (tmp_path / "site" / "packs" / "ours" / "README.md").write_text("another")
    scene.satisfied(lockfile=url)
    scene.change("ours", state="absent", purge=True)
    refused = scene.refuse(lockfile=url)
    assert "are not those that the lock" in refused["msg"], refused["msg"]
    (tmp_path / "site" / "packs.lock.yml").write_text("format: 7\n")
    refused = scene.refuse(lockfile=url)
    assert "this release of the collection supports 1" in refused["msg"]
    assert "cannot be read" in scene.refuse(lockfile=f"{url}.nosuch")["msg"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ["*"], "state": "latest"}, "Leave out name and packs"),
        ({"lock": None}, "was not sent"),
        ({"lock": "[]"}, "lock is set by Ansible"),
        ({"lockfile": "file://relative", "lock": None}, "names no place on the target"),
        ({"backend": "api", "name": ["jira"]}, "lockfile cannot be used with backend=api"),
    ],
)
def test_what_does_not_go_together(scene: Scene, lock: LockFile, given: t.Dict[str, t.Any], said: str) -> None:
    if given.get("backend") == "api":
        given = {**given, "virtualenv": None, "register": None}
    result = scene.run(**{**lock.options(), **given})
    assert result.failed and said in result["msg"], result["msg"]
