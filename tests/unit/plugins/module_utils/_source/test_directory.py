# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain directories as packs: what is copied, what their digest tells apart, what is refused."""

from __future__ import annotations

import errno
import os
import socket
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infrastructure.packs import PackTree
from infrastructure.repositories import run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import is_repository
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._file_tree import TreeEntry
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import (
    changed_files,
    check_directory,
    copy_directory,
    directory_digest,
    directory_entries,
)


@pytest.fixture
def pack(tmp_path):
    """A pack with a script, a link to a file, a link to a directory, and a name that is not UTF-8."""
    directory = PackTree("demo").link("lib", "actions/lib").write(tmp_path / "pack")
    with open(os.path.join(os.fsencode(directory), b"caf\xe9"), "wb") as stream:
        stream.write(b"x")
    return directory


def picture(directory):
    """Every path of a directory with its kind, mode and content."""
    found = {}
    for folder, directories, files in os.walk(str(directory)):
        for name in directories + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            key = os.path.relpath(path, str(directory))
            if stat.S_ISLNK(status.st_mode):
                found[key] = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                with open(path, "rb") as stream:
                    found[key] = (stat.S_IMODE(status.st_mode), stream.read())
    return found


def test_a_copy_is_what_the_directory_is(pack, tmp_path):
    copy_directory(str(pack), str(tmp_path / "copy"))
    assert picture(tmp_path / "copy") == picture(pack)
    assert directory_digest(str(tmp_path / "copy")) == directory_digest(str(pack))
    assert os.readlink(tmp_path / "copy/lib") == "actions/lib"
    assert os.access(tmp_path / "copy/actions/scripts/greet.sh", os.X_OK)


