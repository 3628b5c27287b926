# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with indexes, as they themselves tell it."""

from __future__ import annotations

import json

import pytest
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._index_info.health import (
    age_of,
    index_problems,
    installable,
    places,
    shadowed,
    summary,
    upstream_problems,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index import IndexStatus, fetch_indexes
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy

GITHUB = "https://github.com/org/stackstorm-"


@pytest.fixture
def read(tmp_path):
    """Reads indexes with these packs, the leftmost first."""

    def do(*listed):
        urls = []
        for number, packs in enumerate(listed):
            path = tmp_path / f"{number}.json"
            path.write_text(json.dumps({"packs": packs}))
            urls.append(str(path))
        return fetch_indexes(urls, proxy=Proxy(), ca_bundle=None, deadline=Deadline(30))

    return do


def entry(ref, **more):
    return {"repo_url": f"{GITHUB}{ref}", "version": "1.0.0", **more}


@pytest.mark.parametrize("number", [22, 160, 164, 168, 172, 176, 180, 201])
def test_the_numbers_are_those_of_stackstorm(number):
    data = real_data()
    if data is None:
        pytest.skip(MISSING)
    (path,) = (data / "st2-api").glob(f"{number}-*.json")
    recorded = json.loads(path.read_text())["response"]["body"]
    statuses = recorded["indexes"].pop("status")
    assert summary(statuses) == recorded


def test_indexes_as_a_whole():
    statuses = [
        IndexStatus("https://a/", 0, "HTTP status 404 (Not Found).", "unresponsive"),
        IndexStatus("https://b/", 0, "Success.", generated=1000),
        IndexStatus("https://c/", 3, "Success.", generated=1000),
        IndexStatus("https://d/", 3, "Success."),
        IndexStatus("https://e/", 3, "Success.", generated=9_999_999),
    ]
    problems = [(one.kind, one.index_url) for one in index_problems(statuses, now=1060)]
    assert problems == [("unresponsive", "https://a/"), ("no_packs", "https://b/")]
    old = [one for one in index_problems(statuses, now=1061, max_age=60) if one.kind == "old"]
    assert [one.index_url[8] for one in old] == ["b", "c", "d", "e"]
    assert "61 s old, and 60 s are what max_age allows" in old[1].message and "its age is not known" in old[2].message
    assert [one.kind for one in index_problems(statuses, now=1060, max_age=60)].count("old") == 2
    assert [age_of(status, 1060) for status in statuses] == [None, 60, 60, None, None]
    assert old[0].as_dict()["ref"] is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"python_versions": ["2"]}, "it supports Python 2 only"),
        ({"python_versions": ["2", "3"]}, None),
        ({"python_versions": []}, None),
        ({"python_versions": None}, None),
        ({"python_versions": "3"}, None),
        ({"python_versions": [3]}, None),
        ({"stackstorm_version": ">=99.0.0"}, 'it requires StackStorm ">=99.0.0", and this is 3.9.0'),
        ({"stackstorm_version": ">=3.0.0"}, None),
        ({"stackstorm_version": 7}, None),
        ({"version": None}, "it has no valid version"),
        ({"version": "../x"}, "it has no valid version"),
        ({"repo_url": None}, "has no repo_url"),
        ({"repo_url": "ext::sh -c x"}, "cannot be used"),
        ({"commit": "1234567"}, "its commit is none, and is ignored"),
        ({"commit": "1" * 40, "digest": "md5:1"}, "its digest is none, and is ignored"),
        ({"commit": None, "digest": ""}, None),
    ],
)
def test_packs_that_nobody_can_install(read, more, words):
    problems = list(installable(read({"a": entry("a", **more)}).entries.values(), "3.9.0"))
    if words is None:
        assert problems == []
    else:
        assert [(one.kind, one.ref) for one in problems] == [("not_installable", "a")]
        assert words in problems[0].message


def test_for_an_unknown_stackstorm_no_pack_is_refused_for_its_version(read):
    assert list(installable(read({"a": entry("a", stackstorm_version=">=99.0.0")}).entries.values(), None)) == []


def test_the_real_index_has_six_packs_for_python_2():
    data = real_data()
    if data is None:
        pytest.skip(MISSING)
    url = str(data / "exchange" / "index.json")
    indexes = fetch_indexes([url], proxy=Proxy(), ca_bundle=None, deadline=Deadline(30))
    assert [one.ref for one in installable(indexes.entries.values(), "3.9.0")] == [
        "clicrud", "kayako", "network_essentials", "nsx_vtep", "vdx", "vdx_vtep",
    ]  # fmt: skip


def test_names_that_lower_indexes_have_for_another_repository(read):
    mine = "https://git.example.com/packs/"
    indexes = read(
        {"acme": entry("acme", repo_url=f"{mine}acme"), "same": entry("same")},
        {"acme": entry("acme"), "same": entry("SAME", repo_url=f"{GITHUB.upper()}SAME.git".replace("HTTPS", "https"))},
        {"acme": entry("acme", repo_url=f"{mine}acme.git/"), "other": entry("other"), "none": None},
        {"none": entry("none"), "acme": None},
    )
    assert places(indexes) == {"acme": [0, 1, 2, 3], "same": [0, 1], "other": [2], "none": [2, 3]}
    problems = list(shadowed(indexes))
    assert [(one.kind, one.ref, one.index_url[-6:]) for one in problems] == [
        ("shadowed", "acme", "1.json"),
        ("shadowed", "acme", "3.json"),
        ("shadowed", "none", "3.json"),
    ]
    assert f"acme is from {mine}acme by " in problems[0].message and f"for {GITHUB}acme." in problems[0].message


def test_no_password_of_a_repository_is_told(read):
    left = {"a": entry("a", repo_url="https://me:s3cret@git.example.com/a")}
    right = {
        "a": entry("a", repo_url="https://me:s3cret@git.example.com/b?token=s3cret"),
        "b": {"repo_url": "x://u:s3cret@h"},
    }
    indexes = read(left, right, {"b": {"repo_url": "y://u:s3cret@h"}})
    problems = [*shadowed(indexes), *installable(indexes.entries.values(), None)]
    assert len(problems) == 3
    assert "s3cret" not in repr(problems)


def test_what_a_mirror_says_of_upstream(read):
    said = {"url": "https://up/one", "moved_tags": ["v1.0.0"], "deleted_tags": ["v0.1.0"], "error": "It is gone."}
    indexes = read({"one": entry("one", upstream=said), "two": entry("two", upstream={"url": "https://up/two"})})
    found = list(upstream_problems(indexes.entries.values()))
    assert [(problem.kind, problem.ref) for problem in found] == [
        ("upstream_moved_tag", "one"),
        ("upstream_deleted_tag", "one"),
        ("upstream_unreachable", "one"),
    ]
    assert "v1.0.0 of one was moved in https://up/one" in found[0].message
    assert found[2].message.endswith("https://up/one: It is gone.")
