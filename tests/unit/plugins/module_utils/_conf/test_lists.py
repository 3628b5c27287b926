# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists in one value: set, added to, taken from."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.lists import (
    default_items,
    edited,
    edited_text,
    reads_as,
    separator_of,
    split,
)


@pytest.mark.parametrize(
    ("how", "items", "given", "expected"),
    [
        ("set", "abc", "ca", "ca"),
        ("set", "a", "bb", "b"),
        ("set", "a", "", ""),
        ("add", "ab", "bc", "abc"),
        ("add", "ab", "cc", "abc"),
        ("add", "aa", "b", "aab"),
        ("add", "", "b", "b"),
        ("remove", "abca", "a", "bc"),
        ("remove", "abc", "x", "abc"),
        ("remove", "a", "a", ""),
    ],
)
def test_a_list_is_edited(how, items, given, expected):
    assert edited(how, tuple(items), tuple(given)) == tuple(expected)
    assert edited(how, tuple(expected), tuple(given)) == tuple(expected)


@pytest.mark.parametrize("value", ["a", "a, b", "a ,b", "a,\nb", ""])
def test_the_text_of_a_list_is_what_it_was_when_what_came_has_gone(value):
    added = edited_text("add", value, ",", ["c", "a"])
    assert reads_as(added, ",", edited("add", split(value, ","), ["c", "a"]))
    assert edited_text("remove", added, ",", ["c"] if "a" in value else ["c", "a"]) == value


def test_separators():
    assert separator_of("packs_base_paths") == separator_of("runners_base_paths") == ":"
    assert separator_of("index_url") == separator_of("pip_opts") == ","


def test_items_are_those_that_stackstorm_gets():
    assert split(" a, b ,,c\n,d", ",") == ("a", "b", "c", "d")
    assert reads_as("a,\nb,", ",", ["a", "b"]) and not reads_as("b,a", ",", ["a", "b"])
    assert reads_as("/a:/b:", ":", ["/a", "/b"]) and not reads_as("/a: /b", ":", ["/a", "/b"])


def test_the_defaults_that_are_known():
    assert default_items("content", "index_url", ",") == ("https://index.stackstorm.org/v1/index.json",)
    assert default_items("content", "packs_base_paths", ":") == ()
