# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where variables of services belong, and their files: read, written in one step, taken away."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf import environment_files
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.environment_block import SAFE_MODE, EnvironmentFile
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.environment_files import (
    Place,
    find_place,
    read_file,
    write_file,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError, HostError, VerifyError


def add(root, path, content=""):
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_text(content)
    return str(full)


def unit(root, *files, name="st2api.service"):
    lines = "".join(f"EnvironmentFile={file}\n" for file in files)
    add(root, f"lib/systemd/system/{name}", f"[Service]\n{lines}")


def place(root):
    return find_place(str(root), "st2api")


def test_a_service_that_the_host_does_not_have(tmp_path):
    assert place(tmp_path) is None


@pytest.mark.parametrize("folder", ["etc/default", "etc/sysconfig"])
def test_without_a_unit_the_file_that_is_there(tmp_path, folder):
    assert place(tmp_path) is None
    path = add(tmp_path, f"{folder}/st2api")
    assert place(tmp_path) == Place("st2api", path)


def test_of_two_such_files_the_one_that_is_read_last(tmp_path):
    add(tmp_path, "etc/default/st2api")
    path = add(tmp_path, "etc/sysconfig/st2api")
    assert place(tmp_path) == Place("st2api", path)


@pytest.mark.parametrize("name", ["st2api.service", "st2api@.service"])
def test_the_last_usual_file_of_the_unit_with_what_is_read_after_it(tmp_path, name):
    unit(tmp_path, "-/etc/default/st2api", "-/etc/sysconfig/st2api", "-/etc/st2/*.env", "/srv/env", name=name)
    later = (f"{tmp_path}/etc/st2/*.env", f"{tmp_path}/srv/env")
    assert place(tmp_path) == Place("st2api", f"{tmp_path}/etc/sysconfig/st2api", later)


def test_another_file_where_the_unit_has_no_usual_one(tmp_path):
    unit(tmp_path, "-/srv/one", "/srv/two", "/srv/*.env")
    assert place(tmp_path) == Place("st2api", f"{tmp_path}/srv/two", (f"{tmp_path}/srv/*.env",))


@pytest.mark.parametrize("files", [(), ("/srv/*.env",)])
def test_a_unit_that_reads_no_file_is_an_error_that_says_what_to_add(tmp_path, files):
    unit(tmp_path, *files)
    with pytest.raises(HostError, match=r"st2api reads no environment file.*EnvironmentFile=-/etc/default/st2api"):
        place(tmp_path)


def test_a_masked_service_has_the_file_that_is_there(tmp_path):
    path = add(tmp_path, "etc/default/st2api")
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system/st2api.service").symlink_to("/dev/null")
    assert place(tmp_path) == Place("st2api", path)


def test_no_file_is_an_empty_one(tmp_path):
    assert read_file(str(tmp_path / "nowhere")) == EnvironmentFile(None, SAFE_MODE)


def test_what_is_written_is_read_whatever_its_bytes(tmp_path):
    path = tmp_path / "st2api"
    wanted = EnvironmentFile("A=\udcff\n", 0o600)
    write_file(str(path), wanted)
    assert read_file(str(path)) == wanted and path.read_bytes() == b"A=\xff\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and os.listdir(tmp_path) == ["st2api"]


@pytest.mark.parametrize("kind", ["directory", "pipe", "large"])
def test_what_can_be_no_such_file_is_named(tmp_path, kind):
    path = tmp_path / "st2api"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(HostError, match=r"st2api cannot be"):
        read_file(str(path))


def test_a_link_stays_one(tmp_path):
    real = add(tmp_path, "srv/st2api", "A=1\n")
    link = tmp_path / "link"
    link.symlink_to(real)
    write_file(str(link), EnvironmentFile("A=2\n"))
    assert link.is_symlink() and read_file(real).text == "A=2\n"
    write_file(str(link), EnvironmentFile())
    assert link.is_symlink() and not os.path.exists(real)


def test_owner_and_group_stay(tmp_path, monkeypatch):
    path = add(tmp_path, "st2api", "A=1\n")
    given = {}
    monkeypatch.setattr(environment_files, "write_atomically", lambda *_args, **how: given.update(how))
    with pytest.raises(VerifyError, match="is not what was written"):
        write_file(path, EnvironmentFile("A=2\n", 0o600))
    status = os.stat(path)
    assert given == {"mode": 0o600, "uid": status.st_uid, "gid": status.st_gid}


@pytest.mark.parametrize(
    ("error", "advice"),
    [(PermissionError(13, "denied"), "Run with become"), (OSError(28, "full"), "cannot be changed: full")],
)
def test_what_the_system_refuses_is_said(tmp_path, monkeypatch, error, advice):
    def refuse(*_args, **_how):
        raise error

    path = add(tmp_path, "st2api", "A=1\n")
    monkeypatch.setattr(environment_files, "write_atomically", refuse)
    with pytest.raises(ApplyError, match=advice):
        write_file(path, EnvironmentFile("A=2\n"))
    assert read_file(path).text == "A=1\n"
