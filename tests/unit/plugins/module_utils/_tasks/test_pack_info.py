# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What st2_pack_info tells of real hosts, and that it changes nothing."""

from __future__ import annotations

import json
import os

import pytest
import yaml
from infrastructure.packs import PackTree
from infrastructure.snapshot import compare

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import IndexError_, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_info import describe_packs
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import STATE, Site, released

LISTS = ("keywords", "contributors", "python_versions")
SAID = ("description", "author", "email", "stackstorm_version", *LISTS)


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    site = Site(root, [PackTree("sensu", "1.0.1"), PackTree("sensu", "1.0.2", requirements=("six", "requests>=2"))])
    site.publish(*released("theirs", "0.9.0", "1.0.0"))
    PackTree("plain", "2.0.0", minimal=True, dependencies=("core", "sensu=1.0.2")).write(root / "plain")
    site.run("sensu=1.0.1")
    site.run("sensu=1.0.2", str(root / "plain"), dependencies="skip")
    site.host.install_like_st2(site.repositories["theirs"], "theirs", "v0.9.0", site.url("theirs"))
    (site.host.packs / "theirs" / "actions" / "report.py").write_text("edited\n")
    site.keep()
    return site


@pytest.fixture
def site(kept):
    """A host with a managed pack, one from a directory, one that StackStorm installed, and the system packs."""
    kept.restore()
    return kept


def describe(site, *names, **given):
    before = site.host.snapshot(identity=True)
    result = describe_packs(site.info_task(*names, **given))
    assert compare(before, site.host.snapshot(identity=True)) == ([], [], []), "looking changes nothing"
    assert not result.changed and result.failure is None and result.diff == []
    json.dumps(result.returned)
    return result


def one(site, ref, **given):
    (pack,) = describe(site, ref, **given).returned["packs"]
    return pack


def test_all_packs_are_told_in_order_or_those_that_are_named(site):
    everything = describe(site)
    assert [pack["ref"] for pack in everything.returned["packs"]] == [
        "chatops", "core", "linux", "packs", "plain", "sensu", "theirs",
    ]  # fmt: skip
    assert (everything.msg, everything.returned["missing"]) == ("7 packs installed", [])
    some = describe(site, "theirs", "nosuch", "sensu", "theirs")
    assert [pack["ref"] for pack in some.returned["packs"]] == ["theirs", "sensu"]
    assert some.returned["missing"] == ["nosuch"]
    assert some.msg == "2 packs installed; not installed: nosuch"
    assert describe(site, "sensu").msg == "1 pack installed"


@pytest.mark.parametrize("name", ["../etc", "Sensu", "sensu=1.0.2", "https://x/y", ""])
def test_what_is_no_ref_is_refused(site, name):
    with pytest.raises(OptionError):
        describe(site, name)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"description": "It checks", "email": "me@example.com", "stackstorm_version": ">=3.0.0",
             "keywords": ["a", "b"], "contributors": ["Jane <j@example.com>"], "python_versions": ["3"]},
            {"description": "It checks", "email": "me@example.com", "stackstorm_version": ">=3.0.0",
             "keywords": ["a", "b"], "contributors": ["Jane <j@example.com>"], "python_versions": ["3"]},
        ),
        ({"keywords": "a", "python_versions": [2, 3], "description": 5},
         {"keywords": [], "python_versions": ["2", "3"], "description": None}),
        ("- no mapping", {"description": None, "author": None, "keywords": []}),
        ("no: [yaml", {"description": None, "author": None, "keywords": []}),
    ],
)  # fmt: skip
def test_what_a_pack_says_of_itself(site, more, told):
    path = site.host.packs / "theirs" / "pack.yaml"
    document = {**yaml.safe_load(path.read_text()), **more} if isinstance(more, dict) else None
    path.write_text(yaml.safe_dump(document) if document else more)
    found = one(site, "theirs", check_edits=False)
    assert {key: found[key] for key in told} == told


