# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`verify: content`: edits are found file by file, named, and repaired; what is no edit is left alone."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from e2e.scene import STATE, Scene, only
from infrastructure.packs import PackTree
from infrastructure.repositories import run_git

EDITS = [
    "edited actions/report.py",
    "edited etc/tool",
    "extra actions/new.yaml",
    "missing README.md",
]


def edit(pack: Path) -> None:
    """Do to a pack what people do, and what nobody should mind."""
    (pack / "actions" / "report.py").write_text("raise SystemExit\n")
    (pack / "actions" / "new.yaml").write_text("name: new\nrunner_type: noop\n")
    (pack / "README.md").unlink()
    (pack / "etc" / "tool").chmod(0o644)
    (pack / "actions" / "__pycache__").mkdir()
    (pack / "actions" / "__pycache__" / "report.cpython-311.pyc").write_bytes(b"x")


def tree(version: str = "1.0.0") -> PackTree:
    return t.cast(PackTree, PackTree("demo", version).add("etc/tool", "#!/bin/sh\n", executable=True))


@pytest.mark.parametrize("kind", ["repository", "directory", "subdir"])
def test_edits_are_named_and_repaired(scene: Scene, tmp_path: Path, kind: str) -> None:
    repository = scene.repository("demo")
    repository.release(tree())
    whole = tree()
    whole.files = dict(PackTree("demo").mount("packs/demo", tree()).files)
    repository.tag("many", repository.commit(whole, on_branch=False))
    scene.publish()
    wanted: t.Dict[str, t.Any] = {
        "repository": {"name": "demo", "version": "1.0.0"},
        "directory": {"source": str(tree().write(tmp_path / "source"))},
        "subdir": {"source": scene.url(repository), "subdir": "packs/demo", "version": "many"},
    }[kind]
    scene.change(packs=[wanted])
    pristine = scene.host.snapshot(exclude=[STATE])
    scene.keep(packs=[wanted], verify="content")
    edit(scene.host.pack_path("demo"))
    scene.satisfied(packs=[wanted])
    predicted = scene.run(packs=[wanted], verify="content", check=True)
    row = only(scene.change(packs=[wanted], verify="content"))
    assert row["action"] == "repair" and row["edits"] == EDITS and row["before"] == row["after"]
    assert only(predicted) == row and "actions/report.py" in row["msg"]
    after = {path: e for path, e in scene.host.snapshot(exclude=[STATE]).items() if "/demo/.git/" not in path}
    assert after == {path: e for path, e in pristine.items() if "/demo/.git/" not in path}
    scene.keep(packs=[wanted], verify="content")
    edited = list((scene.host.packs / STATE / "releases" / "demo").glob("*/pack/actions/new.yaml"))
    assert len(edited) == 1, "the edited pack is kept, since somebody may want their edits"


def test_a_pack_that_st2_installed_is_compared_with_its_commit(scene: Scene) -> None:
    repository = scene.repository("demo")
    repository.release(tree())
    scene.publish()
    pack = scene.host.install_like_st2(repository, "demo", "", scene.url(repository))
    scene.keep("demo", verify="content")
    edit(pack)
    row = only(scene.change("demo", verify="content"))
    assert row["edits"] == EDITS, "st2 takes the executable bit of no file"
    assert scene.host.head("demo") == repository.head.sha and scene.host.edited("demo") == []


def test_a_commit_on_top_of_edits_counts_by_its_commit(scene: Scene) -> None:
    repository = scene.release("demo", "1.0.0")
    scene.change("demo=1.0.0")
    pack = scene.host.pack_path("demo")
    (pack / "mine.txt").write_text("x")
    run_git("-C", pack, "add", "mine.txt")
    run_git("-C", pack, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "mine")
    row = only(scene.change("demo=1.0.0"))
    assert row["after"]["commit"] == scene.host.head("demo") == repository.head.sha
    assert not (pack / "mine.txt").exists()


def test_a_source_that_went_on_cannot_repair(scene: Scene, tmp_path: Path) -> None:
    source = tree().write(tmp_path / "source")
    digest = only(scene.change(str(source)))["after"]["digest"]
    (source / "etc" / "tool").write_text("other\n")
    edit(scene.host.pack_path("demo"))
    refused = scene.refuse(packs=[{"source": str(source), "digest": digest}], verify="content")
    assert "is not what" in refused["msg"] and "actions/report.py" in refused["msg"]


def test_the_virtualenv_that_is_gone_or_broken_is_made_again(scene: Scene) -> None:
    scene.release("demo", "1.0.0", requirements=["tinydep==1.0.0"])
    scene.change("demo", virtualenv="auto")
    python = scene.host.interpreter("demo")
    python.unlink()
    row = only(scene.change("demo", virtualenv="auto"))
    assert (row["action"], row["virtualenv"], row["before"]) == ("virtualenv", "rebuilt", row["after"])
    assert scene.host.virtualenv_imports("demo", "tinydep") == "1.0.0"
    scene.host.virtualenvs.joinpath("demo").rename(scene.root / "elsewhere")
    assert only(scene.change("demo", virtualenv="auto"))["virtualenv"] == "built"
    scene.satisfied("demo", virtualenv="auto")
