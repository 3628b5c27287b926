# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files edited in place: what is not touched stays byte for byte, and what comes out says what it should."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._config.values import merged
from ansible_collections.stackstorm.st2.plugins.module_utils._yaml_edit import edit
from ansible_collections.stackstorm.st2.plugins.module_utils._yaml_text import block, flow, same
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._config.config_values import CONFIGS

CONFIG = """\
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
7: seven

# end
"""
NESTED = ["nested:  # n", "  a: 1 # one", "  # before b", "  b:", "    - 1", "    - 2   # two"]
OVERRIDES = """\
---
# Why this is so: see the wiki.
actions:
  defaults:
    enabled: false   # all of them
  exceptions:
    # The one that we use.
    check:
      enabled: true
    list: {enabled: yes}

sensors:   # noisy
  exceptions:
    PulseSensor:
      enabled: false
# the end
"""


def edited(text, wanted):
    """The text after an edit that loses no comment."""
    found = edit(text, wanted)
    assert not found.comments_lost and same(yaml.safe_load(found.text), wanted)
    return found.text


def without(mapping, *path):
    """The mapping without what is at the end of a path."""
    key, *below = path
    rest = {name: value for name, value in mapping.items() if name != key}
    return {**mapping, key: without(mapping[key], *below)} if below else rest


# What is changed, and what comes in its place


@pytest.mark.parametrize(
    "over, gone, come",
    [
        ({"url": "http://b"}, ["url: http://a   # where"], ["url: http://b   # where"]),
        ({"token": 5}, ["token: 'x'"], ["token: 5"]),
        ({"nested": {"a": True}}, ["  a: 1 # one"], ["  a: true # one"]),
        ({"nested": {"c": {"d": [1]}}}, [], ["  c:", "    d:", "      - 1"]),
        ({"nested": {"b": [3]}}, ["    - 1", "    - 2   # two"], ["    - 3"]),
        ({"nested": 1}, NESTED, ["nested: 1  # n"]),
        ({"pem": "line1\nother\n"}, ["  line2"], ["  other"]),
        ({"pem": None}, ["pem: |", "  line1", "  line2"], ["pem: null"]),
        ({"flow": 3}, ["flow: {a: 1, b: 2}  # fl"], ["flow: 3  # fl"]),
        ({"flow": {"a": "x, y"}}, ["flow: {a: 1, b: 2}  # fl"], ["flow: {a: 'x, y', b: 2}  # fl"]),
        ({"flow": {"c": 1}}, ["flow: {a: 1, b: 2}  # fl"], ["flow: {a: 1, b: 2, c: 1}  # fl"]),
        ({"new": "x"}, [], ["new: x"]),
        ({7: "eight"}, ["7: seven"], ["7: eight"]),
        ({"url": "a\nb"}, ["url: http://a   # where"], ["url: |-   # where", "  a", "  b"]),
        ({"url": {"a": 1}}, ["url: http://a   # where"], ["url:   # where", "  a: 1"]),
    ],
    ids=str,
)
def test_only_what_differs_is_touched(over, gone, come):
    text = edited(CONFIG, merged(yaml.safe_load(CONFIG), over))
    old, new = CONFIG.splitlines(), text.splitlines()
    assert [line for line in old if line not in new] == gone
    assert [line for line in new if line not in old] == come


def test_values_change_in_both_styles():
    said = yaml.safe_load(OVERRIDES)
    over = {"defaults": {"enabled": True}, "exceptions": {"check": {"enabled": False}, "list": {"enabled": False}}}
    text = edited(OVERRIDES, merged(said, {"actions": over}))
    assert text == OVERRIDES.replace("false   # all", "true   # all").replace(
        "      enabled: true\n", "      enabled: false\n"
    ).replace("{enabled: yes}", "{enabled: false}")


def test_a_key_is_added_beside_the_others():
    over = {"actions": {"exceptions": {"a: b": {"enabled": False}}}}
    text = edited(OVERRIDES, merged(yaml.safe_load(OVERRIDES), over))
    assert text == OVERRIDES.replace("{enabled: yes}\n", "{enabled: yes}\n    'a: b':\n      enabled: false\n")


def test_a_part_and_a_section_are_added():
    over = {"sensors": {"defaults": {"enabled": True}}, "rules": {"exceptions": {"r": {"enabled": True}}}}
    text = edited(OVERRIDES, merged(yaml.safe_load(OVERRIDES), over))
    assert text == OVERRIDES.replace(
        "# the end",
        "  defaults:\n    enabled: true\nrules:\n  exceptions:\n    r:\n      enabled: true\n# the end",
    )


