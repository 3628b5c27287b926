# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convergence: what is satisfied, upgraded, downgraded, followed, adopted; and what `keep_releases` leaves."""

from __future__ import annotations

import typing as t

from e2e.scene import STATE, Scene, only, warnings
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.st2_host import ScratchHost


def small(ref: str, version: str, **more: t.Any) -> PackTree:
    return PackTree(ref, version, minimal=True, **more)


def kept(host: ScratchHost, ref: str) -> t.List[str]:
    """Return the versions of the releases of a pack that are kept, oldest first, from their own pack.yaml."""
    found = sorted((host.packs / STATE / "releases" / ref).glob("*/pack/pack.yaml"))
    return [line.split()[1] for path in found for line in path.read_text().splitlines() if line.startswith("version:")]


def test_upgrade_and_downgrade_by_name(scene: Scene) -> None:
    repository = scene.release("demo", "1.9.0", "1.10.0")
    installed = only(scene.change("demo=1.9.0"))
    assert (installed["action"], installed["before"]) == ("install", None)
    scene.satisfied("demo")
    scene.satisfied("demo=1.9.0", state="latest")
    upgraded = scene.change("demo", state="latest")
    new = repository.tags["v1.10.0"]
    assert only(upgraded)["action"] == "upgrade" and upgraded["msg"] == f"demo 1.9.0 -> 1.10.0 {new.short}"
    assert scene.host.pack_version("demo") == "1.10.0" and scene.host.head("demo") == new.sha
    scene.keep("demo", state="latest")
    downgraded = only(scene.change("demo=1.9.0"))
    assert downgraded["action"] == "downgrade" and downgraded["after"] == installed["after"]
    assert scene.host.head("demo") == repository.tags["v1.9.0"].sha
    scene.satisfied("demo=v1.9.0")


def test_latest_by_name_is_what_the_index_says(scene: Scene) -> None:
    repository = scene.repository("demo")
    for version in ("1.0.0", "2.0.0"):
        repository.release(small("demo", version))
    ahead = repository.commit(small("demo", "1.5.0"))
    scene.publish()
    assert scene.index.documents["/v1/index.json"]["packs"]["demo"]["version"] == "1.5.0"
    scene.index.documents["/v1/index.json"]["packs"]["demo"]["version"] = "1.0.0"
    scene.change("demo", state="latest")
    assert scene.host.pack_version("demo") == "1.0.0", "neither the highest tag nor the tip"
    scene.index.documents["/v1/index.json"]["packs"]["demo"]["version"] = "1.5.0"
    refused = scene.refuse("demo", state="latest")
    assert "1.5.0 is not a version" in refused["msg"] and scene.host.pack_version("demo") == "1.0.0"
    scene.change(f"demo={ahead.sha}")
    scene.satisfied("demo")


def test_latest_by_address_is_the_tip(scene: Scene) -> None:
    repository = scene.release("demo", "1.0.0")
    url = scene.url(repository)
    scene.change(url)
    scene.keep(url, state="latest")
    tip = repository.commit(small("demo", "1.0.0").add("new.txt", "x"))
    scene.publish()
    scene.satisfied(url)
    row = only(scene.change(url, state="latest"))
    assert row["action"] == "replace" and scene.host.head("demo") == tip.sha
    assert row["msg"] == f"demo 1.0.0 {repository.tags['v1.0.0'].short} -> 1.0.0 {tip.short}"
    assert scene.host.branch("demo") == "main" and (scene.host.pack_path("demo") / "new.txt").exists()


def test_a_branch_is_satisfied_by_itself_and_followed_by_latest(scene: Scene) -> None:
    repository = scene.release("demo", "1.0.0")
    repository.commit(small("demo", "1.1.0"), branch="dev")
    scene.publish()
    scene.change("demo=dev")
    scene.satisfied("demo=dev")
    moved = repository.commit(small("demo", "1.2.0"), branch="dev")
    scene.publish()
    scene.satisfied("demo=dev")
    assert only(scene.change("demo=dev", state="latest"))["action"] == "upgrade"
    assert scene.host.head("demo") == moved.sha and scene.host.branch("demo") == "dev"
    # A forced push leaves the old commit behind.
    repository.branch("dev", repository.tags["v1.0.0"])
    scene.publish()
    assert only(scene.change("demo=dev", state="latest"))["action"] == "downgrade"
    repository.commit(small("demo", "1.3.0"))
    scene.publish()
    scene.change("demo=main")
    assert (scene.host.branch("demo"), scene.host.pack_version("demo")) == ("main", "1.3.0"), "another branch is not it"


def test_another_name_of_the_commit_that_is_there_is_remembered(scene: Scene) -> None:
    repository = scene.release("demo", "1.0.0")
    scene.change("demo=1.0.0")
    before = scene.view()
    assert only(scene.keep("demo=main"))["action"] == "adopt"
    scene.satisfied("demo=main")
    scene.satisfied("demo=1.0.0")
    repository.commit(small("demo", "1.1.0"))
    scene.publish()
    scene.satisfied("demo=main")
    assert scene.moved(before) == []


