# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify=database: every single resource of packs held against StackStorm's database, and mended by registering."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_stub import StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_registrar import ApiRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Registered
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import converge_packs
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import Site

NAMES = ("sensu", "jira")
KINDS = ("actions", "rules", "aliases", "policies", "triggers", "sensors")


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), [PackTree("sensu", "1.0.1")])
    site.publish(PackTree("jira", "1.0.0", minimal=True))
    site.run(*NAMES)
    site.keep()
    return site


class Host:
    def __init__(self, site, stub):
        self.site, self.stub = site, stub
        stub.install_register_content()

    def run(self, *names, check=False, **given):
        api = {"register": "api", "api_url": self.stub.api_url, "api_key": self.stub.api_key}
        task = self.site.pack_task(*names, check=check, **{"virtualenv": "never", **api, **given})
        return converge_packs(task)

    def compare(self, *names, **given):
        """Check, run, and run again; return the result of the first run."""
        given = {"verify": "database", **given}
        predicted = self.run(*(names or NAMES), check=True, **given)
        done = self.run(*(names or NAMES), **given)
        assert done.failure is None, done.failure.message
        for key in ("packs", "database_state", "restart_needed"):
            assert predicted.returned[key] == done.returned[key]
        assert (predicted.changed, predicted.msg, predicted.diff) == (done.changed, done.msg, done.diff)
        again = self.run(*(names or NAMES), **given)
        assert (again.changed, again.diff) == (False, [])
        return done

    def have(self, *refs):
        """What the database has of packs: whether each resource is switched on, by kind and key."""
        found = self.stub.database.everything(refs or NAMES)
        return {(kind, key): one.get("enabled") for kind in KINDS for key, one in found[kind].items()}

    def one(self, kind, ref="sensu"):
        """The key, and the name, of one resource of a pack."""
        key, found = next(iter(self.stub.database.everything([ref])[kind].items()))
        return key, found.get("class_name") or found["name"]

    def change(self, kind, key, **fields):
        """Change a resource in the database."""
        self.stub.database.put(kind, key, {**self.stub.database.find(kind, key), **fields})


def row(result, ref):
    return next(one for one in result.returned["packs"] if one["ref"] == ref)


@pytest.fixture
def host(kept):
    kept.restore()
    with StackStormStub(kept.host) as stub:
        host = Host(kept, stub)
        assert host.run(*NAMES).failure is None
        yield host


