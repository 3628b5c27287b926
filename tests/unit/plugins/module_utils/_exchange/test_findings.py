# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is found of repositories, as people and indexes are told of it."""

from __future__ import annotations

import json

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.findings import (
    Mirrored,
    MovedTag,
    from_json,
    to_json,
)

FOUND = Mirrored(
    "dns",
    "https://git.example.com/dns.git",
    "index",
    "https://index.example.com/index.json",
    tuple(MovedTag(f"v1.0.{number}", "a" * 40, "b" * 40) for number in range(7)),
    ("v0.1.0",),
    "The repository cannot be fetched: gone.",
    ("dns keeps files in Git LFS.",),
    True,
)


def test_it_comes_back_as_it_was_written():
    assert from_json(json.loads(json.dumps(to_json(FOUND)))) == FOUND._replace(fetched=False)


def test_what_is_none_of_ours_is_nothing():
    for document in (
        None,
        [],
        {},
        {"ref": "dns"},
        {**to_json(FOUND), "more": 1},
        {**to_json(FOUND), "moved_tags": [[1]]},
    ):
        assert from_json(document) is None


def test_an_index_gets_only_what_there_is():
    assert FOUND.upstream() == {
        "url": "https://git.example.com/dns.git",
        "moved_tags": [f"v1.0.{number}" for number in range(7)],
        "deleted_tags": ["v0.1.0"],
        "error": "The repository cannot be fetched: gone.",
    }
    assert Mirrored("dns", "", "bundle", "/a.bundle").upstream() == {}


def test_people_get_sentences_of_bounded_length():
    moved, deleted, error, warning = FOUND.problems()
    assert moved.startswith("dns: https://git.example.com/dns.git has moved the tags v1.0.0 (now bbbbbbb), ")
    assert "and 2 more. What is served is what it was before." in moved
    assert "v1.0.6" not in moved
    assert deleted == "dns: https://git.example.com/dns.git has no more the tag v0.1.0, which is served as it was."
    assert (error, warning) == (FOUND.error, FOUND.warnings[0])