def test_modes_are_those_that_git_knows(pack, tmp_path):
    (pack / "pack.yaml").chmod(0o600)
    (pack / "README.md").chmod(0o666)
    (pack / "actions/scripts/greet.sh").chmod(0o4700)
    (pack / "actions").chmod(0o700)
    copy_directory(str(pack), str(tmp_path / "copy"))
    found = {path: stat.S_IMODE((tmp_path / "copy" / path).stat().st_mode) for path in ("pack.yaml", "README.md")}
    assert found == {"pack.yaml": 0o644, "README.md": 0o644}
    assert stat.S_IMODE((tmp_path / "copy/actions/scripts/greet.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "copy/actions").stat().st_mode) == 0o755


def test_git_and_bytecode_are_left_out(pack, tmp_path):
    before = directory_digest(str(pack))
    run_git("init", "--quiet", pack)
    (pack / "actions/__pycache__").mkdir()
    (pack / "actions/__pycache__/report.cpython-38.pyc").write_bytes(b"x")
    (pack / "actions/report.pyc").write_bytes(b"x")
    (pack / "empty").mkdir()
    assert directory_digest(str(pack)) == before
    copy_directory(str(pack), str(tmp_path / "copy"))
    names = {path.name for path in (tmp_path / "copy").rglob("*")}
    assert not names & {".git", "__pycache__", "report.pyc", "empty"}


def test_the_git_file_of_a_worktree_is_left_out(pack, tmp_path):
    before = directory_digest(str(pack))
    (pack / ".git").write_text("gitdir: /elsewhere\n")
    assert directory_digest(str(pack)) == before
    copy_directory(str(pack), str(tmp_path / "copy"))
    assert not (tmp_path / "copy/.git").exists()


CHANGES = {
    "content": lambda pack: (pack / "pack.yaml").write_text("name: other\n"),
    "a mode": lambda pack: (pack / "pack.yaml").chmod(0o755),
    "a new file": lambda pack: (pack / "new").write_text(""),
    "a missing file": lambda pack: (pack / "README.md").unlink(),
    "a name": lambda pack: (pack / "README.md").rename(pack / "README"),
    "a place": lambda pack: (pack / "README.md").rename(pack / "actions/README.md"),
    "a target": lambda pack: ((pack / "lib").unlink(), (pack / "lib").symlink_to("actions")),
    "a link for a file": lambda pack: ((pack / "LICENSE").unlink(), (pack / "LICENSE").symlink_to("README.md")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_digest_tells(pack, change):
    before = directory_digest(str(pack))
    CHANGES[change](pack)
    assert directory_digest(str(pack)) != before


def test_the_digest_does_not_depend_on_time_place_or_order(pack, tmp_path):
    before = directory_digest(str(pack))
    for path in pack.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    pack.rename(tmp_path / "elsewhere")
    assert directory_digest(str(tmp_path / "elsewhere")) == before
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert directory_digest(str(tmp_path / "link")) == before
    assert before.startswith("sha256:") and len(before) == 71


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_no_pack_needs_is_refused_and_named(pack, tmp_path, kind, monkeypatch):
    if kind == "pipe":
        os.mkfifo(pack / "actions/odd")
    else:
        monkeypatch.chdir(pack / "actions")  # The path of a socket must be short.
        socket.socket(socket.AF_UNIX).bind("odd")
    with pytest.raises(SourceError, match=r"devices, pipes or sockets.*: actions/odd"):
        directory_entries(str(pack))
    with pytest.raises(SourceError, match=r"devices, pipes or sockets.*: actions/odd"):
        copy_directory(str(pack), str(tmp_path / "copy"))


@pytest.mark.parametrize("name", ["none", "file"])
def test_what_is_no_directory(tmp_path, name):
    (tmp_path / "file").write_text("")
    for function in (check_directory, directory_digest, directory_entries):
        with pytest.raises(SourceError, match=rf"{tmp_path}/{name} does not exist on this host") as caught:
            function(str(tmp_path / name))
        assert caught.value.step == "fetch"
    with pytest.raises(SourceError):
        copy_directory(str(tmp_path / name), str(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()


def test_a_copy_never_writes_over_what_is_there(pack, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/pack.yaml").write_text("mine")
    with pytest.raises((SourceError, FileExistsError)):
        copy_directory(str(pack), str(tmp_path / "copy"))
    assert (tmp_path / "copy/pack.yaml").read_text() == "mine"


def test_what_is_a_repository(tmp_path):
    run_git("init", "--quiet", tmp_path / "plain")
    run_git("init", "--quiet", "--bare", tmp_path / "bare")
    (tmp_path / "worktree").mkdir()
    (tmp_path / "worktree/.git").write_text("gitdir: /elsewhere\n")
    (tmp_path / "headed").mkdir()
    (tmp_path / "headed/HEAD").write_text("not one")
    found = {name: is_repository(str(tmp_path / name)) for name in ("plain", "bare", "worktree", "headed", "none")}
    assert found == {"plain": True, "bare": True, "worktree": False, "headed": False, "none": False}


def entry(path, digest="0" * 64, kind="file", executable=False):
    return TreeEntry(path, kind, executable, digest)


def test_changed_files():
    recorded = [entry("same"), entry("content"), entry("mode"), entry("kind"), entry("gone/x")]
    present = [entry("same"), entry("content", "1" * 64), entry("mode", executable=True)]
    present += [entry("kind", "same", "link"), entry("a new one")]
    assert changed_files(recorded, present) == [
        "edited content",
        "edited kind",
        "edited mode",
        "extra a new one",
        "missing gone/x",
    ]
    assert changed_files(recorded, recorded) == changed_files([], []) == []


paths = st.sets(st.sampled_from("abcdef"))


@given(paths, paths)
def test_changed_files_names_every_difference_once(before, after):
    found = changed_files(map(entry, before), (entry(path, "1" * 64) for path in after))
    expected = {f"missing {path}" for path in before - after} | {f"extra {path}" for path in after - before}
    assert set(found) == expected | {f"edited {path}" for path in before & after}
    assert len(found) == len(before | after)


@pytest.mark.parametrize("reached_by", [copy_directory, lambda source, _target: directory_digest(source)])
def test_a_directory_that_cannot_be_looked_into_is_not_left_out(pack, tmp_path, monkeypatch, reached_by):
    """Half a pack would be installed, and called whole."""
    scandir = os.scandir

    def scan(path):
        if path.endswith("/actions"):
            raise PermissionError(errno.EACCES, "Permission denied", path + "/long" * 100)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(SourceError, match=r"cannot be (read|copied): Permission denied \(/.*\)\.$") as caught:
        reached_by(str(pack), str(tmp_path / "copy"))
    assert len(caught.value.message) < 500
    assert not (tmp_path / "copy").exists()
