# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies: nested, cyclic, shared and in conflict, of packs in the index and elsewhere."""

from __future__ import annotations

import typing as t

from e2e.scene import Scene, only
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository


def pack(scene: Scene, ref: str, *dependencies: str, versions: t.Sequence[str] = ("1.0.0",)) -> GitRepository:
    """Return a repository of a pack with dependencies, the same in every version."""
    repository = scene.repository(ref)
    for version in versions:
        repository.release(PackTree(ref, version, minimal=True, dependencies=dependencies))
    return repository


def test_nested_and_cyclic_dependencies_come_along(scene: Scene) -> None:
    pack(scene, "top", "middle", "core")
    pack(scene, "middle", "bottom=1.0.0", "left")
    pack(scene, "bottom", versions=("1.0.0", "2.0.0"))
    pack(scene, "left", "right")
    pack(scene, "right", "left", "middle")
    scene.publish()
    result = scene.change("top")
    assert scene.host.installed() == ["bottom", "left", "middle", "right", "top"]
    assert scene.host.pack_version("bottom") == "1.0.0", "the version that is needed, not the newest"
    order = [row["ref"] for row in result["packs"]]
    assert order.index("bottom") < order.index("middle") < order.index("top")
    requested = {row["ref"]: row["requested"] for row in result["packs"]}
    assert requested["top"] == ["top"] and requested["bottom"] == ["bottom=1.0.0"]
    scene.satisfied("top")
    scene.change("left", "right", "middle", "top", state="absent")
    assert scene.host.installed() == ["bottom"]


def test_a_deep_chain_is_followed_to_its_end(scene: Scene) -> None:
    depth = 14  # StackStorm gives up after ten.
    for number in range(depth):
        pack(scene, f"link{number}", *([f"link{number + 1}"] if number + 1 < depth else []))
    scene.publish()
    scene.change("link0")
    assert len(scene.host.installed()) == depth
    scene.satisfied("link0")


def test_dependencies_by_address_and_the_pack_that_is_there(scene: Scene) -> None:
    private = GitRepository(scene.served / "elsewhere.git")
    private.release(PackTree("private", "1.0.0", minimal=True))
    private.build()
    top = pack(scene, "top", f"{scene.url(private)}=1.0.0", "plain=1.0.0")
    plain = pack(scene, "plain", versions=("1.0.0", "1.1.0"))
    scene.publish()
    scene.host.install_like_st2(plain, "plain", "v1.0.0", scene.url(plain))
    rows = scene.change("top")["packs"]
    assert {row["ref"] for row in rows if row["changed"]} == {"top", "private"}, "plain 1.0.0 is there already"
    assert scene.host.head("top") == top.head.sha and scene.host.origin("private") == scene.url(private)
    scene.satisfied("top")


def test_conflicts_name_both_sides_and_change_nothing(scene: Scene) -> None:
    pack(scene, "one", "shared=1.0.0")
    pack(scene, "two", "shared=2.0.0")
    pack(scene, "shared", versions=("1.0.0", "2.0.0"))
    scene.publish()
    both = scene.refuse("one", "two")
    assert both["step"] == "dependencies" and scene.host.installed() == []
    assert "one 1.0.0" in both["msg"] and "two 1.0.0" in both["msg"] and "shared" in both["msg"]
    asked = scene.refuse("one", "shared=2.0.0")
    assert "one 1.0.0 needs shared=1.0.0" in asked["msg"] and "shared 2.0.0" in asked["msg"]
    scene.change("one")
    there = scene.refuse("two")
    assert "two 1.0.0 needs shared=2.0.0" in there["msg"] and "shared 1.0.0 is installed" in there["msg"]
    upgrade = scene.refuse("shared=2.0.0")
    assert "one 1.0.0 needs shared=1.0.0" in upgrade["msg"] and "installs shared 2.0.0" in upgrade["msg"]
    scene.change("shared=2.0.0", "two", dependencies="skip")
    assert scene.host.installed() == ["one", "shared", "two"] and scene.host.pack_version("shared") == "2.0.0"


def test_versions_are_compared_as_versions(scene: Scene) -> None:
    pack(scene, "one", "shared=v1.0.0")
    pack(scene, "two", "shared=1.0.0")
    shared = pack(scene, "shared", versions=("1.0.0", "1.1.0"))
    scene.publish()
    scene.change("one", "two", f"shared={shared.tags['v1.0.0'].sha}")
    assert scene.host.head("shared") == shared.tags["v1.0.0"].sha
    assert only(scene.satisfied("shared=1.0.0"))["ref"] == "shared"


def test_dependencies_may_be_checked_or_skipped(scene: Scene) -> None:
    pack(scene, "top", "middle")
    pack(scene, "middle", "bottom")
    pack(scene, "bottom")
    scene.publish()
    missing = scene.refuse("top", dependencies="check")
    assert missing["step"] == "dependencies" and "top 1.0.0 needs middle" in missing["msg"]
    scene.change("top", "middle", "bottom", dependencies="check")
    scene.change("bottom", "middle", state="absent", dependencies="skip")
    assert scene.host.installed() == ["top"]
    scene.satisfied("top", dependencies="skip")
    row = scene.change("top")["packs"]
    assert {found["ref"]: found["action"] for found in row} == {"top": "none", "middle": "install", "bottom": "install"}


def test_a_dependency_that_cannot_be_had_leaves_everything(scene: Scene) -> None:
    pack(scene, "top", "nosuch")
    pack(scene, "odd", "--option")
    pack(scene, "old", versions=("1.0.0",))
    scene.publish()
    scene.change("old")
    missing = scene.refuse("top", "old")
    assert "nosuch" in missing["msg"] and "top 1.0.0 needs it" in missing["msg"]
    odd = scene.refuse("odd")
    assert odd["step"] == "dependencies" and "odd 1.0.0 has an invalid dependency" in odd["msg"]
    assert scene.host.installed() == ["old"]
