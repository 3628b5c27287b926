# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the collection keeps its own files: on the right file system, and where StackStorm registers nothing."""

from __future__ import annotations

import os

import pytest
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._layout import (
    SYSTEM_PACKS,
    PacksDirectory,
    VirtualenvsDirectory,
    entries,
)

# st2common/st2common/content/loader.py ALLOWED_CONTENT_TYPES
CONTENT_TYPES = {"triggers", "sensors", "actions", "rules", "aliases", "policies"}


def registered(base_path):
    """What StackStorm would register: every sub-directory with a pack.yaml (content/loader.py _get_packs_from_dir)."""
    return sorted(name for name in os.listdir(base_path) if os.path.isfile(f"{base_path}/{name}/pack.yaml"))


def content(base_path):
    """Sub-directories in which StackStorm finds content (content/loader.py _get_content_from_dir)."""
    names = [name for name in os.listdir(base_path) if os.path.isdir(f"{base_path}/{name}")]
    return sorted(name for name in names if CONTENT_TYPES & set(os.listdir(f"{base_path}/{name}")))


def test_the_system_packs_are_stackstorms():
    assert set(SYSTEM_PACKS) == {"chatops", "core", "linux", "packs"}


def test_stackstorm_finds_nothing_of_ours(tmp_path):
    directory = PacksDirectory(str(tmp_path))
    PackTree("demo").write(directory.pack("demo"))
    for place in (directory.staging, directory.releases, directory.plans):
        PackTree("demo").write(f"{place}/run-1/demo")
        PackTree("demo").write(f"{place}/demo")
    os.makedirs(directory.receipts)
    for path in (directory.receipt("demo"), directory.contents("demo")):
        with open(path, "wb") as stream:
            stream.write(b"{}")
    assert registered(str(tmp_path)) == content(str(tmp_path)) == ["demo"]


def test_everything_is_below_the_directory_that_it_is_moved_within(tmp_path):
    packs, virtualenvs = PacksDirectory(str(tmp_path / "packs")), VirtualenvsDirectory(str(tmp_path / "virtualenvs"))
    of_packs = [
        packs.staging,
        packs.releases,
        packs.receipts,
        os.path.join(packs.plans, "d"),
        packs.receipt("a"),
        packs.contents("a"),
        packs.pack("a"),
    ]
    assert all(path.startswith(f"{tmp_path}/packs/") for path in of_packs)
    of_virtualenvs = [
        virtualenvs.staging,
        virtualenvs.bases,
        os.path.join(virtualenvs.plans, "d"),
        virtualenvs.virtualenv("a"),
    ]
    assert all(path.startswith(f"{tmp_path}/virtualenvs/") for path in of_virtualenvs)
    assert len({*of_packs, *of_virtualenvs}) == 11
    assert (packs.pack("a"), virtualenvs.virtualenv("a")) == (f"{tmp_path}/packs/a", f"{tmp_path}/virtualenvs/a")


def test_a_ref_and_its_contents_never_share_a_file():
    directory = PacksDirectory("/packs")
    refs = ["a", "b", "a_contents", "contents"]
    paths = [path for ref in refs for path in (directory.receipt(ref), directory.contents(ref))]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("kind", [PacksDirectory, VirtualenvsDirectory])
def test_what_an_interrupted_run_moved(tmp_path, kind):
    directory = kind(str(tmp_path), {f"{tmp_path}/a": f"{tmp_path}/old/a", f"{tmp_path}/b": None})
    assert directory.now(f"{tmp_path}/a") == f"{tmp_path}/old/a"
    assert not os.path.lexists(directory.now(f"{tmp_path}/b"))
    assert directory.now(f"{tmp_path}/c") == f"{tmp_path}/c"


def test_entries(tmp_path):
    for name in ("b", "a", ".c"):
        (tmp_path / name).write_text("")
    assert entries(str(tmp_path)) == [".c", "a", "b"]
    assert entries(str(tmp_path / "none")) == []
    assert entries(str(tmp_path / "a")) == []
