# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From requests to exact packs: which cost nothing, which ask the remote, and what they come to."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._content.request import from_option, parse_spec
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DependencyError,
    HostError,
    IndexError_,
    InvalidPackError,
    OptionError,
    SourceError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.resolution import Asked, already_there
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.resolving import Scene, outcome


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def free(scene):
    """Whether the last resolution cost nothing."""
    return (scene.git_runs, scene.index_reads) == (0, 0)


# What satisfies a request without network and git. Each row: how it was installed, what is asked, is it there;
# NAME stands for the pack's name, URL for its repository, COMMIT for what is installed, TIP and DEV for tips.
THERE = [
    ("NAME=1.0.0", "NAME", True),
    ("NAME=1.0.0", "NAME=1.0.0", True),
    ("NAME=1.0.0", "NAME=v1.0.0", True),
    ("NAME=1.0.0", "NAME=1.1.0", False),
    ("NAME=1.0.0", "NAME=COMMIT", True),
    ("NAME=1.0.0", "NAME=COMMIT7", True),
    ("NAME=1.0.0", "NAME=TIP", False),
    ("NAME=1.0.0", "URL", True),
    ("NAME=1.0.0", "URL=1.0.0", True),
    ("NAME=1.0.0", "URL=1.1.0", False),
    ("NAME=main", "NAME=main", True),
    ("URL", "URL=main", True),
    ("URL", "URL=dev", False),
    ("URL=dev", "URL=dev", True),
    ("URL=dev", "URL=main", False),
    ("URL=dev", "NAME", True),
    ("URL=COMMIT", "NAME=COMMIT", True),
    ("NAME=1.0.0", "other", False),
    ("NAME=1.0.0", "https://git.example.com/org/stackstorm-demo", False),
]
# The same with state latest.
LATEST = [
    ("NAME=1.0.0", "NAME", False),
    ("NAME=1.1.0", "NAME", False),
    ("NAME=1.0.0", "NAME=1.0.0", True),
    ("NAME=1.0.0", "URL=1.0.0", True),
    ("NAME=1.0.0", "NAME=COMMIT", True),
    ("NAME=1.0.0", "URL", False),
    ("URL=dev", "URL=dev", False),
    ("URL", "URL=main", False),
    ("URL=dev", "NAME=COMMIT", True),
    ("URL", "URL=COMMIT", True),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A scene that the rows of the tables share, installed once for each way."""
    made = {}

    def get(how):
        if how not in made:
            scene = Scene(tmp_path_factory.mktemp("table"))
            one = scene.repository("demo", "1.0.0", "1.1.0")
            one.commit(PackTree("demo", "2.0.0", minimal=True), branch="dev")
            one.build()
            words = {"NAME": "demo", "URL": scene.url("demo"), "COMMIT": one.sha("v1.0.0"), "TIP": one.sha("main")}
            made[how] = scene, words, scene.install(spelled(how, words))
        return made[how]

    return get


def spelled(text, words):
    for word, value in words.items():
        text = text.replace(f"{word}7", value[:7]).replace(word, value)
    return text


@pytest.mark.parametrize(
    ("how", "asked", "expected", "latest"), [(*row, False) for row in THERE] + [(*row, True) for row in LATEST]
)
def test_what_is_there_already(table, how, asked, expected, latest):
    scene, words, installed = table(how)
    request = parse_spec(spelled(asked, {**words, "COMMIT": installed.commit}))
    found = already_there(Asked(request, latest=latest), scene.installation())
    assert (found is not None) is expected
    if expected:
        assert found.commit == installed.commit


@pytest.mark.parametrize("latest", [False, True])
def test_a_directory_is_there_while_its_content_is_the_same(scene, latest):
    tree = PackTree("demo", "1.0.0", minimal=True)
    directory = tree.write(scene.directory / "mine")
    digest = scene.install(str(directory)).receipt.digest
    for request in (str(directory), f"file://{directory}", {"name": "demo", "source": str(directory)}):
        resolution = scene.resolve(request, latest=latest)
        assert outcome(resolution) == {"demo": ("1.0.0", "stays")} and free(scene)
    (directory / "new").write_text("")
    assert outcome(scene.resolve(str(directory), latest=latest)) == {"demo": ("1.0.0", "new")}
    # With the digest, the directory is not even read.
    request = from_option({"source": str(directory), "digest": digest})
    assert already_there(Asked(request, latest=latest), scene.installation()).receipt.digest == digest
    request = from_option({"source": str(directory), "digest": f"sha256:{'0' * 64}"})
    assert already_there(Asked(request, latest=latest), scene.installation()) is None


@pytest.mark.parametrize("kind", ["git", "directory"])
def test_packs_of_one_source_are_told_apart(scene, kind):
    tree = Tree().mount("one", PackTree("one", minimal=True)).mount("two", PackTree("two", minimal=True))
    if kind == "git":
        repository = GitRepository(scene.directory / "many.git")
        repository.commit(tree)
        source = f"file://{repository.build().path}"
    else:
        source = str(tree.write(scene.directory / "many"))
    scene.install({"source": source, "subdir": "one"})
    resolution = scene.resolve({"source": source, "subdir": "one"}, {"source": source, "subdir": "two"})
    assert outcome(resolution) == {"one": ("1.0.0", "stays"), "two": ("1.0.0", "new")}
    assert outcome(scene.resolve({"source": source, "subdir": "one"})) == {"one": ("1.0.0", "stays")}
    assert free(scene)


def test_the_same_commit_holds_one_pack_twice(scene):
    repository = GitRepository(scene.directory / "twice.git")
    repository.commit(PackTree("demo", "1.0.0", minimal=True).mount("next", PackTree("demo", "2.0.0", minimal=True)))
    source = f"file://{repository.build().path}"
    scene.install(source)
    assert outcome(scene.resolve({"source": source, "subdir": "next", "name": "demo"})) == {"demo": ("2.0.0", "new")}
    scene.install({"source": source, "subdir": "next"})
    assert outcome(scene.resolve({"source": source, "name": "demo"})) == {"demo": ("1.0.0", "new")}


def test_a_directory_that_is_gone(scene):
    with pytest.raises(SourceError, match="gone does not exist on this host"):
        scene.resolve(f"{scene.directory}/gone")


def test_a_system_pack_is_there_and_comes_from_no_index(scene):
    PackTree("core", "3.9.0", minimal=True).write(scene.packs / "core")
    for latest in (False, True):
        assert outcome(scene.resolve("core", latest=latest)) == {"core": ("3.9.0", "stays")}
        assert free(scene)
    with pytest.raises(OptionError, match=r"core=4\.0\.0 was requested, but core is one of StackStorm's own packs"):
        scene.resolve("core=4.0.0")


# What has to be asked


def test_a_name_comes_from_the_index_at_its_version(scene):
    one = scene.repository("demo", "1.0.0", "1.1.0")
    scene.entries["demo"]["version"] = "1.0.0"
    resolution = scene.resolve("demo")
    (pack,) = resolution.candidates().values()
    assert (pack.commit, pack.resolved) == (one.sha("v1.0.0"), Resolved("tag", "v1.0.0", "1.0.0"))
    assert pack.wanted.from_index and pack.wanted.source.url == scene.url("demo")
    assert [f"file://{url}" for url, _credentials in scene.trusted] == [scene.url("demo")]
    assert [asked.request.requested for asked in resolution.asked["demo"]] == ["demo"]
    assert scene.index_reads == 1


def test_a_url_comes_from_the_tip_of_its_default_branch(scene):
    one = scene.repository("demo", "1.0.0", default_branch="trunk", listed=False)
    one.commit(PackTree("demo", "1.1.0", minimal=True))
    one.build()
    (pack,) = scene.resolve(scene.url("demo")).candidates().values()
    assert (pack.commit, pack.resolved) == (one.head.sha, Resolved("default", "trunk", ""))
    assert not pack.wanted.from_index and scene.index_reads == 0 and scene.trusted == []


def test_many_are_fetched_in_the_order_in_which_they_were_asked_for(scene):
    refs = [f"p{number}" for number in range(8)]
    for ref in refs:
        scene.repository(ref, "1.0.0")
    resolution = scene.resolve(*reversed(refs))
    assert list(resolution.packs) == refs[::-1]
    assert scene.index_reads == 1
    assert len({pack.staged for pack in resolution.packs.values()}) == 8


def test_latest_follows_what_moves_and_nothing_else(scene):
    one = scene.repository("demo", "1.0.0")
    scene.install("demo=1.0.0")
    assert outcome(scene.resolve("demo", latest=True)) == {"demo": ("1.0.0", "stays")}
    assert (scene.index_reads, scene.git_runs) == (1, 0)  # The index names a tag that is installed.
    one.release(PackTree("demo", "1.1.0", minimal=True))
    one.build()
    scene.entries["demo"]["version"] = "1.1.0"
    assert outcome(scene.resolve("demo", latest=True)) == {"demo": ("1.1.0", "new")}
    assert outcome(scene.resolve("demo")) == {"demo": ("1.0.0", "stays")}
    assert outcome(scene.resolve("demo=1.0.0", latest=True)) == {"demo": ("1.0.0", "stays")}
    assert outcome(scene.resolve(scene.url("demo"), latest=True)) == {"demo": ("1.1.0", "new")}


def test_the_latest_is_a_lower_version_only_where_that_is_allowed(scene):
    one = scene.repository("demo", "1.0.0", "1.1.0")
    scene.install("demo")
    scene.entries["demo"]["version"] = "1.0.0"
    assert outcome(scene.resolve("demo", latest=True)) == {"demo": ("1.1.0", "stays")}
    assert scene.git_runs == 0 and scene.index_reads == 1
    assert outcome(scene.resolve("demo", latest=True, allow_downgrade=True)) == {"demo": ("1.0.0", "new")}
    assert outcome(scene.resolve("demo=1.0.0", latest=True)) == {"demo": ("1.0.0", "new")}, "which is asked for"

    url = scene.url("demo")
    scene.install(url)
    one.commit(PackTree("demo", "1.0.9", minimal=True))
    one.build()
    resolution = scene.resolve(url, latest=True)
    assert outcome(resolution) == {"demo": ("1.1.0", "stays")}
    assert "demo stays 1.1.0" in resolution.warnings[0] and "allow_downgrade=true" in resolution.warnings[0]
    assert outcome(scene.resolve(url, latest=True, allow_downgrade=True)) == {"demo": ("1.0.9", "new")}
    assert outcome(scene.resolve(url + "=main", latest=True)) == {"demo": ("1.0.9", "new")}, "which is asked for"


def test_a_branch_is_asked_and_fetched_only_when_it_has_moved(scene):
    one = scene.repository("demo", "1.0.0")
    scene.install(scene.url("demo"))
    resolution = scene.resolve(scene.url("demo"), latest=True)
    assert outcome(resolution) == {"demo": ("1.0.0", "stays")}
    assert list((scene.directory / f"run-{scene._number}/staging").iterdir()) == []
    assert resolution.proven["demo"].resolved == Resolved("default", "main", "")
    one.commit(PackTree("demo", "1.0.1", minimal=True))
    one.build()
    assert outcome(scene.resolve(scene.url("demo"), latest=True)) == {"demo": ("1.0.1", "new")}
    assert outcome(scene.resolve(scene.url("demo"))) == {"demo": ("1.0.0", "stays")}


# Packs that something else installed


@pytest.mark.parametrize("request_for", ["demo", "demo=1.0.0", "URL", "demo=COMMIT"])
def test_a_pack_that_stackstorm_installed_is_adopted_without_asking(scene, request_for):
    one = scene.repository("demo", "1.0.0", "1.1.0")
    installed = scene.install_like_st2(one, "demo", "v1.0.0")
    request = spelled(request_for, {"URL": scene.url("demo"), "COMMIT": installed.commit})
    assert outcome(scene.resolve(request)) == {"demo": ("1.0.0", "stays")}
    assert free(scene)


@pytest.mark.parametrize(("request_for", "kind"), [("demo=dev", "branch"), ("demo=annotated", "tag")])
def test_a_pack_that_stackstorm_installed_is_proven_by_the_remote(scene, request_for, kind):
    one = scene.repository("demo", "1.0.0")
    one.branch("dev").tag("annotated", annotated=True)
    one.build()
    scene.install_like_st2(one, "demo", "v1.0.0")
    run_git("-C", scene.packs / "demo", "tag", "--delete", "annotated")
    resolution = scene.resolve(request_for)
    assert outcome(resolution) == {"demo": ("1.0.0", "stays")}
    proof = resolution.proven["demo"]
    assert (proof.resolved.kind, proof.wanted.source.url) == (kind, scene.url("demo"))


def test_the_same_commit_from_another_place(scene):
    one = scene.repository("demo", "1.0.0")
    run_git("clone", "--quiet", "--mirror", one.path, scene.directory / "mirror.git")
    scene.install(f"file://{scene.directory}/mirror.git=1.0.0")
    # Whoever asks by name is served by the same commit from anywhere; whoever names a source wants that source.
    assert outcome(scene.resolve("demo", latest=True)) == {"demo": ("1.0.0", "stays")}
    assert outcome(scene.resolve(f"{scene.url('demo')}=1.0.0")) == {"demo": ("1.0.0", "new")}


def test_a_copied_pack_is_replaced_only_for_a_version(scene):
    scene.repository("demo", "1.0.0")
    PackTree("demo", "1.0.0", minimal=True).write(scene.packs / "demo")
    assert outcome(scene.resolve("demo")) == {"demo": ("1.0.0", "stays")}
    assert outcome(scene.resolve("demo=1.0.0")) == {"demo": ("1.0.0", "new")}


@pytest.mark.parametrize("request_for", ["demo=1.1.0", "demo=1.0.0", "URL=1.0.0", "COMMIT", "latest", "other"])
def test_a_developers_link_is_any_version_and_never_another(scene, request_for):
    one = scene.repository("demo", "1.0.0", "1.1.0")
    run_git("clone", "--quiet", f"file://{one.path}", scene.directory / "work")
    run_git("-C", scene.directory / "work", "checkout", "--quiet", "v1.0.0")
    (scene.packs / "demo").symlink_to(scene.directory / "work")
    assert outcome(scene.resolve("demo")) == {"demo": ("1.0.0", "stays")}
    assert outcome(scene.resolve(scene.url("demo"))) == {"demo": ("1.0.0", "stays")}
    fork = scene.directory / "fork"
    PackTree("demo", "1.0.0", minimal=True).write(fork)
    spelt = {"latest": "demo", "other": str(fork), "COMMIT": f"demo={one.sha('v1.0.0')}"}.get(request_for, request_for)
    with pytest.raises(HostError, match=r"demo is a symbolic link to .*/work, .*state=absent does") as caught:
        scene.resolve(spelled(spelt, {"URL": scene.url("demo")}), latest=request_for == "latest")
    assert caught.value.ref == "demo"
    assert scene.index_reads == 0, "nothing is asked for what is refused anyway"


def test_a_link_to_nothing_is_no_version_of_a_pack(scene):
    scene.repository("demo", "1.0.0")
    (scene.packs / "demo").symlink_to(scene.directory / "gone")
    with pytest.raises(HostError, match=r"demo is a symbolic link to .*/gone"):
        scene.resolve("demo")


def test_a_source_that_is_the_place_of_the_pack_itself(scene):
    one = scene.repository("demo", "1.0.0", "1.1.0")
    run_git("clone", "--quiet", f"file://{one.path}", scene.packs / "demo")
    (scene.directory / "elsewhere").symlink_to(scene.packs)
    spellings = [
        str(scene.packs / "demo"),
        f"file://{scene.packs}/../packs//demo/",
        f"{scene.directory}/elsewhere/demo",
        f"{scene.packs}/demo/.git",
        {"source": str(scene.packs), "subdir": "demo"},
        {"source": str(scene.directory / "elsewhere"), "subdir": "./demo", "name": "demo"},
        f"{scene.packs}/demo=1.1.0",
        f"{scene.packs}/demo={one.sha('v1.1.0')}",
    ]
    for request in spellings:
        for latest in (False, True):
            resolution = scene.resolve(request, latest=latest)
            assert outcome(resolution) == {"demo": ("1.1.0", "stays")} and not resolution.proven
            assert (scene.git_runs, scene.index_reads) == (0, 0)
    for request in (f"{scene.packs}/demo=1.0.0", {"source": f"{scene.packs}/demo", "name": "other"}):
        with pytest.raises(HostError, match=r"which is the place of the installed pack demo itself"):
            scene.resolve(request)


def test_an_index_that_names_the_place_of_the_pack_itself(scene):
    one = scene.repository("demo", "1.0.0", "1.1.0")
    run_git("clone", "--quiet", f"file://{one.path}", scene.packs / "demo")
    scene.entries["demo"]["repo_url"] = f"file://{scene.packs}/demo"
    with pytest.raises(HostError, match=r"which is the place of the installed pack demo itself"):
        scene.resolve("demo=1.0.0")


# What fails


@pytest.mark.parametrize("request_for", ["none", "demo=9.9.9", "demo=none", "URL=none"])
def test_what_cannot_be_had(scene, request_for):
    scene.repository("demo", "1.0.0")
    scene.repository("good", "1.0.0")
    with pytest.raises((IndexError_, SourceError)) as caught:
        scene.resolve("good", spelled(request_for, {"URL": scene.url("demo")}))
    assert "none" in caught.value.message or "9.9.9" in caught.value.message
    assert caught.value.ref == {"none": "none", "URL=none": None}.get(request_for, "demo")


def test_an_index_that_is_down_is_not_stepped_over_unless_allowed(scene):
    scene.repository("demo", "1.0.0")
    scene.resolve("demo")
    urls = [f"{scene.directory}/gone.json", f"{scene.directory}/index.json"]
    with pytest.raises(IndexError_, match="index_strict=false"):
        scene.resolve("demo", urls=urls)
    assert outcome(scene.resolve("demo", urls=urls, strict=False)) == {"demo": ("1.0.0", "new")}


def test_an_index_entry_that_is_another_pack(scene):
    scene.repository("demo", "1.0.0")
    scene.entries["other"] = scene.entries["demo"]
    with pytest.raises(InvalidPackError, match=r"other was requested, but the pack in .* is demo"):
        scene.resolve("other")


@pytest.mark.parametrize("there", [False, True])
def test_a_source_that_holds_another_pack(scene, there):
    """That the other pack is installed from there makes no difference."""
    scene.repository("other", "1.0.0")
    if there:
        scene.install(scene.url("other"))
    for latest in (False, True):
        with pytest.raises(InvalidPackError, match="other"):
            scene.resolve({"name": "demo", "source": scene.url("other")}, latest=latest)
    scene.entries["demo"] = scene.entries["other"]
    with pytest.raises(InvalidPackError, match="other"):
        scene.resolve("demo")


def test_two_versions_of_one_pack_in_one_task(scene):
    one = scene.repository("demo", "1.0.0", "1.1.0")
    with pytest.raises(DependencyError, match=r"the task asks for demo=1\.1\.0 and the task asks for demo=1\.0\.0"):
        scene.resolve("demo=1.0.0", "demo=1.1.0")
    same = ["demo=1.0.0", "demo=v1.0.0", f"demo={one.sha('v1.0.0')}", f"{scene.url('demo')}=1.0.0", "demo"]
    resolution = scene.resolve(*same)
    assert outcome(resolution) == {"demo": ("1.0.0", "new")}
    assert [asked.request.requested for asked in resolution.asked["demo"]] == same


def test_warnings_name_their_pack(scene):
    one = scene.repository("demo", "1.0.0", "1.1.0")
    one.branch("both").tag("both", one.tags["v1.0.0"]).build()
    (warning,) = scene.resolve("demo=both").warnings
    assert warning.startswith("demo: both is both a branch")
