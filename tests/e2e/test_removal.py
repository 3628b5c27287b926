# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal: what goes, what stays, who objects; and several packs base paths."""

from __future__ import annotations

import typing as t

from e2e.scene import Scene, only
from infrastructure.packs import PackTree
from infrastructure.snapshot import compare


def surroundings(scene: Scene, ref: str) -> None:
    """Put there what belongs to a pack outside of its directory."""
    (scene.host.configs / f"{ref}.yaml").write_text("url: https://x.example.com\n")
    (scene.host.overrides / f"{ref}.yaml").write_text("actions: {defaults: {enabled: false}}\n")


def test_removal_takes_the_pack_and_purging_the_rest(scene: Scene) -> None:
    pristine = scene.view()
    scene.release("demo", "1.0.0")
    scene.change("demo", virtualenv="auto")
    surroundings(scene, "demo")
    row = only(scene.change("demo", state="absent"))
    assert (row["action"], row["after"], row["virtualenv"]) == ("remove", None, "kept")
    assert not scene.host.pack_path("demo").exists() and scene.host.interpreter("demo").exists()
    assert (scene.host.configs / "demo.yaml").exists() and (scene.host.overrides / "demo.yaml").exists()
    scene.satisfied("demo", state="absent")
    row = only(scene.change("demo", state="absent", purge=True))
    assert (row["action"], row["virtualenv"]) == ("purge", "removed")
    assert scene.moved(pristine) == []
    scene.satisfied("demo", state="absent", purge=True)
    scene.change("demo", virtualenv="auto")
    surroundings(scene, "demo")
    scene.change("demo", state="absent", purge=True)
    assert scene.moved(pristine) == [], "both in one task is the same"


def test_removal_is_by_name_or_address_and_of_anything(scene: Scene) -> None:
    one, two = scene.release("one", "1.0.0"), scene.release("two", "1.0.0")
    scene.change("one", "two")
    scene.host.place(PackTree("broken", minimal=True).add("pack.yaml", "["), "broken")
    scene.host.place(PackTree("mine", minimal=True), "mine")
    scene.host.install_like_st2(one, "theirs")
    names = [scene.url(two) + ".git", "one=1.0.0", "broken", "mine", "theirs", "never_there"]
    scene.satisfied("one=9.9.9", state="absent")
    rows = scene.change(*names, state="absent")["packs"]
    assert {row["ref"]: row["action"] for row in rows if row["ref"] != "never_there"} == dict.fromkeys(
        ("one", "two", "broken", "mine", "theirs"), "remove"
    )
    assert scene.host.installed() == []
    scene.satisfied(*names, state="absent")


def test_a_pack_that_others_need_stays(scene: Scene) -> None:
    for ref, needs in (("top", ["middle"]), ("middle", ["bottom"]), ("bottom", []), ("other", ["core"])):
        scene.release(ref, "1.0.0", dependencies=needs)
    scene.change("top", "other")
    refused = scene.refuse("bottom", "other", state="absent")
    assert refused["step"] == "dependencies" and "middle 1.0.0 needs bottom" in refused["msg"]
    assert "middle 1.0.0 needs bottom" in scene.refuse("top", "bottom", state="absent")["msg"]
    scene.change("top", "middle", "bottom", state="absent")
    assert scene.host.installed() == ["other"]
    scene.change("top")
    scene.change("bottom", state="absent", dependencies="skip")
    assert scene.host.installed() == ["middle", "other", "top"]


def test_a_pack_goes_to_the_base_path_asked_for_and_stays_where_it_is(make_scene: t.Callable[..., Scene]) -> None:
    scene = make_scene(packs_base_paths=["srv/one", "srv/two"])
    first, second = scene.host.extra_base_paths
    scene.release("demo", "1.0.0", "1.1.0")
    scene.change("demo=1.0.0", base_path=str(second))
    assert (second / "demo" / "pack.yaml").exists() and not scene.host.pack_path("demo").exists()
    scene.satisfied("demo=1.0.0", base_path=str(second))
    scene.satisfied("demo")
    scene.change("demo=1.1.0")
    assert "version: 1.1.0" in (second / "demo" / "pack.yaml").read_text() and not scene.host.pack_path("demo").exists()
    assert "base_path" in scene.refuse("demo", base_path=str(scene.host.root / "srv"))["msg"]
    scene.change("demo", state="absent")
    assert not (second / "demo").exists() and list(first.glob("[!.]*")) == []


def test_of_several_copies_the_first_is_the_one(make_scene: t.Callable[..., Scene]) -> None:
    scene = make_scene(packs_base_paths=["srv/one"])
    (extra,) = scene.host.extra_base_paths
    repository = scene.release("demo", "1.0.0", "1.1.0")
    scene.host.place(PackTree("demo", "0.1.0", minimal=True), "demo", extra)
    untouched = scene.host.snapshot(identity=True)
    scene.host.install_like_st2(repository, "demo", "v1.0.0", scene.url(repository))
    scene.satisfied("demo=1.0.0")
    scene.change("demo=1.1.0")
    found = compare(untouched, scene.host.snapshot(identity=True))
    assert not [path for paths in found for path in paths if path.startswith("srv/one/demo")]
    described = scene.run("demo", module="st2_pack_info")["packs"]
    assert [(pack["version"], pack["path"]) for pack in described] == [("1.1.0", str(scene.host.pack_path("demo")))]
    assert described[0]["shadowed"] == [str(extra / "demo")]


def test_removal_leaves_no_copy_behind(make_scene: t.Callable[..., Scene]) -> None:
    scene = make_scene(packs_base_paths=["srv/one"])
    for base, version in zip((scene.host.packs, *scene.host.extra_base_paths), ("1.0.0", "0.9.0")):
        scene.host.place(PackTree("demo", version, minimal=True), "demo", base)
    rows = scene.change("demo", state="absent")["packs"]
    assert [(row["before"]["version"], row["action"]) for row in rows] == [("1.0.0", "remove"), ("0.9.0", "remove")]
    assert scene.host.installed() == []
    scene.satisfied("demo", state="absent")


def test_a_copy_that_would_be_hidden_is_refused(make_scene: t.Callable[..., Scene]) -> None:
    scene = make_scene(packs_base_paths=["srv/one"])
    scene.release("demo", "1.0.0", "1.1.0")
    scene.change("demo=1.0.0")
    for base_path in scene.host.extra_base_paths:
        refused = scene.refuse("demo=1.1.0", base_path=str(base_path))
        assert f"demo in {base_path}" in refused["msg"] and str(scene.host.packs) in refused["msg"]
