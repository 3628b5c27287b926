# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From requests to targets: what satisfies them, StackStorm's own rules for dependencies, the order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DependencyError, IndexError_, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.observe import RegisteredPack, ServerIndex
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.options import ApiOptions
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.request import requests_from
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.resolve import (
    Resolver,
    Target,
    check_version,
    find_provider,
)


def installed(**versions):
    return {ref: RegisteredPack(ref, ref, version) for ref, version in versions.items()}


def entry(version="1.0.0", *dependencies):
    return {"version": version, "dependencies": list(dependencies), "repo_url": "https://h/o/r"}


def resolve(*names, packs=None, index=None, state="present", **options):
    """The targets, and how often the index was read."""
    reads = []

    def read():
        reads.append(1)
        return ServerIndex(index or {})

    requests = requests_from({"name": list(names), "packs": None, "state": state})
    return Resolver(packs or {}, read, ApiOptions(requests, state, **options)).resolve(), len(reads)


def specs(*names, **given):
    return [target.spec for target in resolve(*names, **given)[0]]


@pytest.mark.parametrize(
    "asked", ["sensu", "sensu=1.0.2", "sensu=v1.0.2", "https://h/o/stackstorm-sensu=1.0.2", "o/sensu"]
)
def test_what_is_there_needs_no_index(asked):
    (target,), reads = resolve(asked, packs=installed(sensu="1.0.2"))
    assert replace(target, address="") == Target("sensu", "sensu", (asked,), "1.0.2", dependencies=()) and reads == 0


@pytest.mark.parametrize(
    ("asked", "state", "there", "spec", "version"),
    [
        ("sensu", "present", None, "sensu=2.0.0", "2.0.0"),
        ("sensu", "latest", "1.0.0", "sensu=2.0.0", "2.0.0"),
        ("sensu", "latest", "3.0.0", "", "3.0.0"),
        ("sensu", "latest", "2.0.0", "", "2.0.0"),
        ("sensu=v1.0.0", "present", "2.0.0", "sensu=v1.0.0", "1.0.0"),
        ("sensu=1.0.0", "latest", "1.0.0", "", "1.0.0"),
        ("https://h/sensu=1.0.0", "latest", "2.0.0", "https://h/sensu=1.0.0", "1.0.0"),
        ("https://h/sensu", "present", None, "https://h/sensu", ""),
    ],
)
def test_what_is_asked_of_stackstorm(asked, state, there, spec, version):
    packs = installed(sensu=there) if there else {}
    ((target,), _reads) = resolve(asked, state=state, packs=packs, index={"sensu": entry("2.0.0")})
    assert (target.spec, target.version) == (spec, version)


def test_the_latest_is_a_lower_version_only_where_that_is_allowed():
    index = {"sensu": entry("2.0.0")}
    there = installed(sensu="3.0.0")
    assert specs("sensu", packs=there, index=index, state="latest") == [""]
    assert specs("sensu", packs=there, index=index, state="latest", allow_downgrade=True) == ["sensu=2.0.0"]


def test_what_nobody_could_tell_is_refused():
    with pytest.raises(OptionError, match="state=latest is not supported for a URL"):
        resolve("https://h/sensu", state="latest")
    with pytest.raises(OptionError, match=r"as sensu=1\.0\.0 and as sensu=2\.0\.0"):
        resolve("sensu=1.0.0", "sensu=2.0.0", index={"sensu": entry("2.0.0")})
    with pytest.raises(IndexError_, match="no version in StackStorm's index"):
        resolve("sensu", index={"sensu": {}})
    assert specs("sensu=1.0.0", index={"sensu": {}}) == ["sensu=1.0.0"]


def test_the_index_is_read_once():
    index = {"app": entry("1.0.0", "base"), "base": entry("1.0.0", "core"), "other": entry()}
    targets, reads = resolve("app", "other", index=index, state="latest")
    assert [target.ref for target in targets] == ["base", "app", "other"] and reads == 1
    assert [target.requested for target in targets] == [(), ("app",), ("other",)]


def test_dependencies_are_known_of_the_version_that_the_index_offers_alone():
    index = {"app": entry("2.0.0", "base"), "base": entry()}
    known, _reads = resolve("app=v2.0.0", index=index)
    assert [target.spec for target in known] == ["base=1.0.0", "app=v2.0.0"]
    ((older,), _reads) = resolve("app=1.0.0", index=index)
    assert older.dependencies is None
    assert resolve("https://h/app", index=index)[0][0].dependencies is None


# get_pack_dependencies.py of 3.9.0 gave these answers for installed packs inst 1.0.0 and test 2.0.0.
THERE = {"inst": "1.0.0", "test": "2.0.0"}
INDEX = {"a": entry(), "b": entry()}


@pytest.mark.parametrize(
    ("dependencies", "installs"),
    [
        (["a", "a"], ["a=1.0.0"]),
        (["inst", "inst=1.0.0", "inst=v1.0.0"], []),
        (["https://github.com/x/stackstorm-test.git=2.0.0", "x/stackstorm-test"], []),
        (["git@h:x/stackstorm-test.git=2.0.0"], []),
        (["a=1.0.0", "b"], ["a=1.0.0", "b=1.0.0"]),
        (["core"], []),
        # StackStorm would call the next two conflicts, as it compares what is asked and not what comes of it.
        (["a", "a=1.0.0"], ["a=1.0.0"]),
        (["a=1.0.0", "a=v1.0.0"], ["a=1.0.0"]),
    ],
)
def test_dependencies_that_go_together(dependencies, installs):
    index = {**INDEX, "app": entry("1.0.0", *dependencies)}
    assert specs("app", packs=installed(**THERE), index=index) == [*installs, "app=1.0.0"]


