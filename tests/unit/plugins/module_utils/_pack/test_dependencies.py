# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of dependencies: what provides one, what contradicts one, in which order they come."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DependencyError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.dependencies import (
    Providers,
    guess_ref,
    in_order,
    label,
    missing,
    needs,
    needs_of,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.dependency_samples import (
    by_ref,
    candidate,
    put,
)


@pytest.fixture
def packs(tmp_path):
    return tmp_path / "packs"


# inst 1.0.0 and test 2.0.0 are installed (as in contrib/packs/tests/test_get_pack_dependencies.py). What is missing, or
# None where there is a conflict.
VECTORS = [
    (["a"], ["a"]),
    (["a", "a"], ["a", "a"]),
    (["a", "a=1.0.0"], ["a", "a=1.0.0"]),
    (["inst"], []),
    (["inst=1.0.0"], []),
    (["inst=v1.0.0"], []),
    (["inst=2.0.0"], None),
    (["inst=1.0"], None),
    (["inst=master"], None),
    (["inst=01.0.0"], None),
    (["https://github.com/x/stackstorm-test.git=2.0.0"], []),
    (["https://github.com/x/stackstorm-test.git=1.0.0"], None),
    (["x/stackstorm-test"], []),
    (["git@git.example.com:x/stackstorm-test.git=2.0.0"], []),
    (["https://git.example.com/x/inst/=3.0.0"], None),
    (["https://git.example.com/x/inst/"], []),
    (["https://git.example.com/x/other=3.0.0"], ["https://git.example.com/x/other=3.0.0"]),
    (["core", "linux", "packs", "chatops"], []),
    (["core=3.9.0"], []),
    (["core=3.8.0"], None),
    (["linux=3.9.0"], ["linux=3.9.0"]),
    ([], []),
]


@pytest.mark.parametrize("kind", ["fetched", "installed"])
@pytest.mark.parametrize(("dependencies", "expected"), VECTORS)
def test_what_installed_packs_provide(packs, dependencies, expected, kind):
    put(packs, "inst", "1.0.0")
    put(packs, "core", "3.9.0")
    installation = put(packs, "test", "2.0.0")
    asker = candidate("asker", "1.0.0", dependencies)
    if kind == "installed":
        asker = put(packs, "asker", "1.0.0", dependencies).get("asker")
    providers = Providers(by_ref(asker), installation)
    if expected is None:
        with pytest.raises(DependencyError) as caught:
            missing(providers, [asker])
        assert caught.value.message.startswith(f"asker 1.0.0 needs {dependencies[0]}, but ")
        advice = "it is part of StackStorm" if "core" in dependencies[0] else f"add {dependencies[0]} to the task"
        assert f"is installed. Nothing was changed: {advice}" in caught.value.message
        assert (caught.value.ref, caught.value.step) == ("asker", "dependencies")
    else:
        found = missing(providers, [asker])
        assert [str(need) for need in found] == [f"asker 1.0.0 needs {text}" for text in expected]


@pytest.mark.parametrize("text", ["inst>=1.0.0", "", "a b", "ext::sh -c x", "-x", "A"])
def test_what_cannot_be_understood_names_the_pack_that_has_it(packs, text):
    with pytest.raises(DependencyError, match=r"^asker 1\.0\.0 has an invalid dependency: "):
        needs("asker 1.0.0", ["ok", text])
    asker = candidate("asker", dependencies=[text])
    with pytest.raises(DependencyError):
        missing(Providers(by_ref(asker), Installation([str(packs)])), [asker])
    # What is there already must not keep the task from its work.
    assert needs_of(put(packs, "odd", dependencies=["a", text]).get("odd")) == []


# What the task installs
TO_INSTALL = [
    (candidate("a", "1.0.0"), "a=1.0.0", True),
    (candidate("a", "1.0.0"), "a=v1.0.0", True),
    (candidate("a", "1.0.0"), "a", True),
    (candidate("a", "1.0.0"), "a=2.0.0", False),
    (candidate("a", "1.0.0"), f"a={'c' * 40}", True),
    (candidate("a", "1.0.0"), f"a={'c' * 8}", True),
    (candidate("a", "1.0.0"), f"a={'d' * 40}", False),
    (candidate("a", "1.0.0", resolved=Resolved("branch", "dev", "dev")), "a=dev", True),
    (candidate("a", "1.0.0", resolved=Resolved("branch", "dev", "dev")), "a=1.0.0", True),
    (candidate("a", "1.0.0", resolved=Resolved("branch", "dev", "dev")), "a=main", False),
    (candidate("a", "1.0.0", resolved=Resolved("default", "main", "")), "a=main", True),
    (candidate("a", "1.0.0"), "https://git.example.com/org/stackstorm-a.git=1.0.0", True),
    (candidate("a", "1.0.0", url="https://git.example.com/odd/name"), "https://git.example.com/odd/name", True),
    (candidate("a", "1.0.0", url="https://git.example.com/odd/name"), "https://git.example.com/odd/name=2.0.0", False),
]


