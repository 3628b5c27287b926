# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What else is observed about a pack: edits, contents, what a purge would take."""

from __future__ import annotations

import os

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import run_git
from infrastructure.snapshot import take_snapshot
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved, Source
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import (
    Contents,
    contents_document,
    receipt_document,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._file_tree import list_tree
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.inspection import (
    as_installed,
    contents_of,
    edited_files,
    leftovers,
    restored,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.receipts import adopted
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.resolving import Scene
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def directory_of(scene):
    return PacksDirectory(str(scene.packs))


def edits(scene, ref="demo", pack=None):
    """The edits of a pack; finding them changes nothing of it."""
    before = take_snapshot(scene.packs, identity=True)
    found = edited_files(pack or scene.installation().get(ref), directory_of(scene), lambda: git_at(scene.directory))
    assert take_snapshot(scene.packs, identity=True) == before
    return found


def write_receipt(scene, receipt):
    directory = directory_of(scene)
    os.makedirs(directory.receipts, exist_ok=True)
    with open(directory.receipt(receipt.ref), "wb") as stream:
        stream.write(receipt_document(receipt, directory.pack(receipt.ref)))


def write_contents(scene, contents, ref="demo"):
    with open(directory_of(scene).contents(ref), "wb") as stream:
        stream.write(contents_document(contents))


def edit(pack):
    """One change of each kind."""
    (pack / "README.md").write_text("edited")
    (pack / "LICENSE").unlink()
    (pack / "actions/extra.py").write_text("")


EDITS = ("edited README.md", "extra actions/extra.py", "missing LICENSE")


@pytest.fixture
def plain(scene):
    """A pack that came from a directory, with its contents file."""
    scene.install(str(PackTree("demo", "1.0.0").write(scene.directory / "source")))
    write_contents(scene, Contents(files=tuple(list_tree(str(scene.packs / "demo")))))
    return scene


@pytest.fixture
def cloned(scene):
    """A repository of a whole pack."""
    one = scene.repository("demo", "1.0.0")
    one.release(PackTree("demo", "1.1.0"))
    return one.build()


# Edits


def test_a_working_copy_is_held_against_its_commit(scene, cloned):
    scene.install("demo=1.1.0")
    assert edits(scene) == ()
    edit(scene.packs / "demo")
    assert edits(scene) == EDITS
    (scene.packs / "demo/icon.png").chmod(0o755)
    assert "edited icon.png" in edits(scene)


def test_modes_of_what_stackstorm_installed_do_not_count(scene, cloned):
    pack = scene.install_like_st2(cloned, "demo", "v1.1.0")
    for path in (scene.packs / "demo").rglob("*"):
        if not path.is_symlink():
            path.chmod(0o775)
    assert edits(scene) == ()
    # Nor do they after the collection has taken it over.
    write_receipt(scene, adopted(pack, Source("git", scene.url("demo")), Resolved("tag", "v1.1.0", "1.1.0"), ()))
    assert scene.installation().get("demo").receipt
    assert edits(scene) == ()
    edit(scene.packs / "demo")
    assert edits(scene) == EDITS


def test_a_local_commit_is_an_edit(scene, cloned):
    before = scene.install("demo=1.1.0")
    edit(scene.packs / "demo")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    run_git("-C", scene.packs / "demo", "add", "--all")
    run_git("-C", scene.packs / "demo", *identity, "commit", "--quiet", "-m", "mine")
    sha = run_git("-C", scene.packs / "demo", "rev-parse", "--short", "HEAD")
    found = as_installed(scene.installation().get("demo"), directory_of(scene), lambda: git_at(scene.directory))
    assert (found.receipt, found.head) == (before.receipt, before.head)
    assert edits(scene, pack=found) == (f"committed {sha} mine", *EDITS)


def test_a_plain_pack_is_held_against_its_contents_file(plain):
    assert edits(plain) == ()
    edit(plain.packs / "demo")
    assert edits(plain) == EDITS


def test_a_pack_without_git_costs_no_git(plain):
    def no_git():
        raise AssertionError("git was asked for")

    edit(plain.packs / "demo")
    found = edited_files(plain.installation().get("demo"), directory_of(plain), no_git)
    assert found == EDITS


def test_packs_of_which_nobody_knows_how_they_were(scene):
    PackTree("copied", minimal=True).write(scene.packs / "copied")
    work = PackTree("linked", minimal=True).write(scene.directory / "work")
    (scene.packs / "linked").symlink_to(work)
    for ref in ("copied", "linked"):
        assert edits(scene, ref) == ()


def test_a_plain_pack_whose_contents_file_is_lost(plain):
    os.unlink(directory_of(plain).contents("demo"))
    edit(plain.packs / "demo")
    assert edits(plain) == ()


# An edited pack.yaml hides which pack it is


def spoil(scene):
    (scene.packs / "demo/pack.yaml").write_text("name: Spoiled\nversion: 9.9.9\n")
    found = scene.installation().get("demo")
    assert (found.receipt, found.version) == (None, "9.9.9")
    return found


def test_an_edited_pack_yaml_does_not_hide_what_was_installed(scene, cloned):
    before = scene.install("demo=1.1.0")
    found = as_installed(spoil(scene), directory_of(scene), lambda: git_at(scene.directory))
    assert (found.name, found.version, found.receipt) == (before.name, "1.1.0", before.receipt)
    assert found.source == before.source
    assert edits(scene, pack=found) == ("edited pack.yaml",)


def test_an_edited_pack_yaml_of_a_plain_pack_does_not_either(plain):
    before = plain.installation().get("demo")
    found = as_installed(spoil(plain), directory_of(plain), lambda: git_at(plain.directory))
    assert (found.version, found.receipt) == ("1.0.0", before.receipt)
    assert edits(plain, pack=found) == ("edited pack.yaml",)


def test_another_commit_is_another_pack(scene, cloned):
    scene.install("demo=1.1.0")
    run_git("-C", scene.packs / "demo", "checkout", "--quiet", "v1.0.0")
    found = scene.installation().get("demo")
    assert as_installed(found, directory_of(scene), lambda: git_at(scene.directory)) == found
    (scene.packs / "demo/.git").rename(scene.directory / "git")
    found = scene.installation().get("demo")
    assert as_installed(found, directory_of(scene), lambda: git_at(scene.directory)) == found


def test_what_undoing_the_edits_will_make_of_a_pack(scene, cloned):
    scene.install_like_st2(cloned, "demo", "v1.1.0")
    found = spoil(scene)
    back = restored(found, edits(scene), lambda: git_at(scene.directory))
    assert (back.name, back.version, back.problem) == ("demo", "1.1.0", None)
    run_git("-C", scene.packs / "demo", "checkout", "--quiet", "--", "pack.yaml")
    same = scene.installation().get("demo")
    assert (same.name, same.version) == (back.name, back.version)
    assert restored(same, (), lambda: git_at(scene.directory)) == same


# Contents


def test_contents_are_read_from_the_pack(scene):
    PackTree("demo", actions=("report", "check"), requirements=["six"]).write(scene.packs / "demo")
    found = contents_of(scene.installation().get("demo"), directory_of(scene))
    assert found.resources["actions"] == ("check", "greet", "relay", "report")
    assert found.resources["sensors"] and found.requirements == ("six",)


def test_contents_are_remembered_while_the_receipt_holds(plain):
    write_contents(plain, Contents({"actions": ("remembered",)}))
    found = contents_of(plain.installation().get("demo"), directory_of(plain))
    assert found.resources == {"actions": ("remembered",)}
    spoil(plain)
    found = contents_of(plain.installation().get("demo"), directory_of(plain))
    assert "report" in found.resources["actions"]


def test_contents_of_a_pack_that_is_wrong(scene):
    PackTree("demo").add("actions/bad.yaml", "a: [\n").write(scene.packs / "demo")
    found = contents_of(scene.installation().get("demo"), directory_of(scene))
    assert isinstance(found, Contents) and "bad" not in found.resources.get("actions", ())
    (scene.packs / "empty").mkdir()
    (scene.packs / "empty/pack.yaml").write_text("")
    assert isinstance(contents_of(scene.installation().get("empty"), directory_of(scene)), Contents)


# What belongs to a pack elsewhere


def test_leftovers(tmp_path):
    scratch = ScratchHost(tmp_path)
    host = read_host(str(scratch.st2_conf), {})
    packs = PacksDirectory(host.system_packs_path)
    for ref in ("other", "demo2", "dem"):
        (scratch.virtualenvs / ref).mkdir()
        (scratch.configs / f"{ref}.yaml").write_text("")
    assert leftovers("demo", host, [packs], str) == ()
    paths = [
        ("virtualenv", scratch.virtualenvs / "demo"),
        ("config", scratch.configs / "demo.yaml"),
        ("overrides", scratch.overrides / "demo.yaml"),
    ]
    paths[0][1].mkdir()
    paths[1][1].symlink_to("/nonexistent")
    paths[2][1].write_text("")
    kept = scratch.packs / ".stackstorm.st2" / "releases" / "demo"
    (kept / "0001-1.0.0" / "pack").mkdir(parents=True)
    (kept / "0001-1.0.0" / "pack" / "pack.yaml").write_text("")
    expected = tuple((kind, str(path)) for kind, path in (*paths, ("releases", kept)))
    assert leftovers("demo", host, [packs], str) == expected
    # What an interrupted run has moved away still belongs to the pack, under its own name.
    os.rename(paths[0][1], tmp_path / "moved")
    assert leftovers("demo", host, [packs], str) == expected[1:]
    now = {expected[0][1]: str(tmp_path / "moved"), expected[2][1]: "/nonexistent"}
    assert leftovers("demo", host, [packs], lambda path: now.get(path, path)) == (*expected[:2], expected[3])
