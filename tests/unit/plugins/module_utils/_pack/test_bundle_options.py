# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bundle of a task: on the target, or handed over by Ansible; and which of its files fit a host."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import lock_document, lock_text
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.bundle_options import options_of_bundle
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.locked_wheels import is_for
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._bundle.bundles import bundle_at
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lock.locks import WHOLE


def found(bundle, **given):
    params = {"bundle": bundle, "lock": None, "locked": "strict", "name": None, "packs": None, **given}
    return options_of_bundle(params)


def test_a_bundle_of_the_target_is_read_with_its_lock(tmp_path):
    manifest = bundle_at(tmp_path / "a.bundle", lock=lock_text(WHOLE))
    options = found(f"file://{tmp_path}/a.bundle")
    assert options.lock == WHOLE
    assert options.bundle.manifest == manifest
    assert (options.bundle.archive, options.bundle.is_sent) == (str(tmp_path / "a.bundle"), False)
    assert options.lock_directories["ours"].path == str(tmp_path / "packs" / "ours")
    assert options.lock_is_asked_for and not found(f"file://{tmp_path}/a.bundle", name=["sensu"]).lock_is_asked_for


def test_what_ansible_hands_over_is_the_same_without_the_file(tmp_path):
    manifest = bundle_at(tmp_path / "a.bundle", lock=lock_text(WHOLE))
    handed = {"name": "a.bundle", "directory": "/controller", "lock": lock_document(WHOLE)}
    sent = {"blobs": manifest.blobs, "archive": "/tmp/sent.tar"}
    options = found("a.bundle", lock=json.dumps({**handed, "bundle": sent}))
    assert options.lock == WHOLE
    assert options.bundle.manifest.blobs == manifest.blobs
    assert (options.bundle.archive, options.bundle.is_sent) == ("/tmp/sent.tar", True)
    assert options.lock_directories["ours"].path == "/controller/packs/ours"


@pytest.mark.parametrize("handed", ["", "x", "{}", "[]", '{"name": "a", "directory": "/", "bundle": {"blobs": [1]}}'])
def test_what_is_handed_over_by_hand_is_refused(handed):
    with pytest.raises(OptionError) as caught:
        found("a.bundle", lock=handed)
    assert "lock is set by Ansible" in caught.value.message


def test_a_bundle_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.bundle").write_bytes(b"x" * 2048)
    with pytest.raises(SourceError):
        found(f"file://{tmp_path}/a.bundle")


@pytest.mark.parametrize(
    ("file", "fits"),
    [
        ("a-1-py3-none-any.whl", True),
        ("a-1-py2.py3-none-any.whl", True),
        ("a-1-2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
        ("a-1-cp38-abi3-manylinux2014_x86_64.whl", True),
        ("a-1-py3-none-manylinux_2_36_x86_64.whl", True),
        ("a-1-cp311-cp311-manylinux_2_40_x86_64.whl", False),
        ("a-1-cp311-cp311-manylinux2014_aarch64.whl", False),
        ("a-1-cp311-cp311-musllinux_1_2_x86_64.whl", False),
        ("a-1-cp312-cp312-manylinux2014_x86_64.whl", False),
        ("a-1-py2-none-any.whl", False),
        ("a-1.tar.gz", True),
    ],
)
def test_only_files_for_a_host_are_sent_there(file, fits):
    assert is_for(file, "3.11", "manylinux_2_36_x86_64") == fits
