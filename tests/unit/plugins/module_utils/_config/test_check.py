# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The question that an upgrade asks: does the config on disk fit the pack that is coming?"""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._config.check import check_config
from ansible_collections.stackstorm.st2.plugins.module_utils._content.problem import sentence
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError


@pytest.fixture
def pack(tmp_path):
    directory = tmp_path / "pack"
    directory.mkdir()
    (directory / "config.schema.yaml").write_text("host:\n  type: string\nregion:\n  type: string\n  required: true\n")
    return directory


def test_a_config_that_the_incoming_schema_refuses_is_told_by_key_rule_and_line(pack, tmp_path):
    config = tmp_path / "sensu.yaml"
    config.write_text("# c\nhost: 47110815\n")
    found = check_config(str(pack), str(config))
    assert [(one.key, one.rule, one.schema_line, one.config_line) for one in found] == [
        ("host", "type", 2, 2),
        ("region", "required", 3, None),
    ]
    assert "47110815" not in sentence(found) + repr(found)


def test_what_fits_is_no_problem(pack, tmp_path):
    config = tmp_path / "sensu.yaml"
    assert check_config(str(pack), str(config)) == [], "there is no config"
    config.write_text("region: eu\nmore: 1\n")
    assert check_config(str(pack), str(config)) == []
    (pack / "config.schema.yaml").unlink()
    config.write_text("anything: 1\n")
    assert check_config(str(pack), str(config)) == []


def test_a_config_that_is_none_is_one_problem(pack, tmp_path):
    config = tmp_path / "sensu.yaml"
    config.write_text("a: [\n")
    assert [one.rule for one in check_config(str(pack), str(config))] == ["yaml"]


def test_what_a_link_leads_to_is_checked_when_it_can_be_read(pack, tmp_path):
    config = tmp_path / "sensu.yaml"
    config.symlink_to(tmp_path / "target")
    assert check_config(str(pack), str(config)) == []
    (tmp_path / "target").write_text("a: [\n")
    assert [one.rule for one in check_config(str(pack), str(config))] == ["yaml"]


def test_a_schema_that_stackstorm_refuses_is_raised(pack, tmp_path):
    (pack / "config.schema.yaml").write_text("host:\n  type: text\n")
    config = tmp_path / "sensu.yaml"
    config.write_text("host: x\n")
    with pytest.raises(InvalidPackError):
        check_config(str(pack), str(config))
