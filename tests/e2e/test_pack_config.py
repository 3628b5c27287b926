# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs of packs, by Ansible itself: what is shown where, what the disk and StackStorm hold, and the questions of the
playbook."""

from __future__ import annotations

import json
import stat
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from infrastructure.ansible_run import ansible_command, ansible_environment, run_module_directly, run_play
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub, stackstorm_under_test
from infrastructure.terminal import Question, answer_in_terminal

MODULE = "stackstorm.st2.st2_pack_config"
CANARY = "c4nary-of-configs"
SECRETS = (CANARY, "47110815", "47110816")
SCHEMA = {
    "url": {"type": "string", "description": "Where it answers", "required": True},
    "token": {"type": "string", "description": "What it asks for", "secret": True},
    "timeout": {"type": "integer", "description": "Seconds", "default": 30},
    "sites": {
        "type": "object",
        "description": "One for each site",
        "patternProperties": {r"^\w+$": {"$ref": "#/properties/site"}},
    },
    "site": {"type": "object", "properties": {"pin": {"type": "integer", "secret": True}, "name": {"type": "string"}}},
}


@pytest.fixture
def host(tmp_path: Path) -> ScratchHost:
    host = ScratchHost(tmp_path / "host")
    host.place(PackTree("demo", "1.0.0", minimal=True).add_yaml("config.schema.yaml", SCHEMA), "demo")
    return host


@pytest.fixture
def stackstorm(host: ScratchHost) -> t.Iterator[StackStormStub]:
    with stackstorm_under_test(host) as found:
        yield found


def test_a_play_shows_no_secret_however_much_it_shows(
    host: ScratchHost, stackstorm: StackStormStub, tmp_path: Path
) -> None:
    access = {"st2_conf": str(host.st2_conf), "api_url": stackstorm.api_url, "api_key": stackstorm.api_key}
    # Not in the play itself: Ansible shows the lines of a task that fails.
    vault = tmp_path / "vault.json"
    vault.write_text(json.dumps({"canary": CANARY, "pin": 47110815}))
    pack = {**access, "pack": "demo"}
    first = {"url": "http://one", "token": "{{ canary }}", "sites": {"a": {"pin": "{{ pin }}", "name": "A"}}}
    second = {"url": "http://two", "sites": {"a": {"pin": "{{ pin + 1 }}"}}}
    wrong = {"token": ["{{ canary }}"], "timeout": "{{ canary }}"}
    tasks: t.List[t.Dict[str, t.Any]] = [
        {MODULE: {**pack, "config": first}},
        {MODULE: {**pack, "merge": "merge", "config": second, "secrets": {"token": "{{ canary }}-2"}}},
        {MODULE: {**pack, "config": wrong}, "ignore_errors": True},
        {MODULE: {**pack, "config": {"token": "{{ canary }}"}, "state": "nosuch"}, "ignore_errors": True},
        {f"{MODULE}_info": access},
    ]
    play = run_play(tasks, diff=True, host=host, arguments=["-vvvv", "-e", f"@{vault}"])
    assert [one.outcome for one in play.tasks] == ["ok", "ok", "failed", "failed", "ok"], play.stdout
    assert play[1]["msg"] == "demo config: url, token, sites.a.pin changed; registered"
    shown = play.stdout + play.stderr + json.dumps([one.result for one in play.tasks])
    assert not [line for line in shown.splitlines() for secret in SECRETS if secret in line]
    assert "sites.a.pin" in shown and "********" in shown
    wanted = {"url": "http://two", "token": f"{CANARY}-2", "sites": {"a": {"pin": 47110816, "name": "A"}}}
    assert yaml.safe_load((host.configs / "demo.yaml").read_bytes()) == wanted == stackstorm.config("demo")
    holders = sorted(path for path in host.root.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes())
    changes = host.configs / ".stackstorm.st2" / "changes"
    assert holders.pop(0).is_relative_to(changes), "the former config, with which st2_rollback goes back"
    assert holders == [host.configs / "demo.yaml"] and stat.S_IMODE(changes.stat().st_mode) == 0o700
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o640
    assert play[4]["configs"][0]["database_state"] == "current"
    assert play[4]["configs"][0]["config"]["sites"] == {"a": {"pin": "********", "name": "A"}}


def test_a_second_run_changes_nothing_and_writes_nothing(host: ScratchHost, stackstorm: StackStormStub) -> None:
    options = {"pack": "demo", "config": {"url": "http://one"}, "api_url": stackstorm.api_url}
    key = {"ST2_API_KEY": stackstorm.api_key}
    assert run_module_directly("st2_pack_config", options, host=host, env=key).changed
    before = host.snapshot(identity=True)
    again = run_module_directly("st2_pack_config", options, host=host, env=key)
    assert (again.changed, again["database_state"], again["msg"]) == (False, "current", "demo config is as wanted")
    assert host.snapshot(identity=True) == before


class Answers(t.NamedTuple):
    """A run of the playbook, and who answers it."""

    status: int
    shown: str


def ask(host: ScratchHost, tmp_path: Path, *questions: Question, verbose: bool = False) -> Answers:
    """Run the playbook in a terminal; nobody registers anything."""
    options = {"pack_config_options": {"st2_conf": str(host.st2_conf), "register": "none"}}
    command = ansible_command("stackstorm.st2.pack_config", "-e", "pack=demo", "-e", json.dumps(options))
    command += ["-vvvv"] * verbose
    environment = {**ansible_environment(host, tmp_path), "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "TERM": "dumb"}
    return Answers(*answer_in_terminal(command, environment, questions))


def test_the_playbook_asks_previews_and_writes(host: ScratchHost, tmp_path: Path) -> None:
    done = ask(
        host,
        tmp_path,
        Question("url: Where it answers", "{{ st2kv.system.url }}"),
        Question("token: What it asks for", CANARY, hidden=True),
        Question("timeout: Seconds", "12"),
        Question("sites: One for each site", "{a: {pin: 47110815, name: A}}", hidden=True),
        Question("[y/N]", "y"),
        verbose=True,
    )
    assert done.status == 0, done.shown
    assert not [line for line in done.shown.splitlines() for secret in SECRETS if secret in line]
    assert "string, required" in done.shown and "integer, default 30" in done.shown
    assert "token: '********'" in done.shown and "demo config created" in done.shown
    assert yaml.safe_load((host.configs / "demo.yaml").read_bytes()) == {
        "url": "{{ st2kv.system.url }}",
        "timeout": 12,
        "token": CANARY,
        "sites": {"a": {"pin": 47110815, "name": "A"}},
    }


def test_the_playbook_keeps_what_is_there_and_writes_nothing_without_consent(host: ScratchHost, tmp_path: Path) -> None:
    config = host.configs / "demo.yaml"
    config.write_text(f"# mine\nurl: http://one\ntoken: {CANARY}\n")
    done = ask(
        host,
        tmp_path,
        Question("Now http://one.", ""),
        Question("Now ********.", "", hidden=True),
        Question("timeout: Seconds", "5"),
        Question("sites: One for each site", "", hidden=True),
        Question("[y/N]", ""),
    )
    assert done.status == 0 and "Nothing was written." in done.shown, done.shown
    assert "timeout: 5" in done.shown and CANARY not in done.shown
    assert config.read_text() == f"# mine\nurl: http://one\ntoken: {CANARY}\n"
