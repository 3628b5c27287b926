# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of st2.conf. What values are is in test_conf."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.conf_text import (
    Definition,
    Header,
    line_end,
    parts_of,
    section_key,
    split_lines,
)


@given(st.text(st.sampled_from("\r\n\x0b\x0c\x1c\x85\u2028 ab=#[")))
def test_lines_are_those_of_a_text_file(text):
    lines = split_lines(text)
    assert "".join(lines) == text
    bare = [line[: len(line) - len(line_end(line))] for line in lines]
    assert bare == [line.rstrip("\n") for line in io.StringIO(text, newline=None)]


@pytest.mark.parametrize(("line", "end"), [("a", ""), ("a\n", "\n"), ("a\r\n", "\r\n"), ("\r", "\r"), ("", "")])
def test_the_end_of_a_line(line, end):
    assert line_end(line) == end


def test_places():
    text = "# c\n[S]\n\na = x\n  y\n\n[DEFAULT]\nb : z\n"
    assert list(parts_of(split_lines(text))) == [
        Header("s", 1),
        Definition("s", "a", "x\ny", 3, 5, 2),
        Header("DEFAULT", 6),
        Definition("DEFAULT", "b", "z", 7, 8, 2),
    ]
    assert section_key("Content") == "content" and section_key("DEFAULT") == "DEFAULT"
    assert "x" not in repr(Definition("s", "a", "x", 0, 1, 2))
