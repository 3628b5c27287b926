# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change sets on disk: which are read, how they are numbered, what is left over, and what things are told apart by."""

from __future__ import annotations

import json
import os
import types

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.change_sets import (
    ChangeSet,
    ChangeSets,
    Part,
    State,
    file_state,
    pack_state,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._change.liveness import host_name
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError

STATE = ".stackstorm.st2"


def change(number, host=None):
    pack = Part("sensu", "pack", "/packs/sensu", "/kept", State("a", "1.0.1"), None)
    config = Part("sensu", "config", "/configs/sensu.yaml", "", None, State("b"))
    return ChangeSet(number, host or host_name(), "2026-01-01T00:00:00Z", "api", "", "00" * 16, (pack, config))


@pytest.fixture
def sets(tmp_path):
    for name in ("packs", "configs"):
        (tmp_path / name / STATE / "changes").mkdir(parents=True)
    stagings = [str(tmp_path / name / STATE / "staging") for name in ("packs", "configs")]
    return ChangeSets(types.SimpleNamespace(state=str(tmp_path / "packs" / STATE), stagings=stagings))


def put(sets, number, content=None, host=None):
    with open(sets.path(number), "wb") as stream:
        stream.write(change(number, host).document() if content is None else content)


def test_those_of_this_host_are_read_as_they_were_written_by_number(sets):
    for number in ("10000", "0002", "9999"):
        put(sets, number)
    put(sets, "0003", host="another")
    assert sets.all() == [change("0002"), change("9999"), change("10000")]
    assert [part.what for part in sets.all()[0].of("config")] == ["config"]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"format": 2}', b"[" * 100_000, b'{"format": 1, "id": "0001"}']
)
def test_what_cannot_be_understood_is_left_out(sets, content):
    put(sets, "0001", content)
    put(sets, "0002", json.dumps({**json.loads(change("0001").document())}).encode())
    assert sets.all() == [], "nor is one that has the name of another"


def test_no_number_is_used_twice_whoever_has_it(sets, tmp_path):
    assert sets.next_id() == "0001"
    put(sets, "0007", host="another")
    assert sets.next_id() == "0008"
    os.makedirs(tmp_path / "configs" / STATE / "changes" / "0012-another")
    assert sets.next_id() == "0013"


def test_only_what_this_host_kept_for_no_known_change_is_left_over(sets, tmp_path):
    mine = [os.path.basename(sets.kept("/any", number)) for number in ("0001", "0002")]
    for name in (*mine, "0001-another", "notes"):
        os.makedirs(tmp_path / "configs" / STATE / "changes" / name)
    assert sets.left_over({"0002"}) == [str(tmp_path / "configs" / STATE / "changes" / mine[0])]


def test_a_link_in_its_place_is_refused(sets, tmp_path):
    place = tmp_path / "packs" / STATE / "changes"
    place.rmdir()
    place.symlink_to(tmp_path)
    with pytest.raises(HostError):
        sets.all()


def test_the_content_of_a_config_cannot_be_guessed_from_its_identity(tmp_path):
    path = tmp_path / "sensu.yaml"
    assert file_state(str(path), "00" * 16) is None
    path.write_text("a: 1\n")
    first = file_state(str(path), "00" * 16)
    assert first == file_state(str(path), "00" * 16) != file_state(str(path), "01" * 16)
    path.write_text("a: 2\n")
    assert file_state(str(path), "00" * 16) != first


def test_a_pack_without_git_and_receipt_is_known_by_its_metadata(tmp_path):
    assert pack_state(str(tmp_path / "sensu"), "") is None
    (tmp_path / "sensu").mkdir()
    assert pack_state(str(tmp_path / "sensu"), "").identity.startswith("inode ")
    (tmp_path / "sensu" / "pack.yaml").write_text("ref: sensu\nname: sensu\nversion: 1.0.1\n")
    known = pack_state(str(tmp_path / "sensu"), "")
    assert (known.version, known.short) == ("1.0.1", "1.0.1")
    os.utime(tmp_path / "sensu" / "pack.yaml", (1, 1))
    assert pack_state(str(tmp_path / "sensu"), "").identity != known.identity