def test_a_managed_pack(site):
    pack = one(site, "sensu")
    commit = site.sha("sensu", "v1.0.2")
    contents = pack.pop("contents")
    assert contents["actions"] == {"count": 3, "names": ["greet", "relay", "report"]}
    assert contents["sensors"]["names"] == ["PulseSensor"]
    document = yaml.safe_load((site.host.packs / "sensu" / "pack.yaml").read_text())
    assert pack.pop("digest").startswith("sha256:")
    told = {key: pack.pop(key) for key in SAID}
    assert told == {key: document.get(key, [] if key in LISTS else None) for key in SAID} and told["author"]
    assert pack == {
        "ref": "sensu",
        "name": "sensu",
        "version": "1.0.2",
        "path": str(site.host.packs / "sensu"),
        "base_path": str(site.host.packs),
        "shadowed": [],
        "system": False,
        "link": None,
        "problem": None,
        "commit": commit,
        "signers": [],
        "branch": None,
        "tags": ["v1.0.2"],
        "requested": "1.0.2",
        "source": site.url("sensu"),
        "subdir": None,
        "managed": True,
        "dependencies": [],
        "releases": [f"0001-1.0.1-{site.sha('sensu', 'v1.0.1')[:7]}"],
        "requirements": ["six", "requests>=2"],
        "database_state": "unknown",
        "virtualenv": {
            "path": str(site.host.virtualenvs / "sensu"),
            "health": "absent",
            "python_version": None,
            "needed": True,
        },
        "edits": [],
    }


def test_a_pack_from_a_directory(site):
    pack = one(site, "plain")
    assert (pack["version"], pack["commit"], pack["branch"], pack["tags"]) == ("2.0.0", None, None, [])
    assert pack["digest"].startswith("sha256:")
    assert (pack["source"], pack["managed"]) == (str(site.root / "plain"), True)
    assert pack["dependencies"] == ["core", "sensu=1.0.2"]


def test_a_pack_that_stackstorm_installed(site):
    pack = one(site, "theirs")
    assert (pack["version"], pack["commit"]) == ("0.9.0", site.sha("theirs", "v0.9.0"))
    assert (pack["branch"], pack["tags"]) == ("main", ["v0.9.0"])
    assert (pack["managed"], pack["requested"], pack["source"]) == (False, None, site.url("theirs"))
    assert pack["edits"] == ["edited actions/report.py"], "and the modes that StackStorm gives are no edits"


def test_a_system_pack(site):
    pack = one(site, "core")
    assert (pack["system"], pack["version"], pack["managed"], pack["edits"]) == (True, "3.9.0", False, [])
    assert pack["virtualenv"]["needed"] is False


def test_a_pack_that_comes_with_stackstorm_and_has_no_python(site):
    default = site.host.packs / "default"
    default.mkdir()
    (default / "pack.yaml").write_text("ref: default\nname: default\nversion: 3.9.0\nauthor: a\nemail: a@example.com\n")
    assert one(site, "default")["virtualenv"]["needed"] is False
    (default / "requirements.txt").write_text("six\n")
    assert one(site, "default")["virtualenv"]["needed"] is True


def test_a_broken_pack_and_a_link_are_told_too(site, tmp_path):
    (site.host.packs / "broken").mkdir()
    (site.host.packs / "broken" / "pack.yaml").write_text("{")
    PackTree("linked", "1.0.0", minimal=True).write(tmp_path / "work")
    (site.host.packs / "linked").symlink_to(tmp_path / "work")
    broken = one(site, "broken")
    assert broken["version"] is None
    assert {kind["count"] for kind in broken["contents"].values()} <= {0}
    assert "pack.yaml" in broken["problem"]
    twice = site.host.packs / "twice"
    PackTree("twice", "1.0.0", minimal=True).write(twice)
    (twice / "pack.yaml").write_text((twice / "pack.yaml").read_text() + "version: 2.0.0\n")
    pack = one(site, "twice")
    assert pack["version"] == "2.0.0" and "the key version is there twice, first in line" in pack["problem"]
    linked = one(site, "linked")
    assert (linked["version"], linked["link"], linked["edits"]) == ("1.0.0", str(tmp_path / "work"), [])


def test_edits_are_looked_for_unless_they_shall_not_be(site):
    (site.host.packs / "sensu" / "extra.txt").write_text("x")
    (site.host.packs / "sensu" / "README.md").unlink()
    (site.host.packs / "plain" / "pack.yaml").write_text("ref: plain\nname: plain\nversion: 6.6.6\n")
    assert one(site, "sensu")["edits"] == ["extra extra.txt", "missing README.md"]
    assert one(site, "plain")["edits"] == ["edited pack.yaml"]
    assert one(site, "plain")["version"] == "6.6.6"
    assert "edits" not in one(site, "sensu", check_edits=False)


