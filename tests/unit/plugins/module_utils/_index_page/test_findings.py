# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lint found, on the page of a pack."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.findings import (
    findings_section,
    upstream_lines,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index_upstream import Upstream

MARKUP = "\"'><script>alert(1)</script>\u202e"


def finding(level="warning", line=None, **more):
    return {"rule": "icon", "level": level, "file": "a.yaml", "line": line, "message": "it is odd", **more}


def section(findings):
    return "\n".join(findings_section(findings))


def test_the_worst_comes_first_with_file_and_line():
    text = section([finding("info"), finding("warning", 7), finding("error", 3, file="actions/b.py")])
    assert text.index("actions/b.py:3") < text.index("a.yaml:7") < text.index("<td>hint</td>")
    assert '<span class="note wrong">error</span>' in text and '<span class="count">3</span>' in text
    assert ">pack</th>" in section([finding(file=".")])


def test_nothing_found_is_said_and_nobody_looked_is_not():
    assert "finds nothing" in section([]) and section(None) == ""


def test_there_is_a_limit():
    text = section([finding(line=number) for number in range(1, 300)])
    assert text.count("<tr>") == 101 and "199 more findings are not shown" in text


def test_hostile_findings_are_text():
    text = section([finding(file=MARKUP, message=MARKUP, rule=MARKUP)])
    text += "".join(upstream_lines(Upstream("https://a", (MARKUP,), (), MARKUP)))
    assert "<script" not in text and "\u202e" not in text


def test_what_became_of_upstream():
    lines = list(upstream_lines(Upstream("https://a", ("v1",), ("v2", "v3"), "It is gone.")))
    assert [line[20:-7] for line in lines] == [
        "v1: moved there, served here as before",
        "v2, v3: deleted there, served here as before",
        "It is gone.",
    ]
    assert list(upstream_lines(None)) == []
