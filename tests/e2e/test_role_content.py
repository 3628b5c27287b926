# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role content: st2.conf as oslo.config reads it, the directories, and the services."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from e2e.roles import Site, changes, warned
from oslo_config import cfg

PUBLIC = "https://index.stackstorm.org/v1/index.json"
OURS = "https://index.example.com/v1/index.json"
RUNNERS = ["st2actionrunner@1", "st2actionrunner@2"]


@pytest.fixture
def site(tmp_path: Path) -> t.Iterator[Site]:
    found = Site(tmp_path)
    yield found
    found.stop()


def reads(site: Site, option: str) -> t.Any:
    """What StackStorm reads of [content]."""
    conf = cfg.ConfigOpts()
    kind = cfg.ListOpt if option == "index_url" else cfg.StrOpt
    conf.register_opt(kind(option), group="content")
    conf(args=[], default_config_files=[str(site.conf)], default_config_dirs=[], use_env=False)
    return conf.content[option]


def test_by_default_nothing_is_touched(site: Site) -> None:
    before = site.host.snapshot(identity=True)
    for check in (True, False):
        play = site.play("content", check=check)
        assert play.rc == 0 and changes(play) == [], play.stdout
    assert site.host.snapshot(identity=True) == before and site.systemd.told == []


def test_from_the_first_value_to_none(site: Site) -> None:
    one, two = (str(site.host.root / "srv" / "packs" / name) for name in ("one", "two"))
    site.host.packs.chmod(0o2775)
    asked: t.Dict[str, t.Any] = {"st2_packs_base_paths": [one, two], "st2_index_url": [OURS, PUBLIC]}
    given: t.Dict[str, t.Any] = {"st2_pack_group": site.host.group, "st2_content_exclusive": True}
    play = site.play("content", **asked, **given)
    assert play.rc == 0, play.stdout
    assert reads(site, "packs_base_paths") == f"{one}:{two}" and reads(site, "index_url") == [OURS, PUBLIC]
    assert reads(site, "pack_group") == site.host.group
    assert [Path(path).stat().st_mode & 0o7777 for path in (one, two)] == [0o2775] * 2
    assert site.systemd.restarted == [*RUNNERS, "st2api", "st2sensorcontainer"]
    assert "has an index before StackStorm's public one" in warned(play)

    site.apply("content", st2_index_url=[PUBLIC], st2_packs_base_paths=[two], st2_content_exclusive=True)
    site.systemd.forget()
    assert reads(site, "packs_base_paths") == two and reads(site, "index_url") == [PUBLIC]
    assert reads(site, "pack_group") == site.host.group, "which was not given, so it stays"

    given["st2_content_state"] = "absent"
    site.converge("content", st2_index_url=[PUBLIC], st2_packs_base_paths=[two], **given)
    assert site.conf.read_text() == site.stock
    assert Path(two).is_dir()


def test_what_others_set_stays(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    site = Site(tmp_path, f"index_url = https://theirs/a.json, {PUBLIC}\npacks_base_paths: {theirs}\n")
    try:
        ours = str(site.host.root / "ours")
        asked: t.Dict[str, t.Any] = {"st2_packs_base_paths": [ours], "st2_index_url": [OURS]}
        play = site.converge("content", **asked)
        assert reads(site, "packs_base_paths") == f"{theirs}:{ours}"
        assert reads(site, "index_url") == ["https://theirs/a.json", PUBLIC, OURS]
        assert "Create missing directories" in changes(play)
        assert site.play("content", **asked, st2_content_state="absent").rc == 0
        assert reads(site, "index_url") == ["https://theirs/a.json", PUBLIC]
        assert site.conf.read_text() == site.stock
    finally:
        site.stop()


def test_only_services_that_read_it_are_restarted(site: Site) -> None:
    site.apply("content", st2_index_url=[OURS])
    site.systemd.forget()
    play = site.play("content", st2_index_url=[OURS, "https://other.example.com/"], st2_restart="never")
    assert play.rc == 0 and site.systemd.told == [] and "go on with old settings" in warned(play)
    site.play("content", st2_index_url=[OURS])
    assert site.systemd.restarted == ["st2api"], "which the run before has left"


def test_where_the_environment_has_the_last_word(site: Site) -> None:
    (site.host.root / "etc/default/st2api").write_text("ST2_CONTENT__INDEX_URL=https://other/\n")
    play = site.play("content", st2_index_url=[OURS])
    assert play.rc == 0 and "no effect on st2api" in warned(play) and "ST2_CONTENT__INDEX_URL" in warned(play)
    assert site.systemd.restarted == []


def test_what_cannot_be_is_refused(site: Site) -> None:
    file = site.host.root / "srv"
    file.write_text("")
    cases: t.Sequence[t.Tuple[t.Dict[str, t.Any], str]] = (
        ({"st2_packs_base_paths": ["srv/packs"]}, "srv/packs in st2_packs_base_paths cannot contain packs"),
        ({"st2_packs_base_paths": ["/srv/a:/srv/b"]}, 'has a ":" in it'),
        ({"st2_packs_base_paths": [str(file)]}, "cannot contain packs"),
        ({"st2_index_url": [""]}, "item 1 of values is empty"),
        ({"st2_index_url": [OURS], "st2_content_python": "/nowhere/python"}, "/nowhere/python does not exist"),
        ({"st2_index_url": [OURS], "st2_conf": "/nowhere/st2.conf"}, "does not look like a StackStorm host"),
        ({"st2_content_state": "gone"}, "must be one of"),
    )
    messages = site.refuse_each("content", [given for given, _told in cases])
    for message, (_given, told) in zip(messages, cases):
        assert told in message, message


def test_it_is_read_with_the_library_of_stackstorm_3_8_too(site: Site) -> None:
    """oslo.config 1.12, which takes fewer arguments, and reads neither directories nor the environment."""
    python = site.host.root / "python"
    python.write_text(
        f"#!{site.host.service}/bin/python -I\n"
        "import sys\n"
        "from oslo_config import cfg\n"
        "call = cfg.ConfigOpts.__call__\n"
        "def old(self, args=None, project=None, prog=None, version=None, usage=None, default_config_files=None,\n"
        "        validate_default_values=False):\n"
        "    files = default_config_files\n"
        "    return call(self, args, default_config_files=files, default_config_dirs=[], use_env=False)\n"
        "cfg.ConfigOpts.__call__ = old\n"
        "sys.argv = sys.argv[2:]\n"
        "exec(sys.stdin.read())\n"
    )
    python.chmod(0o755)
    paths = [str(site.host.root / "srv")]
    site.converge("content", st2_index_url=[OURS], st2_packs_base_paths=paths, st2_content_python=str(python))
    assert reads(site, "index_url") == [PUBLIC, OURS]


def test_another_reader_has_the_last_word(site: Site) -> None:
    """A file that does not say what was asked fails the role, whatever the module says."""
    python = site.host.root / "python"
    python.write_text(f"#!/bin/sh\nexec {site.host.service}/bin/python - {site.host.root}/other.conf\n")
    python.chmod(0o755)
    (site.host.root / "other.conf").write_text(f"[content]\nindex_url = {PUBLIC}\n")
    play = site.play("content", st2_index_url=[OURS], st2_content_python=str(python))
    failed = [task.task.rpartition(" : ")[2] for task in play.tasks if task.outcome == "failed"]
    assert play.rc != 0 and failed == ["Compare them with the requested values"], play.stdout
    assert "the requested value of [content] index_url from" in warned(play)
    assert site.systemd.told == []
