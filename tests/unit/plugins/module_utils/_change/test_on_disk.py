# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By what packs, configs and overrides on disk are told from others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.on_disk import OnDisk
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import (
    Installation,
)


@pytest.fixture
def place(tmp_path):
    for name in ("packs", "configs", "overrides"):
        (tmp_path / name).mkdir()
    return tmp_path


def on_disk(place):
    host = SimpleNamespace(configs_path=str(place / "configs"), overrides_path=str(place / "overrides"))
    return OnDisk(host, Installation([str(place / "packs")]), Records(str(place / "state")))


def test_a_pack_that_is_not_there_is_known_by_nothing(place):
    assert on_disk(place).pack("sensu") == ""
    (place / "packs" / "sensu").mkdir()
    (place / "packs" / "sensu" / "pack.yaml").write_text("ref: sensu\nname: sensu\nversion: 1.0.0\n")
    assert on_disk(place).pack("sensu") != ""


def test_a_config_is_known_by_its_file(place):
    disk = on_disk(place)
    assert disk.config("sensu") == ""
    (place / "configs" / "sensu.yaml").write_text("a: 1\n")
    (place / "configs" / "other.yaml").write_text("a: 1\n")
    first = disk.config("sensu")
    assert first == disk.config("other") != ""
    (place / "configs" / "sensu.yaml").write_text("a: 2\n")
    assert disk.config("sensu") not in ("", first)


def test_overrides_are_known_by_the_two_files_that_stackstorm_reads_and_no_others(place):
    disk, seen = on_disk(place), {"none"}
    assert disk.overrides("sensu") == "none"
    for name, text in (("sensu", "a"), ("_global", "a"), ("sensu", "b"), ("_global", "b")):
        (place / "overrides" / f"{name}.yaml").write_text(text)
        digest = disk.overrides("sensu")
        assert digest not in seen
        seen.add(digest)
    for name in ("sensu.yml", "other.yaml"):
        (place / "overrides" / name).write_text("x")
    assert disk.overrides("sensu") == digest
    (place / "overrides" / "sensu.yaml").unlink()
    assert disk.overrides("sensu") == disk.overrides("nagios"), "those for all"
    (place / "overrides" / "_global.yaml").rename(place / "overrides" / "sensu.yaml")
    assert disk.overrides("sensu") not in ("none", disk.overrides("nagios"))
