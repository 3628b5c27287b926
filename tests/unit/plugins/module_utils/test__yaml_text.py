# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as YAML, told apart, and read back by PyYAML."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings

from ansible_collections.stackstorm.st2.plugins.module_utils._yaml_text import block, flow, same
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._config.config_values import CONFIGS, VALUES


@pytest.mark.parametrize(
    "one, other",
    [(True, "true"), (True, 1), (1, "1"), (1, 1.0), (None, ""), ({}, None), ([], {}), ([1], [True])],
    ids=str,
)
def test_types_are_told_apart(one, other):
    assert same(one, one) and same({"a": [one]}, {"a": [one]})
    assert not same(one, other) and not same({"a": [one]}, {"a": [other]})


def test_the_order_of_keys_does_not_matter_and_nan_is_itself():
    assert same({"a": 1, "b": float("nan")}, {"b": float("nan"), "a": 1})
    assert not same({"a": 1}, {"a": 1, "b": 1}) and not same([1], [1, 2])


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


@pytest.mark.parametrize(
    "text", ["\x85", "a\n\u2028b", "\ud800", "\U0001f600", "\ufeff", "\x80", "\uffff", "'", "#", "x" * 2000]
)
def test_odd_characters_are_read_as_they_were_written(text):
    for written in (block({text: text}), f"{flow({text: [text]})}\n"):
        assert list(yaml.safe_load(written.encode("utf-8"))) == [text]
    assert yaml.safe_load(block({text: text}).encode("utf-8")) == {text: text}
    assert yaml.safe_load(flow(text).encode("utf-8")) == text
