# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configs that go along with packs of a StackStorm that only its API reaches."""

from __future__ import annotations

import json

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_stub import nth, server_error

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack_api.remote_site import RemoteSite

CANARY = "c4nary-secret-value"
SCHEMA = "url: {type: string, required: true}\ntoken: {type: string, secret: true}\nport: {type: integer}\n"


def tree(ref, version, schema=SCHEMA):
    made = PackTree(ref, version, minimal=True)
    made.files.pop("config.schema.yaml", None)
    return made if schema is None else made.add("config.schema.yaml", schema)


@pytest.fixture
def site(tmp_path):
    two = tree("demo", "1.1.0", SCHEMA + "region: {type: string}\n")
    with_site = RemoteSite(tmp_path, [tree("demo", "1.0.0"), two], [tree("bare", "1.0.0", None)])
    with with_site.stub:
        yield with_site


def demo(version=None, url="http://one", **more):
    return {
        "name": f"demo={version}" if version else "demo",
        "config": {"url": url, **more},
        "secrets": {"token": CANARY},
    }


def everything(result):
    failure = [result.failure.message, result.failure.stderr] if result.failure else []
    return json.dumps([result.msg, result.returned, result.diff, result.warnings, failure], default=str)


def row(result, ref="demo"):
    return next(one for one in result.returned["packs"] if one["ref"] == ref)


STEPS = (
    ([demo("1.0.0")], {"url": "http://one", "token": CANARY}, "1.0.0"),
    ([demo("1.0.0", "http://two")], {"url": "http://two", "token": CANARY}, "1.0.0"),
    ([demo("1.1.0", "http://two", region="eu")], {"url": "http://two", "token": CANARY, "region": "eu"}, "1.1.0"),
)


def test_pack_and_config_come_and_change_each_checked_and_repeated(site):
    for packs, wanted, version in STEPS:
        before = (site.stub.config("demo"), site.files())
        predicted = site.run(packs=packs, check=True)
        assert predicted.failure is None and predicted.changed, predicted
        assert (site.stub.config("demo"), site.files()) == before
        done = site.change(packs=packs)
        assert site.stub.config("demo") == wanted and site.world() == {"demo": version}
        assert (predicted.msg, predicted.diff) == (done.msg, done.diff)
        assert row(predicted)["config"] == row(done)["config"] and row(done)["config"]["changed"]
        assert row(done)["changed"] and row(done)["database_state"] == "current"
        for check in (True, False):
            again = site.keep(packs=packs, check=check)
            assert again.diff == [] and row(again)["config"]["changed"] is False
        assert CANARY not in everything(predicted) + everything(done)
    assert site.change(packs=STEPS[1][0]).msg.endswith("demo config: region removed"), "with the older release"


def test_what_happens_is_one_line(site):
    assert site.change(packs=[demo("1.0.0")]).msg == "demo absent -> 1.0.0; demo config created"
    assert site.change(packs=[demo("1.0.0", "http://two")]).msg == "demo config: url changed"
    assert site.keep(packs=[demo("1.0.0", "http://two")]).msg == "demo 1.0.0 is there"


def test_a_config_of_a_pack_that_stays_is_refused_before_anything_begins(site):
    site.change("demo=1.0.0")
    packs = [{"name": "bare"}, {"name": "demo", "config": {"port": "many"}}]
    for check in (True, False):
        result = site.run(packs=packs, check=check)
        assert "StackStorm would refuse this config of demo" in result.failure.message and not result.changed
        assert "Nothing was changed." in result.failure.message
    assert site.world() == {"demo": "1.0.0"} and row(result)["step"] == "validate"


def test_a_config_of_a_pack_that_comes_is_refused_when_its_schema_is_known(site):
    packs = [{"name": "demo", "config": {"port": "many"}, "secrets": {"token": CANARY}}]
    foreseen = site.run(packs=packs, check=True)
    assert foreseen.failure is None and "is checked when the pack is there" in str(foreseen.warnings)
    result = site.fail(packs=packs)
    assert "would refuse this config of demo" in result.failure.message
    assert "The config was not changed, and demo is installed." in result.failure.message
    assert "Nothing was changed" not in result.failure.message and CANARY not in everything(result)
    assert result.changed and site.world() == {"demo": "1.1.0"} and site.stub.config("demo") is None
    assert row(result)["step"] == "validate" and "config" not in row(result)


def test_a_pack_without_a_schema(site):
    result = site.fail(packs=[{"name": "bare", "config": {"a": 1}}])
    assert "has no config schema" in result.failure.message and site.stub.config("bare") is None


def test_what_stackstorm_does_not_take(site):
    site.change("demo=1.0.0")
    site.stub.faults.append(nth(2, server_error("/configs/demo")))
    result = site.fail(packs=[demo("1.0.0")])
    assert "broke down over PUT" in result.failure.message and not result.changed
    assert site.stub.config("demo") is None and CANARY not in everything(result)


def test_values_are_merged_where_that_is_asked(site):
    site.change(packs=[demo("1.0.0")])
    site.change(packs=[{"name": "demo", "config": {"port": 7}, "merge": "merge"}])
    assert site.stub.config("demo") == {"url": "http://one", "token": CANARY, "port": 7}


def test_the_config_of_a_pack_that_goes_cannot_be_asked_for(site):
    with pytest.raises(OptionError, match="demo should be absent, so config and secrets"):
        site.run(packs=[{"name": "demo", "config": {}}], state="absent")


def test_overrides_are_refused_with_a_sentence(site):
    with pytest.raises(OptionError, match=r"StackStorm's API cannot write\. Use st2_override on the host"):
        site.run(packs=[{"name": "demo", "overrides": {"actions": {"defaults": {"enabled": False}}}}])
