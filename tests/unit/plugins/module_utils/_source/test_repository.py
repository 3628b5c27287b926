# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a version means in a repository, in StackStorm's order; checking it out; holding files against a commit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._source.refs import Refs, look_up
from ansible_collections.stackstorm.st2.plugins.module_utils._source.repository import Repository
from ansible_collections.stackstorm.st2.plugins.module_utils._source.work_tree import differences as files_that_differ
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at, releases

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.com")


def pack(version, **more):
    return PackTree("demo", version, minimal=True, **more)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Tags of all kinds, branches, both under one name, tags on no branch, and a commit that no ref leads to."""
    one = GitRepository(tmp_path_factory.mktemp("source") / "stackstorm-demo.git", "trunk")
    one.release(pack("1.0.0"))
    one.commit(pack("1.1.0"))
    one.tag("1.1.0").tag("notsemver")
    one.release(pack("1.2.0"), annotated=True)
    one.release(pack("1.10.0"))
    one.commit(pack("1.11.0"))
    one.commit(pack("3.0.0"), branch="dev")
    one.commit(pack("3.1.0"), branch="feature/x")
    one.tag("devtag", one.branches["dev"])
    one.commit(pack("2.0.0").add("NEWS", "branch"), branch="2.0.0")
    one.release(pack("2.0.0"))
    one.branch("both").tag("both", one.tags["v1.0.0"])
    one.branch("agreed").tag("agreed")
    one.tag("v9.9.9", one.commit(pack("9.9.9"), on_branch=False))
    one.tag("orphan", one.tags["v9.9.9"])
    one.commit(pack("8.0.0"), on_branch=False, message="lost")
    return one.build()


@pytest.fixture(scope="module")
def cloned(source, tmp_path_factory):
    """A clone, its refs, and the repository it is of."""
    directory = tmp_path_factory.mktemp("cloned")
    repository = Repository(git_at(directory), f"file://{source.path}")
    refs = repository.clone(str(directory / "clone"))
    return repository, str(directory / "clone"), refs


def checked_out(repository, directory, refs, version):
    """Find and check out; what git then says of branch and commit."""
    found = repository.find(directory, refs, version)
    repository.check_out(directory, found)
    branch = run_git("-C", directory, "branch", "--show-current") or None
    assert run_git("-C", directory, "rev-parse", "HEAD") == found.commit
    assert run_git("-C", directory, "status", "--porcelain") == ""
    return found, branch


# A request, what it resolves to, the revision of the source, the branch that is then checked out.
VERSIONS = [
    (None, Resolved("default", "trunk", ""), "trunk", "trunk"),
    ("", Resolved("default", "trunk", ""), "trunk", "trunk"),
    ("trunk", Resolved("default", "trunk", "trunk"), "trunk", "trunk"),
    ("dev", Resolved("branch", "dev", "dev"), "dev", "dev"),
    ("feature/x", Resolved("branch", "feature/x", "feature/x"), "feature/x", "feature/x"),
    ("1.0.0", Resolved("tag", "v1.0.0", "1.0.0"), "v1.0.0", None),
    ("v1.0.0", Resolved("tag", "v1.0.0", "v1.0.0"), "v1.0.0", None),
    ("1.1.0", Resolved("tag", "1.1.0", "1.1.0"), "1.1.0", None),
    ("1.2.0", Resolved("tag", "v1.2.0", "1.2.0"), "v1.2.0", None),
    ("notsemver", Resolved("tag", "notsemver", "notsemver"), "notsemver", None),
    ("devtag", Resolved("tag", "devtag", "devtag"), "dev", None),
    ("v2.0.0", Resolved("tag", "v2.0.0", "v2.0.0"), "v2.0.0", None),
    ("9.9.9", Resolved("tag", "v9.9.9", "9.9.9"), "v9.9.9", None),
    ("v9.9.9", Resolved("tag", "v9.9.9", "v9.9.9"), "v9.9.9", None),
    ("orphan", Resolved("tag", "orphan", "orphan"), "v9.9.9", None),
    ("refs/tags/both", Resolved("commit", "", "refs/tags/both"), "v1.0.0", None),
    ("agreed", Resolved("branch", "agreed", "agreed"), "trunk", "agreed"),
]


@pytest.mark.parametrize(("version", "resolved", "revision", "branch"), VERSIONS)
def test_the_order_of_refs(source, cloned, version, resolved, revision, branch):
    found, on_branch = checked_out(*cloned, version)
    assert (found.resolved, found.commit) == (resolved, source.sha(revision))
    assert (on_branch, found.warnings) == (branch, ())


@pytest.mark.parametrize(
    ("version", "tag", "advice"), [("2.0.0", "v2.0.0", "v2.0.0"), ("both", "both", "refs/tags/both")]
)
def test_a_branch_wins_over_a_tag_and_says_so(source, cloned, version, tag, advice):
    found, branch = checked_out(*cloned, version)
    branch_commit, tag_commit = source.branches[version].sha, source.tags[tag].sha
    assert (found.resolved, found.commit, branch) == (Resolved("branch", version, version), branch_commit, version)
    (warning,) = found.warnings
    assert f"{version} is both a branch (at {branch_commit[:7]}) and a tag ({tag} at {tag_commit[:7]})" in warning
    assert f"Request {advice} to get the tag." in warning
    repository, directory, refs = cloned
    assert repository.find(directory, refs, advice).commit == tag_commit


def test_a_tag_of_the_default_branchs_name_is_warned_about_too(tmp_path):
    one = releases(tmp_path / "demo.git", "demo", "1.0.0", "1.1.0", default_branch="stable")
    one.tag("stable", one.tags["v1.0.0"]).build()
    repository = Repository(git_at(tmp_path), str(one.path))
    refs = repository.clone(str(tmp_path / "clone"))
    found = repository.find(str(tmp_path / "clone"), refs, "stable")
    assert (found.commit, len(found.warnings)) == (one.head.sha, 1)
    assert repository.find(str(tmp_path / "clone"), refs, None).warnings == ()


@pytest.mark.parametrize("length", [40, 12, 7])
def test_commits_full_and_short(source, cloned, length):
    commit = source.branches["dev"].sha
    found, branch = checked_out(*cloned, commit[:length])
    assert (found.resolved, found.commit) == (Resolved("commit", "", commit[:length]), commit)
    assert branch is None


def test_a_full_commit_that_no_ref_leads_to_is_asked_of_the_server(source, cloned):
    lost = source.commits[-1].sha
    found, _branch = checked_out(*cloned, lost)
    assert found.commit == lost


@pytest.mark.parametrize(
    "version", ["9.9.8", "v1.1.0", "nope", "0" * 40, "0000000", "HEAD:pack.yaml", "--help", "vv1.0.0"]
)
def test_an_unknown_version_lists_those_there_are_newest_first(source, cloned, version):
    repository, directory, refs = cloned
    with pytest.raises(SourceError) as caught:
        repository.find(directory, refs, version)
    assert caught.value.message == (
        f"{version} is not a version, tag, branch or commit of file://{source.path}. "
        "Available versions, newest first: 9.9.9, 2.0.0, 1.10.0, 1.2.0, 1.1.0, 1.0.0."
    )
    assert caught.value.step == "fetch"


def test_a_long_list_of_versions_is_cut(tmp_path):
    one = releases(tmp_path / "demo.git", "demo", "1.0.0")
    for number in range(1, 60):
        one.tag(f"v1.{number}.0")
    clone = cloned_from(tmp_path, one.build())
    with pytest.raises(SourceError, match=r"newest first: 1\.59\.0, 1\.58\.0, .*, 1\.20\.0 and 20 more\.$"):
        clone[0].find(*clone[1:], "nope")


def test_versions_of_a_repository():
    tags = ["v1.0.0", "1.0.0", "v2.0.0-rc.1", "2.0.0", "v1.10.0", "v1.9.0", "release", "v1", "V3.0.0", "vv4.0.0"]
    found = Refs(tags=dict.fromkeys(tags, "0" * 40)).versions()
    assert found == ["2.0.0", "2.0.0-rc.1", "1.10.0", "1.9.0", "1.0.0"]


def test_the_remote_says_the_same_as_a_clone(source, cloned, tmp_path):
    repository, _directory, refs = cloned
    listed = repository.list_remote()
    assert listed == refs
    assert (listed.default, listed.head) == ("trunk", source.head.sha)
    assert listed.tags["v1.2.0"] == source.tags["v1.2.0"].sha  # The commit, not the tag object.
    assert {version: look_up(listed, version).commit for version in ("1.2.0", "dev", "2.0.0", "")} == {
        "1.2.0": source.sha("v1.2.0"),
        "dev": source.sha("dev"),
        "2.0.0": source.sha("refs/heads/2.0.0"),
        "": source.sha("trunk"),
    }
    assert look_up(listed, source.head.sha) is look_up(listed, "nope") is None


# Odd repositories


def cloned_from(tmp_path, one):
    repository = Repository(git_at(tmp_path), str(one.path))
    return repository, str(tmp_path / "clone"), repository.clone(str(tmp_path / "clone"))


def test_a_remote_whose_head_is_no_branch(tmp_path):
    one = releases(tmp_path / "demo.git", "demo", "1.0.0", "1.1.0")
    one.detach_head(one.tags["v1.0.0"]).build()
    clone = cloned_from(tmp_path, one)
    found, branch = checked_out(*clone, None)
    assert (found.commit, branch, clone[2].default) == (one.tags["v1.0.0"].sha, None, None)
    assert checked_out(*clone, "main")[1] == "main"
    assert clone[0].list_remote() == clone[2]


def test_a_default_branch_that_does_not_exist(tmp_path):
    one = releases(tmp_path / "demo.git", "demo", "1.0.0", default_branch="main")
    (one.path / "HEAD").write_text("ref: refs/heads/gone\n")
    clone = cloned_from(tmp_path, one)
    with pytest.raises(SourceError, match=r"default branch .* does not exist\. Request a version\..* 1\.0\.0\."):
        clone[0].find(*clone[1:], None)
    assert checked_out(*clone, "1.0.0")[0].commit == one.head.sha
    assert checked_out(*clone, "main")[1] == "main"
    assert look_up(clone[0].list_remote(), None) is None


def test_an_empty_repository(tmp_path):
    run_git("init", "--quiet", "--bare", tmp_path / "demo.git")
    repository = Repository(git_at(tmp_path), f"file://{tmp_path}/demo.git")
    with pytest.raises(SourceError, match=r"demo\.git is empty"):
        repository.clone(str(tmp_path / "clone"))


def test_tags_of_tags_and_tags_of_no_commit(tmp_path):
    one = releases(tmp_path / "demo.git", "demo", "1.0.0")
    run_git("-C", one.path, *IDENTITY, "tag", "-a", "-m", "x", "v1.0.1", "v1.0.0")
    run_git("-C", one.path, *IDENTITY, "tag", "-a", "-m", "x", "v1.0.2", "v1.0.1")
    run_git("-C", one.path, "tag", "content", "HEAD:pack.yaml")
    clone = cloned_from(tmp_path, one)
    found, _branch = checked_out(*clone, "1.0.2")
    assert found.commit == one.head.sha == clone[0].list_remote().tags["v1.0.2"]
    with pytest.raises(SourceError, match=r"The tag content of .* is not one of a commit"):
        clone[0].find(*clone[1:], "content")


def test_an_account_that_names_remotes_and_branches_otherwise(tmp_path):
    one = releases(tmp_path / "demo.git", "demo", "1.0.0")
    (tmp_path / ".gitconfig").write_text(
        "[clone]\n\tdefaultRemoteName = upstream\n[branch]\n\tautoSetupMerge = false\n[init]\n\tdefaultBranch = odd\n"
    )
    clone = cloned_from(tmp_path, one)
    assert checked_out(*clone, None)[1] == "main"
    assert run_git("-C", clone[1], "config", "remote.origin.url") == str(one.path)
    assert run_git("-C", clone[1], "rev-parse", "--abbrev-ref", "main@{upstream}") == "origin/main"


def test_a_missing_repository(tmp_path):
    repository = Repository(git_at(tmp_path), f"file://{tmp_path}/none")
    for ask in (lambda: repository.clone(str(tmp_path / "clone")), repository.list_remote):
        with pytest.raises(SourceError, match=r"cannot be fetched: .*does not (appear|exist).*Is the address right\?"):
            ask()


def test_a_clone_has_the_history_and_fetches_like_any_other(source, cloned):
    repository, directory, refs = cloned
    repository.check_out(directory, repository.find(directory, refs, "1.0.0"))
    run_git("-C", directory, "checkout", "--quiet", "v1.10.0")
    assert run_git("-C", directory, "rev-list", "--count", "HEAD") == "4"
    run_git("-C", directory, "fetch", "--quiet")
    assert not os.path.exists(f"{directory}/.git/shallow")
    assert list(Path(directory, ".git").glob("hooks/*")) == []


# Comparing


@pytest.fixture
def checkout(tmp_path):
    one = GitRepository(tmp_path / "demo.git")
    tree = (
        pack("1.0.0").add("run.sh", "#!/bin/sh\n", executable=True).add("a b\nc.txt", "x").add(".gitignore", "*.log\n")
    )
    tree.add("lib/kept.py", "kept").link("link", "run.sh").add("lib/x.txt", "x")
    one.commit(tree)
    repository, directory, refs = cloned_from(tmp_path, one.build())
    repository.check_out(directory, repository.find(directory, refs, None))
    return repository, tmp_path / "clone", one.head.sha


def differences(checkout, modes=True):
    _repository, directory, commit = checkout
    return files_that_differ(git_at(directory.parent), str(directory / ".git"), str(directory), commit, modes=modes)


def test_an_untouched_checkout_has_no_differences(checkout):
    directory = checkout[1]
    os.utime(directory / "pack.yaml", (1, 1))
    (directory / "lib/__pycache__").mkdir()
    (directory / "lib/__pycache__/kept.cpython-38.pyc").write_bytes(b"x")
    (directory / "lib/kept.pyc").write_bytes(b"x")
    (directory / "run.log").write_text("ignored")
    (directory / "empty").mkdir()
    assert differences(checkout) == []


def test_every_kind_of_difference(checkout):
    directory = checkout[1]
    (directory / "a b\nc.txt").write_text("y")
    (directory / "lib/kept.py").unlink()
    (directory / "lib/new").mkdir()
    (directory / "lib/new/é.py").write_text("")
    (directory / "lib/x.txt").unlink()
    (directory / "lib/x.txt").symlink_to("kept.py")
    (directory / "link").unlink()
    (directory / "link").symlink_to("pack.yaml")
    (directory / "run.sh").rename(directory / "renamed.sh")
    assert differences(checkout) == [
        "edited a b\nc.txt",
        "edited lib/x.txt",
        "edited link",
        "extra lib/new/é.py",
        "extra renamed.sh",
        "missing lib/kept.py",
        "missing run.sh",
    ]


def test_an_edit_that_hides_behind_size_and_time_is_found(checkout):
    path = checkout[1] / "lib/kept.py"
    status = path.stat()
    path.write_text("KEPT")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    run_git("-C", checkout[1], "update-index", "--assume-unchanged", "lib/kept.py")
    assert differences(checkout) == ["edited lib/kept.py"]


def test_a_mode_that_stackstorm_sets_counts_only_when_asked(checkout):
    (checkout[1] / "pack.yaml").chmod(0o755)
    (checkout[1] / "run.sh").chmod(0o644)
    assert differences(checkout) == ["edited pack.yaml", "edited run.sh"]
    assert differences(checkout, modes=False) == ["edited run.sh"], "StackStorm takes no mode away"


def test_what_is_staged_or_committed_differs_all_the_same(checkout):
    (checkout[1] / "staged").write_text("")
    run_git("-C", checkout[1], "add", "staged")
    assert differences(checkout) == ["extra staged"]
    run_git("-C", checkout[1], *IDENTITY, "commit", "--quiet", "-m", "mine")
    assert differences(checkout) == ["extra staged"]


def test_comparing_writes_nothing(checkout):
    directory = checkout[1]

    def everything():
        return sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_ino) for path in directory.rglob("*"))

    os.utime(directory / "pack.yaml", (1, 1))
    before = everything()
    differences(checkout)
    assert everything() == before
    assert [name for name in os.listdir(directory.parent / "scratch") if "index" in name] == []


def test_files_that_git_refuses_to_write(tmp_path):
    one = GitRepository(tmp_path / "demo.git")
    one.commit(Tree({"pack.yaml": "x"}))
    one.build()
    blob = run_git("-C", one.path, "rev-parse", "HEAD:pack.yaml")
    inner = run_git("-C", one.path, "mktree", data=f"100755 blob {blob}\thooks\n".encode())
    tree = run_git("-C", one.path, "mktree", data=f"040000 tree {inner}\t.git\n100644 blob {blob}\tx\n".encode())
    commit = run_git("-C", one.path, *IDENTITY, "commit-tree", "-m", "evil", tree)
    run_git("-C", one.path, "update-ref", "refs/heads/main", commit)
    clone = cloned_from(tmp_path, one)
    with pytest.raises(SourceError, match=r"cannot be checked out: .*invalid path") as caught:
        clone[0].check_out(clone[1], clone[0].find(*clone[1:], None))
    assert caught.value.step == "fetch"
