# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packs of the tests are what they say they are."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from infrastructure.packs import ABSENT, QUIRKS, PackTree, quirk, quirks

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9a-z.-]+)?(\+[0-9a-z.-]+)?")


def test_a_pack_has_every_kind_of_content_and_parses(tmp_path: Path) -> None:
    pack = PackTree("demo", "1.2.3", requirements=["tinydep"], imports=["tinydep"]).write(tmp_path / "demo")
    kinds = ("actions", "aliases", "policies", "rules", "sensors", "triggers")
    for kind in kinds:
        files = list((pack / kind).glob("*.yaml"))
        assert files, kind
        for path in files:
            assert isinstance(yaml.safe_load(path.read_text()), dict), path
    for path in pack.rglob("*.py"):
        ast.parse(path.read_text())
    metadata = yaml.safe_load((pack / "pack.yaml").read_text())
    assert (metadata["ref"], metadata["version"], metadata["email"]) == ("demo", "1.2.3", "tester@example.com")
    assert (pack / "requirements.txt").read_text() == "tinydep\n"


def test_entry_points_exist_and_modes_and_links_are_kept(tmp_path: Path) -> None:
    pack = PackTree("demo", actions=["report", "second"], action_count=3).write(tmp_path / "demo")
    actions = [yaml.safe_load(path.read_text()) for path in (pack / "actions").glob("*.yaml")]
    assert len(actions) == 7
    assert all((pack / "actions" / action["entry_point"]).is_file() for action in actions)
    script = pack / "actions" / "scripts" / "greet.sh"
    assert script.stat().st_mode & 0o777 == 0o755
    assert subprocess.run([str(script), "you"], capture_output=True, text=True, check=True).stdout == "hello you\n"
    link = pack / "tests" / "fixtures" / "full.yaml"
    assert link.is_symlink() and link.resolve() == pack / "demo.yaml.example"
    assert (pack / "pack.yaml").stat().st_mode & 0o777 == 0o644


def test_metadata_can_be_changed_and_left_out() -> None:
    tree = PackTree("demo", metadata={"email": ABSENT, "zone": 1})
    assert "email" not in tree.metadata and yaml.safe_load(tree.text("pack.yaml"))["zone"] == 1
    tree.set_metadata(zone=ABSENT, version="2.0.0")
    written = yaml.safe_load(tree.text("pack.yaml"))
    assert "zone" not in written and written["version"] == "2.0.0"


def test_a_tree_can_be_mounted_and_pruned() -> None:
    tree = PackTree("one", minimal=True).copy().mount("packs/two", PackTree("two", minimal=True))
    assert "ref: two" in tree.text("packs/two/pack.yaml")
    tree.remove("packs")
    assert not [path for path in tree.files if path.startswith("packs/")]
    with pytest.raises(KeyError):
        tree.remove("packs")


def test_the_catalogue_can_be_searched() -> None:
    assert len(QUIRKS) > 150
    assert len(quirks(settled=None)) == len(QUIRKS)
    assert {entry.name for entry in quirks(valid=False, topic="files")} >= {"absolute-link", "climbing-link"}
    assert not [entry for entry in quirks() if not entry.settled]
    for entry in QUIRKS.values():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name) and entry.reason and not entry.reason.endswith(".")
        assert (entry.ref is None) != entry.valid, entry.name


@pytest.mark.parametrize("name", QUIRKS)
def test_each_quirk_is_written_and_shows_its_ref(name: str, tmp_path: Path) -> None:
    entry = QUIRKS[name]
    pack = entry.tree().write(tmp_path / "pack")
    if not entry.valid:
        return
    content = (pack / "pack.yaml").read_bytes()
    metadata = yaml.safe_load(content)
    # PyYAML's two loaders disagree on some odd documents; what is called valid here is none of them.
    assert yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) == metadata
    assert (metadata.get("ref") or metadata["name"]) == entry.ref
    assert VERSION.fullmatch(metadata["version"])
    root = os.path.realpath(pack)
    for path in pack.rglob("*"):
        assert os.path.commonpath([root, os.path.realpath(path)]) == root, path


def test_bad_versions_are_bad() -> None:
    names = [name for name in QUIRKS if name.endswith("-version") and not QUIRKS[name].valid]
    assert len(names) > 8
    for name in names:
        found = yaml.safe_load(quirk(name).text("pack.yaml")).get("version", "")
        assert not VERSION.fullmatch(str(found)), name


def test_links_that_lead_out_do_lead_out(tmp_path: Path) -> None:
    names = [entry.name for entry in quirks(valid=False, topic="files")]
    assert len(names) == 6
    for name in names:
        pack = quirk(name).write(tmp_path / name / "pack")
        links = [path for path in pack.rglob("*") if path.is_symlink()]
        root = os.path.realpath(pack)
        assert any(os.path.commonpath([root, os.path.realpath(link)]) != root for link in links), name


def test_broken_quirks_do_not_parse(tmp_path: Path) -> None:
    for name in ("broken-yaml", "tab-indent", "latin-1", "two-documents", "python-tag"):
        with pytest.raises((yaml.YAMLError, UnicodeDecodeError)):
            yaml.safe_load(quirk(name).files["pack.yaml"].content)
    for name in ("schema-broken", "schema-tabs"):
        with pytest.raises(yaml.YAMLError):
            yaml.safe_load(quirk(name).files["config.schema.yaml"].content)
    for kind in ("actions", "sensors", "rules", "aliases", "policies", "triggers"):
        name = {"policies": "policy", "aliases": "alias"}.get(kind, kind[:-1])
        with pytest.raises(yaml.YAMLError):
            yaml.safe_load(quirk(f"broken-{name}").files[f"{kind}/broken.yaml"].content)
