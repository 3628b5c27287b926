# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of what satisfies a request; for adopted packs it is held against real working copies."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation, InstalledPack
from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved, Source
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Receipt
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.satisfaction import (
    is_commit,
    satisfied,
    satisfies_version,
)

COMMIT = "108d52bf6694c1a681d871124901ab0925f49bd0"
OTHER = "108d52b000000000000000000000000000000000"

TAG = Resolved("tag", "v1.0.2", "1.0.2")
BARE_TAG = Resolved("tag", "1.0.2", "1.0.2")
BRANCH = Resolved("branch", "dev", "dev")
DEFAULT = Resolved("default", "main", "")
FULL_COMMIT = Resolved("commit", "", COMMIT)
SHORT_COMMIT = Resolved("commit", "", "108d52b")
CONTENT = Resolved("content", "", "")

# How it was installed, what is asked for, whether that is satisfied.
TABLE = [
    # No version: any installed version.
    *[(resolved, version, True) for resolved in (TAG, BRANCH, DEFAULT, FULL_COMMIT, CONTENT) for version in (None, "")],
    # A tag or a version: the commit that it was when it was installed.
    (TAG, "1.0.2", True),
    (TAG, "v1.0.2", True),
    (TAG, "1.0.1", False),
    (TAG, "1.0.20", False),
    (TAG, "vv1.0.2", False),
    (BARE_TAG, "1.0.2", True),
    (BARE_TAG, "v1.0.2", False),
    (Resolved("tag", "release-7", "release-7"), "release-7", True),
    (Resolved("tag", "release-7", "release-7"), "vrelease-7", False),
    (Resolved("tag", "v2", "v2"), "2", False),
    # A branch: an installation made from that branch.
    (BRANCH, "dev", True),
    (BRANCH, "main", False),
    (BRANCH, "1.0.2", False),
    (DEFAULT, "main", True),
    (DEFAULT, "dev", False),
    (Resolved("default", "", ""), "main", False),
    # A tag of a branch's name is another thing, and the other way around.
    (Resolved("tag", "dev", "refs/tags/dev"), "refs/tags/dev", True),
    (Resolved("branch", "v1.0.2", "v1.0.2"), "1.0.2", False),
    # A commit: that commit, however it was asked for.
    *[(resolved, COMMIT, True) for resolved in (TAG, BRANCH, DEFAULT, FULL_COMMIT, SHORT_COMMIT)],
    *[(resolved, OTHER, False) for resolved in (TAG, BRANCH, DEFAULT, FULL_COMMIT, SHORT_COMMIT)],
    (TAG, COMMIT[:7], True),
    (TAG, COMMIT[:12], True),
    (TAG, COMMIT[:6], False),
    (TAG, OTHER[:8], False),
    (TAG, COMMIT[1:9], False),
    # Whatever it was asked for as is satisfied by it.
    (Resolved("commit", "", "refs/tags/v1"), "refs/tags/v1", True),
    (Resolved("commit", "", "origin/dev"), "dev", False),
    (Resolved("content", "", "1.0.2"), "1.0.2", True),
]


@pytest.mark.parametrize(("resolved", "version", "expected"), TABLE)
def test_the_table(resolved, version, expected):
    assert satisfies_version(version, resolved, COMMIT) is expected
    receipt = Receipt("demo", "demo", "1.0.2", Source("git", "https://h/x"), resolved, COMMIT)
    pack = InstalledPack("demo", "demo", "/packs/demo", "/packs/demo", "/packs", "1.0.2", receipt=receipt)
    assert satisfied(pack, version) is expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (COMMIT, True),
        ("a" * 64, True),
        (COMMIT[:39], False),
        (COMMIT.upper(), False),
        ("g" * 40, False),
        ("main", False),
        ("", False),
    ],
)
def test_only_a_full_commit_can_mean_nothing_else(version, expected):
    assert is_commit(version) is expected


