# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an index."""

from __future__ import annotations

import base64
import gzip

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._index.describe import Description
from ansible_collections.stackstorm.st2.plugins.module_utils._index.published_files import compressed, published_files

ENTRIES = {
    "own": {"ref": "own", "version": "1.0.0", "content": {}, "repo_url": "https://h/own", "versions": ["1.0.0"]},
    "taken": {"ref": "taken", "name": "Taken", "repo_url": "https://h/taken", "versions": [], "commit": "a" * 40},
}
DESCRIPTIONS = {
    "own": Description(
        ref="own",
        files={"pack.yaml": "ref: own\n", "actions/a%2Fb.json": "{}\n"},
        icon=base64.b64encode(b"icon").decode(),
    )
}


def test_where_everything_is():
    files = published_files(ENTRIES, DESCRIPTIONS, b"index")
    assert {path: content for path, content in files.items() if "taken" not in path} == {
        "v1/index.json": b"index",
        "v1/packs/own/pack.yaml": b"ref: own\n",
        "v1/packs/own/actions/a%2Fb.json": b"{}\n",
        "v1/icons/own.png": b"icon",
    }
    assert yaml.safe_load(files["v1/packs/taken/pack.yaml"]) == {"ref": "taken", "name": "Taken"}


def test_the_compressed_index_is_the_same_each_time():
    index = b'{"packs": {}}' * 1000
    first = compressed(index, None)
    assert gzip.decompress(first) == index and first[4:8] == b"\0\0\0\0", "no time"
    assert compressed(index, first) == first == compressed(index, None)


def test_another_compression_of_the_same_stays():
    other = gzip.compress(b"index", compresslevel=1, mtime=5)
    assert compressed(b"index", other) == other


@pytest.mark.parametrize(
    "before",
    [b"", b"\x1f\x8b", b"nonsense", gzip.compress(b"x" * (8 << 20), mtime=0), gzip.compress(b"index", mtime=0)[:-9]],
    ids=["nothing", "two bytes", "nonsense", "bomb", "cut"],
)
def test_what_is_no_compression_of_it_is_replaced(before):
    assert gzip.decompress(compressed(b"index", before)) == b"index"