def test_what_is_removed_goes_with_all_its_lines():
    text = edited(OVERRIDES, {"actions": {"defaults": {"enabled": False}}})
    assert text == (
        "---\n# Why this is so: see the wiki.\nactions:\n  defaults:\n    enabled: false   # all of them\n\n# the end\n"
    )


def test_one_of_several_is_removed():
    text = edited(OVERRIDES, without(yaml.safe_load(OVERRIDES), "actions", "exceptions", "list"))
    assert text == OVERRIDES.replace("    list: {enabled: yes}\n", "")


def test_blank_lines_behind_text_of_several_lines_stay_unless_they_are_its():
    assert edited("# c\na: |\n  x\n\nb: 1\n", {"b": 1}) == "# c\n\nb: 1\n"
    assert edited("# c\na: |+\n  x\n\nb: 1\n", {"b": 1}) == "# c\nb: 1\n"
    assert edited("# c\na: |+ # d\n  x\n\n", {"a": "x\n\n", "b": 1}) == "# c\na: |+ # d\n  x\n\nb: 1\n"


# Around it


def test_line_ends_stay_as_they_are():
    text = edited("a: 1\r\n# c\r\nb: 2", {"a": 3, "b": 2, "c": {"d": 1}})
    assert text == "a: 3\r\n# c\r\nb: 2\r\nc:\r\n  d: 1"
    text = edited(OVERRIDES.replace("\n", "\r\n"), without(yaml.safe_load(OVERRIDES), "sensors"))
    assert text == OVERRIDES[: OVERRIDES.index("sensors")].replace("\n", "\r\n") + "# the end\r\n"


def test_a_file_without_an_end_of_line():
    text = edited("actions:\n  enabled: true", {"actions": {"enabled": True, "more": {"a": False}}})
    assert text == "actions:\n  enabled: true\n  more:\n    a: false"


@pytest.mark.parametrize("text", ["# only\n# comments", "# only\n# comments\n", "# only\n# comments\n{}\n"])
def test_a_file_of_comments_gets_the_values_at_its_end(text):
    assert edited(text, {"a": 1}) == "# only\n# comments\na: 1" + ("\n" if text.endswith("\n") else "")


@pytest.mark.parametrize("text", ["", "---\n", "{}\n", "~"])
def test_where_nothing_is_the_values_are_written_anew(text):
    assert edit(text, {"a": {"b": 1}}, head="---\n") == ("---\na:\n  b: 1\n", False)


# What cannot be edited


@pytest.mark.parametrize(
    "text, over",
    [
        ("a: &x {b: 1}  # c\nc: *x\n", {"c": {"b": 2}}),
        ("a: &x\n  b: 1\nc:\n  <<: *x # c\n", {"c": {"b": 2}}),
        ("{a: 1}  # c\n", {"b": 2}),
        ("? [x]  # c\n: 1\n", {"b": 2}),
        ("# c\na: &off\n  b: 1\nc: *off\n", {"a": {"b": 2}}),
        ("# c\na: |\n  x", {"b": 1}),
    ],
)
def test_what_cannot_be_kept_is_written_anew_and_told(text, over):
    try:
        wanted = merged(yaml.safe_load(text), over)
    except yaml.YAMLError:
        wanted = over
    assert edit(text, wanted, head="---\n") == (f"---\n{block(wanted)}", True)
    without_comment = text.replace("# c", "")
    assert edit(without_comment, wanted) == (block(wanted), False)


def test_a_key_that_stands_there_twice_says_the_new_value_in_both_places():
    assert edited("a: 1  # c\na: 2\n", {"a": 3}) == "a: 3  # c\na: 3\n"


def test_an_anchor_that_is_not_touched_stays():
    text = "a: &x {b: 1}  # c\nc: *x\nd: 1\n"
    assert edited(text, {"a": {"b": 1}, "c": {"b": 1}, "d": 2}) == text.replace("d: 1", "d: 2")


def test_an_anchor_that_others_need_is_not_taken_away():
    found = edit("# ours\na: &x {b: 1}\nc: *x\n", {"c": {"b": 1}})
    assert found == ("c:\n  b: 1\n", True)


@pytest.mark.parametrize("name", ["\x85", "\u2028", "\ud800", "\ufeff", "'", "#", "x" * 2000])
def test_odd_names_are_added_and_read_as_they_were_written(name):
    wanted = {"exceptions": {"other": {"enabled": False}, name: {"enabled": True}}}
    found = edit("exceptions:\n  other:\n    enabled: false\n", wanted)
    assert yaml.safe_load(found.text.encode("utf-8")) == wanted


# Over generated documents


