# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes and exchanges that are whole or not at all, trees that go, and what survives a power cut."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils import _file_changes
from ansible_collections.stackstorm.st2.plugins.module_utils._file_changes import (
    exchange,
    remove_tree,
    sync_trees,
    write_atomically,
)

NOBODY = 65534


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def plant(root, files):
    for name, content in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def test_a_write_replaces_the_whole_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("a longer text than the new one")
    write_atomically(str(path), b"new", mode=0o640)
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o640
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_mode_is_the_one_asked_for_under_any_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(str(tmp_path / "file"), b"")
    finally:
        os.umask(before)
    assert mode(tmp_path / "file") == 0o644


def test_a_write_replaces_a_link_and_not_its_target(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_atomically(str(tmp_path / "link"), b"new")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "old"


def test_a_reader_keeps_the_file_that_it_opened(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with open(path) as reader:
        write_atomically(str(path), b"new")
        assert reader.read() == "old"


@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(str(path), b"new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_write_into_no_directory_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(str(tmp_path / "none" / "file"), b"")


# Exchanging


def test_directories_exchange_their_names(tmp_path):
    one, other = plant(tmp_path / "one", {"a": b"1"}), plant(tmp_path / "other", {"b/c": b"2"})
    inodes = os.stat(one).st_ino, os.stat(other).st_ino
    if not exchange(str(one), str(other)):
        pytest.skip("this system or file system has no renameat2 with RENAME_EXCHANGE")
    assert (os.stat(other).st_ino, os.stat(one).st_ino) == inodes
    assert (one / "b" / "c").read_bytes() == b"2"
    assert (other / "a").read_bytes() == b"1"


def test_a_directory_and_a_file_exchange_too(tmp_path):
    one = plant(tmp_path / "one", {"a": b"1"})
    (tmp_path / "file").write_text("x")
    if not exchange(str(one), str(tmp_path / "file")):
        pytest.skip("this system or file system has no renameat2 with RENAME_EXCHANGE")
    assert one.read_text() == "x"
    assert (tmp_path / "file" / "a").read_bytes() == b"1"


def test_an_exchange_with_nothing_is_an_error_that_changes_nothing(tmp_path):
    one = plant(tmp_path / "one", {"a": b"1"})
    with pytest.raises(FileNotFoundError) as caught:
        exchange(str(one), str(tmp_path / "none"))
    assert caught.value.filename == str(one)
    assert caught.value.filename2 == str(tmp_path / "none")
    assert os.listdir(tmp_path) == ["one"]


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL, errno.ENOTSUP])
def test_a_system_without_exchange_says_so(tmp_path, monkeypatch, code):
    class Libc:
        @staticmethod
        def renameat2(*_arguments):
            ctypes.set_errno(code)
            return -1

    monkeypatch.setattr(_file_changes.ctypes, "CDLL", lambda *_arguments, **_options: Libc)
    assert exchange(str(tmp_path), str(tmp_path)) is False


def test_a_c_library_without_the_call_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(_file_changes.ctypes, "CDLL", lambda *_arguments, **_options: object())
    assert exchange(str(tmp_path), str(tmp_path)) is False


# Removing


def test_remove_tree_takes_what_there_is(tmp_path):
    outside = plant(tmp_path / "outside", {"keep": b"1"})
    tree = plant(tmp_path / "tree", {"a/b/c": b"1", ".git/d": b"2"})
    (tree / "link").symlink_to(outside)
    (tree / "dangling").symlink_to("none")
    os.mkfifo(tree / "fifo")
    remove_tree(str(tree))
    assert not tree.exists()
    assert (outside / "keep").exists()
    remove_tree(str(tree))


@pytest.mark.parametrize("target", ["outside", "none"])
def test_remove_tree_takes_a_link_and_not_its_target(tmp_path, target):
    plant(tmp_path / "outside", {"keep": b"1"})
    link = tmp_path / "link"
    link.symlink_to(target)
    remove_tree(str(link))
    assert not os.path.lexists(link)
    assert (tmp_path / "outside" / "keep").exists()


def test_remove_tree_takes_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    remove_tree(str(tmp_path / "file"))
    assert os.listdir(tmp_path) == []


def as_nobody(work):
    """Run work without root's power over permissions; in a process of its own, since that cannot be taken back."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


@pytest.fixture
def nobodys():
    """A directory of nobody's, outside of pytest's, which only root may enter."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    for path, _directories, _names in os.walk(directory):
        os.chmod(path, 0o700)
    shutil.rmtree(directory)


@pytest.mark.parametrize("locked", [0o500, 0o400, 0o000])
def test_remove_tree_opens_directories_that_are_locked(nobodys, locked):
    def work():
        tree = nobodys / "work" / "tree"
        plant(tree, {"a/b/c": b"1", "a/d": b"2", "e": b"3"})
        for path in (tree / "a" / "b", tree / "a", tree):
            path.chmod(locked)
        remove_tree(str(tree))
        assert os.listdir(nobodys / "work") == []

    (nobodys / "work").mkdir()
    if os.geteuid() == 0:
        os.chown(nobodys / "work", NOBODY, NOBODY)
    assert as_nobody(work) == 0


def test_remove_tree_leaves_the_directory_above_alone(tmp_path, monkeypatch):
    """A tree that fills up again while it goes, as one does when a pack's action runs and writes bytecode."""
    tmp_path.chmod(0o775)
    tree = plant(tmp_path / "tree", {"a": b"1"})
    rmdir, late = os.rmdir, []

    def refill(path, *arguments, **options):
        if os.path.basename(os.fspath(path)) == "tree" and not late:
            late.append(path)
            (tree / "late.pyc").write_bytes(b"")
        return rmdir(path, *arguments, **options)

    monkeypatch.setattr(os, "rmdir", refill)
    remove_tree(str(tree))
    assert late
    assert not tree.exists()
    assert mode(tmp_path) == 0o775


def test_owner_and_group_are_set_before_the_file_has_its_name(tmp_path, monkeypatch):
    path, given = tmp_path / "file", []
    monkeypatch.setattr(os, "fchown", lambda _descriptor, uid, gid: given.append((uid, gid, path.exists())))
    write_atomically(str(path), b"x", uid=11, gid=-1)
    assert given == [(11, -1, False)] and path.read_bytes() == b"x"


def test_one_call_syncs_each_file_system(tmp_path, monkeypatch):
    grown = [str(tmp_path / name) for name in ("one", "other")]
    for path in grown:
        os.makedirs(os.path.join(path, "deep"))
        write_atomically(os.path.join(path, "deep", "file"), b"")
    synced = []
    monkeypatch.setattr(_file_changes, "_sync_file_system", lambda path: synced.append(path) or True)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: pytest.fail("nothing is synced alone"))
    sync_trees(grown)
    sync_trees([])
    assert synced == [str(tmp_path)]


