# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regular files are read, and nothing else is."""

from __future__ import annotations

import hashlib
import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils import _files
from ansible_collections.stackstorm.st2.plugins.module_utils._files import (
    UnfitFileError,
    file_digest,
    read_regular_file,
)


def test_a_regular_file_is_read_whole_up_to_its_limit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert read_regular_file(str(path), 100) == b"x" * 100
    with pytest.raises(UnfitFileError, match="more than 99 bytes"):
        read_regular_file(str(path), 99)
    assert read_regular_file("/proc/self/status", 1 << 16).startswith(b"Name:")


def test_what_is_no_regular_file_is_not_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(os, "open", lambda *_arguments: pytest.fail("it was opened"))
    for path in (str(tmp_path / "pipe"), "/dev/zero"):
        with pytest.raises(UnfitFileError, match="not a regular file"):
            read_regular_file(path, 100)
    with pytest.raises(IsADirectoryError):
        read_regular_file(str(tmp_path), 100)


def test_a_file_that_became_a_pipe_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    before = os.stat(tmp_path / "file")
    with monkeypatch.context() as patch, pytest.raises(UnfitFileError, match="not a regular file"):
        patch.setattr(_files.os, "stat", lambda _path, **_how: before)
        read_regular_file(str(tmp_path / "pipe"), 100)


def test_file_digest(tmp_path):
    content = os.urandom(3 << 20)
    (tmp_path / "file").write_bytes(content)
    assert file_digest(str(tmp_path / "file")) == hashlib.sha256(content).hexdigest()
