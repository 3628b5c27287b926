# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits of st2.conf: where they are written, and that nothing else changes."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.document import Document, lines_of_value
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.conf_text import ConfTextError

ADDED = "# Section added by stackstorm.st2.st2_conf.\n"


def written(text, section, option, value):
    document = Document(text).with_value(section, option, value)
    assert document.value(section, option) == value
    return document.text


# What editors of other INI files do wrong to files that StackStorm takes.


def test_the_commented_example_stays():
    text = "[content]\n# index_url = https://example.com/index.json\n#index_url=x\npack_group = g\n"
    assert written(text, "content", "index_url", "https://a/") == f"{text}index_url = https://a/\n"


def test_lines_that_continue_the_old_value_go_with_it():
    text = "[content]\nindex_url = http://a/,\n  http://b/\n# next\nx = y\n"
    assert written(text, "content", "index_url", "http://c/") == "[content]\nindex_url = http://c/\n# next\nx = y\n"


def test_of_two_sections_of_one_name_the_last_definition_is_changed():
    text = "[content]\na = 1\n[api]\nb = 2\n[content]\na = 3\n"
    assert written(text, "content", "a", "4") == "[content]\na = 1\n[api]\nb = 2\n[content]\na = 4\n"
    assert written(text, "content", "c", "4") == f"{text}c = 4\n"


def test_a_section_in_other_letters_is_the_same_section():
    text = "[Content]\na = 1\n\n[api]\n"
    assert written(text, "content", "a", "2") == "[Content]\na = 2\n\n[api]\n"
    assert written(text, "content", "b", "2") == "[Content]\na = 1\nb = 2\n\n[api]\n"
    assert "[content]" in written("[DEFAULT]\na = 1\n", "content", "a", "2")
    assert Document("[DEFAULT]\na = 1\n").value("default", "a") is None


def test_an_option_with_a_colon_is_seen():
    assert written("[content]\na: 1\nb:2\n", "content", "a", "3") == "[content]\na: 3\nb:2\n"
    assert written("[content]\na: 1\nb:2\n", "content", "b", "3") == "[content]\na: 1\nb:3\n"


# Where things are written.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[s]\na=1\n", "[s]\na=2\n"),
        ("[s]\na  =\t1   \n", "[s]\na  =\t2\n"),
        ("[s]\na =\n", "[s]\na = 2\n"),
        ("[s]\na=\n", "[s]\na=2\n"),
        ("[s]\na = '1'\n", "[s]\na = 2\n"),
        ("[s]\na = 1", "[s]\na = 2"),
        ("[s]\na = 1\n  x", "[s]\na = 2"),
        ("[s]\r\na = 1\r\n  x\r\nb = 1\r\n", "[s]\r\na = 2\r\nb = 1\r\n"),
        ("[s]\ra = 1\rb = 1\r", "[s]\ra = 2\rb = 1\r"),
        ("[s]\na = 0\na = 1\n", "[s]\na = 0\na = 2\n"),
        ("[s]\na = 2\n  \n", "[s]\na = 2\n  \n"),
        ('[s]\na = "2"\n', '[s]\na = "2"\n'),
        ("[s]\n", "[s]\na = 2\n"),
        ("[s]", "[s]\na = 2"),
        ("[s]\r\n[t]\r\n", "[s]\r\na = 2\r\n[t]\r\n"),
        (
            "[s]\nb = 1\n  more\n\n# of the next\n[t]\na = 1\n",
            "[s]\nb = 1\n  more\na = 2\n\n# of the next\n[t]\na = 1\n",
        ),
        ("", f"{ADDED}[s]\na = 2\n"),
        ("# only this", f"# only this\n\n{ADDED}[s]\na = 2"),
        ("[t]\na = 1\n", f"[t]\na = 1\n\n{ADDED}[s]\na = 2\n"),
    ],
)
def test_where_a_value_is_written(text, expected):
    assert written(text, "s", "a", "2") == expected
    assert written(expected, "s", "a", "2") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[s]\na = 1\nb = 2\n", "[s]\nb = 2\n"),
        ("[s]\na = 1\n x\n\n[S]\na: 2\n[t]\na = 3\n", "[s]\n\n[S]\n[t]\na = 3\n"),
        ("[s]\nb = 1\na = 2", "[s]\nb = 1"),
        ("[s]\na = 2", "[s]"),
        ("[s]\nb = 2\n", "[s]\nb = 2\n"),
        (f"[t]\n\n{ADDED}[s]\na = 2\n", "[t]\n"),
        (f"[t]\n\n{ADDED}[s]\na = 2\n\n[u]\n", "[t]\n\n[u]\n"),
        (f"[t]\n\n{ADDED}[s]\na = 2\n# somebody's\n", f"[t]\n\n{ADDED}[s]\n# somebody's\n"),
        (f"[t]\n\n{ADDED}[s]\na = 2\nb = 1\n", f"[t]\n\n{ADDED}[s]\nb = 1\n"),
        (f"[t]\n{ADDED}[s]\na = 2\n", "[t]\n"),
    ],
)
def test_what_is_removed(text, expected):
    document = Document(text).without("S", "a")
    assert document.text == expected and document.value("s", "a") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        " ",
        "# x",
        "# x\n\n",
        "[s]",
        "[s]\n",
        "[s]\r\n\r\n",
        "[s]\nb = 1\n  2",
        "[t]\nb = 1\n# end",
        "[S]\nb=\n",
    ],
)
@pytest.mark.parametrize("value", ["", "x", "x\ny", " x "])
def test_what_was_added_goes_without_a_trace(text, value):
    assert Document(written(text, "s", "a", value)).without("s", "a").text == text
    two = Document(written(text, "s", "a", value)).with_value("s", "b2", "y")
    assert two.without("s", "a").without("s", "b2").text == text
    assert two.without("s", "b2").without("s", "a").text == text


# Values.


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("x", ["x"]),
        ("", [""]),
        ("x # y ; z", ["x # y ; z"]),
        (" x", ['" x"']),
        ("'x'", ["\"'x'\""]),
        ('"', ['"""']),
        ('"x', ['"x']),
        ("x\ny", ["x", "y"]),
        ("'x'\n'y'", ["\"'x'\"", "'y'"]),
        ("\ny", ["", "y"]),
        ("\u00a0", ['"\u00a0"']),
        ("$a $$b %c é", ["$a $$b %c é"]),
    ],
)
def test_a_value_is_read_back(value, lines):
    assert lines_of_value(value) == lines
    for text in ("[s]\na = 1\n", "[s]\na:1", "[s]\r\na=\r\n", "[s]\n", ""):
        written(text, "s", "a", value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("a\n", "empty line"),
        ("a\n\nb", "empty line"),
        ("a\n b", "begins or ends with a space"),
        ("a\nb ", "begins or ends with a space"),
        ("a\rb", "carriage return"),
        ("\udce9", "not UTF-8"),
    ],
)
def test_a_value_that_no_file_can_hold(value, why):
    with pytest.raises(ValueError, match=why):
        lines_of_value(value)


def test_what_oslo_config_refuses_is_no_document():
    with pytest.raises(ConfTextError, match="line 2: an option must be written as NAME = VALUE"):
        Document("[s]\nhunter2\n")
