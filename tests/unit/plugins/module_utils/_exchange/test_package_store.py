# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was resolved before is known as long as all of it is there."""

from __future__ import annotations

import errno
import hashlib
import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange import package_store
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.package_resolver import PackageFile
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.package_store import (
    PackageStore,
    SetRecord,
    set_key,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.sdists import Sdist


def file(tmp_path, name, content):
    path = tmp_path / f"given-{name}"
    path.write_bytes(content)
    return PackageFile(name, hashlib.sha256(content).hexdigest(), str(path))


@pytest.fixture
def store(tmp_path):
    return PackageStore(str(tmp_path / "root"))


def test_a_record_counts_while_its_files_are_there(tmp_path, store):
    given = file(tmp_path, "a-1.tar.gz", b"a")
    assert store.take(given)
    record = SetRecord({given.name: given.sha256}, {given.name: Sdist(("six",), ">=3", ("x",), True)})
    store.write("k", record)
    assert store.read("k") == record
    os.unlink(store.file(given.name, given.sha256).path)
    assert store.read("k") is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"files": 1}', b"\xff"])
def test_a_record_that_cannot_be_read_is_none(store, content):
    store.write("k", SetRecord({}, {}, "why"))
    with open(store._set("k"), "wb") as stream:
        stream.write(content)
    assert store.read("k") is None
    assert store.read("other") is None


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(tmp_path, store):
    assert store.take(file(tmp_path, "a-1.zip", b"one"))
    assert store.take(file(tmp_path, "a-1.zip", b"one"))
    assert not store.take(file(tmp_path, "a-1.zip", b"other"))
    assert (tmp_path / "root/wheels/files/a-1.zip").read_bytes() == b"one"
    store.write("k", SetRecord({"a-1.zip": hashlib.sha256(b"one").hexdigest()}, {}))
    assert store.take(file(tmp_path, "a-1.zip", b"other"), replace=True)
    assert store.read("k") is None
    assert (tmp_path / "root/wheels/files/a-1.zip").read_bytes() == b"other"


def test_a_file_from_another_file_system_is_copied(tmp_path, store, monkeypatch):
    given, real = file(tmp_path, "a-1.zip", b"one"), os.replace

    def replace(source, target):
        if source == given.path:
            raise OSError(errno.EXDEV, "elsewhere")
        real(source, target)

    monkeypatch.setattr(package_store.os, "replace", replace)
    assert store.take(given)
    assert os.listdir(store.files) == ["a-1.zip"]


def test_only_what_is_wanted_is_kept(tmp_path, store):
    for name in ("a-1.zip", "b-1.zip"):
        store.take(file(tmp_path, name, b""))
    store.write("k", SetRecord({}, {}))
    store.write("l", SetRecord({}, {}))
    store.write_bundled({"a-1.zip": "0", "gone-1.zip": "0"})
    assert store.bundled() == {"a-1.zip": "0"}
    scratch = store.scratch()
    store.keep({"k"}, {"b-1.zip"})
    assert os.listdir(store.files) == ["b-1.zip"]
    assert (store.read("k"), store.read("l")) == (SetRecord({}, {}), None)
    assert store.bundled() == {}
    assert not os.path.exists(scratch)


def test_equal_inputs_have_an_equal_key():
    assert set_key(("a",), False, "3.8") == set_key(["a"], False, "3.8") != set_key(("a",), True, "3.8")
