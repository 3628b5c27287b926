# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file itself: read, written in one step, by one task at a time."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.conf_file import (
    alone,
    read_conf_file,
    verify_conf_file,
    write_conf_file,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError, HostError, VerifyError

OLD, NEW = b"[s]\na = 1\n", b"[s]\na = 2\n"


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "st2.conf"
    found.write_bytes(OLD)
    found.chmod(0o640)
    return str(found)


def own(path):
    status = os.stat(path)
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def test_a_file_is_read_with_its_attributes(path):
    file = read_conf_file(path)
    assert (file.content, file.mode, file.uid, file.gid) == (OLD, *own(path))
    assert file.document.value("s", "a") == "1" and "a = 1" not in repr(file)


@pytest.mark.parametrize(("content", "line"), [(b"[s]\nhunter2\n", 2), (b"[s]\n\n# \xff\n", 3)])
def test_a_broken_file_is_named_with_its_line(path, content, line):
    with open(path, "wb") as stream:
        stream.write(content)
    with pytest.raises(HostError, match=rf"st2\.conf:{line}: .*StackStorm cannot read the file either") as caught:
        read_conf_file(path)
    assert "hunter2" not in caught.value.message


def test_a_missing_file_is_refused(tmp_path):
    with alone(str(tmp_path / "no" / "st2.conf")), pytest.raises(HostError, match=r"There is no .*st2\.conf"):
        read_conf_file(str(tmp_path / "no" / "st2.conf"))


def test_writing(path):
    file = read_conf_file(path)
    attributes = own(path)
    assert write_conf_file(file, NEW, *attributes, backup=False) == ""
    verify_conf_file(path, NEW, *attributes)
    assert own(path) == attributes and os.listdir(os.path.dirname(path)) == ["st2.conf"]
    with pytest.raises(VerifyError, match="is not what was written"):
        verify_conf_file(path, OLD, *attributes)
    with pytest.raises(VerifyError, match="is not what was written"):
        verify_conf_file(path, NEW, 0o600, *attributes[1:])
    with open(path, "wb") as stream:
        stream.write(b"no")
    with pytest.raises(VerifyError, match="cannot be read back"):
        verify_conf_file(path, NEW, *attributes)


def test_a_copy_of_the_old_file_is_its_owners_only(path):
    file = read_conf_file(path)
    kept = write_conf_file(file, NEW, *own(path), backup=True)
    assert os.path.dirname(kept) == os.path.dirname(path) and own(kept)[0] == 0o600
    with open(kept, "rb") as stream:
        assert stream.read() == OLD
    assert write_conf_file(read_conf_file(path), NEW, 0o600, *own(path)[1:], backup=True) == ""


def test_a_link_stays_one(path, tmp_path):
    (tmp_path / "etc").mkdir()
    link = tmp_path / "etc" / "st2.conf"
    link.symlink_to(path)
    file = read_conf_file(str(link))
    write_conf_file(file, NEW, *own(path), backup=False)
    verify_conf_file(str(link), NEW, *own(path))
    assert link.is_symlink() and os.listdir(tmp_path / "etc") == ["st2.conf"]


@pytest.mark.parametrize(
    ("error", "why"), [(PermissionError(1, "No"), "Run with become"), (OSError(28, "Full"), "Full")]
)
def test_what_cannot_be_written_is_said(path, monkeypatch, error, why):
    file = read_conf_file(path)

    def refuse(*_arguments):
        raise error

    monkeypatch.setattr(os, "replace", refuse)
    for backup in (False, True):
        with pytest.raises(ApplyError, match=why):
            write_conf_file(file, NEW, *own(path), backup=backup)
    with open(path, "rb") as stream:
        assert stream.read() == OLD
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)], "no copy of what stays"


def test_two_tasks_do_not_overwrite_each_other(path):
    def add(name):
        for _time in range(20):
            with alone(path):
                file = read_conf_file(path)
                number = int(file.document.value("s", name) or 0) + 1
                content = file.document.with_value("s", name, str(number)).text.encode()
                write_conf_file(file, content, *own(path), backup=False)

    threads = [threading.Thread(target=add, args=(name,)) for name in "bcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = read_conf_file(path).document.values()
    assert [values[("s", name)] for name in "bcd"] == ["20", "20", "20"]
