# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetching a pack into staging, and everything that keeps one out."""

from __future__ import annotations

import os

import pytest
from infrastructure.packs import ABSENT, PackTree, Tree
from infrastructure.repositories import GitRepository, run_git
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved, Source, source_of
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError, SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._file_tree import list_tree, tree_digest
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.candidate import Wanted
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import fetcher_at


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A repository with one whole pack in two versions."""
    one = GitRepository(tmp_path_factory.mktemp("source") / "stackstorm-demo.git")
    one.release(
        PackTree("demo", "1.0.0", actions=("report",), requirements=["six"], dependencies=["core", "other=1.0.0"])
    )
    one.release(PackTree("demo", "1.1.0", actions=("report", "check")))
    one.commit(PackTree("demo", "1.1.0", actions=("report", "check", "extra")))
    return one.build()


def git_source(repository, subdir=""):
    return Source("git", f"file://{repository.path}", subdir)


def fetch(tmp_path, source, version=None, ref=None, number=0, **more):
    return fetcher_at(tmp_path, **more).fetch(Wanted(source, version, ref), number)


def built(tmp_path, tree):
    """A repository whose only commit has this tree."""
    one = GitRepository(tmp_path / "source.git")
    one.commit(tree)
    return one.build()


# What is fetched


def test_a_release_from_a_repository(source, tmp_path):
    candidate = fetch(tmp_path, git_source(source), "1.0.0", "demo")
    commit = source.tags["v1.0.0"].sha
    assert (candidate.ref, candidate.metadata.version, candidate.commit) == ("demo", "1.0.0", commit)
    assert candidate.resolved == Resolved("tag", "v1.0.0", "1.0.0")
    assert candidate.metadata.dependencies == ("core", "other=1.0.0")
    assert candidate.contents.requirements == ("six",)
    assert candidate.contents.resources["actions"] == ("greet", "relay", "report")
    assert set(candidate.contents.resources) == {"actions", "sensors", "rules", "aliases", "policies", "triggers"}
    assert (candidate.contents.files, candidate.digest, candidate.python, candidate.warnings) == ((), "", True, ())
    assert os.path.dirname(candidate.staged) == str(tmp_path / "staging")
    assert run_git("-C", candidate.staged, "rev-parse", "HEAD") == commit
    assert run_git("-C", candidate.staged, "status", "--porcelain") == ""
    assert run_git("-C", candidate.staged, "config", "remote.origin.url") == f"file://{source.path}"


def test_the_tip_of_the_default_branch(source, tmp_path):
    candidate = fetch(tmp_path, git_source(source))
    assert (candidate.commit, candidate.resolved) == (source.head.sha, Resolved("default", "main", ""))
    assert candidate.contents.resources["actions"] == ("check", "extra", "greet", "relay", "report")


def test_several_packs_lie_side_by_side(source, tmp_path):
    fetcher = fetcher_at(tmp_path)
    staged = [
        fetcher.fetch(Wanted(git_source(source), version), n).staged for n, version in enumerate(["1.0.0", "1.1.0"])
    ]
    assert sorted(os.listdir(tmp_path / "staging")) == sorted(map(os.path.basename, staged))


def test_a_directory(tmp_path):
    directory = PackTree("demo", "1.0.0").write(tmp_path / "pack")
    before = take_snapshot(directory)
    candidate = fetch(tmp_path, source_of(str(directory)), ref="demo")
    assert (candidate.commit, candidate.digest) == ("", directory_digest(str(directory)))
    assert (candidate.resolved, candidate.warnings) == (Resolved("content", "", ""), ())
    assert list(candidate.contents.files) == list_tree(candidate.staged)
    assert tree_digest(candidate.contents.files) == candidate.digest
    assert take_snapshot(directory) == before


def test_a_directory_has_no_versions(tmp_path):
    directory = PackTree("demo", "1.0.0").write(tmp_path / "pack")
    candidate = fetch(tmp_path, source_of(str(directory)), "2.0.0")
    assert candidate.metadata.version == "1.0.0"
    assert candidate.warnings == (f"{directory} is a plain directory without versions: 2.0.0 was ignored.",)


@pytest.mark.parametrize("kind", ["git", "directory"])
def test_one_pack_of_many(tmp_path, kind):
    tree = Tree({"README.md": "many"}).mount("packs/one", PackTree("one", "1.0.0")).mount("two", PackTree("two"))
    if kind == "git":
        repository = built(tmp_path, tree)
        source, commit = git_source(repository, "packs/one"), repository.head.sha
    else:
        source, commit = Source("directory", str(tree.write(tmp_path / "many")), "packs/one"), ""
    candidate = fetch(tmp_path, source, ref="one")
    assert (candidate.ref, candidate.commit) == ("one", commit)
    assert (
        candidate.digest
        == directory_digest(candidate.staged)
        == directory_digest(str(PackTree("one", "1.0.0").write(tmp_path / "plain")))
    )
    assert not os.path.exists(f"{candidate.staged}/.git")


@pytest.mark.parametrize("minimal", [True, False])
def test_whether_it_needs_python(tmp_path, minimal):
    tree = PackTree("demo", minimal=minimal)
    for path in [path for path in tree.files if path.startswith(("actions", "sensors", "aliases", "policies"))]:
        tree.remove(path)
    assert fetch(tmp_path, git_source(built(tmp_path, tree))).python is False


# Which pack it is


@pytest.mark.parametrize("kind", ["git", "directory"])
def test_a_pack_that_is_another_one(source, tmp_path, kind):
    origin = git_source(source) if kind == "git" else source_of(str(PackTree("demo").write(tmp_path / "pack")))
    with pytest.raises(InvalidPackError) as caught:
        fetch(tmp_path, origin, ref="sensu")
    assert (caught.value.ref, caught.value.step) == ("sensu", "validate")
    assert f"sensu was requested, but the pack in {origin.url} is demo." in caught.value.message


@pytest.mark.parametrize("ref", ["core", "packs", "linux", "chatops"])
@pytest.mark.parametrize("asked", [True, False])
def test_a_pack_that_calls_itself_a_system_pack(tmp_path, ref, asked):
    repository = built(tmp_path, PackTree(ref))
    with pytest.raises(InvalidPackError, match=rf"The ref of the pack in .* is {ref}, .* never replaced"):
        fetch(tmp_path, git_source(repository), ref=ref if asked else None, force=True)


def test_a_pack_without_a_ref_has_the_one_asked_for(tmp_path):
    tree = PackTree("demo").set_metadata(ref=ABSENT, name="The Demo Pack")
    repository = built(tmp_path, tree)
    assert fetch(tmp_path, git_source(repository), ref="demo").ref == "demo"
    with pytest.raises(InvalidPackError, match="there is no ref"):
        fetch(tmp_path, git_source(repository), number=1)


@pytest.mark.parametrize("ref", ["_global", "Demo", "a/b", "/tmp/evil", "../demo", ".git", "demo.x"])
def test_a_ref_that_is_none(tmp_path, ref):
    repository = built(tmp_path, PackTree("demo").set_metadata(ref=ref))
    for number, asked in enumerate((None, "demo")):
        with pytest.raises(InvalidPackError, match=r"pack\.yaml is not valid: .*ref"):
            fetch(tmp_path, git_source(repository), ref=asked, number=number, force=True)


# What it must not be


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"stackstorm_version": ">=4.0.0"}, r"requires StackStorm \">=4\.0\.0\", and this is 3\.9\.0"),
        ({"python_versions": ["2"]}, "supports Python 2 only"),
    ],
)
def test_a_pack_that_refuses_this_stackstorm(tmp_path, metadata, reason):
    repository = built(tmp_path, PackTree("demo", metadata=metadata))
    with pytest.raises(InvalidPackError, match=rf"1\.0\.0 does not support this host: .*{reason}.* force") as caught:
        fetch(tmp_path, git_source(repository))
    assert caught.value.ref == "demo"
    assert fetch(tmp_path, git_source(repository), force=True, number=1).ref == "demo"


def test_an_unknown_stackstorm_refuses_nothing(tmp_path):
    repository = built(tmp_path, PackTree("demo", stackstorm_version=">=4.0.0"))
    assert fetch(tmp_path, git_source(repository), st2_version=None).ref == "demo"


def test_a_repository_of_many_packs_says_where_they_lie(tmp_path):
    tree = Tree()
    for ref in ("one", "two"):
        tree.add(f"packs/{ref}/pack.yaml", f"ref: {ref}\n")
    repository = built(tmp_path, tree)
    with pytest.raises(InvalidPackError) as caught:
        fetch(tmp_path, git_source(repository))
    assert caught.value.message == (
        f"The pack in file://{repository.path} cannot be installed. There is no pack.yaml: a pack must have this "
        "file, with exactly this name, at its root. There are packs in subdirectories (packs/one, packs/two). Set "
        "subdir in an item of packs."
    )


BAD = {
    "no pack.yaml": (lambda tree: tree.remove("pack.yaml"), r"There is no pack\.yaml"),
    "a pack.yaml that is wrong": (lambda tree: tree.set_metadata(version="1.0"), r"version .*1\.0"),
    "a link out": (lambda tree: tree.link("actions/passwd", "/etc/passwd"), "actions/passwd"),
    "a link up": (lambda tree: tree.link("actions/up", "../../up"), "actions/up"),
    "an action that is no YAML": (lambda tree: tree.add("actions/bad.yaml", "a: [\n"), r"actions/bad\.yaml"),
    "a config schema that is wrong": (
        lambda tree: tree.add("config.schema.yaml", "url: [\n"),
        r"config\.schema\.yaml",
    ),
}


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("kind", ["git", "directory"])
def test_a_pack_that_must_not_be_installed(tmp_path, how, kind):
    spoil, reason = BAD[how]
    tree = PackTree("demo")
    spoil(tree)
    origin = git_source(built(tmp_path, tree)) if kind == "git" else source_of(str(tree.write(tmp_path / "pack")))
    with pytest.raises(InvalidPackError, match=reason) as caught:
        fetch(tmp_path, origin, ref="demo", force=True)
    assert (caught.value.ref, caught.value.step) == ("demo", "validate")


@pytest.mark.parametrize("subdir", ["none", "pack.yaml", "up", "git", "out"])
def test_a_subdir_that_is_none(tmp_path, subdir):
    tree = PackTree("demo").link("up", "..").link("git", ".git/hooks").link("out", "/etc")
    with pytest.raises((SourceError, InvalidPackError), match=rf"no directory {subdir} at that version|no pack\.yaml"):
        fetch(tmp_path, git_source(built(tmp_path, tree), subdir), ref="demo")
    assert os.path.isdir("/etc") and os.path.isdir(tmp_path / "staging")


def test_a_subdir_that_a_link_inside_leads_to(tmp_path):
    tree = Tree().mount("packs/v2", PackTree("demo")).link("current", "packs/v2")
    candidate = fetch(tmp_path, git_source(built(tmp_path, tree), "current"), ref="demo")
    assert not os.path.islink(candidate.staged) and os.path.isfile(f"{candidate.staged}/pack.yaml")


def test_a_source_that_cannot_be_had_names_the_pack_that_was_asked_for(source, tmp_path):
    for number, (origin, version) in enumerate(
        [
            (Source("git", f"file://{tmp_path}/none"), None),
            (git_source(source), "9.9.9"),
            (Source("directory", f"{tmp_path}/none"), None),
        ]
    ):
        with pytest.raises(SourceError) as caught:
            fetch(tmp_path, origin, version, "demo", number)
        assert (caught.value.ref, caught.value.step) == ("demo", "fetch")


# Warnings


def test_a_tag_that_holds_another_version(tmp_path):
    one = GitRepository(tmp_path / "source.git")
    one.release(PackTree("demo", "1.0.0"))
    one.tag("v2.0.0")
    origin = git_source(one.build())
    assert fetch(tmp_path, origin, "2.0.0").warnings == ("The tag v2.0.0 of demo holds version 1.0.0.",)
    assert fetch(tmp_path, origin, "1.0.0", number=1).warnings == ()


def test_uncommitted_changes_of_a_local_repository_are_left_out_and_named(tmp_path):
    work = PackTree("demo", "1.0.0").add(".gitignore", "*.log\n").write(tmp_path / "work")
    run_git("init", "--quiet", "--initial-branch=main", work)
    run_git("-C", work, "add", ".")
    run_git("-C", work, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "one")
    assert fetch(tmp_path, source_of(str(work))).warnings == ()
    (work / "README.md").write_text("edited")
    (work / "new.txt").write_text("")
    (work / "run.log").write_text("ignored")
    run_git("-C", work, "rm", "--quiet", "--cached", "LICENSE")
    before = take_snapshot(work)
    candidate = fetch(tmp_path, source_of(str(work)), number=1)
    (warning,) = candidate.warnings
    assert warning.startswith(f"{work} is a git repository. Uncommitted changes were left out")
    assert warning.endswith(": edited README.md, extra new.txt.")
    assert "Made for tests" in (tmp_path / "staging/pack-1/README.md").read_text()
    assert take_snapshot(work) == before


def test_what_was_committed_after_the_asked_version_is_not_uncommitted(tmp_path):
    work = PackTree("demo", "1.0.0").write(tmp_path / "work")
    run_git("init", "--quiet", "--initial-branch=main", work)
    for number in range(2):
        (work / "README.md").write_text(f"edition {number}")
        run_git("-C", work, "add", ".")
        run_git("-C", work, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "one")
        run_git("-C", work, "branch", f"edition-{number}")
    assert fetch(tmp_path, source_of(str(work)), "edition-0").warnings == ()
    (work / "LICENSE").write_text("edited")
    (warning,) = fetch(tmp_path, source_of(str(work)), "edition-0", number=1).warnings
    assert warning.endswith(": edited LICENSE.")


# Sources


def test_what_kind_a_source_is(tmp_path):
    run_git("init", "--quiet", tmp_path / "work")
    run_git("init", "--quiet", "--bare", tmp_path / "bare.git")
    (tmp_path / "plain").mkdir()
    for address in (f"{tmp_path}/work", f"file://{tmp_path}/work", f"{tmp_path}/plain/../work/"):
        assert source_of(address) == Source("git", f"file://{tmp_path}/work")
    assert source_of(f"{tmp_path}/bare.git", "a/b") == Source("git", f"file://{tmp_path}/bare.git", "a/b")
    for address in (f"{tmp_path}/plain", f"file://{tmp_path}/plain", f"{tmp_path}/plain/"):
        assert source_of(address) == Source("directory", f"{tmp_path}/plain")
    assert source_of(f"{tmp_path}/none").kind == "directory"
    for address in ("https://h/x", "git@h:x", "ssh://git@h/x"):
        assert source_of(address, "sub") == Source("git", address, "sub")
