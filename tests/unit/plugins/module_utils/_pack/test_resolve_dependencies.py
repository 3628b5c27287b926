# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dependencies of a whole request: fetched level by level, in cycles, in contradiction; nothing is ever changed."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.address import normal_url
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DependencyError,
    IndexError_,
    InvalidPackError,
    SourceError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.candidate import Candidate
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.dependencies import Providers, in_order
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.resolving import Scene


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def outcome(resolution):
    """Per ref: the version that comes new; None for what stays."""
    return {
        ref: pack.metadata.version if isinstance(pack, Candidate) else None for ref, pack in resolution.packs.items()
    }


def conflict(scene, *requests, **more):
    """The message of the conflict that a request comes to; L(Scene.resolve) sees that nothing was changed."""
    with pytest.raises(DependencyError) as caught:
        scene.resolve(*requests, **more)
    assert "Nothing was changed" in caught.value.message
    return caught.value.message


# What one pack declares, and what is then installed beside it. The index has a 1.0.0 and 2.0.0 (newest), b 1.0.0;
# inst 1.0.0 and core 3.9.0 are there. None: a conflict.
VECTORS = [
    (["a"], {"a": "2.0.0"}),
    (["a", "a"], {"a": "2.0.0"}),
    (["a", "a=1.0.0"], {"a": "1.0.0"}),
    (["a=1.0.0", "a"], {"a": "1.0.0"}),
    (["a=1.0.0", "a=v1.0.0"], {"a": "1.0.0"}),
    (["a=1.0.0", "a=2.0.0"], None),
    (["a=1.0.0", "URL"], {"a": "1.0.0"}),
    (["URL", "a=1.0.0"], {"a": "1.0.0"}),
    (["a=1.0.0", "URL=2.0.0"], None),
    (["a=1.0.0", "URL=1.0.0"], {"a": "1.0.0"}),
    (["URL"], {"a": "2.0.0"}),
    (["a=main", "a=2.0.0"], {"a": "2.0.0"}),
    (["inst"], {}),
    (["inst=1.0.0"], {}),
    (["inst=v1.0.0"], {}),
    (["inst=2.0.0"], None),
    (["core"], {}),
    (["core", "b", "inst"], {"b": "1.0.0"}),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """What all vectors resolve against."""
    scene = Scene(tmp_path_factory.mktemp("shared"))
    scene.repository("a", "1.0.0", "2.0.0")
    scene.repository("b", "1.0.0")
    PackTree("inst", "1.0.0", minimal=True).write(scene.packs / "inst")
    PackTree("core", "3.9.0", minimal=True).write(scene.packs / "core")
    return scene


@pytest.mark.parametrize("number", range(len(VECTORS)))
def test_what_a_pack_declares(shared, number):
    declared, expected = VECTORS[number]
    top = f"top{number}"
    shared.repository(top, "1.0.0", needs=[text.replace("URL", shared.url("a")) for text in declared])
    if expected is None:
        assert f"{top} 1.0.0" in conflict(shared, top)
    else:
        assert outcome(shared.resolve(top)) == {top: "1.0.0", **expected}


def test_nested_dependencies_are_all_there_and_come_first(scene):
    depth = 12  # StackStorm stops looking after ten.
    for level in range(depth):
        scene.repository(f"p{level}", "1.0.0", needs=[f"p{level + 1}"] if level < depth - 1 else [])
    resolution = scene.resolve("p0")
    assert outcome(resolution) == {f"p{level}": "1.0.0" for level in range(depth)}
    order = in_order(resolution.candidates(), Providers(resolution.packs, scene.installation()))
    assert order == [f"p{level}" for level in reversed(range(depth))]
    assert resolution.asked["p5"][0].asker == "p4 1.0.0"
    assert scene.index_reads == 1


def test_a_diamond_is_fetched_once(scene):
    scene.repository("top", "1.0.0", needs=["left", "right"])
    scene.repository("left", "1.0.0", needs=["base=1.0.0"])
    scene.repository("right", "1.0.0", needs=["base=1.0.0"])
    scene.repository("base", "1.0.0", "2.0.0")
    resolution = scene.resolve("top")
    assert outcome(resolution) == {"top": "1.0.0", "left": "1.0.0", "right": "1.0.0", "base": "1.0.0"}
    assert [asked.asker for asked in resolution.asked["base"]] == ["left 1.0.0", "right 1.0.0"]
    assert scene.git_runs == 4


def test_cycles_end(scene):
    scene.repository("a", "1.0.0", needs=["b=1.0.0"])
    scene.repository("b", "1.0.0", needs=["c", "a=1.0.0"])
    scene.repository("c", "1.0.0", needs=["a", "c"])
    assert outcome(scene.resolve("a")) == {"a": "1.0.0", "b": "1.0.0", "c": "1.0.0"}
    assert outcome(scene.resolve("c", "b")) == {"c": "1.0.0", "b": "1.0.0", "a": "1.0.0"}


def test_a_cycle_that_contradicts_itself(scene):
    scene.repository("a", "1.0.0", "2.0.0", needs=["b"])
    scene.repository("b", "1.0.0", needs=["a=1.0.0"])
    assert conflict(scene, "a=2.0.0").startswith(
        "b 1.0.0 needs a=1.0.0, but this task installs a 2.0.0, which the task asks for as a=2.0.0."
    )


@pytest.mark.parametrize("form", ["file://{}", "{}", "file://{}/"])
def test_a_dependency_on_a_source_is_known_by_any_of_its_names(scene, form):
    odd = scene.repository("odd", "1.0.0", listed=False)
    moved = odd.path.rename(scene.directory / "another-name.git")
    scene.repository("top", "1.0.0", needs=[form.format(moved)])
    scene.repository("also", "1.0.0", needs=[f"{moved}=1.0.0"])
    assert outcome(scene.resolve("top", "also")) == {"top": "1.0.0", "also": "1.0.0", "odd": "1.0.0"}
    scene.install(f"file://{moved}=1.0.0")
    assert outcome(scene.resolve("top", "also")) == {"top": "1.0.0", "also": "1.0.0"}


# Conflicts


def elsewhere(scene, ref, *versions, name="by_another_name"):
    """A repository whose name does not tell which pack it holds; its URL."""
    one = GitRepository(scene.directory / f"{name}.git")
    for version in versions:
        one.release(PackTree(ref, version, minimal=True))
    one.build()
    return f"file://{one.path}"


@pytest.mark.parametrize("provided", ["fork", "directory", "index"])
@pytest.mark.parametrize("policy", ["install", "check"])
def test_a_dependency_is_met_by_the_pack_with_its_ref_wherever_that_is_from(scene, provided, policy):
    """What lies at the address is fetched once to see which pack it is, and then never again."""
    address = elsewhere(scene, "base", "1.0.0")
    scene.repository("app", "1.0.0", needs=[address])
    scene.repository("base", "2.0.0")
    (PackTree("base", "2.0.0", minimal=True)).write(scene.directory / "base")
    scene.install({"fork": scene.url("base"), "directory": str(scene.directory / "base"), "index": "base"}[provided])
    resolution = scene.resolve("app", policy=policy)
    assert outcome(resolution) == {"app": "1.0.0"}, "base 2.0.0 stays, though 1.0.0 is at the address"
    assert resolution.provided == {normal_url(address): "base"}
    assert scene.git_runs == 2


def test_a_dependency_on_another_version_than_is_installed_is_a_conflict_under_any_address(scene):
    address = elsewhere(scene, "base", "1.0.0")
    scene.repository("app", "1.0.0", needs=[f"{address}=1.0.0"])
    scene.repository("base", "2.0.0")
    scene.install("base")
    assert "base 2.0.0 is installed" in conflict(scene, "app")


def test_two_addresses_of_one_pack(scene):
    one, other = (
        elsewhere(scene, "base", version, name=name) for version, name in (("1.0.0", "one"), ("1.1.0", "two"))
    )
    scene.repository("app", "1.0.0", needs=[one])
    scene.repository("web", "1.0.0", needs=[other])
    resolution = scene.resolve("app", "web")
    assert outcome(resolution) == {"app": "1.0.0", "web": "1.0.0", "base": "1.0.0"}
    providers = Providers(resolution.packs, scene.installation(), provided=resolution.provided)
    assert in_order(resolution.candidates(), providers) == ["base", "app", "web"]


def test_a_missing_dependency_of_an_unknown_name_is_named(scene):
    address = elsewhere(scene, "base", "1.0.0")
    scene.repository("app", "1.0.0", needs=[address])
    assert f"app 1.0.0 needs {address}" in conflict(scene, "app", policy="check")
    assert outcome(scene.resolve("app")) == {"app": "1.0.0", "base": "1.0.0"}


def test_two_packs_of_one_task(scene):
    scene.repository("p", "1.0.0", needs=["base=1.0.0"])
    scene.repository("q", "1.0.0", needs=["base=2.0.0"])
    scene.repository("base", "1.0.0", "2.0.0")
    message = conflict(scene, "p", "q")
    assert "p 1.0.0 asks for base=1.0.0" in message and "q 1.0.0 asks for base=2.0.0" in message


def test_on_different_levels(scene):
    scene.repository("p", "1.0.0", needs=["base=1.0.0", "deep"])
    scene.repository("deep", "3.0.0", needs=["base=2.0.0"])
    scene.repository("base", "1.0.0", "2.0.0")
    assert conflict(scene, "p") == (
        "deep 3.0.0 needs base=2.0.0, but this task installs base 1.0.0, which p 1.0.0 asks for as base=1.0.0. "
        "Nothing was changed: request one version that satisfies both, or set dependencies to skip."
    )


def test_the_task_against_a_dependency(scene):
    scene.repository("p", "1.0.0", needs=["base=1.0.0"])
    scene.repository("base", "1.0.0", "2.0.0")
    message = conflict(scene, "p", "base=2.0.0")
    assert message.startswith("p 1.0.0 needs base=1.0.0, but this task installs base 2.0.0, which the task asks for as")
    # What is there and asked for is as good as what comes.
    scene.install("base=2.0.0")
    message = conflict(scene, "p", "base=2.0.0")
    assert message.startswith("p 1.0.0 needs base=1.0.0, but base 2.0.0 is installed, which the task asks for as")
    assert "request one version that satisfies both" in message


def test_an_installed_version_is_changed_only_when_the_task_says_so(scene):
    scene.repository("p", "1.0.0", needs=["base=2.0.0"])
    scene.repository("base", "1.0.0", "2.0.0")
    scene.install("base=1.0.0")
    assert conflict(scene, "p") == (
        "p 1.0.0 needs base=2.0.0, but base 1.0.0 is installed. Nothing was changed: "
        "add base=2.0.0 to the task to get that version, or set dependencies to skip."
    )
    assert outcome(scene.resolve("p", "base=2.0.0")) == {"p": "1.0.0", "base": "2.0.0"}
    assert outcome(scene.resolve("p", "base", latest=True)) == {"p": "1.0.0", "base": "2.0.0"}


def test_an_installed_pack_that_the_task_does_not_mention_has_its_say(scene):
    scene.repository("user", "1.0.0", needs=["base=1.0.0"])
    scene.repository("base", "1.0.0", "2.0.0")
    scene.install("base=1.0.0")
    scene.install("user")
    assert conflict(scene, "base=2.0.0").startswith(
        "user 1.0.0 needs base=1.0.0 (installed), but this task installs base 2.0.0."
    )
    assert outcome(scene.resolve("base=2.0.0", policy="skip")) == {"base": "2.0.0"}


# Policies


@pytest.mark.parametrize("policy", ["install", "check", "skip"])
def test_policies(scene, policy):
    scene.repository("top", "1.0.0", needs=["a", "b=1.0.0", "core"])
    scene.repository("a", "1.0.0")
    scene.repository("b", "1.0.0")
    if policy == "check":
        assert conflict(scene, "top", policy=policy) == (
            "Dependencies are missing: top 1.0.0 needs a; top 1.0.0 needs b=1.0.0. Nothing was changed: "
            "add them to the task, or set dependencies to install."
        )
    else:
        more = {"a": "1.0.0", "b": "1.0.0"} if policy == "install" else {}
        assert outcome(scene.resolve("top", policy=policy)) == {"top": "1.0.0", **more}
    assert outcome(scene.resolve("top", "a", "b", policy=policy)) == {"top": "1.0.0", "a": "1.0.0", "b": "1.0.0"}
    for ref in ("a", "b"):
        scene.install(ref)
    assert outcome(scene.resolve("top", policy=policy)) == {"top": "1.0.0"}


@pytest.mark.parametrize("policy", ["install", "check"])
def test_dependencies_of_what_is_there_count_too(scene, policy):
    scene.repository("top", "1.0.0", needs=["a"])
    scene.repository("a", "1.0.0")
    scene.install("top")
    if policy == "install":
        assert outcome(scene.resolve("top", policy=policy)) == {"top": None, "a": "1.0.0"}
    else:
        assert "top 1.0.0 needs a" in conflict(scene, "top", policy=policy)


# Dependencies that fail


@pytest.mark.parametrize(
    ("needed", "kind", "said"),
    [
        ("nowhere", IndexError_, 'No record of the "nowhere" pack'),
        ("bad", InvalidPackError, "does not support this host"),
        ("a=9.9.9", SourceError, "9.9.9 is not a version"),
        ("file:///nonexistent/x.git", SourceError, "does not exist"),
    ],
)
def test_a_dependency_that_cannot_be_had_names_who_needs_it(scene, needed, kind, said):
    scene.repository("top", "1.0.0", needs=[needed])
    scene.repository("a", "1.0.0")
    bad = scene.repository("bad", "1.0.0")
    bad.commit(PackTree("bad", "1.1.0", stackstorm_version=">=9.0.0"))
    bad.build().tag("v1.1.0").build()
    scene.entries["bad"]["version"] = "1.1.0"
    with pytest.raises(kind) as caught:
        scene.resolve("top")
    assert said in caught.value.message
    assert caught.value.message.endswith("(top 1.0.0 needs it.)")


def test_a_dependency_that_makes_no_sense_names_who_has_it(scene):
    scene.repository("top", "1.0.0", needs=["a>=1.0.0"])
    with pytest.raises(DependencyError, match=r"^top 1\.0\.0 has an invalid dependency: .*NAME=VERSION"):
        scene.resolve("top")


def test_credentials_in_a_dependency_are_neither_used_nor_told(scene):
    scene.repository("top", "1.0.0", needs=["https://me:hunter22@127.0.0.1:1/org/a"])
    with pytest.raises(SourceError) as caught:
        scene.resolve("top")
    assert "hunter22" not in f"{caught.value.message}{caught.value.stderr}"
    assert not any(credentials for _url, credentials in scene.trusted)


def test_an_old_pack_keeps_its_place_when_a_dependency_of_the_new_one_fails(scene):
    one = scene.repository("top", "1.0.0")
    one.release(PackTree("top", "2.0.0", minimal=True, dependencies=["nowhere"]))
    one.build()
    before = scene.install("top=1.0.0")
    with pytest.raises(IndexError_):
        scene.resolve("top=2.0.0")
    assert scene.installation().get("top") == before
    assert run_git("-C", before.path, "status", "--porcelain") == ""
