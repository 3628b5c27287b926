# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as YAML, read back by PyYAML."""

from __future__ import annotations

import yaml
from hypothesis import given, settings

from ansible_collections.stackstorm.st2.plugins.module_utils._config.rendering import block, flow
from ansible_collections.stackstorm.st2.plugins.module_utils._config.values import same
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._config.config_values import CONFIGS, VALUES


def test_a_document_is_written_as_a_person_would():
    values = {"b": 1, "a": {"list": [{"x": 1, "y": True}], "text": "one\ntwo\n"}, "empty": {}, "long": "x " * 100}
    assert block(values) == (
        "b: 1\na:\n  list:\n    - x: 1\n      y: true\n  text: |\n    one\n    two\nempty: {}\n"
        + f"long: '{'x ' * 100}'\n"
    )


def test_nothing_is_an_alias():
    shared = {"x": [1]}
    assert "&" not in block({"a": shared, "b": shared})


@settings(max_examples=60, deadline=None)
@given(CONFIGS)
def test_a_document_says_what_it_should(values):
    assert same(yaml.safe_load(block(values)), values)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_a_value_is_one_line_and_says_what_it_should(value):
    text = flow(value)
    assert "\n" not in text and same(yaml.safe_load(text), value)
