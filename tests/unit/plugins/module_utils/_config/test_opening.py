# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which schemas in the database are opened, for which config; that StackStorm takes it is in test_register.py."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._config.opening import Opening, opening_of
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import open_schema

SCHEMA = {"host": {"type": "string", "required": True}}


@pytest.fixture
def view(tmp_path):
    return SimpleNamespace(host=SimpleNamespace(configs_path=str(tmp_path)), now=lambda path: path)


def test_a_schema_is_opened_for_the_config_that_is_there(view, tmp_path):
    (tmp_path / "sensu.yaml").write_text("port: 5\n")
    assert opening_of(view, "sensu", "/packs/sensu", SCHEMA) == Opening("sensu", "/packs/sensu", SCHEMA, {"port": 5})


def test_without_a_config_it_is_opened_for_none(view):
    assert opening_of(view, "sensu", "/packs/sensu", SCHEMA).values == {}


def test_one_that_is_open_for_the_config_stays(view, tmp_path):
    (tmp_path / "sensu.yaml").write_text("port: 5\n")
    assert opening_of(view, "sensu", "/packs/sensu", open_schema(SCHEMA, {"port": 5})) is None