class Commented:
    """A mapping as a person might write it: a comment over every key, one behind it, a blank line now and then.

    Every comment is another one. `lasting` has the lines, or parts of them, that must be there after an edit.
    """

    def __init__(self, draw, values, newline):
        self._draw = draw
        self._number = 0
        self._newline = newline
        self.lines = []
        self._mapping(values, 0, ())
        self.text = "".join(line + newline for line, _path, _kind in self.lines)

    def _comment(self):
        self._number += 1
        return f"# {self._number}."

    def _mapping(self, values, indent, path):
        for key, value in values.items():
            here = (*path, key)
            if self._draw(st.booleans()):
                self.lines.append(("", here, "blank"))
            self.lines.append((f"{' ' * indent}{self._comment()}", here, "over"))
            if isinstance(value, dict) and value and self._draw(st.booleans()):
                self.lines.append((f"{' ' * indent}{flow(key)}:  {self._comment()}", here, "key"))
                self._mapping(value, indent + 2, here)
                continue
            first, *more = block({key: value}).splitlines()
            if self._draw(st.booleans()) and "\n" not in block({key: value}).rstrip("\n"):
                first += f"  {self._comment()}"
            self.lines += [(" " * indent + line if line else line, here, "value") for line in (first, *more)]

    def lasting(self, wanted):
        """The lines that an edit to `wanted` need not touch, and the comments of those that it does, in order."""
        for line, path, kind in self.lines:
            above, there = _at(wanted, path[:-1]), _at(wanted, path)
            if kind == "over" and isinstance(above, dict) and above:
                yield line
            elif kind == "key" and there is not _MISSING:
                yield line if isinstance(there, dict) and there else line[line.rindex("  #") :]
            elif kind == "value" and same(there, _at(yaml.safe_load(self.text), path)):
                yield line


_MISSING = object()


def _at(values, path):
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return _MISSING
        values = values[key]
    return values


@st.composite
def edits(draw):
    """A text, and what it is to say: some keys gone, some others, some new, at any depth."""
    current = draw(CONFIGS.filter(bool))

    def changed(values):
        result = {}
        for key, value in values.items():
            what = draw(st.sampled_from(["keep", "keep", "into", "drop", "other"]))
            if what == "into" and isinstance(value, dict):
                result[key] = changed(value)
            elif what == "other":
                result[key] = draw(CONFIGS.map(lambda one: next(iter(one.values()), 7)))
            elif what != "drop":
                result[key] = value
        return {**result, **{key: value for key, value in draw(CONFIGS).items() if key not in values}}

    return Commented(draw, current, draw(st.sampled_from(["\n", "\r\n"]))), changed(current)


@settings(max_examples=150, deadline=None)
@given(edits())
def test_it_says_what_it_should_and_what_need_not_change_is_there(edited_to):
    before, wanted = edited_to
    found = edit(before.text, wanted)
    assert same(yaml.safe_load(found.text), wanted)
    if found.comments_lost:
        assert wanted == {}  # A file of comments only would say nothing.
        return
    assert ("\r\n" in found.text) == ("\r\n" in before.text) and "\r\r" not in found.text
    place = 0
    for line in before.lasting(wanted):
        place = found.text.find(line, place) + len(line)
        assert place >= len(line), f"{line!r} is not there, or not in its order"


def commented(values):
    """A file with a comment over every key at the top."""
    lines = block(values).splitlines(keepends=True)
    return "".join(f"# over\n{line}" if line[0] not in " -" else line for line in lines)


@settings(max_examples=80, deadline=None)
@example({"a": {"a": None}}, {"a": {"b": None}, "b": None})  # two additions at the end of the file
@given(CONFIGS, CONFIGS)
def test_what_is_put_over_leaves_the_rest_as_it_is(current, over):
    wanted = merged(current, over)
    text = commented(current)
    result = edit(text, wanted)
    assert not result.comments_lost and same(yaml.safe_load(result.text), wanted)
    assert result.text.count("# over\n") == max(1, len(current))
    untouched = [f"# over\n{block({key: value})}" for key, value in current.items() if same(value, wanted[key])]
    assert not [part for part in untouched if part not in result.text]


@pytest.mark.parametrize("text", ["a: 1", "a: 1\n", "---\r\na: 1", "a:\n  b: 1", "a: |+\n  x\n"])
def test_what_is_added_and_taken_out_leaves_no_trace(text):
    says = yaml.safe_load(text)
    more = edit(text, {**says, "z": "x"})
    assert yaml.safe_load(more.text) == {**says, "z": "x"} and not more.comments_lost
    assert edit(more.text, says).text == text
