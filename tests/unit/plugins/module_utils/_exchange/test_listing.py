# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an update found is what the builds after it list."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.listing import (
    Listing,
    read_listing,
    write_listing,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.problem import Problem
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.settings import settings_from

LISTING = Listing(
    {"one": None, "two": "1.0.0"},
    {"far": ("https://index", {"repo_url": "https://far"})},
    (Problem("one", "upstream", "It is gone."),),
)


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "state").mkdir()
    return settings_from({"url": "https://a", "root": str(tmp_path), "hosted": ["a"]})


def test_it_comes_back_as_it_was(settings, tmp_path):
    assert read_listing(settings) == Listing({}, {}, ())
    write_listing(settings, LISTING)
    assert read_listing(settings) == LISTING
    file = tmp_path / "state/listing.json"
    before = file.stat().st_ino
    write_listing(settings, LISTING)
    assert file.stat().st_ino == before and file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", '{"format": 99}', '{"format": 1, "refs": 5}', "null"])
def test_what_cannot_be_read_does_not_count_for_nothing(settings, tmp_path, content):
    (tmp_path / "state/listing.json").write_text(content)
    with pytest.raises(ApplyError, match="Run update"):
        read_listing(settings)


def test_what_is_lost_does_not_count_for_nothing(settings, tmp_path):
    mirrors = settings_from({"url": "https://a", "root": str(tmp_path), "index_url": ["https://b"]})
    assert read_listing(mirrors) == Listing({}, {}, ())
    (tmp_path / "www").mkdir()
    assert read_listing(settings) == Listing({}, {}, ())
    with pytest.raises(ApplyError, match="which the last update left, is lost"):
        read_listing(mirrors)
