# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a split may be asked for."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, SeveralErrors
from ansible_collections.stackstorm.st2.plugins.module_utils._split.options import (
    PackPath,
    options_from,
    path_refusal,
)

GIVEN = {"repo": "https://git.example.com/many.git", "dest": "/d", "packs": None, "repo_url": None, "push": False}


def pack(path, **given):
    return {"path": path, "name": None, "former_paths": None, "url": None, **given}


def test_what_is_given():
    options = options_from({**GIVEN, "repo": "https://me:s3cret@git.example.com/many.git"})
    assert options.packs == () and options.source.url == "https://git.example.com/many.git"
    assert options.target(PackPath("a"), "a") is None
    packs = [pack("./packs/a/", former_paths=["old/a/"], url="git@example.com:a.git"), pack("packs/b", name="b")]
    options = options_from({**GIVEN, "packs": packs, "repo_url": "https://git.example.com/{ref}.git", "push": True})
    assert [one.path for one in options.packs] == ["packs/a", "packs/b"] and options.packs[0].former_paths == ("old/a",)
    targets = [options.target(one, ref).url for one, ref in zip(options.packs, "ab")]
    assert targets == ["git@example.com:a.git", "https://git.example.com/b.git"]


@pytest.mark.parametrize(
    "changes",
    [
        {"packs": []},
        {"packs": [pack("a"), pack("a/")]},
        {"packs": [pack("a", former_paths=["a"])]},
        {"packs": [pack("a"), pack("b", former_paths=["a/old"])]},
        {"packs": [pack("a", name="A-b")]},
        {"packs": [pack("a", url="ext::sh")]},
        {"packs": [pack("a")], "push": True},
        {"push": True},
        {"repo": "-x"},
        {"repo_url": "https://git.example.com/a.git"},
        {"repo_url": "ext::{ref}"},
    ],
)
def test_what_cannot_be(changes):
    with pytest.raises(OptionError):
        options_from({**GIVEN, **changes})


def test_all_at_once():
    with pytest.raises(SeveralErrors) as caught:
        options_from({**GIVEN, "repo": "-x", "packs": [pack("/a"), pack("../b")], "repo_url": "x"})
    assert len(caught.value.errors) == 4


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/../b", "./a", ".", "a/.git/b", "a\nb", "a:b", "-a", "a\x1b"])
def test_paths_that_are_refused(path):
    assert path_refusal(path)


@pytest.mark.parametrize("path", ["a", "packs/a b", "päcks/a", ".hidden/a", "a/-b", "*"])
def test_paths_that_are_taken(path):
    assert path_refusal(path) is None
