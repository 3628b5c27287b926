# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies on the host already and was changed by those who may write there: packs, virtualenvs, configs."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from hostile.arena import VICTIM, Arena
from infrastructure.packs import PackTree

MISSING = {"name": ["newcomer"], "state": "absent", "purge": True}


def _link(target: str) -> t.Callable[[Arena, Path], None]:
    def change(arena: Arena, path: Path) -> None:
        path.unlink(missing_ok=True)
        path.symlink_to(target.replace("OUTSIDE", str(arena.outside)))

    return change


def _pipe(_arena: Arena, path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _endless(_arena: Arena, path: Path) -> None:
    path.unlink(missing_ok=True)
    path.touch()
    os.truncate(path, 40 << 20)


CHANGES: t.Mapping[str, t.Callable[[Arena, Path], None]] = {
    "zero": _link("/dev/zero"),
    "secret": _link("OUTSIDE/secret"),
    "pipe": _pipe,
    "endless": _endless,
    "circle": _link("pack.yaml"),
    "descriptor": _link("/dev/fd/0"),
}
FILES = ("pack.yaml", "actions/report.yaml", "requirements.txt", "config.schema.yaml", "data", ".git")


@pytest.mark.parametrize(
    ("name", "change"),
    [(name, change) for row, name in enumerate(FILES) for column, change in enumerate(CHANGES) if (row + column) % 2],
)
def test_a_pack_that_somebody_changed(arena: Arena, name: str, change: str) -> None:
    """It is described, replaced and removed, whatever was made of its files."""
    source = arena.directory(ref="newcomer")
    arena.accept({"name": [str(source)]}, "newcomer")
    CHANGES[change](arena, arena.host.packs / "newcomer" / name)
    how = {"most_kib": 120 << 10}
    arena.run({"name": ["newcomer"]}, module="st2_pack_info", **how)
    arena.run({"name": [str(source)], "verify": "content"}, check=True, **how)
    (source / "README.md").write_text("changed")
    arena.run({"name": [str(source)], "state": "latest"}, allowed=["packs/newcomer"], **how)
    arena.run(MISSING, allowed=["packs/newcomer"], **how)
    # A directory whose pack.yaml leads nowhere is no pack for StackStorm either: left alone, or taken away.
    if (arena.host.packs / "newcomer").exists():
        arena.host.place(PackTree("newcomer", minimal=True), "newcomer")


@pytest.mark.parametrize(
    "place", ["packs/newcomer", "virtualenvs/newcomer", "configs/newcomer.yaml", "overrides/newcomer.yaml"]
)
@pytest.mark.parametrize("target", ["OUTSIDE/directory", "/dev/zero", "nothing", ".."])
def test_a_purge_takes_links_and_not_what_they_lead_to(arena: Arena, place: str, target: str) -> None:
    path = arena.host.base_path / place
    if not place.startswith("packs"):
        arena.host.place(PackTree("newcomer", minimal=True), "newcomer")
    path.symlink_to(target.replace("OUTSIDE", str(arena.outside)))
    allowed = ["packs/newcomer", "virtualenvs/newcomer", "configs/newcomer.yaml", "overrides/newcomer.yaml"]
    execution = arena.run(MISSING, allowed=allowed)
    assert not execution.failed and not path.is_symlink(), execution["msg"]
    assert not (arena.host.packs / "newcomer").exists()


def test_a_removal_follows_no_link_in_the_pack(arena: Arena) -> None:
    pack = arena.host.place(PackTree("newcomer", minimal=True), "newcomer")
    for number, target in enumerate((str(arena.outside), "/", "..", "../core", str(arena.outside / "secret"))):
        (pack / f"link{number}").symlink_to(target)
    os.link(arena.outside / "directory" / "file", pack / "hard")
    before = (arena.outside / "directory" / "file").read_text()
    (pack / "hard").unlink()
    assert not arena.run({"name": ["newcomer"], "state": "absent"}, allowed=["packs/newcomer"]).failed
    assert (arena.outside / "directory" / "file").read_text() == before


@pytest.mark.parametrize("target", ["OUTSIDE/directory", "/etc", "../core", "nothing", "newcomer"])
def test_a_pack_that_is_a_link_is_not_written_through(arena: Arena, target: str) -> None:
    (arena.host.packs / "newcomer").symlink_to(target.replace("OUTSIDE", str(arena.outside)))
    source = arena.directory(ref="newcomer")
    refused = arena.refuse({"name": [str(source)]}, "symbolic link|cannot be")
    assert (arena.host.packs / "newcomer").is_symlink(), refused["msg"]
    (arena.host.packs / "newcomer").unlink()


@pytest.mark.parametrize("name", ["pyvenv.cfg", ".stackstorm.st2.json", "bin/python"])
@pytest.mark.parametrize("change", ["zero", "pipe", "endless", "secret"])
def test_a_virtualenv_that_somebody_changed(arena: Arena, name: str, change: str) -> None:
    path = arena.host.virtualenvs / VICTIM / name
    kept = os.readlink(path) if path.is_symlink() else None
    CHANGES[change](arena, path)
    try:
        arena.run({"name": [VICTIM]}, module="st2_pack_info")
        arena.run({"name": [VICTIM], "virtualenv": "auto"}, check=True, allowed=[])
    finally:
        path.unlink()
        if kept:
            path.symlink_to(kept)


RECEIPTS: t.Mapping[str, bytes] = {
    "nothing": b"",
    "deep": b"[" * 200_000,
    "list": b"[]",
    "wrong": b'{"format": 1, "source": [], "resolved": {}, "dependencies": 5, "stamp": "x"}',
    "more": b'{"format": 1, "source": {"kind": "git", "url": "ext::x", "evil": 1}, "resolved": {}}',
    "contents": b'{"format": 1, "resources": {"actions": "x"}, "requirements": null, "files": [[1]]}',
    "binary": b"\x00\xff" * 1000,
    "digits": b"9" * 100_000,
    "digits-in": b'{"format": ' + b"9" * 100_000 + b"}",
}


@pytest.mark.parametrize("content", [pytest.param(content, id=key) for key, content in RECEIPTS.items()])
def test_a_receipt_that_is_damaged(arena: Arena, content: bytes) -> None:
    source = arena.directory(ref="newcomer")
    arena.accept({"name": [str(source)]}, "newcomer")
    for path in (arena.host.packs / ".stackstorm.st2" / "receipts").glob("newcomer.*"):
        path.write_bytes(content)
    told = arena.run({"name": ["newcomer"]}, module="st2_pack_info")
    assert not told.failed and told["packs"][0]["version"] == "1.0.0", told["msg"]
    assert not arena.run({"name": [str(source)]}, allowed=["packs/newcomer"]).failed
    assert not arena.run(MISSING, allowed=["packs/newcomer"]).failed


@pytest.mark.parametrize("content", [pytest.param(content, id=key) for key, content in RECEIPTS.items()])
def test_a_journal_that_is_damaged(arena: Arena, content: bytes) -> None:
    """Nothing is moved by the word of a file that makes no sense; it is set aside, and no run is stopped."""
    journal = arena.host.packs / ".stackstorm.st2" / "journal.json"
    journal.write_bytes(content)
    done = arena.runs.run({**MISSING, "virtualenv": "never"})
    aside = journal.with_name("journal.unresolved-1.json")
    assert not done.failed and f"is now {aside}" in str(done["warnings"]), done.everything
    assert arena.host.installed() == [VICTIM] and aside.read_bytes() == content and not journal.exists()
    aside.unlink()
