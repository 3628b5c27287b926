# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file has to be right for both of StackStorm's parsers."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.parsers import parse
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.conf_text import ConfTextError


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[api]\nhost = 127.0.0.1\nport = 9101\n[database]\npassword = 50%\n",
        "[api]\nhost = a\n[api]\nhost = b\n",
        "[s]\na = x\n  # y\n  [z]\n\n# c\n[S]\nA: x\n",
        "\r\n[s]\ra = é\r\n",
        "[api]\nhost = %(port)s\nport = 1\n",
    ],
)
def test_what_both_take(content):
    assert parse(content.encode()).text == content


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (b"[s]\na = 1\nhunter2\n", 3, "NAME = VALUE"),
        (b"a = 1\n", 1, "before the first"),
        (b"[s]\r\n# caf\xe9\r\na = 1\r\n", 2, "not UTF-8"),
        (b"[s]\r# \xff", 2, "not UTF-8"),
        (b"[api]\nport = 1\nhost = %h\n", 3, r"\[api\] host has a %"),
        (b"[DEFAULT]\nport = 5%\n[stream]\na = 1\n", 2, r"\[stream\] port has a %"),
        (b"[api]\nhost = %(nosuch)s\n", 2, r"\[api\] host has a %"),
    ],
)
def test_what_one_refuses_is_named_with_its_line(content, line, why):
    with pytest.raises(ConfTextError, match=why) as caught:
        parse(content)
    assert caught.value.line == line and "hunter2" not in str(caught.value)


def test_what_only_configparser_refuses_is_named_with_its_line(monkeypatch):
    import configparser

    # How it takes brackets in names depends on the release of Python.
    pattern = configparser.re.compile(r"\[(?P<header>[^]]+)\]")
    monkeypatch.setattr(configparser.ConfigParser, "SECTCRE", pattern)
    with pytest.raises(ConfTextError, match="Python's configparser") as caught:
        parse(b"[s]\na = 1\n[]]\nb = 1\n")
    assert caught.value.line == 3
    with pytest.raises(ConfTextError, match="Python's configparser") as caught:
        parse(b"[]]\nb = 1\n")
    assert caught.value.line == 1
