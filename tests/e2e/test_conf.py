# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2_conf end to end: the module as a process, the file read by oslo.config as StackStorm's services read it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from infrastructure.ansible_run import ModuleResult, run_module_directly, run_play
from infrastructure.st2_host import ScratchHost
from infrastructure.warm_modules import warm_modules
from oslo_config import cfg

PUBLIC = "https://index.stackstorm.org/v1/index.json"
# As StackStorm's packages have it.
STOCK = """\
# System-wide configuration

[api]
# Host and port to bind the API server.
host = 127.0.0.1
port = 9101

[auth]
backend = flat_file
backend_kwargs = {"file_path": "/etc/st2/htpasswd"}
# Base URL to the API endpoint excluding the version (e.g. http://myhost.net:9101/)
api_url =

[system]
base_path = /opt/stackstorm

[messaging]
url = amqp://guest:guest@127.0.0.1:5672/
"""
UNIT = """\
[Service]
Environment="DAEMON_ARGS=--config-file /etc/st2/st2.conf"
EnvironmentFile=-/etc/default/{name}
ExecStart=/opt/stackstorm/st2/bin/{name} $DAEMON_ARGS
"""
Options = t.Dict[str, t.Any]


class Site:
    """A host with StackStorm's packages, and what its services read."""

    def __init__(self, root: Path) -> None:
        self.host = ScratchHost(root / "host")
        self.conf = self.host.st2_conf
        self.conf.write_text(STOCK)
        self.conf.chmod(0o640)
        for name in ("st2actionrunner@", "st2actionrunner", "st2api", "st2sensorcontainer", "st2notifier"):
            unit = self.host.root / "lib" / "systemd" / "system" / f"{name}.service"
            unit.parent.mkdir(parents=True, exist_ok=True)
            unit.write_text(UNIT.format(name=name.rstrip("@")))

    def run(self, check: bool = False, **given: t.Any) -> ModuleResult:
        """Run the module."""
        return warm_modules.run("st2_conf", given, check=check, diff=True, host=self.host)

    def reads(self, section: str, option: str, kind: t.Any = cfg.StrOpt) -> t.Any:
        """What StackStorm gets; None where the file does not say."""
        conf = cfg.ConfigOpts()
        conf.register_opt(kind(option), group=section)
        conf(args=[], default_config_files=[str(self.conf)], default_config_dirs=[])
        return conf[section][option]

    def everything(self) -> t.Any:
        """All files, with inodes and times."""
        return self.host.snapshot(identity=True)

    def converge(self, msg: str, **given: t.Any) -> ModuleResult:
        """Check, run, check again, run again; only the first run changes anything, and the check has said so."""
        before = self.everything()
        predicted = self.run(check=True, **given)
        assert self.everything() == before
        done = self.run(**given)
        assert not done.failed and done.changed and done["msg"] == msg, done.everything
        for key in ("msg", "changed", "options", "shadowed_by", "restart_needed", "diff"):
            assert predicted.get(key) == done.get(key), key
        settled = self.everything()
        for check in (True, False):
            again = self.run(check=check, **given)
            assert not again.failed and not again.changed and again["msg"] == "st2.conf is as wanted"
            assert "diff" not in again and again["restart_needed"] == []
            assert not any(one["changed"] for one in again["options"])
        assert self.everything() == settled
        return done


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_from_the_first_value_to_the_last(site: Site) -> None:
    given: Options = {"section": "content", "option": "index_url"}
    done = site.converge("st2.conf: [content] index_url added", values=["https://a/", PUBLIC], **given)
    assert site.reads("content", "index_url", cfg.ListOpt) == ["https://a/", PUBLIC]
    assert done["restart_needed"] == ["st2api"]
    assert site.conf.read_text().startswith(STOCK) and site.conf.stat().st_mode & 0o777 == 0o640

    site.converge("st2.conf: [content] index_url changed", values=["https://b/", "https://a/"], list="add", **given)
    assert site.reads("content", "index_url", cfg.ListOpt) == ["https://a/", PUBLIC, "https://b/"]
    site.converge("st2.conf: [content] index_url changed", value="https://c/", **given)
    assert site.reads("content", "index_url") == "https://c/"

    done = site.converge("st2.conf: [content] index_url removed", state="absent", **given)
    assert site.conf.read_text() == STOCK and site.reads("content", "index_url") is None
    assert done["options"][0]["before"] == "https://c/" and done["options"][0]["after"] is None


def test_a_list_that_others_add_to(site: Site) -> None:
    given: Options = {"section": "content", "option": "packs_base_paths"}
    site.conf.write_text(f"{STOCK}\n[Content]\npacks_base_paths: /theirs\n")
    done = site.converge("st2.conf: [content] packs_base_paths changed", values=["/ours"], list="add", **given)
    assert done["restart_needed"] == ["st2actionrunner", "st2api", "st2sensorcontainer"]
    assert site.reads("content", "packs_base_paths") == "/theirs:/ours"
    site.converge("st2.conf: [content] packs_base_paths changed", values=["/ours"], list="remove", **given)
    assert site.conf.read_text() == f"{STOCK}\n[Content]\npacks_base_paths: /theirs\n"


