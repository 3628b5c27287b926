# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packs of a host as they lie there, whoever put them there."""

from __future__ import annotations

import os

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import (
    Installation,
    InstalledPack,
    dependencies_of,
    identity_of,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved, Source
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Receipt, receipt_document
from ansible_collections.stackstorm.st2.plugins.module_utils._content.working_copy import Head
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import DIGEST, ONE, receipt

URL = "https://git.example.com/org/stackstorm-demo"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    one = GitRepository(tmp_path_factory.mktemp("source") / "stackstorm-demo.git", "trunk")
    one.release(PackTree("demo", "1.0.0", minimal=True, name="Demo", dependencies=["core", "other=1.0.0"]))
    one.release(PackTree("demo", "1.1.0", minimal=True, name="Demo"))
    return one.build()


@pytest.fixture
def packs(tmp_path):
    (tmp_path / "packs").mkdir()
    return tmp_path / "packs"


def clone(repository, target, revision="v1.0.0"):
    run_git("clone", "--quiet", repository.path, target)
    run_git("-C", target, "checkout", "--quiet", "-B", "trunk", revision)
    run_git("-C", target, "remote", "set-url", "origin", URL)
    return target


def remember(base_path, ref, **changes):
    """Write the receipt that the collection would have written for a pack that is there."""
    directory = PacksDirectory(str(base_path))
    os.makedirs(directory.receipts, exist_ok=True)
    fields = {
        "ref": ref,
        "name": "From the receipt",
        "version": "1.0.0",
        "source": Source("git", URL),
        "resolved": Resolved("tag", "v1.0.0", "1.0.0"),
        "dependencies": ("from_receipt",),
        **changes,
    }
    with open(directory.receipt(ref), "wb") as stream:
        stream.write(receipt_document(Receipt(**fields), directory.pack(ref)))


def test_a_pack_that_stackstorm_installed(repository, packs):
    clone(repository, packs / "demo")
    pack = Installation([str(packs)]).get("demo")
    assert (pack.ref, pack.name, pack.version) == ("demo", "Demo", "1.0.0")
    assert (pack.path, pack.location, pack.base_path) == (f"{packs}/demo", f"{packs}/demo", str(packs))
    assert pack.head.commit == pack.commit == repository.tags["v1.0.0"].sha
    assert (pack.head.branch, pack.origin, pack.source) == ("trunk", URL, Source("git", URL))
    assert (pack.receipt, pack.link, pack.problem, pack.is_system) == (None, None, None, False)
    assert dependencies_of(pack) == ("core", "other=1.0.0")


def test_a_pack_that_somebody_copied_there(packs):
    PackTree("demo", "1.0.0", minimal=True).write(packs / "demo")
    pack = Installation([str(packs)]).get("demo")
    assert (pack.version, pack.head, pack.commit, pack.origin, pack.source) == ("1.0.0", None, None, None, None)


def test_a_receipt_is_believed_while_pack_yaml_and_commit_are_the_same(repository, packs):
    clone(repository, packs / "demo")
    remember(packs, "demo", commit=repository.tags["v1.0.0"].sha)
    pack = Installation([str(packs)]).get("demo")
    assert (pack.name, pack.receipt.resolved) == ("From the receipt", Resolved("tag", "v1.0.0", "1.0.0"))
    assert dependencies_of(pack) == ("from_receipt",)
    run_git("-C", packs / "demo", "checkout", "--quiet", "v1.1.0")
    pack = Installation([str(packs)]).get("demo")
    assert (pack.receipt, pack.name, pack.version) == (None, "Demo", "1.1.0")


@pytest.mark.parametrize("how", ["edited", "another commit of the same content", "no receipt", "not a working copy"])
def test_a_receipt_is_not_believed_when_something_else_was_at_work(repository, packs, how):
    clone(repository, packs / "demo")
    remember(packs, "demo", commit=repository.tags["v1.0.0"].sha)
    if how == "edited":
        (packs / "demo/pack.yaml").write_text((packs / "demo/pack.yaml").read_text() + "# mine\n")
    elif how == "no receipt":
        os.unlink(PacksDirectory(str(packs)).receipt("demo"))
    elif how == "not a working copy":
        os.rename(packs / "demo/.git", packs / "demo/git")
    else:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        run_git("-C", packs / "demo", *identity, "commit", "--quiet", "--allow-empty", "-m", "x")
    assert Installation([str(packs)]).get("demo").receipt is None


def test_a_pack_without_git_that_the_collection_installed(packs):
    PackTree("demo", "1.0.0", minimal=True).write(packs / "demo")
    source, resolved, digest = Source("directory", "/srv/demo"), Resolved("content", ""), f"sha256:{'0' * 64}"
    remember(packs, "demo", source=source, resolved=resolved, digest=digest)
    pack = Installation([str(packs)]).get("demo")
    assert (pack.receipt.digest, pack.source, pack.commit, pack.head) == (digest, source, None, None)
    remember(packs, "demo", source=Source("git", URL, "packs/demo"), digest=digest, commit="1" * 40)
    assert Installation([str(packs)]).get("demo").commit == "1" * 40
    run_git("init", "--quiet", "--initial-branch=main", packs / "demo")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    run_git("-C", packs / "demo", *identity, "commit", "--quiet", "--allow-empty", "-m", "somebody's own")
    assert Installation([str(packs)]).get("demo").receipt is None


@pytest.mark.parametrize(
    ("content", "version", "problem"),
    [
        (b"name: demo\n", None, None),
        (b"name: demo\nversion: 0.1\n", "0.1", None),
        (b"name: demo\nversion: [1]\n", None, None),
        (b"name: [\n", None, "pack.yaml"),
        (b"", None, "pack.yaml is empty"),
        (b"- name: demo\n", None, "pack.yaml is a list"),
        (b"\xff\xfe\x00", None, "pack.yaml"),
    ],
)
def test_a_pack_yaml_that_is_wrong_is_told_and_ends_nothing(packs, content, version, problem):
    (packs / "demo").mkdir()
    (packs / "demo/pack.yaml").write_bytes(content)
    pack = Installation([str(packs)]).get("demo")
    assert (pack.ref, pack.version) == ("demo", version)
    assert (problem in pack.problem) if problem else pack.problem is None
    assert dependencies_of(pack) == ()


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("[a, b=1.0.0]", ("a", "b=1.0.0")), ("[1, a, {b: c}]", ("a",)), ("ab", ()), ("null", ()), ("{a: b}", ())],
)
def test_dependencies_that_a_pack_declares(packs, declared, expected):
    (packs / "demo").mkdir()
    (packs / "demo/pack.yaml").write_text(f"name: demo\nversion: 1.0.0\ndependencies: {declared}\n")
    assert dependencies_of(Installation([str(packs)]).get("demo")) == expected


