# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of what StackStorm was told: kept whole, and nothing of a config can be read out of them."""

from __future__ import annotations

import hashlib
import json
import os
import stat

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import (
    PARTS,
    Records,
    Told,
    overrides_digest,
    read_content,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError

P, C = Told("c0ffee", "http://h/v1"), Told("hmac-sha256:1", "local", ("action", "rule"), True)


@pytest.fixture
def state(tmp_path):
    return str(tmp_path / ".stackstorm.st2")


@pytest.fixture
def records(state):
    return Records(state)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def text_of(path):
    with open(path) as stream:
        return stream.read()


def test_parts_are_merged_and_read_back_by_another_run(records, state):
    records.write("sensu", {"pack": Told("decade"), "overrides": Told("o")})
    records.write("sensu", {"config": C, "pack": P})
    records.write("other", {"pack": Told("x")})
    found = Records(state).read("sensu")
    assert found == {"pack": P, "config": C, "overrides": Told("o")}
    assert set(found) == set(PARTS)
    records.write("sensu", {"config": None, "overrides": None})
    assert records.read("sensu") == {"pack": P}


def test_what_was_never_told_is_unknown_and_reading_writes_nothing(records, tmp_path):
    assert records.read("sensu") == {}
    records.write("sensu", {"pack": None})
    assert records.config_digest(b"a: 1")
    assert os.listdir(tmp_path) == []


def test_a_record_of_nothing_is_no_file(records):
    records.write("sensu", {"pack": P, "config": C})
    records.write("sensu", dict.fromkeys(PARTS))
    assert records.read("sensu") == {} and not os.path.exists(records.path("sensu"))


def test_what_is_the_same_is_not_written_again(records):
    records.write("sensu", {"pack": P})
    before = os.stat(records.path("sensu")).st_ino
    records.write("sensu", {"pack": P, "config": None})
    assert os.stat(records.path("sensu")).st_ino == before


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"pack": "x"}', '{"format": 1, "pack": "x", "by": "y"}', '{"format": 2, "pack": "x"}',
        '{"format": 2, "pack": {}}', '{"format": 2, "pack": {"digest": "x", "types": [], "more": 1}}',
        '{"format": 3, "pack": {"digest": "x", "by": "", "types": [], "lenient": false}}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_record_that_is_none_is_unknown(records, text):
    records.write("sensu", {"pack": P})
    with open(records.path("sensu"), "w") as stream:
        stream.write(text)
    assert records.read("sensu") == {}
    records.write("sensu", {"pack": C})
    assert records.read("sensu") == {"pack": C}


def test_modes_are_those_of_a_record_and_of_a_key(records):
    records.write("sensu", {"pack": P})
    assert mode(records.path("sensu")) == 0o644
    assert mode(os.path.join(records.directory, ".key")) == 0o600
    assert json.loads(text_of(records.path("sensu"))) == {
        "format": 2,
        "pack": {"digest": "c0ffee", "by": "http://h/v1", "types": [], "lenient": False},
    }


def test_nothing_that_stackstorm_would_register_lies_there(records):
    records.write("sensu", {"pack": P})
    assert sorted(os.listdir(records.directory)) == [".key", "sensu.json"]


def test_a_config_is_known_by_a_digest_that_only_this_host_can_make(records, state, tmp_path):
    content = b"password: s3cr3t\n"
    digest = records.config_digest(content)
    records.write("sensu", {"config": Told(digest)})
    assert Records(state).config_digest(content) == digest
    assert Records(str(tmp_path / "elsewhere")).config_digest(content) != digest
    plain = hashlib.sha256(content).hexdigest()
    assert plain not in digest and "s3cr3t" not in text_of(records.path("sensu"))
    assert Records(state).config_digest(b"password: s3cr3u\n") != digest
    assert records.config_digest(None) == "" != records.config_digest(b"")


def test_a_key_that_was_lost_makes_every_config_unknown_once(records, state):
    before = records.config_digest(b"a: 1\n")
    records.write("sensu", {"config": Told(before)})
    os.unlink(os.path.join(records.directory, ".key"))
    again = Records(state)
    after = again.config_digest(b"a: 1\n")
    assert after != before
    again.write("sensu", {"config": Told(after)})
    assert Records(state).config_digest(b"a: 1\n") == after


def test_overrides_are_known_by_the_files_that_apply():
    assert overrides_digest(None, None) == "none"
    contents = [None, b"", b"actions: {}\n", b"rules: {}\n"]
    digests = {overrides_digest(for_all, own) for for_all in contents for own in contents}
    assert len(digests) == len(contents) ** 2, "the same file for all and for one pack is not the same"
    assert all(digest == "none" or digest.startswith("sha256:") for digest in digests)


def test_the_content_of_a_file_that_is_not_there_is_none(tmp_path):
    (tmp_path / "empty").write_text("")
    assert read_content(f"{tmp_path}/empty") == b""
    assert read_content(f"{tmp_path}/none") is read_content(f"{tmp_path}/empty/none") is None
    with pytest.raises(IsADirectoryError):
        read_content(str(tmp_path))


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "state").write_text("")
    records = Records(f"{tmp_path}/state")
    with pytest.raises(ApplyError, match=r"The record .*/state/registered/sensu\.json .* cannot be changed"):
        records.write("sensu", {"pack": P})
    records.write("sensu", {"pack": None})
    broken = Records(f"{tmp_path}/other")
    os.makedirs(broken.path("sensu"))
    with pytest.raises(ApplyError, match="cannot be changed"):
        broken.write("sensu", {"pack": P})


@pytest.mark.parametrize(
    ("told", "types", "lenient", "enough"),
    [
        (Told("x"), (), False, True),
        (Told("x"), ("action",), False, True),
        (Told("x", types=("action", "rule")), ("rule",), False, True),
        (Told("x", types=("action",)), ("action", "rule"), False, False),
        (Told("x", types=("action",)), (), False, False),
        (Told("x", lenient=True), (), False, False),
        (Told("x", lenient=True), (), True, True),
        (Told("x"), (), True, True),
    ],
)
def test_whether_what_was_told_is_as_much_as_would_be(told, types, lenient, enough):
    assert told.covers(types, lenient=lenient) is enough
