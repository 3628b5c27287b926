# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories that are no packs, or hold what a pack must not: links out, devices, other people's files, bombs."""

from __future__ import annotations

import os
import socket
import stat
import tarfile
import typing as t
from pathlib import Path

import pytest
from hostile.arena import SECRET, VICTIM, Arena
from infrastructure.packs import PackTree

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make devices and give files away")
NOBODY = 65534

LINKS: t.Mapping[str, t.Dict[str, str]] = {
    "absolute": {"x": "/etc/passwd"},
    "absolute-inside-name": {"x": "/pack.yaml"},
    "root": {"x": "/"},
    "parent": {"x": ".."},
    "climbing": {"x": "../../outside/secret"},
    "climbing-deep": {"a/b/c/x": "../../../../core/pack.yaml"},
    "out-and-in": {"x": "../victim/pack.yaml"},
    "through-link": {"a/up": "../..", "x": "a/up/core"},
    "through-directory-link": {"d": "actions", "x": "d/../../core"},
    "through-file": {"x": "pack.yaml/../../../y"},
    "through-nothing": {"x": "no/such/../../../y"},
    "chain": {"a": "b", "b": "c", "c": "../core"},
    "proc": {"x": "/proc/self/root/etc/passwd"},
    "descriptor": {"x": "/dev/fd/0"},
    "zero": {"x": "/dev/zero"},
    "slashes": {"x": ".//..//..//core"},
    "manifest": {"pack.yaml": "../../outside/secret"},
    "manifest-device": {"pack.yaml": "/dev/zero"},
    "actions": {"actions": "../../core/actions"},
    "action": {"actions/x.yaml": "../../../outside/secret"},
    "schema": {"config.schema.yaml": "/etc/passwd"},
    "icon": {"icon.png": "../../outside/secret"},
    "newline": {"x": "../a\nb"},
    "long": {"x": "../" + "y/" * 1900},
    "many": {f"x{number}": "/etc" for number in range(500)},
}


@pytest.mark.parametrize("links", [pytest.param(links, id=key) for key, links in LINKS.items()])
@pytest.mark.parametrize("kind", ["directory", "repository"])
def test_a_link_that_leads_out(arena: Arena, links: t.Dict[str, str], kind: str) -> None:
    tree = PackTree(VICTIM, "1.0.0", minimal=True)
    for path, target in links.items():
        if path == "actions":
            tree.remove("actions")
        tree.link(path, target)
    address = str(arena.directory(tree)) if kind == "directory" else f"file://{arena.repository(tree).path}"
    arena.refuse({"name": [address]}, "a link that leads out of the pack", step="validate")


@pytest.mark.parametrize(
    "links", [{"x": "x"}, {"x": "x/../../y"}, {"a": "b", "b": "a"}, {"x": "nothing"}, {"x": "actions/../actions"}]
)
def test_a_link_that_stays_inside_is_kept_as_it_is(arena: Arena, links: t.Dict[str, str]) -> None:
    tree = PackTree("newcomer", "1.0.0", minimal=True)
    for path, target in links.items():
        tree.link(path, target)
    arena.accept({"name": [str(arena.directory(tree))]}, "newcomer")
    assert all(os.readlink(arena.host.packs / "newcomer" / path) == target for path, target in links.items())


def _socket(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    here = os.open(path.parent, os.O_RDONLY)
    server.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)
    server.close()


SPECIAL: t.Mapping[str, t.Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "zero": lambda path: os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5)),
    "disk": lambda path: os.mknod(path, 0o666 | stat.S_IFBLK, os.makedev(7, 0)),
}


@pytest.mark.parametrize("kind", [pytest.param(key, marks=[ROOT] * (key in ("zero", "disk"))) for key in SPECIAL])
@pytest.mark.parametrize("name", ["pack.yaml", "actions/x.yaml", "requirements.txt", "config.schema.yaml", "a/b/c"])
def test_a_special_file(arena: Arena, kind: str, name: str) -> None:
    path = arena.directory()
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).unlink(missing_ok=True)
    SPECIAL[kind](path / name)
    arena.refuse({"name": [str(path)]}, "devices, pipes or sockets", name.replace(".", r"\."))


