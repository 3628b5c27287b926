# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a tree keeps elsewhere, and what stands for them in a digest. Git itself is the oracle."""

from __future__ import annotations

import hashlib

import pytest
from infrastructure.repositories import run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._file_tree import list_tree
from ansible_collections.stackstorm.st2.plugins.module_utils._lfs import Pointer, parse_pointer, read_pointer

PATHS = ("a.bin", "b.txt", "etc/a.bin", "etc/deep/a.bin", "etc/deep/b.txt", "x[1].dat", "data/1.dat", "data/q/2.dat")
ATTRIBUTES = (
    "*.bin filter=lfs diff=lfs merge=lfs -text",
    "*.bin filter=lfs\netc/*.bin -filter",
    "*.bin filter=lfs\netc/** !filter",
    "/a.bin filter=lfs",
    "etc/*.bin filter=lfs",
    "etc/** filter=lfs",
    "**/deep/* filter=lfs",
    "data/**/*.dat filter=lfs",
    "[ab].* filter=lfs\n# *.dat filter=lfs",
    "[!a]* filter=lfs",
    "?.bin filter=other",
    "*.bin diff=lfs\n*.txt\tfilter=lfs",
    "etc filter=lfs",
    "data/[0-5].dat filter=lfs",
)


@pytest.mark.parametrize("text", ATTRIBUTES)
@pytest.mark.parametrize("place", ["", "etc/"])
def test_the_attributes_are_read_as_git_reads_them(tmp_path, text, place):
    run_git("init", "--quiet", tmp_path)
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"content of {path}")
    (tmp_path / place / ".gitattributes").write_text(f"{text}\n")
    expected = {}
    for path in PATHS:
        content = f"content of {path}".encode()
        digest = hashlib.sha256(content).hexdigest()
        if run_git("-C", tmp_path, "check-attr", "filter", "--", path).endswith(": lfs"):
            digest = hashlib.sha256(Pointer(digest, len(content)).text()).hexdigest()
        expected[path] = digest
    assert {entry.path: entry.digest for entry in list_tree(str(tmp_path)) if "attr" not in entry.path} == expected


def test_a_pointer_stands_for_itself(tmp_path):
    (tmp_path / ".gitattributes").write_text("*.bin filter=lfs\n")
    text = Pointer("0" * 64, 12).text()
    (tmp_path / "a.bin").write_bytes(text)
    found = {entry.path: entry.digest for entry in list_tree(str(tmp_path))}
    assert found["a.bin"] == hashlib.sha256(text).hexdigest()


def test_without_attributes_everything_is_what_it_is(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"content")
    (entry,) = list_tree(str(tmp_path))
    assert entry.digest == hashlib.sha256(b"content").hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\n",
        Pointer("0" * 63, 1).text(),
        Pointer("0" * 64, 1).text() * 2,
        Pointer("0" * 64, 1).text() + b" " * 2000,
    ],
)
def test_what_is_no_pointer(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert parse_pointer(content) is read_pointer(str(tmp_path / "a")) is None
    (tmp_path / "link").symlink_to("a")
    assert read_pointer(str(tmp_path / "link")) is read_pointer(str(tmp_path / "missing")) is None


def test_attributes_that_would_take_for_ever_are_left_out(tmp_path):
    (tmp_path / ".gitattributes").write_text("*" + "a*" * 60 + "b filter=lfs\n")
    (tmp_path / ("a" * 200)).write_text("")
    assert len(list_tree(str(tmp_path))) == 2