def test_a_developers_link(packs, tmp_path):
    PackTree("demo", "1.0.0", minimal=True).write(tmp_path / "work")
    (packs / "demo").symlink_to(tmp_path / "work")
    (packs / "gone").symlink_to(tmp_path / "nowhere")
    found = Installation([str(packs)])
    assert (found.get("demo").link, found.get("demo").version) == (str(tmp_path / "work"), "1.0.0")
    assert found.get("gone").link == str(tmp_path / "nowhere")
    assert found.get("gone").problem
    assert found.refs() == ["demo", "gone"]


def test_what_is_no_pack_is_left_out(packs):
    PackTree("demo", minimal=True).write(packs / "demo")
    PackTree("hidden", minimal=True).write(packs / ".hidden")
    PackTree("hidden", minimal=True).write(packs / ".stackstorm.st2/staging/hidden")
    (packs / "empty").mkdir()
    (packs / "file").write_text("")
    (packs / "odd/pack.yaml").mkdir(parents=True)
    found = Installation([str(packs)])
    assert found.refs() == [pack.ref for pack in found.all()] == ["demo"]
    assert found.get("empty") is found.get("file") is found.get("odd") is found.get("none") is None


def test_no_packs_directory_is_no_packs(tmp_path):
    assert Installation([str(tmp_path / "none")]).all() == []