# Packs that something else installed


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    one = GitRepository(tmp_path_factory.mktemp("source") / "stackstorm-demo.git", "trunk")
    one.release(PackTree("demo", "1.0.0", minimal=True))
    one.release(PackTree("demo", "1.1.0", minimal=True), annotated=True)
    one.tag("latest", one.tags["v1.1.0"])
    # 3.0.0 is one commit, and v3.0.0 another.
    one.tag("3.0.0", one.tags["v1.0.0"])
    one.tag("v3.0.0", one.tags["v1.1.0"])
    one.commit(PackTree("demo", "1.2.0", minimal=True))
    one.commit(PackTree("demo", "2.0.0", minimal=True), branch="dev")
    # 4.0.0 is a branch, and v4.0.0 a tag elsewhere.
    one.commit(PackTree("demo", "4.0.0", minimal=True), branch="4.0.0")
    one.tag("v4.0.0", one.tags["v1.0.0"])
    return one.build()


def adopted(repository, tmp_path, checkout):
    run_git("clone", "--quiet", repository.path, tmp_path / "demo")
    run_git("-C", tmp_path / "demo", "checkout", "--quiet", *checkout)
    return Installation([str(tmp_path)]).get("demo")


def at(revision):
    """As StackStorm leaves a tag: the default branch moved there (util/pack_management.py clone_repo)."""
    return ("-B", "trunk", revision)


ADOPTED = [
    (at("v1.0.0"), {"": True, "1.0.0": True, "v1.0.0": True, "1.1.0": False, "9.9.9": False, "trunk": False}),
    (at("v1.1.0"), {"1.1.0": True, "latest": True, "1.0.0": False, "vlatest": False}),
    (("--detach", "v1.1.0"), {"1.1.0": True, "trunk": False}),
    (at("origin/trunk"), {"trunk": True, "dev": False, "1.1.0": False}),
    (("--detach", "origin/trunk"), {"trunk": False}),
    (("-b", "dev", "origin/dev"), {"dev": True, "trunk": False}),
    (("-b", "dev", "origin/dev~1"), {"dev": False}),
    # The tag without v is the one that StackStorm takes, where there is one.
    (at("v3.0.0"), {"3.0.0": False, "v3.0.0": True}),
    (at("3.0.0"), {"3.0.0": True, "v3.0.0": False}),
    # A branch comes before a tag.
    (at("v4.0.0"), {"4.0.0": False, "v4.0.0": True}),
    (("-b", "4.0.0", "origin/4.0.0"), {"4.0.0": True, "v4.0.0": False}),
]


@pytest.mark.parametrize(("checkout", "answers"), ADOPTED)
def test_a_pack_that_something_else_installed(repository, tmp_path, checkout, answers):
    pack = adopted(repository, tmp_path, checkout)
    assert {version: satisfied(pack, version) for version in answers} == answers
    assert satisfied(pack, pack.head.commit)
    assert satisfied(pack, pack.head.commit[:7])
    assert not satisfied(pack, OTHER)


def test_a_receipt_for_a_tag_says_nothing_of_a_branch_that_is_called_like_its_version(repository, tmp_path):
    pack = adopted(repository, tmp_path, at("v4.0.0"))
    receipt = Receipt("demo", "demo", "4.0.0", Source("git", ""), Resolved("tag", "v4.0.0", "v4.0.0"), pack.commit)
    pack = pack._replace(receipt=receipt)
    assert {version: satisfied(pack, version) for version in ("v4.0.0", "4.0.0", "1.0.0")} == {
        "v4.0.0": True,
        "4.0.0": False,
        "1.0.0": True,
    }


def test_a_tag_that_only_git_can_read_is_not_called_satisfied(repository, tmp_path):
    adopted(repository, tmp_path, at("v1.0.0"))
    run_git("-C", tmp_path / "demo", "tag", "mine", "HEAD")
    assert not satisfied(Installation([str(tmp_path)]).get("demo"), "mine")


def test_a_plain_directory_that_somebody_copied_satisfies_no_version(tmp_path):
    PackTree("demo", "1.0.0", minimal=True).write(tmp_path / "demo")
    pack = Installation([str(tmp_path)]).get("demo")
    assert satisfied(pack, None)
    assert not any(satisfied(pack, version) for version in ("1.0.0", "main", COMMIT))