@pytest.mark.parametrize(("provider", "text", "provided"), TO_INSTALL)
def test_what_the_task_installs_provides_before_what_is_there(packs, provider, text, provided):
    installation = put(packs, "a", "9.0.0")
    asker = candidate("asker", dependencies=[text])
    wanted = by_ref(asker, provider)
    if provided:
        assert missing(Providers(wanted, installation), [asker]) == []
        return
    with pytest.raises(DependencyError) as caught:
        missing(Providers(wanted, installation, {"a": ("other 3.0.0", "a=1.0.0")}), [asker])
    assert caught.value.message == (
        f"asker 1.0.0 needs {text}, but this task installs a 1.0.0, which other 3.0.0 asks for as a=1.0.0. "
        "Nothing was changed: request one version that satisfies both, or set dependencies to skip."
    )


PLACES = ["/srv/private/demo", "file:///srv/private/demo", "/srv/private/demo=v1.0.0"]


@pytest.mark.parametrize("place", PLACES)
def test_a_pack_from_the_network_names_no_directory_of_this_host(packs, place, tmp_path):
    one = GitRepository(tmp_path / "fetched.git")
    one.release(PackTree("fetched", minimal=True, dependencies=[place]))
    one.build()
    run_git("clone", "--quiet", one.path, packs / "fetched")
    run_git("-C", packs / "fetched", "remote", "set-url", "origin", "https://git.example.com/org/fetched.git")
    installation = Installation([str(packs)])
    for asker in (candidate("asker", dependencies=[place]), installation.get("fetched")):
        with pytest.raises(DependencyError, match="a place on this host, which only packs from this host") as caught:
            missing(Providers(by_ref(asker), installation), [asker])
        assert caught.value.ref == asker.ref and place in caught.value.message


@pytest.mark.parametrize("place", PLACES)
def test_a_pack_from_this_host_may_name_a_directory_of_it(packs, place):
    installation = put(packs, "copied", dependencies=[place])
    local = [candidate("asker", dependencies=[place], url=url) for url in ("/srv/packs/asker", "file:///srv/asker")]
    for asker in (*local, installation.get("copied")):
        assert [need.request.requested for need in missing(Providers(by_ref(asker), installation), [asker])] == [place]


def test_a_branch_or_commit_of_a_working_copy_provides(packs, tmp_path):
    one = GitRepository(tmp_path / "stackstorm-a.git")
    one.release(PackTree("a", "1.0.0", minimal=True))
    one.build()
    run_git("clone", "--quiet", one.path, packs / "a")
    installation = Installation([str(packs)])
    for text in ("a=main", f"a={one.head.sha}", "a=1.0.0", f"{one.path}=1.0.0", f"file://{one.path}"):
        asker = candidate("asker", dependencies=[text])
        assert missing(Providers(by_ref(asker), installation), [asker]) == []


@pytest.mark.parametrize(
    ("url", "ref"),
    [
        ("https://github.com/StackStorm-Exchange/stackstorm-sensu", "sensu"),
        ("https://h/x/stackstorm-sensu.git/", "sensu"),
        ("git@h:x/sensu.git", "sensu"),
        ("https://h/x/my-stackstorm-stackstorm-a", "a"),
        ("/srv/packs/demo/", "demo"),
    ],
)
def test_a_repositorys_name_suggests_a_ref(url, ref):
    assert guess_ref(url) == ref


# Order


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, ["c", "b", "a"]),
        ({"a": [], "b": ["a"], "c": ["b", "a"]}, ["a", "b", "c"]),
        ({"a": ["b"], "b": ["a"]}, ["b", "a"]),
        ({"a": ["a"]}, ["a"]),
        ({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["c"]}, ["c", "b", "a", "d"]),
        ({"a": ["elsewhere", "core"], "b": []}, ["a", "b"]),
        ({}, []),
    ],
)
def test_dependencies_come_first(packs, graph, expected):
    candidates = by_ref(*(candidate(ref, dependencies=needed) for ref, needed in graph.items()))
    installation = put(packs, "elsewhere")
    assert in_order(candidates, Providers(candidates, installation)) == expected


def test_a_chain_of_any_length(packs):
    length = 60
    chain = [candidate(f"p{n}", dependencies=[f"p{n + 1}"] if n < length - 1 else []) for n in range(length)]
    candidates = by_ref(*chain)
    found = in_order(candidates, Providers(candidates, Installation([str(packs)])))
    assert found == [f"p{n}" for n in reversed(range(length))]


def test_labels(packs):
    assert label(candidate("a", "1.0.0")) == "a 1.0.0"
    (packs / "b").mkdir(parents=True)
    (packs / "b/pack.yaml").write_text("name: b\n")
    assert label(Installation([str(packs)]).get("b")) == "b without a version"