@ROOT
def test_a_hard_link_to_what_others_may_not_read(arena: Arena) -> None:
    """A developer can link root's files into a directory, where nothing forbids it, and have root publish them."""
    path = arena.directory()
    os.link(arena.outside / "secret", path / "README.md")
    os.chown(path, NOBODY, NOBODY)
    arena.refuse({"name": [str(path)]}, "README.md has another name .a hard link.")
    os.unlink(path / "README.md")
    os.link(arena.outside / "secret", path / "requirements.txt.bak")
    assert SECRET not in arena.refuse({"name": [str(path)]}, "a hard link").everything


@ROOT
def test_modes_and_owners_of_others_are_not_taken_over(arena: Arena) -> None:
    path = arena.directory(ref="newcomer")
    for name, mode in (("setuid", 0o6755), ("open", 0o666), ("sticky", 0o1777), ("closed", 0o000)):
        (path / name).write_text("x")
        os.chown(path / name, NOBODY, NOBODY)
        (path / name).chmod(mode)
    (path / "actions").chmod(0o2777)
    arena.accept({"name": [str(path)]}, "newcomer")
    modes = {name: stat.S_IMODE((arena.host.packs / "newcomer" / name).stat().st_mode) for name in os.listdir(path)}
    assert {modes[name] for name in ("setuid", "open", "sticky", "closed", "actions")} <= {0o644, 0o755}


def deep(path: Path, levels: int) -> None:
    here = os.open(path, os.O_RDONLY)
    for _level in range(levels):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


@pytest.mark.parametrize("levels", [102, 2500])
def test_very_many_levels(arena: Arena, levels: int) -> None:
    path = PackTree(VICTIM, "1.0.0", minimal=True).write(arena.deep_folder() / VICTIM)
    deep(path, levels)
    arena.refuse({"name": [str(path)]}, "a path of more than|File name too long")


def test_a_very_long_path(arena: Arena) -> None:
    path = PackTree(VICTIM, "1.0.0", minimal=True).write(arena.deep_folder() / VICTIM)
    here = os.open(path, os.O_RDONLY)
    for _level in range(18):
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    arena.refuse({"name": [str(path)]}, "a path of more than|File name too long")


NAMES: t.Mapping[str, t.Tuple[bytes, str]] = {
    "latin-1": (b"caf\xe9", "is not a name in UTF-8"),
    "surrogate": (b"\xed\xa0\x80", "is not a name in UTF-8"),
    "invalid-below": (b"d/\xff\xfe", "is not a name in UTF-8"),
}


@pytest.mark.parametrize(("name", "says"), [pytest.param(*pair, id=key) for key, pair in NAMES.items()])
def test_a_file_name_that_cannot_be_stored(arena: Arena, name: bytes, says: str) -> None:
    pack = arena.directory()
    path = os.path.join(os.fsencode(pack), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w"):
        arena.refuse({"name": [str(pack)]}, says)


def test_names_that_only_look_bad_are_kept(arena: Arena) -> None:
    path = arena.directory(ref="newcomer")
    names = ["-rf", "--help", "a b", "a\nb", "\x1b[2J", "\u202egnp.exe", "$(x)", "`x`", ";x", "CON", "x" * 255]
    names += ["...", "~", "*", "README", "readme", "caf\u00e9", "cafe\u0301", ".GIT", "git~1", ".git\u200c"]
    for name in names:
        (path / name).write_text("x")
    execution = arena.accept({"name": [str(path)]}, "newcomer")
    assert set(names) <= set(os.listdir(arena.host.packs / "newcomer"))
    assert any("differ only in case" in str(warning) for warning in execution["warnings"])
    assert "\x1b" not in execution.everything


@pytest.mark.parametrize("name", [".git", "a/.git", "actions/lib/.git/hooks/post-checkout", ".git/config"])
def test_a_git_of_its_own_in_a_directory(arena: Arena, name: str) -> None:
    path = arena.directory()
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_text(f"gitdir: {arena.outside}\n")
    if name == ".git":  # A worktree's file, which is left out.
        arena.run({"name": [str(path)]}, check=True)
        return
    says = "a repository of its own" if name[0] == "a" else "cannot be fetched"
    arena.refuse({"name": [str(path)]}, says)


def test_files_that_claim_to_be_huge(arena: Arena) -> None:
    path = arena.directory()
    (path / "data").touch()
    os.truncate(path / "data", 1 << 40)
    arena.refuse({"name": [str(path)]}, "holds more than")


PLACES = ("/", "/proc", "/sys", "/dev", "/etc", "/proc/self/fd", "/proc/1/root", "/dev/fd")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", ["{}", "/tmp/..{}//"])
def test_a_place_of_the_system(arena: Arena, place: str, form: str) -> None:
    arena.refuse({"name": [form.format(place)]}, "no pack.yaml|is no pack|places? where packs|does not exist|cannot be")


def test_the_hosts_own_places(arena: Arena) -> None:
    for path in (arena.host.packs, arena.host.packs / ".stackstorm.st2", arena.host.base_path, arena.host.virtualenvs):
        arena.refuse({"name": [str(path)]}, "no pack.yaml|where packs are prepared")
        (arena.sources / path.name).symlink_to(path)
        arena.refuse({"name": [str(arena.sources / path.name)]}, "no pack.yaml|where packs are prepared")
    kept = arena.run({"name": [str(arena.host.packs / "core")]})
    assert not kept.failed and not kept["changed"]


# Archives, as the controller sends them


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0, **more: t.Any) -> tarfile.TarInfo:
    information = tarfile.TarInfo(name)
    information.type, information.linkname, information.size = kind, link, size
    for key, value in more.items():
        setattr(information, key, value)
    return information


