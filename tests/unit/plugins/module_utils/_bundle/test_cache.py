# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blobs on a host: whole or not there, and only as long as something needs them."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.archive import open_archive, write_archive
from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.cache import BlobCache
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError, SourceError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._bundle.bundles import (
    CONTENTS,
    blob_of,
    bundle_at,
)

BLOBS = [blob_of(content) for content in CONTENTS]
ONE, TWO = "a" * 40, f"sha256:{'b' * 64}"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "packs").mkdir()
    return tmp_path / "packs" / ".stackstorm.st2" / "blobs"


@pytest.fixture
def bundle(tmp_path):
    bundle_at(tmp_path / "a.tar")
    return str(tmp_path / "a.tar")


def content_of(cache):
    return [open(cache.find(blob), "rb").read() for blob in BLOBS if cache.find(blob)]


def test_what_was_taken_is_there(place, bundle):
    cache = BlobCache(str(place))
    assert cache.missing(BLOBS) == BLOBS
    assert not place.exists()
    cache.take(bundle, "a.tar", BLOBS[:2])
    again = BlobCache(str(place))
    assert again.missing([*BLOBS, *BLOBS]) == BLOBS[2:]
    assert content_of(again) == list(CONTENTS[:2])
    assert len(os.listdir(place)) == 2


def test_only_what_is_missing_is_sent(tmp_path, place, bundle):
    with open_archive(bundle) as archive:
        archive.write_part([BLOBS[1].member, BLOBS[3].member], str(tmp_path / "part.tar"))
    cache = BlobCache(str(place))
    cache.take(str(tmp_path / "part.tar"), "a.tar", BLOBS)
    assert cache.missing(BLOBS) == [BLOBS[0], BLOBS[2]]


def test_a_run_that_must_leave_the_host_alone_does(tmp_path, place, bundle):
    (tmp_path / "scratch").mkdir()
    cache = BlobCache(str(place), str(tmp_path / "scratch"))
    cache.take(bundle, "a.tar", BLOBS)
    cache.remember({BLOBS[0]: [ONE]})
    assert content_of(cache) == list(CONTENTS)
    assert not place.parent.exists()


@pytest.mark.parametrize("damage", [b"", b"one whee1", None])
def test_a_blob_that_is_not_whole_any_more_is_not_there(place, bundle, damage):
    BlobCache(str(place)).take(bundle, "a.tar", BLOBS)
    file = place / BLOBS[0].digest[7:]
    if damage is None:
        file.unlink()
        file.symlink_to("/etc/passwd")
    else:
        file.write_bytes(damage)
    cache = BlobCache(str(place))
    assert cache.missing(BLOBS) == BLOBS[:1]
    cache.take(bundle, "a.tar", BLOBS[:1])
    assert file.read_bytes() == CONTENTS[0]
    assert not file.is_symlink()


def test_nothing_of_a_bundle_that_was_tampered_with_is_written(tmp_path, place):
    files = {blob.member: content for blob, content in zip(BLOBS, CONTENTS)}
    last = max(files)
    write_archive(str(tmp_path / "a.tar"), {**files, last: b"tampered"})
    with pytest.raises(SourceError):
        BlobCache(str(place)).take(str(tmp_path / "a.tar"), "a.tar", BLOBS)
    assert not place.exists()


def test_a_directory_of_somebody_else_is_not_used(tmp_path, place, bundle):
    place.parent.mkdir()
    (tmp_path / "other").mkdir()
    place.symlink_to(tmp_path / "other")
    with pytest.raises(HostError):
        BlobCache(str(place)).find(BLOBS[0])
    with pytest.raises(HostError):
        BlobCache(str(place)).take(bundle, "a.tar", BLOBS)
    assert os.listdir(tmp_path / "other") == []


def test_blobs_stay_while_a_pack_that_needs_them_does(place, bundle):
    cache = BlobCache(str(place))
    cache.take(bundle, "a.tar", BLOBS)
    cache.remember({BLOBS[0]: [ONE], BLOBS[1]: [ONE, TWO], BLOBS[2]: [TWO]})
    cache.remember({BLOBS[2]: [ONE]})
    (place / ".incoming").write_bytes(b"of a run that was killed")
    BlobCache(str(place)).clean({ONE})
    assert BlobCache(str(place)).missing(BLOBS) == [BLOBS[3]]  # Nobody said what that one is for.
    assert len(os.listdir(place)) == 4
    BlobCache(str(place)).clean({TWO})
    assert BlobCache(str(place)).missing(BLOBS) == [BLOBS[0], BLOBS[3]]
    BlobCache(str(place)).clean(set())
    assert not place.exists()
    BlobCache(str(place)).clean(set())


def test_what_says_the_packs_may_be_damaged(place, bundle):
    cache = BlobCache(str(place))
    cache.take(bundle, "a.tar", BLOBS)
    cache.remember({BLOBS[0]: [ONE]})
    (place / "packs.json").write_text('{"x": 1')
    cache.remember({BLOBS[1]: [ONE]})
    BlobCache(str(place)).clean({ONE})
    assert BlobCache(str(place)).missing(BLOBS) == [BLOBS[0], *BLOBS[2:]]
