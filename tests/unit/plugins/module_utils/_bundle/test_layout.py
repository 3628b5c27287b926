# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""bundle.json: read as it was written, refused otherwise, and known by what it lists."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.layout import (
    Manifest,
    manifest_text,
    read_manifest,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._bundle.bundles import (
    blob_of,
    files_of,
)

INDEX = f"sha256:{'e' * 64}"
COMMIT, OBJECT = "a" * 40, "b" * 40
GIT = blob_of(b"git", "git", "https://git.example.com/a.git", [f"refs/tags/v1.0.0 {OBJECT} {COMMIT}"])
DIRECTORY = blob_of(b"tar", "directory", "./packs/b", [f"sha256:{'c' * 64}"])


def manifest(*blobs, lock="format: 1\n"):
    return Manifest(lock, tuple(sorted(blobs)), INDEX)


def refusal(content):
    with pytest.raises(SourceError) as caught:
        read_manifest(content, "a.tar")
    return caught.value.message


def test_it_is_read_as_it_was_written():
    made = manifest(GIT, DIRECTORY, *files_of()[1].blobs, lock="# ü\nformat: 1\n")
    assert read_manifest(manifest_text(made), "a.tar") == made


def test_where_packs_and_packages_are():
    made = manifest(GIT, DIRECTORY, blob_of(b"w"))
    assert made.of_pack("https://git.example.com/a.git", COMMIT) == [GIT]
    assert made.of_pack("./packs/b", f"sha256:{'c' * 64}") == [DIRECTORY]
    assert made.of_pack("./packs/b", COMMIT) == []
    assert made.of_pack("https://git.example.com/b.git", COMMIT) == []
    assert made.package(blob_of(b"w").digest) == blob_of(b"w")
    assert made.package(GIT.digest) is None


def test_it_is_known_by_what_is_in_it_and_not_by_how_git_wrote_that():
    other_bytes = GIT._replace(digest=f"sha256:{'d' * 64}", size=99)
    assert manifest(GIT, DIRECTORY).digest == manifest(other_bytes, DIRECTORY).digest
    assert manifest(GIT).digest != manifest(GIT._replace(holds=(f"refs/tags/v1.0.0 {COMMIT} {COMMIT}",))).digest
    assert manifest(GIT).digest != manifest(GIT, lock="format: 1 \n").digest
    assert manifest(blob_of(b"w")).digest != manifest(blob_of(b"v")).digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "has the format 2, and this version of stackstorm.st2 reads 1"),
        ({"format": None}, "has the format None"),
        ({"more": 1}, "other keys than blobs, digest, format, index, lock"),
        ({}, "is not what its own digest says"),
        ({"lock": 1}, "other keys than"),
        ({"blobs": {}}, "no list of at most"),
        ({"blobs": [1]}, "(number 1) with other keys"),
        ({"blobs": [{**GIT._asdict(), "more": 1}]}, "with other keys"),
        ({"blobs": [GIT._replace(digest="sha256:../x")._asdict()]}, "whose digest is none"),
        ({"blobs": [GIT._replace(digest=GIT.digest + "\n")._asdict()]}, "whose digest is none"),
        ({"blobs": [GIT._replace(size=-1)._asdict()]}, "whose size"),
        ({"blobs": [GIT._replace(size=True)._asdict()]}, "whose size"),
        ({"blobs": [GIT._replace(size=1 << 40)._asdict()]}, "whose size"),
        ({"blobs": [GIT._replace(kind="link")._asdict()]}, "that is none of directory, git, lfs, package"),
        ({"blobs": [GIT._replace(name="")._asdict()]}, "has no name"),
        ({"blobs": [GIT._replace(holds=())._asdict()]}, "of git without refs"),
        ({"blobs": [GIT._replace(holds=("--upload-pack=x a b",))._asdict()]}, "of git without refs"),
        ({"blobs": [GIT._replace(holds=(1,))._asdict()]}, "does not say what it holds"),
        ({"blobs": [blob_of(b"w", name="../x.whl")._asdict()]}, "not that of the file of a package"),
        ({"blobs": [blob_of(b"w", name="x.sh")._asdict()]}, "not that of the file of a package"),
        ({"blobs": [GIT._asdict(), GIT._asdict()]}, "twice, or not in their order"),
    ],
)
def test_what_is_not_ours_is_refused_with_what_is_wrong(change, said):
    document = {"format": 1, "lock": "", "blobs": [], "index": INDEX, "digest": "", **change}
    message = refusal(json.dumps(document).encode())
    assert said in message
    assert "The bundle a.tar is refused: bundle.json " in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"\xff", "is no JSON"),
        (b'{"format": 1, "lock": "\\ud800"}', "is no JSON"),
        (b"[]", "is no JSON object"),
        (b'{"format": 1, "format": 1, "lock": "", "blobs": []}', "has a key twice"),
    ],
)
def test_what_is_no_document_is_refused(content, said):
    assert said in refusal(content)
