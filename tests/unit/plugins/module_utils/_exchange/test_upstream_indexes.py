# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upstream indexes: what one listed last counts while it cannot be read, so that nobody else gets its names."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.run import Run
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.settings import settings_from
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.upstream_indexes import read_indexes


def entry(ref, host):
    return {"ref": ref, "version": "1.0.0", "repo_url": f"https://{host}/{ref}"}


@pytest.fixture
def places(tmp_path):
    """Two indexes, of which the left one wins, as files."""
    found = []
    for name, refs in (("left", ("a", "b")), ("right", ("b", "c"))):
        place = tmp_path / f"{name}.json"
        place.write_text(json.dumps({"packs": {ref: entry(ref, name) for ref in refs}}))
        found.append(place)
    return found


@pytest.fixture
def run(tmp_path, places):
    (tmp_path / "scratch").mkdir()
    urls = [f"file://{place}" for place in places]
    settings = settings_from({"url": "https://a", "root": str(tmp_path / "data"), "index_url": urls, "timeout": 30})
    return Run(settings, str(tmp_path / "scratch"), {"PATH": "/usr/bin:/bin"})


def served(indexes):
    return {ref: one.repo_url for ref, one in indexes.entries.items()}


ALL = {"a": "https://left/a", "b": "https://left/b", "c": "https://right/c"}


@pytest.mark.parametrize("broken", [None, "[]", "not JSON"])
def test_one_that_cannot_be_read_is_what_it_was(run, places, broken):
    indexes, problems, is_all = read_indexes(run)
    assert served(indexes) == ALL and problems == [] and is_all
    if broken is None:
        places[0].unlink()
    else:
        places[0].write_text(broken)
    for _again in range(2):
        indexes, problems, is_all = read_indexes(run)
        assert is_all and served(indexes) == ALL, "b is still that of the left one"
        (problem,) = problems
        assert problem.kind == "index" and str(places[0]) in problem.message
        assert problem.message.endswith("What it listed last is used.")


def test_one_that_lists_far_too_much_is_not_taken(run, places):
    read_indexes(run)
    places[0].write_text(json.dumps({"packs": {str(number): {} for number in range(20_001)}}))
    read = read_indexes(run)
    assert served(read.indexes) == ALL and "It lists 20001 packs" in read.problems[0].message


def test_one_that_never_could_be_read_lists_nothing(run, places):
    places[0].unlink()
    indexes, problems, is_all = read_indexes(run)
    assert not is_all and served(indexes) == {"b": "https://right/b", "c": "https://right/c"}
    assert problems[0].message.endswith("Nothing of it is known.")


def test_what_is_kept_is_for_nobody_else_and_only_written_when_it_is_news(run, places, tmp_path):
    read_indexes(run)
    kept = {path: path.stat() for path in (tmp_path / "data/state/indexes").iterdir()}
    assert len(kept) == 2 and {status.st_mode & 0o777 for status in kept.values()} == {0o600}
    read_indexes(run)
    assert {path: path.stat().st_ino for path in kept} == {path: status.st_ino for path, status in kept.items()}
