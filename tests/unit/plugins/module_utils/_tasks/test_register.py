# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""st2_register: installed packs held against StackStorm's database, and registered where that differs."""

from __future__ import annotations

import functools
import re
import shutil
import tempfile

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import Fault, StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    connection_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records, Told
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import RegistrationError, St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._register.argspec import register_options
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2 import local_registrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import is_open
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.register import register_packs
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)

KINDS = ("actions", "rules", "aliases", "policies", "triggers", "sensors")


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


class Site:
    """A host with packs that nobody has registered, and StackStorm's stand-in beside it."""

    def __init__(self, root):
        self.host = ScratchHost(root / "host")
        self.stub = StackStormStub(self.host)
        self.stub.install_register_content()
        for ref in ("sensu", "jira"):
            self.put(PackTree(ref, "1.0.0"))

    def put(self, tree):
        shutil.rmtree(self.host.packs / tree.ref, ignore_errors=True)
        tree.write(self.host.packs / tree.ref)

    def run(self, *packs, how="api", check=False, **given):
        spec = register_options().merge(registration_options()).merge(connection_options()).merge(host_options())
        access = {"api_url": self.stub.api_url, "api_key": self.stub.api_key} if how == "api" else {}
        given = {"register": how, **access, "packs": list(packs) or None, "st2_conf": str(self.host.st2_conf), **given}
        params = {**{name: option.get("default") for name, option in spec.options.items()}, **given}
        environment = self.host.environment()
        host = read_host(str(self.host.st2_conf), environment)
        return register_packs(Task(params, host, check, environment, tempfile.mkdtemp(dir=self.host.tmp), Redactor()))

    def have(self, *refs):
        """What the database has of packs: whether each resource is enabled, by kind and key."""
        found = self.stub.database.everything(refs or ("sensu", "jira"))
        return {(kind, key): one.get("enabled") for kind in KINDS for key, one in found[kind].items()}

    def converge(self, *packs, **given):
        """Check, run, check again and run again; return the result of the first run."""
        before = self.have()
        predicted = self.run(*packs, check=True, **given)
        assert self.have() == before
        done = self.run(*packs, **given)
        assert done.failure is None, done.failure.message
        assert (predicted.changed, predicted.msg, predicted.diff) == (done.changed, done.msg, done.diff)
        assert predicted.returned["packs"] == done.returned["packs"]
        for check in (True, False):
            again = self.run(*packs, check=check, **given)
            assert (again.changed, again.diff, again.failure) == (False, [], None), again.msg
        return done

    def key(self, kind, ref="sensu"):
        return next(iter(self.stub.database.everything([ref])[kind]))

    def change(self, kind, key, **fields):
        self.stub.database.put(kind, key, {**self.stub.database.find(kind, key), **fields})


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    with site.stub:
        yield site


@pytest.mark.parametrize("how", ["api", "local"])
def test_packs_that_nobody_registered(site, how):
    done = site.converge(how=how)
    assert done.changed and done.returned["database_state"] == "current"
    assert {row["ref"] for row in done.returned["packs"] if row["changed"]} >= {"sensu", "jira"}
    assert {kind for kind, _key in site.have("sensu")} == set(KINDS)
    assert done.returned["registration"]["by"] == how and done.returned["registration"]["counts"]["actions"] >= 2


@pytest.mark.parametrize("how", ["api", "local"])
def test_a_pack_whose_files_are_others_now(site, how):
    site.converge(how=how)
    site.put(PackTree("sensu", "1.1.0", actions=("report", "extra")))
    done = site.converge(how=how)
    assert [row["ref"] for row in done.returned["packs"] if row["changed"]] == ["sensu"]
    assert "sensu registered" in done.msg and site.stub.database.everything(["sensu"])["actions"].keys() >= {
        "sensu.extra"
    }


@pytest.mark.parametrize("how", ["api", "local"])
def test_configs_and_overrides_count(site, how):
    site.put(PackTree("sensu", "1.0.0").add_yaml("config.schema.yaml", {"host": {"type": "string"}}))
    site.converge(how=how)
    (site.host.configs / "sensu.yaml").write_text("host: a.example.com\n")
    done = site.converge("sensu", how=how)
    assert done.changed and site.stub.config("sensu") == {"host": "a.example.com"}
    key = site.key("actions")
    (site.host.overrides / "sensu.yaml").write_text("actions: {defaults: {enabled: false}}\n")
    done = site.converge("sensu", "jira", how=how)
    assert [row["changed"] for row in done.returned["packs"]] == [True, False]
    assert site.have()["actions", key] is False


