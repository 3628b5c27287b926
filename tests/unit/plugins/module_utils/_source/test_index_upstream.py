# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an index of a mirror says of upstream, as far as it has the right form."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._source.index_upstream import Upstream, upstream_of


def test_it_is_read_as_it_was_written():
    upstream = Upstream("https://github.com/org/pack", ("v1.0.0",), ("v0.9.0",), "It cannot be reached.")
    assert upstream_of({"upstream": upstream.as_entry()}) == upstream
    assert Upstream("https://a").as_entry() == {"url": "https://a"}


@pytest.mark.parametrize("value", [None, "x", [], {}, {"url": 5, "moved_tags": "v1", "deleted_tags": [5], "error": []}])
def test_what_has_another_form_says_nothing(value):
    assert upstream_of({"upstream": value}) is None and upstream_of({}) is None


def test_what_is_hostile_is_shown_as_it_is():
    found = upstream_of(
        {"upstream": {"url": "https://me:secret@a/b", "moved_tags": ["v1\u202e\x1b[31m"] * 1000, "error": "x" * 10**6}}
    )
    assert "secret" not in found.url and len(found.moved_tags) == 100 and len(found.error) == 2000
    assert "\u202e" not in found.moved_tags[0] and "\x1b" not in found.moved_tags[0]
