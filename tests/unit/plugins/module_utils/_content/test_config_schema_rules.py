# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules as a schema of their own."""

from __future__ import annotations

import jsonschema

from ansible_collections.stackstorm.st2.plugins.module_utils._content.config_schema_rules import SCHEMA_RULES


def test_the_rules_are_a_valid_schema_and_describe_every_keyword():
    jsonschema.Draft4Validator.check_schema(SCHEMA_RULES)
    for kind in SCHEMA_RULES["definitions"].values():
        for name, rule in kind["properties"].items():
            assert "description" in rule or "$ref" in rule or name == "default", name


def test_only_the_schema_of_a_key_itself_is_closed():
    key, nested = (SCHEMA_RULES["definitions"][name] for name in ("key", "nested"))
    assert key["additionalProperties"] is False and "additionalProperties" not in nested
