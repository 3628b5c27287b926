# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2_action_run: what StackStorm is asked to run, how it ends, and what is refused before anything runs."""

from __future__ import annotations

import json

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import OBSERVER, Outcome, StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._action_run.argspec import action_run_options
from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import connection_options, registration_options
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DeadlineError,
    ForbiddenError,
    OptionError,
    RegistrationError,
    UnreachableError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.action_run import run_action_of_task

CANARY = "canary-81c4d0"
PARAMETERS = {"name": {"type": "string", "required": True}, "token": {"type": "string", "secret": True}}


class Site:
    """A StackStorm with the pack acme_dns."""

    def __init__(self, root):
        host = ScratchHost(root)
        tree = PackTree("acme_dns", minimal=True)
        action = {"name": "lookup", "runner_type": "python-script", "entry_point": "lookup.py"}
        tree.add_yaml("actions/lookup.yaml", {**action, "parameters": PARAMETERS})
        tree.add_yaml("actions/off.yaml", {**action, "name": "off", "enabled": False})
        tree.write(host.packs / "acme_dns")
        self.stub = StackStormStub(host)
        self.stub.register("acme_dns")

    def run(self, action="acme_dns.lookup", check=False, **given):
        spec = action_run_options().merge(registration_options()).merge(connection_options())
        given = {"api_url": f"{self.stub.api_url}/v1", "api_key": self.stub.api_key, "timeout": 60, **given}
        params = {**{name: option.get("default") for name, option in spec.options.items()}, "action": action, **given}
        return run_action_of_task(Task(params, None, check, {"HOME": "/nonexistent"}, "", Redactor()))

    def started(self):
        return self.stub.executions.list()


@pytest.fixture
def site(tmp_path):
    one = Site(tmp_path)
    yield one
    one.stub.stop()


def test_an_action_is_run_to_its_end(site):
    result = site.run(parameters={"name": "www"})
    (execution,) = site.started()
    assert (execution["liveaction"]["action"], execution["parameters"]) == ("acme_dns.lookup", {"name": "www"})
    told = result.returned["execution"]
    assert told["id"] == execution["id"] and told["status"] == "succeeded" and result.changed and not result.failure
    assert told["result"]["result"] == {"name": "www"} and told["elapsed"] >= 0
    assert result.msg.startswith("acme_dns.lookup ended with status succeeded in ")


def test_check_mode_runs_nothing(site):
    result = site.run(parameters={"name": "www"}, check=True)
    assert result.changed and result.msg == "acme_dns.lookup would be run" and site.started() == []


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"action": "lookup"}, OptionError, "it takes the form PACK.ACTION"),
        ({"action": "acme_dns.lookip"}, RegistrationError, "no action acme_dns.lookip. Check the name"),
        ({"action": "acme.lookup"}, RegistrationError, "the pack acme is not in its database"),
        ({"action": "acme_dns.off"}, RegistrationError, "acme_dns.off is disabled in StackStorm"),
        ({}, OptionError, "name is required and has no value"),
        ({"parameters": {"name": "a", "tokens": CANARY}}, OptionError, "no parameter tokens (did you mean token?)"),
        ({"parameters": {"name": "a"}, "secrets": {"name": "b"}}, OptionError, "both contain name"),
    ],
)
def test_what_cannot_be_run_is_refused(site, given, kind, said, check):
    with pytest.raises(kind) as caught:
        site.run(check=check, **given)
    assert said in caught.value.message and CANARY not in caught.value.message and site.started() == []


def test_who_may_not_run_an_action_is_told_the_permission(site):
    site.stub.accounts.rbac = True
    with pytest.raises(ForbiddenError, match="permission action_execute"):
        site.run(action="packs.unload", api_key=OBSERVER.api_key)


@pytest.mark.parametrize("status", ["failed", "timeout", "canceled", "abandoned"])
def test_another_end_than_expected_fails(site, status):
    error = "Traceback (most recent call last):\n  File\nValueError: no such zone"
    site.stub.executions.endings["acme_dns.lookup"] = Outcome(status, {"stderr": error, "exit_code": 1})
    result = site.run(parameters={"name": "a"})
    assert f"ended with status {status} in StackStorm; succeeded was expected: ValueError" in result.failure.message
    assert result.returned["execution"]["id"] in result.failure.message and result.changed
    assert not site.run(parameters={"name": "a"}, expect={"status": status, "result": {"exit_code": 1}}).failure


def test_success_is_a_failure_where_another_end_is_expected(site):
    result = site.run(parameters={"name": "a"}, expect={"status": "failed", "result": None})
    assert "succeeded in StackStorm; failed was expected" in result.failure.message


def test_the_result_is_compared(site):
    expect = {"status": "succeeded", "result": {"result": {"name": "www"}}}
    assert not site.run(parameters={"name": "www"}, expect=expect).failure
    result = site.run(parameters={"name": "ftp"}, expect=expect)
    assert 'is not as expected: result.result.name is "ftp" instead of "www"' in result.failure.message


def test_secrets_are_sent_and_not_told(site):
    result = site.run(parameters={"name": "a"}, secrets={"token": CANARY}, expect={"result": {"result": {"name": 1}}})
    assert site.started()[0]["parameters"] == {"name": "a", "token": CANARY}
    assert CANARY not in json.dumps(result.returned) and CANARY not in result.failure.message
    expect = {"result": {"result": {"token": CANARY}}}
    assert not site.run(parameters={"name": "a"}, secrets={"token": CANARY}, expect=expect).failure


def test_a_long_result_is_shortened(site):
    site.stub.executions.endings["acme_dns.lookup"] = Outcome("succeeded", {"stdout": "x" * 10**6, "exit_code": 0})
    told = site.run(parameters={"name": "a"}, expect={"result": {"exit_code": 0}}).returned["execution"]
    assert len(told["result"]["stdout"]) < 70000 and told["result"]["exit_code"] == 0


def test_what_outlives_the_timeout_is_cancelled(site):
    site.stub.executions.endless = True
    result = site.run(parameters={"name": "a"}, timeout=2)
    (execution,) = site.started()
    assert isinstance(result.failure, DeadlineError) and execution["status"] == "canceled"
    assert f"execution {execution['id']} was cancelled; its status was running" in result.msg
    assert result.returned["execution"]["id"] == execution["id"]
    assert result.returned["execution"]["status"] == "canceled"


def test_a_stackstorm_that_is_not_there_is_named(site):
    site.stub.stop()
    with pytest.raises(UnreachableError, match="cannot be reached"):
        site.run(parameters={"name": "a"})
