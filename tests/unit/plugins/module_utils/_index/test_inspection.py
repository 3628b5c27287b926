# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs that are looked at: what is found is kept by commit, and what is refused leaves room for the version before."""

from __future__ import annotations

import os

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError
from ansible_collections.stackstorm.st2.plugins.module_utils._index.inspection import Inspection
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._index.indexing import build

SERVED = "https://exchange.example.com/git/{ref}.git"
EXCHANGE = {"skip_refused": True, "in_place": True}


class Looker:
    """Finds a fault in each pack that has a file FAULT, and remembers what it was shown."""

    def __init__(self):
        self.shown = []

    def __call__(self, directory):
        files = sorted(os.listdir(directory))
        with open(os.path.join(directory, "LICENSE"), encoding="utf-8") as stream:
            licence = stream.read()
        self.shown.append((os.path.basename(directory), licence))
        faulty = "FAULT" in files
        return [{"rule": "fault", "level": "error", "file": "FAULT", "line": None, "message": "it is there"}] * faulty


def inspection(look, judged=True, key="a"):
    def refusal(findings):
        return "it has a fault" if findings else None

    return Inspection(look, key, lambda _request: judged, refusal)


@pytest.fixture
def repository(tmp_path):
    return GitRepository(tmp_path / "stackstorm-demo.git")


def pack(version, *, faulty=False, **more):
    tree = PackTree("demo", version, minimal=True, **more)
    tree.add("LICENSE", f"The licence of {version}")
    return tree.add("FAULT", "") if faulty else tree


def built(tmp_path, repository, looker, **more):
    request = {"source": str(repository.path), "name": "demo"}
    by = inspection(looker, **more)
    return build(tmp_path, inspection=by, own=EXCHANGE, packs=[request], repo_url=SERVED, on_invalid="skip")


def test_a_refused_version_leaves_the_one_before(tmp_path, repository):
    for version, faulty in (("0.9.0", True), ("1.0.0", False), ("1.1.0", False), ("1.2.0", True)):
        repository.release(pack(version, faulty=faulty))
    repository.build()
    looker = Looker()
    found = built(tmp_path, repository, looker)
    entry = found.entries["demo"]
    assert (entry["version"], entry["versions"]) == ("1.1.0", ["1.1.0", "1.0.0"])
    assert entry["commit"] == repository.tags["v1.1.0"].sha and entry["repo_url"] == SERVED.format(ref="demo")
    assert [(one.version, one.reason) for one in found.refused] == [
        ("1.2.0", "it has a fault"),
        ("0.9.0", "it has a fault"),
    ]
    assert found.refused[0].findings[0]["file"] == "FAULT" and found.findings == {"demo": []}
    assert {name for name, _licence in looker.shown} == {"demo"}, "the directory is called as the pack"
    assert sorted(licence for _name, licence in looker.shown) == [
        f"The licence of {version}" for version in ("0.9.0", "1.0.0", "1.1.0", "1.2.0")
    ]

    # What was found is known; nothing was cloned, and another way to look asks anew.
    looker.shown.clear()
    assert built(tmp_path, repository, looker).entries == found.entries and looker.shown == []
    assert not list((tmp_path / "cache").rglob("repository.git"))
    built(tmp_path, repository, looker, key="b")
    assert len(looker.shown) == 4
    looker.shown.clear()
    built(tmp_path, repository, looker, key="b")
    assert looker.shown == [] and len(list((tmp_path / "cache").rglob("*-a.json"))) == 0


def test_all_refused_is_left_out_with_the_reason_and_its_name_is_kept(tmp_path, repository):
    repository.release(pack("1.0.0", faulty=True))
    repository.build()
    found = built(tmp_path, repository, Looker())
    assert found.entries == {} and [one.reason for one in found.skipped] == ["it has a fault"]
    assert found.skipped[0].ref == "demo"


def test_what_is_not_judged_is_looked_at_only(tmp_path, repository):
    repository.release(pack("1.0.0"))
    repository.release(pack("1.1.0", faulty=True))
    repository.build()
    looker = Looker()
    found = built(tmp_path, repository, looker, judged=False)
    assert found.entries["demo"]["version"] == "1.1.0" and found.refused == []
    assert [one["file"] for one in found.findings["demo"]] == ["FAULT"] and len(looker.shown) == 1


def test_what_cannot_be_described_keeps_itself_out_and_not_its_pack(tmp_path, repository):
    repository.release(pack("1.0.0"))
    repository.release(pack("1.1.0", metadata={"python_versions": "3"}))
    repository.build()
    found = built(tmp_path, repository, Looker(), judged=False)
    assert found.entries["demo"]["version"] == "1.0.0" and found.entries["demo"]["versions"] == ["1.0.0"]
    assert [one.version for one in found.refused] == ["1.1.0"] and "pack.yaml" in found.refused[0].reason
    with pytest.raises(InvalidPackError, match=r"1\.1\.0"):
        build(tmp_path, packs=[str(repository.path)], repo_url=SERVED)


def test_a_judged_tag_with_another_version_in_it_is_refused(tmp_path, repository):
    repository.release(pack("1.0.0"))
    repository.commit(pack("1.0.0", metadata={"description": "forgotten"}))
    repository.tag("v1.1.0")
    repository.build()
    found = built(tmp_path, repository, Looker())
    assert found.entries["demo"]["versions"] == ["1.0.0"]
    assert [one.version for one in found.refused] == ["1.1.0"] and "contains version 1.0.0" in found.refused[0].reason


def test_a_directory_is_looked_at_too(tmp_path):
    pack("1.0.0", faulty=True).write(tmp_path / "plain")
    found = build(
        tmp_path, inspection=inspection(Looker(), judged=False), packs=[str(tmp_path / "plain")], repo_url=SERVED
    )
    assert [one["file"] for one in found.findings["demo"]] == ["FAULT"]
