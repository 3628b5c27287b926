# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configs to fill in: YAML as they are, refused until they are filled, accepted then."""

from __future__ import annotations

import re

import pytest
import yaml
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._config.template import config_template, describe
from ansible_collections.stackstorm.st2.plugins.module_utils._config.validation import check_values
from ansible_collections.stackstorm.st2.plugins.module_utils._content.config_schema import ConfigSchema, read_schema

FILL = {"string": "x", "integer": 1, "boolean": True, "number": 1.5, "array": [], "object": {}}
SITE = {"type": "object", "properties": {"host": {"type": "string", "required": True}, "pin": {"secret": True}}}
SCHEMA = {
    "url": {"type": "string", "description": "Where it answers.\nA URL.", "required": True},
    "port": {"type": "integer", "default": 80, "required": True},
    "region": {"type": "string", "enum": ["eu", "us"]},
    "token": {"type": "string", "secret": True, "default": "47110815"},
    "site": SITE,
    "sites": {"type": "object", "required": True, "patternProperties": {"^[a-z]+$": {"$ref": "#/properties/site"}}},
    "more": {"type": "array", "required": True, "items": SITE},
}
TEMPLATE = """\
# Where it answers.
# A URL.
# (string, required)
url: null

# (integer, required, default 80)
# port: 80

# (string, one of eu, us)
# region: null

# (string, secret)
# token: null

# (object, required)
sites:
  # (object)
  default:
    # (string, required)
    host: null
    # (any type, secret)
    # pin: null

# (array, required)
more:
  # (string, required)
  - host: null
    # (any type, secret)
    # pin: null
"""


def filled(value, schema, whole):
    """A template with a value for every placeholder, as a person would fill it in."""
    if "$ref" in schema:
        schema = whole[schema["$ref"].rpartition("/")[2]]
    if value is None:
        return schema["enum"][0] if "enum" in schema else FILL[schema.get("type", "string")]
    if isinstance(value, dict):
        patterns = schema.get("patternProperties", {})
        below = {key: next((one for name, one in patterns.items() if re.search(name, key)), {}) for key in value}
        return {
            key: filled(item, schema.get("properties", {}).get(key, below[key]), whole) for key, item in value.items()
        }
    return [filled(item, schema["items"], whole) for item in value] if isinstance(value, list) else value


def test_a_template_shows_every_key_with_what_it_takes():
    assert config_template(ConfigSchema(SCHEMA)) == TEMPLATE
    found = yaml.safe_load(TEMPLATE)
    assert {problem.key for problem in check_values(ConfigSchema(SCHEMA), found)} >= {"url", "sites.default.host"}
    assert check_values(ConfigSchema(SCHEMA), filled(found, {"properties": SCHEMA}, SCHEMA)) == []


def test_a_key_is_described_in_a_few_words():
    assert describe({"type": ["string", "null"], "default": False}) == "string or null, default false"
    assert describe({"type": "string", "default": "x"}, secret=True) == "string, secret"


def test_templates_of_real_schemas_can_be_filled_in():
    folder = real_data()
    if folder is None:
        pytest.skip(MISSING)
    for path in folder.glob("exchange/packs/*/config.schema.yaml"):
        schema = read_schema(str(path))
        found = yaml.safe_load(config_template(schema)) or {}
        whole = {"properties": schema.attributes}
        assert check_values(schema, filled(found, whole, schema.attributes)) == [], path