def test_overrides_that_stackstorm_cannot_read_are_told(site):
    site.converge("sensu")
    (site.host.overrides / "sensu.yaml").write_text("actions:\n")
    done = site.converge("sensu")
    assert not done.changed and done.returned["database_state"] == "unknown"
    assert "StackStorm cannot register the pack sensu" in done.warnings[0] and "sensu.yaml:1" in done.warnings[0]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_deleted_in_stackstorm_comes_back(site, kind):
    site.converge()
    before = site.have()
    site.stub.database.delete(kind, site.key(kind))
    done = site.converge()
    assert "(missing)" in done.returned["packs"][-1]["differences"][0] and site.have() == before
    assert "(missing)" in done.diff[0]["before"]


def test_a_database_that_has_everything_is_asked_once_for_each_kind(site):
    site.converge()
    site.stub.requests.clear()
    assert not site.run().changed
    assert {request.method for request in site.stub.requests} == {"GET"}
    assert len(site.stub.requests) == 8


def test_prune_takes_out_what_has_no_file(site):
    site.converge()
    next((site.host.packs / "sensu" / "rules").iterdir()).unlink()
    key = site.key("rules")
    assert not site.converge().changed
    done = site.converge(prune=True)
    assert done.changed and "1 resource without a file removed" in done.msg
    assert ("rules", key) not in site.have()


def test_only_the_types_that_are_asked_for(site):
    site.converge()
    keys = {kind: site.key(kind) for kind in ("rules", "actions")}
    for kind, key in keys.items():
        site.stub.database.delete(kind, key)
    done = site.converge("sensu", types=["rule"])
    assert done.changed
    assert ("rules", keys["rules"]) in site.have() and ("actions", keys["actions"]) not in site.have()


def test_everything_that_cannot_be_registered_is_named_and_nothing_is(site):
    site.put(PackTree("broken", "1.0.0").add_yaml("rules/wrong.yaml", {"name": "wrong"}))
    (site.host.packs / "unread").mkdir()
    (site.host.packs / "unread" / "pack.yaml").write_text("name: [")
    failed = site.run("nosuch", "unread", "sensu").failure.message
    assert "nosuch cannot be registered" in failed and "unread cannot be registered" in failed
    refused = site.run("broken", "sensu")
    assert refused.failure.step == "validate" and "rules/wrong.yaml" in refused.failure.message
    assert not refused.changed and site.have() == {}
    done = site.run("broken", "sensu", "unread", fail_on_failure=False)
    assert done.failure is None and ("actions", "sensu.report") in site.have()
    assert [text for text in done.warnings if text.startswith("broken: StackStorm leaves out")]
    assert [text for text in done.warnings if text.startswith("unread is left out")]


@pytest.mark.parametrize("how", ["api", "local"])
def test_a_config_that_the_schema_refuses(site, how):
    site.put(PackTree("sensu", "1.0.0").add_yaml("config.schema.yaml", {"host": {"type": "string", "required": True}}))
    (site.host.configs / "sensu.yaml").write_text("host: 5\n")
    for check in (True, False):
        refused = site.run("sensu", "jira", how=how, check=check)
        assert refused.failure is not None and refused.failure.step == "validate" and not refused.changed
        assert "configs/sensu.yaml: host must be string" in refused.failure.message
        assert "config line 1" in refused.failure.message and site.have() == {}
    lenient = site.run("sensu", how=how, fail_on_failure=False)
    assert lenient.failure is not None and site.have() == {}
    assert site.run("sensu", how=how, check=True, types=["action"]).failure is None


