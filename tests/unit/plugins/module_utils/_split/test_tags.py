# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tags are releases of one pack."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._split.tags import (
    Tagged,
    choose_tags,
    is_signed,
    tag_of_pack,
)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("v1.0.0", "v1.0.0"),
        ("1.0.0-rc.1", "1.0.0-rc.1"),
        ("a/v1.0.0", "v1.0.0"),
        ("packs/a/1.0.0", "1.0.0"),
        ("b/v1.0.0", None),
        ("v1.0", None),
        ("vv1.0.0", None),
        ("latest", None),
        ("a/latest", None),
        ("a", None),
        ("/v1.0.0", None),
        ("v1.0.0\n", None),
    ],
)
def test_names(name, found):
    assert tag_of_pack(name, ["a", "packs/a"]) == found


def chosen(*found):
    return choose_tags([Tagged(*one) for one in found], ["a"])


def test_releases_of_the_pack():
    choice = chosen(
        ("v0.9.0", "c0", None, None),
        ("v1.0.0", "c1", "t1", "1.0.0"),
        ("v1.0.1", "c2", "t1", "1.0.0"),
        ("a/v1.1.0", "c3", "t2", "1.1.0", True),
        ("v1.2.0", "c4", "t2", "1.2.0"),
        ("v1.3.0", "c5", "t3", None),
        ("b/v2.0.0", "c5", "t3", "2.0.0"),
    )
    assert [(tag.name, tag.was, tag.tree, tag.signed) for tag in choice.kept] == [
        ("v1.0.0", "v1.0.0", "t1", False),
        ("v1.1.0", "a/v1.1.0", "t2", True),
    ]
    assert {tag.name: tag.reason for tag in choice.dropped} == {
        "v0.9.0": "the pack is not there",
        "v1.0.1": "pack.yaml has the version 1.0.0 there",
        "v1.2.0": "the pack is the same as at a/v1.1.0",
        "v1.3.0": "pack.yaml has no version there",
        "b/v2.0.0": "it is not a version of this pack",
    }
    assert choice.problems == ()


def test_two_tags_with_one_name():
    choice = chosen(("v1.0.0", "c1", "t1", "1.0.0"), ("a/v1.0.0", "c2", "t2", "1.0.0"))
    assert "v1.0.0 and a/v1.0.0 would both be v1.0.0" in choice.problems[0]
    assert not chosen(("v1.0.0", "c1", "t1", "1.0.0"), ("a/v1.0.0", "c2", "t1", "1.0.0")).problems
    # With and without the v is one version, too.
    assert chosen(("1.0.0", "c1", "t1", "1.0.0"), ("v1.0.0", "c2", "t2", "1.0.0")).problems


def test_back_at_an_earlier_state():
    choice = chosen(("v1.0.0", "c1", "t1", "1.0.0"), ("v1.1.0", "c2", "t2", "1.1.0"), ("a/v1.0.0", "c3", "t1", "1.0.0"))
    assert [tag.was for tag in choice.kept] == ["v1.0.0", "v1.1.0"] and not choice.problems
    assert choice.dropped[0].reason == "it is the same release as v1.0.0"


@pytest.mark.parametrize("kind", ["PGP SIGNATURE", "PGP MESSAGE", "SSH SIGNATURE", "SIGNED MESSAGE"])
def test_signatures(kind):
    assert is_signed(f"object x\n\nText\n-----BEGIN {kind}-----\n")
    assert not is_signed(f"Text with -----BEGIN {kind}-----\n")