def test_several_options_and_the_files_own_attributes(site: Site) -> None:
    items = [
        {"section": "messaging", "option": "url", "value": "amqp://st2:hunter2@mq:5672/"},
        {"section": "database", "option": "password", "value": "hunter2 "},
        {"section": "auth", "option": "backend_kwargs", "state": "absent"},
    ]
    msg = (
        "st2.conf: [messaging] url changed, [database] password added, [auth] backend_kwargs removed, mode 0640 -> 0600"
    )
    done = site.converge(msg, options=items, mode="u=rw,go=", backup=True)
    assert site.reads("database", "password") == "hunter2 " and site.reads("auth", "backend_kwargs") is None
    assert done["restart_needed"] == ["st2actionrunner", "st2api", "st2notifier", "st2sensorcontainer"]
    assert Path(done["backup_file"]).read_text() == STOCK and Path(done["backup_file"]).stat().st_mode & 0o777 == 0o600
    assert site.conf.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in done.everything and "guest:guest" not in done.everything


def test_what_keeps_it_from_having_effect(site: Site) -> None:
    (site.host.root / "etc/default/st2api").write_text("ST2_CONTENT__INDEX_URL=https://other/\n")
    done = site.converge(
        "st2.conf: [content] index_url added", section="content", option="index_url", value="https://a/"
    )
    assert [(one["service"], one["by"]) for one in done["shadowed_by"]] == [("st2api", "environment")]
    assert done["restart_needed"] == [] and "ST2_CONTENT__INDEX_URL" in str(done["warnings"])


@pytest.mark.parametrize(
    ("content", "given", "told"),
    [
        (STOCK, {"section": "api", "option": "host", "value": "%h"}, "[api] host has a %"),
        (STOCK, {"section": "content", "option": "a", "value": "x\n"}, "ends with a line break"),
        (f"{STOCK}hunter2\n", {"section": "content", "option": "a", "value": "x"}, "st2.conf:19: an option must be"),
        (
            STOCK,
            {"section": "content", "option": "a", "state": "absent", "value": "x"},
            "cannot be combined with value",
        ),
    ],
)
def test_what_stackstorm_could_not_read_is_never_written(site: Site, content: str, given: Options, told: str) -> None:
    site.conf.write_text(content)
    before = site.everything()
    for check in (True, False):
        failed = site.run(check=check, **given)
        assert failed.failed and not failed.changed and told in failed["msg"], failed.everything
        assert "hunter2" not in failed.everything
    assert site.everything() == before


def test_a_host_without_st2_conf_is_refused(site: Site) -> None:
    site.conf.unlink()
    failed = site.run(section="content", option="a", value="x")
    assert failed.failed and "does not look like a StackStorm host" in failed["msg"] and not site.conf.exists()


def test_ordinary_words_in_values_are_not_taken_out_of_results(site: Site) -> None:
    """Where a password is the name of the directory, of the file and of the services."""
    given: Options = {"section": "messaging", "option": "url", "value": "amqp://st2:st2@mq:5672/"}
    done = site.converge("st2.conf: [messaging] url changed", **given)
    assert done["path"] == str(site.conf) and "st2api" in done["restart_needed"]


def test_a_play(site: Site) -> None:
    module = "stackstorm.st2.st2_conf"
    given = {"st2_conf": str(site.conf), "section": "content", "option": "index_url"}
    tasks = [
        {"name": "set", module: {**given, "value": "{{ index }}"}, "register": "st2_settings"},
        {"name": "again", module: {**given, "value": "{{ index }}"}},
        {"name": "secret", module: {**given, "option": "my_word", "value": "{{ word }}", "secret": True}},
        {"name": "remove", module: {**given, "state": "absent"}},
    ]
    play = run_play(tasks, host=site.host, variables={"index": "https://a/", "word": "hunter2"}, diff=True)
    assert play.rc == 0, play.stdout + play.stderr
    assert [found.result.get("changed") for found in play.tasks] == [True, False, True, True]
    assert "+index_url = https://a/" in play.stdout and "+my_word = ********" in play.stdout
    assert "hunter2" not in play.stdout + play.stderr
    assert site.reads("content", "my_word") == "hunter2" and site.reads("content", "index_url") is None


def test_it_needs_no_library_of_the_target(site: Site) -> None:
    """Nor a StackStorm whose own Python it could go on in."""
    given = {"section": "content", "option": "a", "value": "x"}
    done = run_module_directly("st2_conf", given, host=site.host)
    assert done.changed, done.everything