def test_a_database_that_has_everything_is_current_and_costs_one_question_for_each_kind(host):
    host.stub.requests.clear()
    done = host.run(*NAMES, verify="database")
    assert (done.changed, done.returned["database_state"], done.warnings) == (False, "current", [])
    paths = [request.path.rpartition("/")[2] for request in host.stub.requests]
    kinds = ["actionalias", "actions", "policies", "rules", "sensortypes", "triggertypes"]
    assert sorted(paths) == sorted([*kinds, "configs", "packs"])
    host.stub.requests.clear()
    assert host.run(*NAMES).returned["database_state"] == "current"
    assert len(host.stub.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_deleted_in_stackstorm_is_found_and_mended(host, kind):
    before = host.have()
    key, name = host.one(kind)
    host.stub.database.delete(kind, key)
    assert not host.run(*NAMES).changed, "fast verification asks for versions alone"
    done = host.compare()
    assert (row(done, "sensu")["action"], row(done, "jira")["action"]) == ("register", "none")
    assert f"{name} (missing)" in done.msg and f"{name} (missing)" in done.diff[0]["before"]
    assert done.returned["database_state"] == "current"
    assert host.have() == before


@pytest.mark.parametrize("kind", ["actions", "rules", "aliases", "sensors", "policies"])
def test_what_was_switched_in_stackstorm_is_found_and_mended(host, kind):
    before = host.have()
    key, name = host.one(kind)
    enabled = before[kind, key]
    host.change(kind, key, enabled=not enabled)
    done = host.compare("sensu")
    assert f"{name} ({'disabled' if enabled else 'enabled'})" in done.msg
    assert host.have() == before


def test_overrides_count(host):
    key, _name = host.one("actions")
    (host.site.host.overrides / "sensu.yaml").write_text("actions: {defaults: {enabled: false}}\n")
    done = host.compare("sensu")
    assert done.changed and host.have()["actions", key] is False
    host.change("actions", key, enabled=True)
    assert host.compare("sensu").changed
    assert host.have()["actions", key] is False


def test_the_config_counts(host):
    path = host.site.host.configs / "sensu.yaml"
    values = {"host": "sensu.example.com", "password": "hunter2"}
    schema = host.site.host.packs / "sensu" / "config.schema.yaml"
    schema.write_text("host: {type: string}\npassword: {type: string, secret: true}\n")
    path.write_text("host: sensu.example.com\npassword: hunter2\n")
    done = host.compare("sensu")
    assert "config (missing)" in done.msg and host.stub.config("sensu") == values
    path.write_text("host: other.example.com\npassword: hunter2\n")
    done = host.compare("sensu")
    assert "config (other values)" in done.msg and "hunter2" not in repr([done.msg, done.diff, done.returned])
    assert host.stub.config("sensu") == {**values, "host": "other.example.com"}
    path.unlink()
    done = host.run("sensu", verify="database")
    assert not done.changed
    assert [text for text in done.warnings if "has a config of sensu" in text and "state=absent" in text]


def test_what_people_made_or_left_is_not_missed(host):
    host.stub.make("actions", {"name": "mine", "pack": "sensu", "runner_type": "local-shell-cmd", "enabled": True})
    assert not host.compare("sensu").changed
    next((host.site.host.packs / "sensu" / "rules").iterdir()).unlink()
    assert not host.compare("sensu").changed, "that is for prune"


def test_only_the_types_that_are_asked_for(host):
    key, _name = host.one("rules")
    host.stub.database.delete("rules", key)
    assert not host.run("sensu", verify="database", register_types=["action"]).changed
    assert host.run("sensu", verify="database", register_types=["rule"]).changed
    assert ("rules", key) in host.have()


def test_an_unknown_state_becomes_a_known_one(host):
    host.run("sensu", state="absent")
    for verify, state in (("fast", "unknown"), ("fast", "unknown"), ("database", "current")):
        done = host.run("sensu", fail_on_failure=False, verify=verify)
        assert done.returned["database_state"] == state
    assert not done.changed


def test_of_an_alias_stackstorm_has_one_of_a_name(host):
    host.site.publish(PackTree("twin", "1.0.0"))
    assert host.run("twin", verify="database").failure is None
    done = host.compare("sensu", "twin")
    assert not done.changed
    assert [text for text in done.warnings if "no alias report of sensu" in text and "that is of twin" in text]


def test_who_cannot_look_says_so(host):
    for register in ("local", "none"):
        done = host.run("sensu", verify="database", register=register, api_url=None, api_key=None)
        assert [text for text in done.warnings if text.startswith("verify=database could compare nothing")]


def test_a_database_that_does_not_get_what_it_is_told_is_a_failure(host, monkeypatch):
    key, name = host.one("rules")
    host.stub.database.delete("rules", key)
    monkeypatch.setattr(ApiRegistrar, "register", lambda *_arguments, **_options: Registered())
    failed = host.run("sensu", verify="database")
    assert failed.failure.step == "verify" and f"rule {name} (missing)" in failed.failure.message


# What goes along with a pack that is removed


def test_what_people_made_by_hand_is_named_before_it_goes(host):
    host.stub.make("actions", {"name": "mine", "pack": "sensu", "runner_type": "local-shell-cmd", "enabled": True})
    predicted, done = (host.run(*NAMES, state="absent", check=check) for check in (True, False))
    (warning,) = [text for text in done.warnings if "by hand" in text]
    assert warning.startswith("With sensu, StackStorm loses") and warning.endswith(": action mine.")
    assert predicted.warnings == done.warnings
    assert host.have() == {}
    host.stub.requests.clear()
    assert host.run(*NAMES, state="absent").warnings == []
    assert len(host.stub.requests) == 1
