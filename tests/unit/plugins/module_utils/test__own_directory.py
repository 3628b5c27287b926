# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Own directories: what is opened is the collection's own, and stays what was opened."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils import _own_directory
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError
from ansible_collections.stackstorm.st2.plugins.module_utils._own_directory import (
    STATE_DIRECTORY,
    is_own,
    make_own_directory,
    open_own_directory,
    open_parent,
    remove_own,
    root_of,
)


@pytest.fixture(params=[True, False], ids=["proc", "no_proc"])
def place(request, tmp_path, monkeypatch):
    """The path of an own directory that is not there; with a /proc, or without."""
    if not request.param:
        monkeypatch.setattr(_own_directory, "_DESCRIPTORS", str(tmp_path / "nowhere"))
    return str(tmp_path / "packs" / STATE_DIRECTORY / "staging" / "deep")


def test_what_is_not_there_is_made_when_asked(place):
    assert open_own_directory(place) is None
    with make_own_directory(place) as made:
        assert made.names() == []
        made.write("file", b"content", mode=0o600)
        made.write("file", b"other", mode=0o600)
        assert made.read("file", 100) == b"other" and made.names() == ["file"] and made.has("file")
        assert stat.S_IMODE(os.stat(f"{place}/file").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o755
    remove_own(f"{place}/file")
    remove_own(f"{place}/file")
    remove_own(f"{place}/none/file")
    assert os.listdir(place) == []


def test_links_above_it_are_the_hosts_own_affair(place, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "packs").symlink_to("real")
    make_own_directory(place).close()
    assert (tmp_path / "real" / STATE_DIRECTORY / "staging" / "deep").is_dir()


@pytest.mark.parametrize("name", [STATE_DIRECTORY, f"{STATE_DIRECTORY}/staging", f"{STATE_DIRECTORY}/staging/deep"])
@pytest.mark.parametrize("kind", ["link", "dangling", "file", "pipe", "writable", "foreign"])
def test_what_is_not_its_own_is_refused_with_a_sentence(place, tmp_path, name, kind):
    path = tmp_path / "packs" / name
    path.parent.mkdir(parents=True)
    (tmp_path / "precious").mkdir()
    words = {
        "link": "a symbolic link to ",
        "dangling": "a symbolic link to ",
        "writable": "others may write (mode 0775)",
    }
    if kind in ("link", "dangling"):
        path.symlink_to(tmp_path / "precious" if kind == "link" else tmp_path / "nowhere")
    elif kind == "file":
        path.write_text("")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
        path.chmod(0o775 if kind == "writable" else 0o755)
        if kind == "foreign":
            if os.geteuid():
                pytest.skip("giving a directory to another account needs root")
            os.chown(path, 12345, 12345)
            words[kind] = "a directory of the account 12345"
    for work in (open_own_directory, make_own_directory):
        with pytest.raises(HostError) as raised:
            work(place)
        assert raised.value.message.startswith(f"{path} must be a directory that only root")
        assert words.get(kind, "it is no directory. ") in raised.value.message
    assert os.listdir(tmp_path / "precious") == []


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "large"])
def test_only_files_are_read(place, kind):
    with make_own_directory(place) as directory:
        if kind == "link":
            os.symlink("/etc/hostname", f"{place}/file")
        elif kind == "pipe":
            os.mkfifo(f"{place}/file")
        elif kind == "directory":
            os.mkdir(f"{place}/file")
        else:
            directory.write("file", b"x" * 11)
        with pytest.raises(OSError) as raised:
            directory.read("file", 10)
        assert raised.value.filename == f"{place}/file", "it names the path that people know"


def test_what_was_opened_stays_what_was_opened(tmp_path):
    """Somebody exchanges the directory after it was looked at: all goes on in the one that was looked at."""
    path = tmp_path / "packs" / STATE_DIRECTORY / "staging"
    with make_own_directory(str(path)) as directory:
        directory.write("tree", b"")
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "tree").write_text("precious")
        path.rename(tmp_path / "aside")
        path.symlink_to(tmp_path / "precious")
        directory.write("new", b"")
        directory.remove("tree")
        os.mkdir(directory.at("more"))
    assert sorted(os.listdir(tmp_path / "aside")) == ["more", "new"]
    assert (tmp_path / "precious" / "tree").read_text() == "precious" and len(os.listdir(tmp_path / "precious")) == 1


def test_a_link_in_it_is_removed_and_not_what_it_points_to(place, tmp_path):
    with make_own_directory(place) as directory:
        os.symlink(tmp_path, f"{place}/link")
        directory.remove("link")
        assert directory.names() == [] and tmp_path.is_dir()


def test_descriptors_are_let_go_of(place):
    before = os.listdir("/proc/self/fd")
    make_own_directory(place).close()
    opened = open_own_directory(place)
    opened.close()
    opened.close()
    make_own_directory(place)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_what_is_own_and_what_is_the_hosts(tmp_path):
    own = f"{tmp_path}/{STATE_DIRECTORY}/staging/x"
    assert is_own(own) and root_of(own) == str(tmp_path)
    assert not is_own(f"{tmp_path}/sensu")
    with open_parent(f"{tmp_path}/sensu") as parent:
        assert parent.path == str(tmp_path)
    assert open_parent(f"{tmp_path}/none/sensu") is None
    assert open_parent(own) is None and not os.path.lexists(f"{tmp_path}/{STATE_DIRECTORY}")
    open_parent(own, make=True).close()
    assert os.path.isdir(f"{tmp_path}/{STATE_DIRECTORY}/staging")