def test_of_several_base_paths_the_first_wins(tmp_path):
    for base, version in (("one", "1.0.0"), ("two", "2.0.0"), ("three", "3.0.0")):
        PackTree("demo", version, minimal=True).write(tmp_path / base / "demo")
    PackTree("more", "1.0.0", minimal=True).write(tmp_path / "two/more")
    found = Installation([str(tmp_path / base) for base in ("one", "two", "three")])
    assert found.get("demo").version == "1.0.0"
    assert [pack.version for pack in found.shadowed("demo")] == ["2.0.0", "3.0.0"]
    assert (found.refs(), found.shadowed("more")) == (["demo", "more"], [])
    assert found.get("more").base_path == str(tmp_path / "two")
    assert found.directory(str(tmp_path / "two")).path == str(tmp_path / "two")


@pytest.mark.parametrize(
    "spelling", [URL, f"{URL}.git", f"{URL}/", "HTTPS://Git.Example.com:443/org/stackstorm-demo", f"{URL}.git/"]
)
def test_by_source_takes_any_spelling(repository, packs, spelling):
    clone(repository, packs / "demo")
    assert Installation([str(packs)]).by_source(spelling).ref == "demo"


def test_by_source_tells_sources_apart(repository, packs):
    clone(repository, packs / "demo")
    PackTree("part", "1.0.0", minimal=True).write(packs / "part")
    remember(packs, "part", source=Source("git", URL, "packs/part"), digest="sha256:x", commit="1" * 40)
    found = Installation([str(packs)])
    assert found.by_source(URL).ref == "demo"
    assert found.by_source(URL, "packs/part").ref == "part"
    assert found.by_source(URL, "packs/none") is found.by_source(f"{URL}-more") is None


def test_system_packs_are_known_and_come_from_no_source(repository, packs):
    clone(repository, packs / "core")
    found = Installation([str(packs)])
    assert found.get("core").is_system
    assert found.by_source(URL) is None


def test_while_an_interrupted_run_waits_to_be_undone_the_old_state_is_seen(repository, packs, tmp_path):
    clone(repository, packs / "demo", "v1.1.0")
    clone(repository, tmp_path / "old/demo", "v1.0.0")
    clone(repository, tmp_path / "old/removed", "v1.0.0")
    PackTree("new", "1.0.0", minimal=True).write(packs / "new")
    moved = {
        f"{packs}/demo": f"{tmp_path}/old/demo",
        f"{packs}/removed": f"{tmp_path}/old/removed",
        f"{packs}/new": None,
    }
    found = Installation([str(packs)], moved)
    assert found.refs() == ["demo", "removed"]
    assert found.get("new") is None
    demo = found.get("demo")
    assert (demo.version, demo.path, demo.location) == ("1.0.0", f"{packs}/demo", f"{tmp_path}/old/demo")
    assert demo.working_copy.tag("v1.0.0") == demo.commit


def pack_at(location, commit="", known=None):
    head = Head(commit, None) if commit else None
    return InstalledPack("sensu", "sensu", str(location), str(location), "/packs", "1.0.0", head, receipt=known)


def test_a_pack_is_known_by_its_commit_or_its_digest(tmp_path):
    assert identity_of(pack_at(tmp_path, ONE)) == ONE
    assert identity_of(pack_at(tmp_path, known=receipt(commit="", digest=DIGEST))) == DIGEST


def test_a_pack_without_commit_and_digest_is_known_by_its_metadata_file(tmp_path):
    (tmp_path / "pack.yaml").write_text("name: sensu\n")
    one = identity_of(pack_at(tmp_path))
    (tmp_path / "pack.yaml").write_text("name: sensu2\n")
    assert identity_of(pack_at(tmp_path)) != one
    assert identity_of(pack_at(tmp_path / "nowhere")) == "unknown"
