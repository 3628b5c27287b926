# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of packs."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._content.versions import (
    is_semver,
    same_version,
    sort_versions,
    tag_candidates,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import MissingLibraryError


@pytest.mark.parametrize(
    "text", ["0.1.0", "1.2.3", "10.20.30", "1.2.3-alpha.1", "1.2.3+build", "1.2.3-0a", "1.2.3-a-b+c.d"]
)
def test_what_stackstorm_takes_as_a_version(text):
    assert is_semver(text)
    assert tag_candidates(text) == (text, f"v{text}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.1",
        "1",
        "v1.0.0",
        "01.2.3",
        "1.02.3",
        "1.2.3-RC1",
        "1.2.3-",
        "1.2.3+",
        "1.2.3.4",
        "1.2.3\n",
        " 1.2.3",
        "main",
        "¹.2.3",
    ],
)
def test_what_it_does_not_take(text):
    assert not is_semver(text)
    assert tag_candidates(text) == (text,)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1.0.2", "v1.0.2", True),
        ("v1.0.2", "1.0.2", True),
        ("v1.0.2", "v1.0.2", True),
        ("main", "main", True),
        ("1.0.2", "1.0.3", False),
        ("1.0", "1.0.0", False),
        ("v1", "1", False),
        ("vmain", "main", False),
        ("1.0.0+a", "1.0.0+b", False),
    ],
)
def test_same_version(one, other, expected):
    for pair in ((one, other), (other, one)):
        assert same_version(*pair) is expected


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], []),
        (["0.9.0", "0.10.0", "0.2.1"], ["0.10.0", "0.9.0", "0.2.1"]),
        (["v0.9.0", "0.10.0", "v0.11.0"], ["v0.11.0", "0.10.0", "v0.9.0"]),
        (["1.0.0-rc.2", "1.0.0", "1.0.0-rc.10", "1.0.0-alpha"], ["1.0.0", "1.0.0-rc.10", "1.0.0-rc.2", "1.0.0-alpha"]),
        (["main", "1.0.0", "dev", "1.0"], ["1.0.0", "1.0", "dev", "main"]),
        (["1.0.0+b", "1.0.0+a"], ["1.0.0+a", "1.0.0+b"]),
        (["1.0.0", "v1.0.0"], ["1.0.0", "v1.0.0"]),
        (["1.0.0-01", "1.0.0"], ["1.0.0", "1.0.0-01"]),
        (["9" * 5000 + ".0.0", "1.0.0"], None),
    ],
)
def test_newest_first(versions, expected):
    found = sort_versions(versions)
    assert sorted(found) == sorted(versions)
    if expected is not None:
        assert found == expected


numbers = st.integers(0, 30)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers, numbers), max_size=8), st.randoms())
def test_the_order_is_that_of_the_numbers_however_they_come(triples, random):
    versions = [".".join(map(str, triple)) for triple in triples]
    random.shuffle(versions)
    assert sort_versions(versions) == [".".join(map(str, triple)) for triple in sorted(triples, reverse=True)]


@settings(deadline=None)
@given(st.lists(st.text(max_size=8) | st.sampled_from(["1.0.0", "v1.0.0", "1.0.0-a"])))
def test_nothing_is_lost_and_the_order_is_stable(versions):
    found = sort_versions(versions)
    assert sorted(found) == sorted(versions)
    assert sort_versions(found) == sort_versions(reversed(versions)) == found


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "semver", None)
    assert sort_versions(["main", "dev"]) == ["dev", "main"]
    assert same_version("v1.0.0", "1.0.0")
    with pytest.raises(MissingLibraryError) as caught:
        sort_versions(["1.0.0", "2.0.0"])
    assert caught.value.library == "semver"
    assert "semver" in caught.value.traceback
