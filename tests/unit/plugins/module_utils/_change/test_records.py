# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of what was registered: kept whole, forgotten surely, and nothing of a config can be read out of it."""

from __future__ import annotations

import hashlib
import json
import os
import stat

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import (
    KEYS,
    RegisteredRecords,
    overrides_digest,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError


@pytest.fixture
def state(tmp_path):
    return str(tmp_path / ".stackstorm.st2")


@pytest.fixture
def records(state):
    return RegisteredRecords(state)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def text_of(path):
    with open(path) as stream:
        return stream.read()


def test_keys_are_merged_and_read_back_by_another_run(records, state):
    records.write("sensu", {"pack": "c0ffee", "by": "http://h/v1"})
    records.write("sensu", {"config": "hmac-sha256:1", "pack": "decade"})
    records.write("other", {"pack": "x"})
    found = RegisteredRecords(state).read("sensu")
    assert found == {"pack": "decade", "by": "http://h/v1", "config": "hmac-sha256:1"}
    assert set(found) <= set(KEYS)
    records.write("sensu", {"config": ""})
    assert records.read("sensu") == {"pack": "decade", "by": "http://h/v1"}


def test_what_was_never_registered_is_unknown_and_reading_writes_nothing(records, tmp_path):
    assert records.read("sensu") == {}
    records.forget("sensu")
    (tmp_path / "c.yaml").write_text("a: 1\n")
    assert records.config_digest(f"{tmp_path}/c.yaml")
    assert os.listdir(tmp_path) == ["c.yaml"]


def test_forgetting_takes_all_or_some_keys(records):
    records.write("sensu", {"pack": "p", "config": "c", "by": "b"})
    records.forget("sensu", ["config"])
    assert records.read("sensu") == {"pack": "p", "by": "b"}
    records.forget("sensu", ["pack", "by"])
    assert not os.path.exists(records.path("sensu"))
    records.write("sensu", {"pack": "p"})
    records.forget("sensu")
    assert records.read("sensu") == {} and not os.path.exists(records.path("sensu"))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pack": "x"}', '{"format": 2, "pack": "x"}', "[" * 100_000])
def test_a_record_that_is_none_is_unknown(records, text):
    records.write("sensu", {"pack": "p"})
    with open(records.path("sensu"), "w") as stream:
        stream.write(text)
    assert records.read("sensu") == {}
    records.write("sensu", {"pack": "q"})
    assert records.read("sensu") == {"pack": "q"}


def test_modes_are_those_of_a_record_and_of_a_key(records):
    records.write("sensu", {"pack": "p"})
    assert mode(records.path("sensu")) == 0o644
    assert mode(os.path.join(records.directory, ".key")) == 0o600
    assert json.loads(text_of(records.path("sensu"))) == {"format": 1, "pack": "p"}


def test_nothing_that_stackstorm_would_register_lies_there(records):
    records.write("sensu", {"pack": "p"})
    assert sorted(os.listdir(records.directory)) == [".key", "sensu.json"]


def test_a_config_is_known_by_a_digest_that_only_this_host_can_make(records, state, tmp_path):
    config = tmp_path / "sensu.yaml"
    config.write_text("password: s3cr3t\n")
    digest = records.config_digest(str(config))
    records.write("sensu", {"config": digest})
    assert RegisteredRecords(state).config_digest(str(config)) == digest
    assert RegisteredRecords(str(tmp_path / "elsewhere")).config_digest(str(config)) != digest
    plain = hashlib.sha256(config.read_bytes()).hexdigest()
    assert plain not in digest and "s3cr3t" not in text_of(records.path("sensu"))
    config.write_text("password: s3cr3u\n")
    assert RegisteredRecords(state).config_digest(str(config)) != digest
    assert records.config_digest(f"{tmp_path}/none.yaml") == ""


def test_a_key_that_was_lost_makes_every_config_unknown_once(records, state, tmp_path):
    config = tmp_path / "sensu.yaml"
    config.write_text("a: 1\n")
    before = records.config_digest(str(config))
    records.write("sensu", {"config": before})
    os.unlink(os.path.join(records.directory, ".key"))
    again = RegisteredRecords(state)
    after = again.config_digest(str(config))
    assert after != before
    again.write("sensu", {"config": after})
    assert RegisteredRecords(state).config_digest(str(config)) == after


def test_overrides_are_known_by_the_files_that_apply(tmp_path):
    assert overrides_digest(str(tmp_path), "sensu") == overrides_digest(f"{tmp_path}/none", "sensu") == ""
    seen = {""}
    for name, text in (
        ("sensu", "actions: {}\n"),
        ("_global", "actions: {}\n"),
        ("sensu", "rules: {}\n"),
        ("_global", "rules: {}\n"),
    ):
        (tmp_path / f"{name}.yaml").write_text(text)
        digest = overrides_digest(str(tmp_path), "sensu")
        assert digest not in seen and digest.startswith("sha256:")
        seen.add(digest)
    (tmp_path / "sensu.yml").write_text("x")
    (tmp_path / "other.yaml").write_text("x")
    assert overrides_digest(str(tmp_path), "sensu") == digest
    (tmp_path / "sensu.yaml").unlink()
    assert overrides_digest(str(tmp_path), "sensu") == overrides_digest(str(tmp_path), "nagios")


def test_the_same_file_for_all_and_for_one_pack_is_not_the_same(tmp_path):
    (tmp_path / "_global.yaml").write_text("x")
    one = overrides_digest(str(tmp_path), "sensu")
    (tmp_path / "_global.yaml").rename(tmp_path / "sensu.yaml")
    assert overrides_digest(str(tmp_path), "sensu") != one


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "state").write_text("")
    records = RegisteredRecords(f"{tmp_path}/state")
    with pytest.raises(ApplyError, match=r"The record .*/state/registered/sensu\.json .* cannot be changed"):
        records.write("sensu", {"pack": "p"})
    records.forget("sensu")
    broken = RegisteredRecords(f"{tmp_path}/other")
    broken.write("sensu", {"pack": "p"})
    os.unlink(broken.path("sensu"))
    os.mkdir(broken.path("sensu"))
    with pytest.raises(ApplyError, match="cannot be changed"):
        broken.forget("sensu")
