# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are ordinary words: no result of any module is damaged by them, and nothing is decided otherwise."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.scene import Scene
from infrastructure.ansible_run import ModuleResult, run_play
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub
from infrastructure.warm_modules import warm_modules

REF = "zabbix"
# A ref, keys, words of messages, values, steps, actions, a state, a name of a file, an option, and a part of paths.
WORDS = (REF, "password", "host", "registered", "load", "true", "validate", "install", "current", "pack.yaml", "config")
WORDS += ("opt", "stackstorm", "1.0.0", "upload", "fetch", "git", "main", "********")
SCHEMA = {
    "host": {"type": "string"},
    "password": {"type": "string", "secret": True},
    "port": {"type": "integer"},
}
# Times, numbers of ports and of executions, and how long curl tried.
_NUMBERS = re.compile(r"\b(?:\d{4}-\d\d-\d\dT[\d:]+Z|\d{3,}|[0-9a-f]{24}|\d+(?= ms\b))\b")
# What Ansible adds about the file.
_FILE = ("invocation", "size", "uid", "gid", "owner", "group", "mode", "state")
NOBODYS = "Xq-nobody-says"


class Site:
    """A host with the pack, and StackStorm's stand-in beside it; made anew for each secret."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host = ScratchHost(root / "host")
        self.host.place(PackTree(REF, "1.0.0", minimal=True).add_yaml("config.schema.yaml", SCHEMA), REF)
        self.stub = StackStormStub(self.host)

    def run(self, module: str, **given: t.Any) -> ModuleResult:
        check = given.pop("check", False)
        return warm_modules.run(module, given, check=check, diff=True, host=self.host)

    def shown(self, result: ModuleResult) -> str:
        """Return what a result says, without what differs from host to host, and without the invocation."""
        kept = {key: value for key, value in result.items() if key not in _FILE}
        # YAML has quotes around some words.
        text = json.dumps(kept, sort_keys=True).replace(str(self.root), "ROOT").replace("'", "")
        return _NUMBERS.sub("NUMBER", text)


def walk(site: Site, secret: str) -> t.Iterator[t.Tuple[str, ModuleResult]]:
    """Run every module that takes a secret, with success and without."""
    access = {"api_url": site.stub.api_url, "api_key": site.stub.api_key}
    config = {"pack": REF, "config": {"host": "h", "port": 1}, "secrets": {"password": secret}}
    for check in (True, False, False):
        yield "create", site.run("st2_pack_config", **config, **access, check=check)
    yield "info", site.run("st2_pack_config_info", pack=[REF], **access)
    yield "other", site.run("st2_pack_config", **{**config, "config": {"host": secret, "port": 2}}, **access)
    yield "refused", site.run("st2_pack_config", **{**config, "config": {"port": "x", "odd": 1}}, **access)
    yield "option", site.run("st2_pack_config", **config, **access, state="nosuch")
    yield "keys", site.run("st2_pack_config", pack=REF, state="absent", secrets={"password": secret}, **access)
    source = {"name": REF, "source": str(PackTree(REF, "1.1.0", minimal=True).write(site.root / "source"))}
    item = {**source, "config": {"host": "h"}, "secrets": {"password": secret}}
    pack = {"virtualenv": "never", "token": secret, **access}
    yield "upgrade", site.run("st2_pack", packs=[item], **pack)
    yield "again", site.run("st2_pack", packs=[item], **pack)
    yield "back, checked", site.run("st2_rollback", **access, check=True)
    back = site.run("st2_rollback", **access)
    yield "back", back
    yield "changes", site.run("st2_rollback_info")
    yield "forth", site.run("st2_rollback", change=back["change"], **access)
    yield "nothing", site.run("st2_pack", packs=[{**item, "source": "/none"}], **pack)
    yield "network", site.run("st2_pack", packs=[{"name": "x", "source": "https://127.0.0.1:9/x"}], **pack)
    yield "list", site.run("st2_pack_info", token=secret, **access)
    asked = {"pack": REF, "actions": {"disabled": ["report"]}, "api_url": site.stub.api_url}
    yield "denied", site.run("st2_override", **asked, api_key=secret)
    conf = {"section": "database", "option": "password", "value": secret}
    yield "conf", site.run("st2_conf", **conf)
    yield "environment", site.run("st2_environment", name=["st2api"], variables={"A_PASSWORD": secret})


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> t.List[t.Tuple[str, str]]:
    """What the modules say when the secret is no word."""
    site = Site(tmp_path_factory.mktemp("usual"))
    runs = list(walk(site, NOBODYS))
    site.stub.stop()
    assert [name for name, run in runs if run.failed] == ["refused", "option", "nothing", "network", "denied"]
    found = [(name, site.shown(run)) for name, run in runs]
    # Where it is the value of a key that is no secret, too, or was.
    assert [name for name, text in found if NOBODYS in text] == ["other", "keys", "upgrade"]
    return found


@pytest.mark.parametrize("word", WORDS)
def test_a_common_word_changes_nothing(tmp_path: Path, usual: t.List[t.Tuple[str, str]], word: str) -> None:
    site = Site(tmp_path)
    try:
        for (name, result), (_name, text) in zip(walk(site, word), usual):
            assert (name, site.shown(result)) == (name, text.replace(NOBODYS, word))
        written = yaml.safe_load((site.host.configs / f"{REF}.yaml").read_bytes())
        assert written == {"host": "h", "password": word}
    finally:
        site.stub.stop()


def test_the_controller_decides_nothing_by_a_secret(scene: Scene, tmp_path: Path) -> None:
    """The module says by its step that it lacks a directory; each of these words was masked there."""
    pack = PackTree(REF, "1.0.0", minimal=True).add_yaml("config.schema.yaml", SCHEMA).write(tmp_path / REF)
    item = {"source": str(pack), "config": {"host": "h"}, "secrets": {"password": "upload", "odd": "packs"}}
    given = {"st2_conf": str(scene.host.st2_conf), "virtualenv": "never", "register": "none", "remote_src": False}
    task = {"stackstorm.st2.st2_pack": {"packs": [item], "token": "upload", **given}}
    play = run_play([task, task], host=scene.host, env=scene.environment, diff=True)
    assert [(one.outcome, one.result["changed"]) for one in play.tasks] == [("ok", True), ("ok", False)], play.stdout
    assert scene.host.pack_version(REF) == "1.0.0" and "********" not in json.dumps(play[0]["packs"])
    assert yaml.safe_load((scene.host.configs / f"{REF}.yaml").read_bytes())["password"] == "upload"


def test_the_playbook_of_configs_is_told_the_true_keys(tmp_path: Path) -> None:
    """It writes answers by the keys that it is told; the values of the config are those keys."""
    site = Site(tmp_path)
    site.stub.stop()
    (site.host.configs / f"{REF}.yaml").write_text("host: host\npassword: password\nport: 5\n")
    told = site.run("st2_pack_config_info", pack=[REF], register="none")["configs"][0]
    assert told["config"] == {"host": "host", "password": "********", "port": 5}
    assert [(one["key"], one["value"]) for one in told["attributes"]] == [
        ("host", "host"),
        ("password", "********"),
        ("port", 5),
    ]
    assert told["pack"] == REF and told["path"] == str(site.host.configs / f"{REF}.yaml")
