# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in the way at a pack's place."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils import _mounts
from ansible_collections.stackstorm.st2.plugins.module_utils._content.obstacle import obstacle


@pytest.fixture
def place(tmp_path):
    return tmp_path / "packs with blanks" / "sensu"


def test_a_pack_and_nothing_are_in_nobodys_way(place):
    place.parent.mkdir()
    assert obstacle(str(place)) is None
    place.mkdir()
    (place / "pack.yaml").write_text("")
    assert obstacle(str(place)) is None


@pytest.mark.parametrize("kind", ["link", "dangling", "file", "pipe", "directory"])
def test_what_is_no_pack_is_named(place, tmp_path, kind):
    place.parent.mkdir()
    if kind == "link":
        place.symlink_to(tmp_path)
    elif kind == "dangling":
        place.symlink_to("nowhere")
    elif kind == "file":
        place.write_text("")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        (place / "actions").mkdir(parents=True)
    found = obstacle(str(place))
    assert (found.kind, found.text) == {
        "link": ("link", f"a symbolic link to {tmp_path}"),
        "dangling": ("link", "a symbolic link to nowhere"),
        "file": ("file", "a file"),
        "pipe": ("file", "a file"),
        "directory": ("directory", "a directory without pack.yaml"),
    }[kind]


@pytest.fixture(params=["bind", "tmpfs"])
def mounted(request, place, tmp_path):
    """A mount at the place: of another device, or of another directory of the same one."""
    place.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    how = ["--bind", str(tmp_path / "elsewhere")] if request.param == "bind" else ["-t", "tmpfs", "tmpfs"]
    if subprocess.run(["mount", *how, str(place)], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this account may not mount here")
    yield str(place)
    subprocess.run(["umount", str(place)], check=True)


def test_a_mount_point_is_named(mounted, tmp_path):
    with open(f"{mounted}/pack.yaml", "w", encoding="ascii"):
        pass
    found = obstacle(mounted)
    assert found.kind == "mount" and found.text.startswith("a mount point (")
    os.symlink(os.path.dirname(mounted), tmp_path / "link")
    assert obstacle(f"{tmp_path}/link/sensu").kind == "mount", "by whatever path it is reached"
    assert _mounts.mount_of(f"{mounted}/below/not there").point == mounted
    assert _mounts.mount_of(os.path.dirname(mounted)).point != mounted


def test_where_the_kernel_tells_nothing_a_device_of_its_own_is_still_seen(mounted, monkeypatch, tmp_path):
    monkeypatch.setattr(_mounts, "_TABLE", str(tmp_path / "nowhere"))
    found = obstacle(mounted)
    assert _mounts.mount_of(mounted) is None
    assert found.text in ("a mount point", "a directory without pack.yaml")