MEMBERS: t.Mapping[str, t.Tuple[t.List[tarfile.TarInfo], str]] = {
    "absolute": ([member("/etc/x")], "outside of the pack"),
    "climbing": ([member("../x")], "outside of the pack"),
    "climbing-inside": ([member("a/../../x")], "outside of the pack"),
    "dot": ([member(".")], "no pack may hold"),
    "dots": ([member("a/..")], "no pack may hold"),
    "empty": ([member("a//b")], "outside of the pack"),
    "through-link": ([member("x", tarfile.SYMTYPE, "../.."), member("x/y")], "outside of the pack"),
    "over-link": ([member("x", tarfile.SYMTYPE, "/etc/y"), member("x")], "cannot be unpacked"),
    "twice": ([member("x"), member("x")], "cannot be unpacked"),
    "hard-link": ([member("x", tarfile.LNKTYPE, "/etc/passwd")], "neither a file nor a link"),
    "device": ([member("x", tarfile.CHRTYPE, devmajor=1, devminor=5)], "neither a file nor a link"),
    "pipe": ([member("x", tarfile.FIFOTYPE)], "neither a file nor a link"),
    "directory": ([member("x", tarfile.DIRTYPE)], "neither a file nor a link"),
    "long-name": ([member("x/" * 2000 + "y")], "no pack may hold|cannot be unpacked"),
    "link-out": ([member("pack.yaml", tarfile.SYMTYPE, "/etc/passwd")], "digest|leads out"),
    "claims": ([member("x", size=1 << 40)], "too large for a pack"),
    "sparse": ([member("x", b"S", size=1 << 40)], "too large for a pack|cannot be unpacked|neither"),
}


@pytest.mark.parametrize(("members", "says"), [pytest.param(*pair, id=key) for key, pair in MEMBERS.items()])
def test_an_archive_that_means_harm(arena: Arena, members: t.List[tarfile.TarInfo], says: str) -> None:
    archive = arena.folder() / "upload"
    with archive.open("wb") as stream:
        for one in members:
            stream.write(one.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
        stream.write(b"\0" * 1024)
    item = {"source": "/controller/x", "digest": f"sha256:{'0' * 64}", "upload": str(archive)}
    arena.refuse({"packs": [item], "remote_src": False}, says)


@pytest.mark.parametrize("place", ["/dev/zero", "/etc/passwd", "/etc", "/no/such", "pipe", "packed"])
def test_an_archive_that_is_none(arena: Arena, place: str) -> None:
    if place == "pipe":
        place = str(arena.folder() / "pipe")
        os.mkfifo(place)
    elif place == "packed":
        place = str(arena.folder() / "packed")
        with tarfile.open(place, "w:gz") as writer:
            writer.addfile(member("x"))
    item = {"source": "/controller/x", "digest": f"sha256:{'0' * 64}", "upload": place}
    arena.refuse({"packs": [item], "remote_src": False}, "not a regular file|cannot be unpacked")