def test_no_program_is_needed_when_edits_are_not_looked_for(site, tmp_path):
    nothing = {"PATH": str(tmp_path / "nothing")}
    assert one(site, "sensu", check_edits=False, environment=nothing)["version"] == "1.0.2"


def test_which_of_several_base_paths_wins(tmp_path):
    site = Site(tmp_path, packs_base_paths=["srv/packs"])
    other = site.host.extra_base_paths[0]
    PackTree("sensu", "1.0.0", minimal=True).write(site.host.packs / "sensu")
    PackTree("sensu", "2.0.0", minimal=True).write(other / "sensu")
    PackTree("alone", "3.0.0", minimal=True).write(other / "alone")
    pack = one(site, "sensu")
    assert (pack["version"], pack["base_path"], pack["shadowed"]) == (
        "1.0.0",
        str(site.host.packs),
        [str(other / "sensu")],
    )
    assert (one(site, "alone")["base_path"], one(site, "alone")["shadowed"]) == (str(other), [])


# Virtualenvs


def health(site, ref="sensu"):
    return one(site, ref)["virtualenv"]["health"]


def test_the_health_of_virtualenvs(site):
    path = site.place_virtualenv("sensu")
    assert health(site) == "ok"
    assert one(site, "sensu")["virtualenv"]["python_version"] is not None
    (site.host.packs / "sensu" / "requirements.txt").write_text("other\n")
    assert health(site) == "outdated"
    (path / "bin" / "python").unlink()
    assert health(site) == "broken"
    site.place_virtualenv("theirs", marker=False)
    assert health(site, "theirs") == "foreign"
    site.place_virtualenv("plain", options=("--other",))
    assert health(site, "plain") == "outdated"


def test_a_missing_python_is_a_warning_and_not_the_end(site):
    site.place_virtualenv("sensu")
    site.host.configure("actionrunner", python_binary="/nonexistent/python")
    try:
        result = describe(site, "sensu")
    finally:
        site.host.configure("actionrunner", python_binary=str(site.host.service / "bin" / "python"))
    assert result.returned["packs"][0]["virtualenv"]["health"] == "outdated"
    assert ["/nonexistent/python" in text for text in result.warnings] == [True]


# The index


def test_what_the_index_has_newer(site):
    result = describe(site, "sensu", "theirs", "plain", check_latest=True)
    found = {pack["ref"]: (pack["latest_version"], pack["outdated"]) for pack in result.returned["packs"]}
    assert found == {"sensu": ("1.0.2", False), "theirs": ("1.0.0", True), "plain": (None, None)}
    assert result.returned["packs"][0]["index_url"] == f"file://{site.index}"
    assert "latest_version" not in one(site, "sensu")


def test_an_installed_version_that_the_index_does_not_have_yet_is_not_outdated(site):
    (site.host.packs / "theirs" / "pack.yaml").write_text("ref: theirs\nname: theirs\nversion: 9.0.0\n")
    assert one(site, "theirs", check_latest=True)["outdated"] is False


def test_an_index_that_cannot_be_read_is_an_error_unless_another_can(site):
    missing = "file:///nonexistent/index.json"
    with pytest.raises(IndexError_, match="No pack index can be read: file:///nonexistent/"):
        describe(site, "sensu", check_latest=True, index_url=[missing])
    given = {"check_latest": True, "index_url": [f"file://{site.index}", missing]}
    result = describe(site, "sensu", **given)
    assert result.returned["packs"][0]["latest_version"] == "1.0.2"
    assert len(result.warnings) == 1 and missing in result.warnings[0]
    given["index_url"].reverse()
    assert describe(site, "sensu", **given).returned["packs"][0]["latest_version"] is None
    assert describe(site, "sensu", index_strict=False, **given).returned["packs"][0]["latest_version"] == "1.0.2"


def test_while_an_interrupted_run_waits_the_old_packs_are_told(site):
    (site.root / "plain" / "pack.yaml").write_text(
        "ref: plain\nname: plain\ndescription: d\nauthor: a\nemail: a@b.cc\nversion: 3.0.0\n"
    )
    for number in range(1, 99):
        is_killed(number, lambda: site.run(str(site.root / "plain"), dependencies="skip"), ("rename",))
        if site.host.pack_version("plain") == "3.0.0":
            break
    assert os.path.exists(site.host.packs / STATE / "journal.json")
    pack = one(site, "plain")
    assert (pack["version"], pack["managed"], pack["edits"]) == ("2.0.0", True, [])
    assert pack["path"] == str(site.host.packs / "plain")