def test_a_tag_that_moved_stays_what_it_was(scene: Scene) -> None:
    repository = scene.release("demo", "1.0.0")
    before = scene.change("demo=1.0.0") and scene.host.head("demo")
    repository.tag("v1.0.0", repository.commit(small("demo", "1.0.0").add("moved", "x")))
    scene.publish()
    scene.satisfied("demo=1.0.0")
    scene.satisfied("demo=1.0.0", state="latest")
    assert scene.host.head("demo") == before


def left_by_st2(scene: Scene, revision: str = "") -> GitRepository:
    repository = scene.release("demo", "1.0.0", "1.1.0")
    scene.host.install_like_st2(repository, "demo", revision, scene.url(repository))
    return repository


def test_what_st2_installed_is_adopted(scene: Scene) -> None:
    repository = left_by_st2(scene, "v1.0.0")
    before = scene.view()
    scene.satisfied("demo")
    scene.satisfied("demo=1.0.0")
    scene.satisfied(f"{scene.url(repository)}=v1.0.0")
    row = only(scene.keep("demo=1.0.0", state="latest"))
    assert row["after"]["commit"] == repository.tags["v1.0.0"].sha and row["before"] == row["after"]
    assert scene.moved(before) == [], "its files are the ones that StackStorm put there"
    assert only(scene.change("demo=1.1.0"))["action"] == "upgrade"
    assert scene.host.head("demo") == repository.tags["v1.1.0"].sha and scene.host.edited("demo") == []


def test_the_tip_that_st2_installed_is_adopted_and_remembered(scene: Scene) -> None:
    repository = left_by_st2(scene)
    before = scene.view()
    url = scene.url(repository)
    assert only(scene.keep(url, state="latest"))["action"] == "adopt"
    assert only(scene.keep(url, state="latest"))["action"] == "none"
    scene.satisfied(f"{url}=main")
    assert scene.moved(before) == []
    # A person may go on with the working copy; then it is what that person made of it.
    scene.host.git("demo", "checkout", "--quiet", "--force", "v1.0.0")
    scene.satisfied("demo=1.0.0")
    assert only(scene.change("demo", state="latest"))["before"]["version"] == "1.0.0"


def test_another_repository_of_the_same_pack_replaces_it(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    fork = GitRepository(scene.served / "org" / "fork.git")
    forked = fork.release(small("demo", "1.0.0").add("forked", "x"))
    fork.build()
    scene.change("demo")
    row = only(scene.change(scene.url(fork)))
    assert row["action"] == "replace" and scene.host.head("demo") == forked.sha
    assert scene.host.origin("demo") == scene.url(fork)
    scene.satisfied("demo")


def test_earlier_releases_are_kept_as_asked(scene: Scene) -> None:
    versions = ["1.0.0", "1.1.0", "1.2.0", "1.3.0"]
    repository = scene.release("demo", *versions)
    scene.change("demo=1.0.0", keep_releases=2)
    assert kept(scene.host, "demo") == []
    for version in versions[1:]:
        scene.change(f"demo={version}", keep_releases=2)
    assert kept(scene.host, "demo") == ["1.1.0", "1.2.0"]
    newest = sorted((scene.host.packs / STATE / "releases" / "demo").iterdir())[-1]
    assert repository.tags["v1.2.0"].short in newest.name
    scene.change("demo=1.0.0", keep_releases=0)
    assert kept(scene.host, "demo") == [] and scene.host.installed() == ["demo"]
    scene.change("demo=1.1.0")
    assert kept(scene.host, "demo") == ["1.0.0"], "one is the default"


def test_several_packs_are_one_task(scene: Scene) -> None:
    for ref in ("one", "two", "three"):
        scene.release(ref, "1.0.0", "1.1.0")
    result = scene.change("one=1.0.0", "two=1.0.0", "three")
    assert [row["ref"] for row in result["packs"]] == ["one", "two", "three"]
    assert all(row["changed"] and row["step"] is None and row["database_state"] == "unknown" for row in result["packs"])
    assert scene.host.installed() == ["one", "three", "two"]
    scene.satisfied("one=1.0.0", "two=1.0.0", "three=1.1.0")
    rows = scene.change("one=1.0.0", "two=1.1.0", "three")["packs"]
    assert {row["ref"]: row["action"] for row in rows} == {"one": "none", "two": "upgrade", "three": "none"}


def test_a_group_that_is_not_there_is_a_warning_and_one_asked_for_an_error(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    scene.host.configure("content", pack_group="no_such_group")
    (warning,) = warnings(scene.change("demo"))
    assert "no_such_group" in warning and scene.host.writable_by_others() == []
    refused = scene.refuse("demo=main", group="nor_this_one", owner="root")
    assert "group nor_this_one does not exist" in refused["msg"]
