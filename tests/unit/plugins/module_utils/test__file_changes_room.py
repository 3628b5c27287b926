# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of whole trees, what is said of disks that are all but full, and programs that fill one."""

from __future__ import annotations

import errno
import os
import sys
import tempfile

import pytest
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils import _file_changes, _process
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._file_changes import copy_tree, low_space
from ansible_collections.stackstorm.st2.plugins.module_utils._process import run


def test_a_copy_has_everything(tmp_path):
    source = tmp_path / "source"
    (source / "actions" / "empty").mkdir(parents=True)
    (source / "actions" / "run.py").write_text("run")
    (source / "actions" / "run.py").chmod(0o750)
    (source / "actions").chmod(0o555)
    (source / "link").symlink_to("nowhere")
    (source / "directory").symlink_to("actions")
    os.utime(source / "actions" / "run.py", ns=(1, 1_600_000_000_123_456_789))
    if os.getuid() == 0:
        os.lchown(source / "link", 12345, 54321)
        os.lchown(source / "actions" / "empty", 12345, 54321)
    target = tmp_path / "target"
    copy_tree(str(source), str(target))
    assert take_snapshot(target) == take_snapshot(source)
    assert os.stat(target / "actions" / "run.py").st_mtime_ns == 1_600_000_000_123_456_789
    for name in ("link", "actions/empty", "actions/run.py"):
        assert os.lstat(target / name)[4:6] == os.lstat(source / name)[4:6]
    (source / "actions").chmod(0o755)


def test_a_copy_is_independent(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_text("one")
    os.link(tmp_path / "source" / "file", tmp_path / "other")
    copy_tree(str(tmp_path / "source"), str(tmp_path / "target"))
    (tmp_path / "source" / "file").write_text("two")
    assert (tmp_path / "target" / "file").read_text() == "one"


def test_a_pipe_is_not_copied(tmp_path):
    (tmp_path / "source").mkdir()
    os.mkfifo(tmp_path / "source" / "pipe")
    with pytest.raises(OSError):
        copy_tree(str(tmp_path / "source"), str(tmp_path / "target"))


@pytest.mark.parametrize(
    "free, files, all_files, said",
    [
        (4096, 10_000, 20_000, " has room for only 16384 KiB and 10000 files more."),
        (4096 << 8, 7, 20_000, " has room for only 4194304 KiB and 7 files more."),
        (0, 0, 0, " has room for only 0 KiB more."),
        (4096 << 8, 0, 0, ""),
        (4096 << 8, 10_000, 20_000, ""),
    ],
)
def test_a_disk_that_is_all_but_full_is_named(tmp_path, monkeypatch, free, files, all_files, said):
    monkeypatch.setattr(_file_changes, "_LITTLE_SPACE", 1 << 30)
    status = os.statvfs_result((4096, 4096, 1 << 30, free, free, all_files, files, files, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: status)
    found = low_space(str(tmp_path / "not" / "there"))
    assert found == (f" The file system of {tmp_path}{said}" if said else "")


def test_output_of_any_size_is_whole(tmp_path):
    for size in (0, 1, 32 << 10, (32 << 10) + 1, 100_000):
        code = f"import sys; sys.stdout.write('x' * {size} + chr(0)); sys.stderr.write('y' * {size})"
        done = run([sys.executable, "-c", code], deadline=Deadline(60), environment={})
        assert (done.stdout, done.stderr) == ("x" * size + "\0", "y" * size)


def test_a_full_disk_is_said_before_a_program_starts(monkeypatch):
    def refuse(_descriptor, _offset, _length):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError) as raised:
        run(["true"], deadline=Deadline(60), environment={})
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, tempfile.gettempdir())


def test_a_disk_that_can_set_nothing_aside_serves(monkeypatch):
    def refuse(_descriptor, _offset, _length):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert run(["echo", "yes"], deadline=Deadline(60), environment={"PATH": os.environ["PATH"]}).stdout == "yes\n"
    assert _process.last_lines("yes\n") == "yes"