def test_the_call_is_made():
    if not hasattr(ctypes.CDLL(None), "syncfs"):
        pytest.skip("this system has no syncfs")
    assert _file_changes._sync_file_system("/") is True


def test_without_that_call_each_file_and_directory_is_synced(tmp_path, monkeypatch):
    tree = tmp_path / "tree"
    (tree / ".git" / "deep").mkdir(parents=True)
    for name in ("pack.yaml", ".git/HEAD", ".git/deep/x"):
        (tree / name).write_text("")
    (tree / "link").symlink_to("nowhere")
    (tmp_path / "receipt").write_text("")
    synced = set()
    monkeypatch.setattr(_file_changes, "_sync_file_system", lambda _path: False)
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.add(os.readlink(f"/proc/self/fd/{descriptor}")))
    sync_trees([str(tree), str(tmp_path / "receipt")])
    wanted = ("", "/pack.yaml", "/.git", "/.git/HEAD", "/.git/deep", "/.git/deep/x")
    assert synced == {f"{tree}{name}" for name in wanted} | {str(tmp_path / "receipt")}


def test_a_write_is_on_disk_before_it_has_its_name_and_then_the_name_is(tmp_path, monkeypatch):
    path, done = tmp_path / "file", []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *names: done.append("named") or replace(*names))
    monkeypatch.setattr(os, "fsync", lambda descriptor: done.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    write_atomically(str(path), b"x")
    assert len(done) == 3 and os.path.dirname(done[0]) == str(tmp_path)
    assert done[1:] == ["named", str(tmp_path)]