def test_a_schema_that_the_files_have_no_more_is_opened(site):
    """As after the swap of a version without one, which registers nothing by itself."""
    site.put(PackTree("sensu", "1.0.0").add_yaml("config.schema.yaml", {"host": {"type": "string", "required": True}}))
    (site.host.configs / "sensu.yaml").write_text("host: a.example.com\n")
    site.converge()
    site.put(PackTree("sensu", "2.0.0").remove("config.schema.yaml"))
    (site.host.configs / "sensu.yaml").write_text("port: 5\n")
    done = site.converge("sensu")
    assert done.returned["packs"][0]["database_state"] == "current" and site.stub.config("sensu") == {"port": 5}
    assert is_open(site.stub.config_schema("sensu")) and site.stub.pack("sensu")["version"] == "2.0.0"


def test_what_is_not_there_cannot_be_used(site):
    for given, said in (
        ({"packs": []}, "packs is an empty list"),
        ({"types": []}, "types is an empty list"),
        ({"how": "none"}, "register is none"),
        ({"packs": ["a b"]}, "a b"),
    ):
        with pytest.raises(St2Error, match=said):
            site.run(**given)


def test_without_a_way_to_register_it_says_once_what_is_missing(site, monkeypatch):
    monkeypatch.setattr(local_registrar, "find_program", lambda *_args: None)
    with pytest.raises(RegistrationError) as caught:
        site.run(how="auto")
    assert caught.value.message == (
        "Nothing is registered in StackStorm: there are no credentials for StackStorm's API, and st2-register-content "
        "is not installed here. Set api_key, auth_token, or api_username and api_password."
    )


def test_a_refusal_by_stackstorm_is_named_and_the_result_says_what_is_registered(site):
    site.converge()
    site.put(PackTree("sensu", "1.1.0", actions=("report", "extra")))
    odd = PackTree("jira", "1.1.0", actions=("report",))
    site.put(odd.add_yaml("actions/odd.yaml", {"name": "odd", "runner_type": "nosuch-runner", "enabled": True}))
    failed = site.run("sensu", "jira")
    assert failed.failure.step == "register" and "1 of 2 packs cannot be registered. jira" in failed.failure.message
    # The files stay as they are, so StackStorm keeps of them what it takes.
    states = {row["ref"]: (row["changed"], row["database_state"]) for row in failed.returned["packs"]}
    assert states == {"sensu": (True, "current"), "jira": (True, "stale")}
    assert failed.changed and {("actions", "sensu.extra"), ("actions", "jira.report")} <= set(site.have())
    again = site.run("sensu", "jira")
    assert again.failure is not None and not again.changed
    assert [row["changed"] for row in again.returned["packs"]] == [False, False]
    done = site.run("sensu", "jira", fail_on_failure=False)
    assert done.failure is None


def test_a_database_that_does_not_answer_is_a_failure_that_says_so(site):
    site.converge()
    site.put(PackTree("sensu", "1.1.0"))
    site.stub.faults.append(Fault("/packs/register$", times=None, status=500, work=False))
    failed = site.run("sensu")
    assert failed.failure.step == "register" and not failed.changed
    assert [row["database_state"] for row in failed.returned["packs"]] == ["stale"]


def test_what_another_host_of_the_cluster_registered_is_compared_and_remembered(site, tmp_path):
    other = Site(tmp_path / "other")
    other.stub.stop()
    other.stub = site.stub
    run = functools.partial(other.run, "sensu", "jira", registered_elsewhere=True)
    refused = run()
    assert refused.failure and "version (none) instead of 1.0.0" in refused.failure.message
    site.run("sensu", "jira")
    state = OwnPlaces(read_host(str(other.host.st2_conf), other.host.environment())).state
    Records(state).write("sensu", {"pack": Told(), "config": Told()})
    assert other.run("sensu", check=True).changed, "nobody has told this host"
    asked = len(site.stub.asked("POST", "/packs/register"))
    assert not run(check=True).changed and other.run("sensu", check=True).changed
    result = run()
    assert not result.changed and not result.failure and result.returned["database_state"] == "current"
    assert not other.run("sensu", "jira", check=True).changed
    assert len(site.stub.asked("POST", "/packs/register")) == asked, "nothing was registered again"
    rule = next((other.host.packs / "sensu" / "rules").glob("*.yaml"))
    (rule.parent / "more.yaml").write_text(re.sub("(?m)^name: .*", "name: more", rule.read_text()))
    refused = run()
    assert refused.failure and "rule more (missing)" in refused.failure.message
