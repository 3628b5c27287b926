# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A config as StackStorm's API shows it."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._config_api.stored import (
    StoredConfig,
    observe_config,
    ordered,
    sees_secrets,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._config_api.pretended_api import (
    SCHEMA,
    URL,
    PretendedApi,
)


def test_all_of_it():
    found = observe_config(PretendedApi({"url": "x"}), "sensu")
    assert (found.installed, found.values, found.schema.attributes) == (True, {"url": "x"}, SCHEMA)
    assert found.address == f"{URL}/configs/sensu" and found.schema.path == f"{URL}/config_schemas/sensu"
    assert "'x'" not in repr(found)


def test_a_pack_that_is_not_there_is_asked_nothing_more():
    found = observe_config(PretendedApi({"url": "x"}, pack=False), "sensu")
    assert (found.installed, found.values, found.schema) == (False, None, None)


@pytest.mark.parametrize("schema", [None, {}])
def test_an_empty_schema_is_as_good_as_none(schema):
    found = observe_config(PretendedApi(schema=schema), "sensu")
    assert (found.installed, found.values, found.schema) == (True, None, None)


@pytest.mark.parametrize(
    ("values", "masked"),
    [
        (None, False),
        ({"a": "*******"}, False),
        ({"a": "********"}, True),
        ({"a": [{"b": "********"}]}, True),
        ({"********": 1}, False),
    ],
)
def test_whether_something_is_masked(values, masked):
    assert StoredConfig("sensu", URL, True, None, values).masked is masked


@pytest.mark.parametrize(
    ("values", "exists", "text"), [(None, False, ""), ({}, False, ""), ({"b": 1, "a": 2}, True, "a: 2\nb: 1\n")]
)
def test_in_the_place_of_a_file(values, exists, text):
    file = StoredConfig("sensu", URL, True, None, values).as_file()
    assert (file.path, file.exists, file.text) == (URL, exists, text) and file.values == (values or {})


def test_keys_are_sorted_at_every_depth_and_lists_are_not():
    sorted_values = ordered({"b": [{"d": 1, "c": 2}, 0], "a": 1})
    assert repr(sorted_values) == "{'a': 1, 'b': [{'c': 2, 'd': 1}, 0]}"
    assert ordered({1: "x", "a": "y"}) == {1: "x", "a": "y"}


@pytest.mark.parametrize(
    ("rbac", "sees"),
    [
        ({"enabled": False, "is_admin": False}, True),
        ({"enabled": True, "is_admin": True}, True),
        ({"enabled": True, "is_admin": False}, False),
        ({"enabled": True}, False),
        ("nonsense", False),
        (None, False),
    ],
)
def test_who_sees_secrets(rbac, sees):
    assert sees_secrets(PretendedApi(rbac=rbac)) is sees
