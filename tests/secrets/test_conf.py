# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of st2.conf: in the file and its copy, and in nothing that comes out, from whatever run."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
from infrastructure.ansible_run import ModuleResult, run_play
from infrastructure.st2_host import ScratchHost
from infrastructure.warm_modules import warm_modules

OLD, NEW = "0ld/c4n@ry:w0rd", "n3w/c4n@ry:w0rd"
FORMS = tuple(form for word in (OLD, NEW) for form in (word, quote(word), quote(word, safe=""), json.dumps(word)[1:-1]))
# As ansible-core up to 2.20 always does.
INVOCATION = {"ANSIBLE_INJECT_INVOCATION": "1"}
# What the file says before, and what a task gives; {} is the secret.
CASES: t.Mapping[str, t.Tuple[str, t.Dict[str, t.Any]]] = {
    "password": ("[database]\npassword = {}\n", {"section": "database", "option": "password", "value": "{}"}),
    "kwargs": (
        '[auth]\nbackend_kwargs = {{"p": "{}"}}\n',
        {"section": "auth", "option": "backend_kwargs", "value": "{}"},
    ),
    "url": (
        "[messaging]\nurl = amqp://st2:{}@mq//\n",
        {"section": "messaging", "option": "url", "value": "amqp://st2:{}@mq//"},
    ),
    "urls": (
        "[messaging]\ncluster_urls = amqp://a:{}@a,\n  amqp://b:{}@b\n",
        {"section": "messaging", "option": "cluster_urls", "values": ["amqp://a:{}@a", "amqp://c:{}@c"], "list": "add"},
    ),
    "host": (
        "[database]\nhost = mongodb://u:{}@a,b/?x=y\n",
        {"section": "database", "option": "host", "value": "mongodb://u:{}@a,b/"},
    ),
    "secret": ("[x]\nword = {}\n", {"section": "x", "option": "word", "value": "{}", "secret": True}),
    "secrets": ("[x]\nword = {}\n", {"section": "x", "option": "word", "values": ["{}", "a"], "secret": True}),
    "absent": ("[x]\npassword = {}\n", {"section": "x", "option": "password", "state": "absent"}),
    "others": ("[x]\nb = c\nword = {}\n# {}\n", {"section": "x", "option": "b", "value": "d"}),
    "unwritable": ("[x]\nword = {}\n", {"section": "x", "option": "a", "value": "{}\n\n"}),
    "wrong": ("[x]\nword = {}\n", {"section": "x", "option": "word", "value": "{}", "list": "add"}),
    "unreadable": ("[x]\nb = c\n\n  {}\n", {"section": "x", "option": "word", "value": "{}"}),
    "percent": ("[api]\nhost = {}\n", {"section": "api", "option": "host", "value": "%{}"}),
    "reference": ("[x]\npassword = {}\n", {"section": "x", "option": "password", "value": "a${}"}),
}


def filled(value: t.Any, secret: str) -> t.Any:
    """A structure with the secret in its place."""
    if isinstance(value, dict):
        return {key: filled(item, secret) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, secret) for item in value]
    return value.replace("{}", secret) if isinstance(value, str) else value


def clean(result: t.Union[ModuleResult, str]) -> None:
    """Assert that no form of either secret is in a text."""
    text = result if isinstance(result, str) else result.everything
    assert not [form for form in FORMS if form in text], text


@pytest.fixture
def host(tmp_path: Path) -> ScratchHost:
    return ScratchHost(tmp_path / "host")


@pytest.mark.parametrize("case", CASES)
def test_no_value_comes_out(host: ScratchHost, case: str) -> None:
    text, given = CASES[case]
    results = []
    for several in (False, True):
        host.st2_conf.write_text(text.replace("{}", OLD).replace("{{", "{").replace("}}", "}"))
        arguments = {"options": [filled(given, NEW)]} if several else filled(given, NEW)
        for check in (True, False, False):
            results.append(
                warm_modules.run("st2_conf", {**arguments, "backup": True}, check=check, diff=True, host=host)
            )
            clean(results[-1])
            assert "Traceback" not in results[-1].everything
    refused = case in ("unwritable", "wrong", "unreadable", "percent")
    assert [result.failed for result in results] == [refused] * 6
    assert refused or [result.changed for result in results] == [True, True, False] * 2
    for path in host.root.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("st2.conf"):
            assert not [form for form in FORMS if form.encode() in path.read_bytes()], path


def test_nothing_of_a_play_with_everything_switched_on(host: ScratchHost) -> None:
    host.st2_conf.write_text(f"[database]\npassword = {OLD}\nport = 1\n")
    password = {"section": "database", "option": "password", "value": "{{ secret }}"}
    port = {"section": "database", "option": "port", "value": "{{ secret }}", "list": "add"}
    module = "stackstorm.st2.st2_conf"
    tasks = [
        {"name": "set", module: {**password, "st2_conf": str(host.st2_conf)}},
        {"name": "several", module: {"options": [password], "state": "absent", "st2_conf": str(host.st2_conf)},
         "ignore_errors": True},
        {"name": "wrong", module: {**port, "st2_conf": str(host.st2_conf)}, "ignore_errors": True},
        {"name": "wrong type", module: {**password, "backup": "perhaps", "st2_conf": str(host.st2_conf)},
         "ignore_errors": True},
        {"name": "number", module: {**password, "value": 12, "mode": "0600", "st2_conf": str(host.st2_conf)}},
    ]  # fmt: skip
    play = run_play(tasks, host=host, variables={"secret": NEW}, env=INVOCATION, diff=True, arguments=["-vvv"])
    assert play.rc == 0, play.stdout + play.stderr
    assert [task.outcome for task in play.tasks] == ["ok", "failed", "failed", "failed", "ok"]
    assert "not shown" in play.stdout, play.stdout
    # The playbook's own text is shown where a task fails; the secret is in a variable.
    clean(play.stdout + play.stderr)
    clean(json.dumps([task.result for task in play.tasks]))
