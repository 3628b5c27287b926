# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files edited in place: what is not touched stays byte for byte, and what comes out says what it should."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given, settings

from ansible_collections.stackstorm.st2.plugins.module_utils._config.editing import edited
from ansible_collections.stackstorm.st2.plugins.module_utils._config.rendering import block
from ansible_collections.stackstorm.st2.plugins.module_utils._config.values import merged, same
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._config.config_values import CONFIGS

TEXT = """\
# head
---
url: http://a   # where

# about the token
token: 'x'
nested:  # n
  a: 1 # one

  # before b
  b:
    - 1
    - 2   # two
  # trailing
pem: |
  line1
  line2
flow: {a: 1, b: 2}  # fl

# end
"""


def changed_lines(over):
    current = yaml.safe_load(TEXT)
    text, kept = edited(TEXT, current, merged(current, over))
    assert kept and yaml.safe_load(text) == merged(current, over)
    old, new = TEXT.splitlines(), text.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.mark.parametrize(
    "over, gone, come",
    [
        ({"url": "http://b"}, ["url: http://a   # where"], ["url: http://b   # where"]),
        ({"token": 5}, ["token: 'x'"], ["token: 5"]),
        ({"nested": {"a": True}}, ["  a: 1 # one"], ["  a: true # one"]),
        ({"nested": {"c": {"d": [1]}}}, [], ["  c:", "    d:", "      - 1"]),
        ({"nested": {"b": [3]}}, ["    - 1", "    - 2   # two"], ["    - 3"]),
        ({"pem": "line1\nother\n"}, ["  line2"], ["  other"]),
        ({"pem": None}, ["pem: |", "  line1", "  line2"], ["pem: null"]),
        ({"flow": 3}, ["flow: {a: 1, b: 2}  # fl"], ["flow: 3  # fl"]),
        ({"flow": {"c": 1}}, ["flow: {a: 1, b: 2}  # fl"], ["flow:", "  a: 1", "  b: 2", "  c: 1"]),
        ({"new": "x"}, [], ["new: x"]),
        ({"url": "a\nb"}, ["url: http://a   # where"], ["url: |-", "  a", "  b"]),
    ],
    ids=str,
)
def test_only_what_differs_is_touched(over, gone, come):
    assert changed_lines(over) == (gone, come)


def test_line_ends_stay_as_they_are():
    current = {"a": 1, "b": 2}
    text, kept = edited("a: 1\r\n# c\r\nb: 2", current, {"a": 3, "b": 2, "c": {"d": 1}})
    assert (text, kept) == ("a: 3\r\n# c\r\nb: 2\r\nc:\r\n  d: 1\r\n", True)


@pytest.mark.parametrize("text", ["# only\n# comments", "# only\n# comments\n", "# only\n# comments\n{}\n"])
def test_a_file_of_comments_gets_the_values_at_its_end(text):
    assert edited(text, {}, {"a": 1}) == ("# only\n# comments\na: 1\n", True)


@pytest.mark.parametrize(
    "text, over",
    [
        ("a: &x {b: 1}  # c\nc: *x\n", {"c": {"b": 2}}),
        ("a: &x\n  b: 1\nc:\n  <<: *x # c\n", {"c": {"b": 2}}),
        ("{a: 1}  # c\n", {"b": 2}),
        ("? [x]\n: 1\n", {"b": 2}),
        ("a: 1  # c\na: 2\n", {"a": 3}),
    ],
)
def test_what_cannot_be_kept_is_written_anew_and_told(text, over):
    try:
        current = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    wanted = merged(current, over)
    result, kept = edited(text, current, wanted)
    assert yaml.safe_load(result) == wanted
    assert kept or (result == block(wanted) and "#" in text)


def test_an_anchor_that_is_not_touched_stays():
    text = "a: &x {b: 1}  # c\nc: *x\nd: 1\n"
    current = yaml.safe_load(text)
    assert edited(text, current, {**current, "d": 2}) == (text.replace("d: 1", "d: 2"), True)


def commented(values):
    """A file with a comment over every key at the top."""
    lines = block(values).splitlines(keepends=True)
    return "".join(f"# over\n{line}" if line[0] not in " -" else line for line in lines)


@settings(max_examples=80, deadline=None)
@example({"a": {"a": None}}, {"a": {"b": None}, "b": None})  # two additions at the end of the file
@given(CONFIGS, CONFIGS)
def test_what_comes_out_says_what_it_should(current, over):
    wanted = merged(current, over)
    text = commented(current)
    result, kept = edited(text, current, wanted)
    assert kept and same(yaml.safe_load(result), wanted)
    assert result.count("# over\n") == max(1, len(current))
    untouched = [f"# over\n{block({key: value})}" for key, value in current.items() if same(value, wanted[key])]
    assert not [part for part in untouched if part not in result]
