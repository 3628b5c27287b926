# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a directory without pack.yaml, and which packs are found below it."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content import no_manifest as module
from ansible_collections.stackstorm.st2.plugins.module_utils._content.no_manifest import no_manifest, packs_below


def add(root, *directories):
    for directory in directories:
        (root / directory).mkdir(parents=True)
        (root / directory / "pack.yaml").write_text("")


def test_packs_are_found_to_a_depth_and_not_inside_of_packs(tmp_path):
    add(tmp_path, "b", "a/deep", "packs/a", "x/y/z", "x/y/w/too_deep", "b/inside", ".git/hidden", "packs/.old/hidden")
    (tmp_path / "link").symlink_to(tmp_path / "b")
    (tmp_path / "named" / "pack.yaml").mkdir(parents=True)
    assert packs_below(str(tmp_path)) == ["a/deep", "b", "packs/a", "x/y/z"]


@pytest.mark.parametrize("entries", ["one by one", "below each other"])
def test_a_look_is_short(tmp_path, monkeypatch, entries):
    monkeypatch.setattr(module, "_MOST_DIRECTORIES", 5)
    for number in range(20):
        (tmp_path / (str(number) if entries == "one by one" else f"{number}/{number}")).mkdir(parents=True)
    looked = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(path) or scandir(path))
    packs_below(str(tmp_path))
    assert len(looked) == 5


def test_a_directory_that_may_not_be_read_has_none(tmp_path):
    assert packs_below(str(tmp_path / "nowhere")) == []


def test_the_error_names_the_place_and_the_packs_below(tmp_path):
    alone = "There is no pack.yaml: a pack must have this file, with exactly this name, at its root"
    assert no_manifest(str(tmp_path)).message == f"{alone}."
    assert no_manifest(str(tmp_path), "https://h/x").message == f"{alone} (https://h/x)."
    add(tmp_path, "packs/a", "packs/b\x1b")
    message = no_manifest(str(tmp_path)).message
    assert message.startswith(f"{alone}. There are packs in subdirectories (packs/a, packs/b")
    assert message.endswith("). Set subdir in an item of packs.") and "\x1b" not in message