@pytest.mark.parametrize(
    "dependency", ["inst=2.0.0", "inst=1.0", "inst=master", "inst=>=1.0.0", "https://h/x/stackstorm-test.git=1.0.0"]
)
def test_what_stackstorm_calls_a_conflict(dependency):
    index = {"app": entry("1.0.0", dependency)}
    with pytest.raises(DependencyError) as caught:
        resolve("app", packs=installed(**THERE), index=index)
    assert f"app 1.0.0 needs {dependency}" in caught.value.message and caught.value.ref == "app"
    assert specs("app", packs=installed(**THERE), index=index, dependencies="skip") == ["app=1.0.0"]


def test_two_packs_that_want_different_versions_of_a_third():
    index = {"one": entry("1.0.0", "a=1.0.0"), "two": entry("1.0.0", "a=2.0.0"), "a": entry()}
    with pytest.raises(DependencyError, match=r"two 1\.0\.0 needs a=2\.0\.0, but a 1\.0\.0 is what this task installs"):
        resolve("one", "two", index=index)
    with pytest.raises(DependencyError, match=r"one 1\.0\.0 needs a=1\.0\.0, but a 2\.0\.0 is what this task installs"):
        resolve("one", "a=2.0.0", index=index)


@pytest.mark.parametrize(
    ("dependency", "why"),
    [
        ("nosuch", "does not list the pack nosuch"),
        ("a=master", "whether master is installed"),
        ("inst>=1.0.0", "inst>"),
        ("me@host:org/x", "would read it as"),
        ("https://me:c4n4ry@h/o/x", "credentials"),
        ("./x", "absolute path"),
    ],
)
def test_dependencies_that_cannot_be_installed(dependency, why):
    with pytest.raises(DependencyError, match=r"app 1\.0\.0 needs") as caught:
        resolve("app", packs=installed(**THERE), index={**INDEX, "app": entry("1.0.0", dependency)})
    assert why in caught.value.message


def test_missing_ones_are_not_for_check():
    index = {**INDEX, "app": entry("1.0.0", "a")}
    with pytest.raises(DependencyError, match=r"app 1\.0\.0 needs a, which StackStorm does not have"):
        resolve("app", index=index, dependencies="check")
    assert specs("app", packs=installed(a="7.0.0"), index=index, dependencies="check") == ["app=1.0.0"]


def test_dependencies_of_what_is_there_count_too():
    packs = {"app": RegisteredPack("app", "app", "1.0.0", ("a=1.0.0",))}
    assert specs("app", packs=packs, index=INDEX) == ["a=1.0.0", ""]
    with pytest.raises(DependencyError, match=r"a 2\.0\.0 is installed"):
        resolve("app", packs={**packs, **installed(a="2.0.0")}, index=INDEX)


def test_a_dependency_is_not_upgraded_with_what_wants_it():
    index = {"app": entry("2.0.0", "a"), "a": entry("9.0.0")}
    packs = installed(app="1.0.0", a="1.0.0")
    assert specs("app", packs=packs, index=index, state="latest") == ["app=2.0.0"]
    assert specs("app", packs=installed(app="1.0.0"), index=index, state="latest") == ["a=9.0.0", "app=2.0.0"]


def test_depth_and_circles():
    index = {f"p{number}": entry("1.0.0", f"p{number + 1}") for number in range(20)}
    index["p20"] = entry("1.0.0", "p0")
    assert specs("p0", index=index) == [f"p{number}=1.0.0" for number in range(20, -1, -1)]
    index.update({f"p{number}": entry("1.0.0", f"p{number + 1}") for number in range(20, 50)}, p50=entry())
    with pytest.raises(DependencyError, match="more than 30 levels"):
        resolve("p0", index=index)


def test_every_dependency_comes_before_who_needs_it():
    index = {"top": entry("1.0.0", "left", "right"), "left": entry("1.0.0", "bottom"), "bottom": entry()}
    index["right"] = entry("1.0.0", "left", "bottom")
    assert specs("top", index=index) == ["bottom=1.0.0", "left=1.0.0", "right=1.0.0", "top=1.0.0"]


def test_a_repository_that_is_not_named_after_its_pack():
    item = {"name": "acme", "source": "https://h/o/Odd.Name.git", "version": "1.0.0"}
    requests = requests_from({"name": ["app"], "packs": [item], "state": "present"})
    index = ServerIndex({"app": entry("1.0.0", "https://h/o/Odd.Name")})
    for packs in ({}, installed(acme="1.0.0")):
        targets = Resolver(packs, lambda: index, ApiOptions(requests)).resolve()
        assert [target.ref for target in targets] == ["acme", "app"]


def test_who_provides_what():
    packs = installed(test="2.0.0", **{"stackstorm-test": "1.0.0"})
    assert find_provider("x/stackstorm-test", packs).version == "1.0.0"
    assert find_provider("test=1.0.0", packs).version == "2.0.0"
    assert find_provider("other", packs) is None
    # The version of what is installed from a URL is not known before.
    check_version("app", "new=1.0.0", Target("new", "new", (), "", "https://h/new"), ref="app")
