# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receipts and contents files come back as they were written, or not at all."""

from __future__ import annotations

import json
import os

import pytest
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved, Source
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import (
    Contents,
    Receipt,
    contents_document,
    read_contents,
    read_receipt,
    receipt_document,
    stamp,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._file_tree import TreeEntry
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory

COMMIT = "108d52bf6694c1a681d871124901ab0925f49bd0"
RECEIPT = Receipt(
    ref="demo",
    name="Démo, the pack",
    version="1.0.0",
    source=Source("git", "https://git.example.com/org/packs", "packs/demo"),
    resolved=Resolved("tag", "v1.0.0", "1.0.0"),
    commit=COMMIT,
    digest="sha256:" + "0" * 64,
    dependencies=("core", "https://git.example.com/org/other=2.0.0"),
    python=False,
)
CONTENTS = Contents(
    resources={"actions": ("check", "list"), "sensors": ()},
    requirements=("requests>=2", "six"),
    files=(
        TreeEntry("actions/run.sh", "file", True, "ab" * 32),
        TreeEntry("link", "link", False, "actions/run.sh"),
        TreeEntry(os.fsdecode(b"caf\xe9"), "file", False, "cd" * 32),
    ),
)


@pytest.fixture
def directory(tmp_path):
    one = PacksDirectory(str(tmp_path))
    os.makedirs(one.receipts)
    PackTree("demo", minimal=True).write(one.pack("demo"))
    return one


def write(path, content):
    with open(path, "wb") as stream:
        stream.write(content)


def test_a_receipt_comes_back_with_the_stamp_of_its_pack(directory):
    write(directory.receipt("demo"), receipt_document(RECEIPT, directory.pack("demo")))
    found = read_receipt(directory, "demo")
    status = os.stat(f"{directory.pack('demo')}/pack.yaml")
    assert found.stamp == (status.st_size, status.st_mtime_ns) == stamp(directory.pack("demo"))
    assert found == RECEIPT._replace(stamp=found.stamp)


def test_the_stamp_tells_any_rewriting_of_pack_yaml(directory, tmp_path):
    before = stamp(directory.pack("demo"))
    path = tmp_path / "demo/pack.yaml"
    content = path.read_bytes()
    status = path.stat()
    path.write_bytes(content + b"\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert stamp(directory.pack("demo")) != before
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert stamp(directory.pack("demo")) != before
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert stamp(directory.pack("demo")) == before


def test_no_stamp_without_pack_yaml(tmp_path):
    with pytest.raises(FileNotFoundError):
        stamp(str(tmp_path))


def test_contents_come_back_as_they_were(directory):
    write(directory.contents("demo"), contents_document(CONTENTS))
    assert read_contents(directory, "demo") == CONTENTS


def test_documents_are_json_with_a_format(directory):
    for document in (receipt_document(RECEIPT, directory.pack("demo")), contents_document(CONTENTS)):
        assert json.loads(document)["format"] == 1


def without(document, key):
    found = json.loads(document)
    del found[key]
    return json.dumps(found).encode()


def changed(document, **fields):
    return json.dumps({**json.loads(document), **fields}).encode()


BAD = [
    lambda document: b"",
    lambda document: document[:-5],
    lambda document: b"[]",
    lambda document: b"null",
    lambda document: b"\xff\xfe",
    lambda document: without(document, "format"),
    lambda document: changed(document, format=2),
    lambda document: changed(document, format=None),
]
BAD_RECEIPTS = [
    lambda document: without(document, "source"),
    lambda document: without(document, "ref"),
    lambda document: changed(document, source="https://git.example.com/x"),
    lambda document: changed(document, resolved={"kind": "tag"}),
    lambda document: changed(document, dependencies=None),
    lambda document: changed(document, stamp=5),
    lambda document: changed(document, from_the_future=True),
]
BAD_CONTENTS = [
    lambda document: without(document, "files"),
    lambda document: without(document, "resources"),
    lambda document: changed(document, resources=[]),
    lambda document: changed(document, files=[["one", "file"]]),
    lambda document: changed(document, requirements=None),
]


@pytest.mark.parametrize("spoil", BAD + BAD_RECEIPTS)
def test_a_spoiled_receipt_is_none(directory, spoil):
    write(directory.receipt("demo"), spoil(receipt_document(RECEIPT, directory.pack("demo"))))
    assert read_receipt(directory, "demo") is None


@pytest.mark.parametrize("spoil", BAD + BAD_CONTENTS)
def test_spoiled_contents_are_none(directory, spoil):
    write(directory.contents("demo"), spoil(contents_document(CONTENTS)))
    assert read_contents(directory, "demo") is None


def test_nothing_was_written(directory):
    assert read_receipt(directory, "demo") is None
    assert read_contents(directory, "demo") is None


def test_they_are_read_where_an_interrupted_run_left_them(directory, tmp_path):
    moved = {directory.receipt("demo"): str(tmp_path / "receipt"), directory.contents("demo"): None}
    write(str(tmp_path / "receipt"), receipt_document(RECEIPT, directory.pack("demo")))
    write(directory.receipt("demo"), b"another")
    write(directory.contents("demo"), contents_document(CONTENTS))
    there = PacksDirectory(directory.path, moved)
    assert read_receipt(there, "demo").commit == COMMIT
    assert read_contents(there, "demo") is None


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"format": ' + b"[" * 200_000, b"\0" * 1000])
def test_what_nobody_would_write_is_no_receipt(tmp_path, content):
    directory = PacksDirectory(str(tmp_path))
    os.makedirs(directory.receipts)
    for path in (directory.receipt("demo"), directory.contents("demo")):
        with open(path, "wb") as stream:
            stream.write(content)
    assert read_receipt(directory, "demo") is None and read_contents(directory, "demo") is None


def test_a_receipt_that_is_a_pipe_is_not_waited_for(tmp_path):
    directory = PacksDirectory(str(tmp_path))
    os.makedirs(directory.receipts)
    os.mkfifo(directory.receipt("demo"))
    assert read_receipt(directory, "demo") is None
