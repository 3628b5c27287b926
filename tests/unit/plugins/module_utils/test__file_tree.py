# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees of files: what is in them, and digests that tell them apart."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._file_tree import (
    is_bytecode,
    list_tree,
    tree_digest,
    walk_tree,
)


def digest_of(root):
    return tree_digest(list_tree(str(root)))


def plant(root, files):
    for name, content in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.pyc", True),
        ("a/b.pyo", True),
        ("__pycache__/a.txt", True),
        ("a/__pycache__/b.cpython-38.pyc", True),
        ("a.py", False),
        ("a__pycache__/b", False),
        ("pyc", False),
    ],
)
def test_is_bytecode(path, expected):
    assert is_bytecode(path) is expected


def test_list_tree(tmp_path):
    plant(
        tmp_path,
        {"b": b"1", "a/c": b"2", ".git/HEAD": b"x", "a/.git/HEAD": b"y", "a/m.pyc": b"z", "__pycache__/m.pyc": b"z"},
    )
    (tmp_path / "run").write_bytes(b"3")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "a" / "dangling").symlink_to("../none")
    os.mkfifo(tmp_path / "fifo")
    entries = {entry.path: (entry.kind, entry.executable, entry.digest) for entry in list_tree(str(tmp_path))}
    sha = {content: hashlib.sha256(content).hexdigest() for content in (b"1", b"2", b"3", b"y")}
    assert {path: fields[:2] for path, fields in entries.items()} == {
        "a/.git/HEAD": ("file", False),
        "a/c": ("file", False),
        "a/dangling": ("link", False),
        "b": ("file", False),
        "fifo": ("special", False),
        "link": ("link", False),
        "run": ("file", True),
    }
    assert list(entries) == sorted(entries)
    assert entries["b"][2] == sha[b"1"]
    assert entries["run"][2] == sha[b"3"]


def test_walk_tree_can_be_told_what_to_leave_out(tmp_path):
    plant(tmp_path, {"a": b"", ".git/b": b"", "x/c": b""})
    assert {path for path, _status in walk_tree(str(tmp_path), skip=())} == {"a", ".git/b", "x/c"}
    assert {path for path, _status in walk_tree(str(tmp_path), skip=("x", ".git"))} == {"a"}


def change_content(root):
    (root / "a").write_bytes(b"2")


def change_mode(root):
    (root / "a").chmod(0o755)


def change_name(root):
    (root / "a").rename(root / "z")


def change_place(root):
    (root / "d" / "b").rename(root / "b")


def change_target(root):
    (root / "link").unlink()
    (root / "link").symlink_to("d/b")


def change_kind(root):
    (root / "link").unlink()
    (root / "link").write_bytes(b"a")


def add_a_file(root):
    (root / "d" / "c").write_bytes(b"")


def take_a_file(root):
    (root / "a").unlink()


BASE = {"a": b"1", "d/b": b"1"}


@pytest.mark.parametrize(
    "change",
    [change_content, change_mode, change_name, change_place, change_target, change_kind, add_a_file, take_a_file],
)
def test_every_change_shows_in_the_digest(tmp_path, change):
    (plant(tmp_path, BASE) / "link").symlink_to("a")
    before = digest_of(tmp_path)
    change(tmp_path)
    assert digest_of(tmp_path) != before


def test_what_is_nobodys_edit_does_not_show_in_the_digest(tmp_path):
    before = digest_of(plant(tmp_path, BASE))
    plant(tmp_path, {"d/__pycache__/b.cpython-38.pyc": b"x", "c.pyc": b"x", ".git/index": b"x"})
    os.utime(tmp_path / "a", (0, 0))
    (tmp_path / "a").chmod(0o664)
    assert digest_of(tmp_path) == before
    assert re.fullmatch("sha256:[0-9a-f]{64}", before)


def test_two_trees_have_two_digests_whatever_their_names(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    plant(one, {"q": b"x"})
    plant(other, {"foo\nq": b"x"})
    (one / "a").symlink_to("t\nfoo")
    (other / "a").symlink_to("t")
    assert digest_of(one) != digest_of(other)


characters = st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",))
names = st.text(characters, min_size=1, max_size=10).filter(
    lambda name: name not in (".", "..", ".git", "__pycache__") and not name.endswith((".pyc", ".pyo"))
)
trees = st.dictionaries(names, st.binary(max_size=5), max_size=4)


@settings(deadline=None)
@given(trees, trees)
def test_equal_trees_have_equal_digests_and_no_others(one, other):
    digests = []
    for files in (one, other):
        root = Path(tempfile.mkdtemp())
        try:
            digests.append(digest_of(plant(root, files)))
        finally:
            shutil.rmtree(root)
    assert (digests[0] == digests[1]) is (one == other)


def test_names_that_are_no_text(tmp_path):
    open(os.fsencode(str(tmp_path)) + b"/caf\xe9", "wb").close()
    assert digest_of(tmp_path).startswith("sha256:")


def test_walk_tree_leaves_out_what_it_cannot_read_or_says_so(tmp_path):
    assert list(walk_tree(str(tmp_path / "none"))) == []
    with pytest.raises(FileNotFoundError):
        list(walk_tree(str(tmp_path / "none"), strict=True))
