# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2_pack_config with backend=api from task to result, seen in StackStorm's database and on its server."""

from __future__ import annotations

import pytest
from infrastructure.st2_stub import OBSERVER, close, nth, server_error

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._config_api.api_config_site import (
    CANARY,
    OPTIONAL,
    SCHEMA,
    ApiConfigSite,
)

CREATE = {"config": {"url": "http://one"}, "secrets": {"token": CANARY}}
CHANGE = {"config": {"url": "http://two", "timeout": 5}, "secrets": {"token": f"{CANARY}-2"}}
MERGE = {"config": {"timeout": 6}, "merge": "merge"}
TAKE = {"config": {"token": None}, "state": "absent"}
STEPS = (
    (CREATE, {"url": "http://one", "token": CANARY}, "current"),
    (CHANGE, {"url": "http://two", "timeout": 5, "token": f"{CANARY}-2"}, "current"),
    (MERGE, {"url": "http://two", "timeout": 6, "token": f"{CANARY}-2"}, "current"),
    (TAKE, {"url": "http://two", "timeout": 6}, "current"),
    ({"state": "absent"}, {}, "absent"),
)


@pytest.fixture
def make_site(tmp_path):
    made = []

    def make(**options):
        made.append(ApiConfigSite(tmp_path / str(len(made)), **options))
        return made[-1]

    yield make
    for site in made:
        site.stub.stop()


@pytest.fixture
def site(make_site):
    return make_site(schema=OPTIONAL)


def succeeded(result):
    assert result.failure is None, result.failure.message
    return result


def failed(site, **given):
    """The message of a task that must fail and change nothing."""
    before = (site.in_database(), site.on_server(), site.puts())
    result = site.run(**given)
    assert result.failure is not None and not result.changed
    assert (site.in_database(), site.on_server(), site.puts()) == before
    assert CANARY not in site.everything(result)
    return result.failure.message


def test_create_change_and_remove_each_checked_and_repeated(site):
    seen = []
    for given, wanted, state in STEPS:
        before = (site.in_database(), site.on_server())
        predicted = succeeded(site.run(check=True, **given))
        assert (site.in_database(), site.on_server()) == before, "check mode puts nothing"
        done = succeeded(site.run(**given))
        assert site.in_database() == site.on_server() == wanted
        assert (predicted.changed, predicted.msg, predicted.diff) == (True, done.msg, done.diff)
        assert predicted.returned == done.returned and done.changed
        assert done.returned["database_state"] == state
        puts = site.puts()
        for again in (succeeded(site.run(check=True, **given)), succeeded(site.run(**given))):
            assert (again.changed, again.diff, again.returned["database_state"]) == (False, [], state)
        assert site.puts() == puts
        seen += [predicted, done]
    assert CANARY not in "".join(map(site.everything, seen))
    assert not any(CANARY in request.path for request in site.stub.requests)


def test_the_line_names_the_keys(site):
    assert site.run(**CREATE).msg == "sensu config created"
    assert site.run(**CREATE).msg == "sensu config is as wanted"
    result = site.run(**CHANGE)
    assert result.msg == "sensu config: token, url changed, timeout added"
    assert result.returned["changes"] == {"added": ["timeout"], "removed": [], "changed": ["token", "url"]}
    assert result.returned["path"] == f"{site.stub.api_url}/v1/configs/sensu"
    (diff,) = result.diff
    assert "token: '******** (old)'" in diff["before"] and "token: '******** (new)'" in diff["after"]
    assert "mode" not in diff["before"] + diff["after"]
    assert site.run(state="absent").msg == "sensu config removed"
    assert site.run(state="absent").msg == "sensu config is not there"


def test_merging_keeps_what_the_task_does_not_name(site):
    site.run(**CREATE)
    succeeded(site.run(config={"timeout": 9}, merge="merge"))
    assert site.in_database() == {"url": "http://one", "token": CANARY, "timeout": 9}
    # The last key that goes takes the config along.
    succeeded(site.run(state="absent", config=dict.fromkeys(("url", "token", "timeout"))))
    assert site.in_database() == {}


def test_a_config_that_stackstorm_would_refuse_is_refused_before(make_site):
    site = make_site(schema=SCHEMA)
    message = failed(site, config={"timeout": "soon"}, secrets={"token": CANARY})
    assert "timeout" in message and "url" in message and "/v1/config_schemas/sensu" in message
    assert "timeouts (did you mean timeout?)" in failed(site, config={"url": "u", "timeouts": 1}, unknown_keys="fail")
    result = succeeded(site.run(config={"url": "u", "timeouts": 1}))
    assert any("did you mean timeout" in warning for warning in result.warnings)
    problems = site.run(config={"timeout": 1}).returned["problems"]
    assert [problem["key"] for problem in problems] == ["url"]


def test_a_config_that_cannot_be_emptied_stays(make_site):
    site = make_site(schema=SCHEMA)
    site.run(**CREATE)
    assert "its schema does not allow an empty one" in failed(site, state="absent")


def test_a_pack_without_a_schema_gets_no_config(make_site):
    site = make_site(schema=None)
    assert "has no config schema" in failed(site, config={"a": 1})
    assert not succeeded(site.run(state="absent")).changed
    # The list of configs can still be had by everybody.
    site.stub.accounts.rbac = True
    assert site.info(api_key=OBSERVER.api_key).failure is None


def test_what_somebody_gave_such_a_pack_is_seen_and_left(make_site):
    site = make_site(schema=None)
    site.stub.database.put("configs", "sensu", {"pack": "sensu", "values": {"a": 1}})
    result = succeeded(site.run(config={"a": 1}))
    assert not result.changed and "has no config schema" in result.warnings[0]
    assert "has no config schema" in failed(site, config={"a": 2})
    assert "has no config schema, so an empty config" in failed(site, state="absent")


def test_a_pack_that_stackstorm_does_not_have(site):
    message = failed(site, pack="nosuch", config={"a": 1})
    assert "does not have the pack nosuch" in message and site.in_database("nosuch") is None
    assert not succeeded(site.run(pack="nosuch", state="absent")).changed


def test_dates_and_numbers_come_back_as_json_has_them(make_site):
    site = make_site(schema="when: {type: string}\nratio: {type: number}\nhosts: {type: array}\n")
    given = {"config": {"when": "2024-01-01", "ratio": 1.0, "hosts": ["a", "b"]}}
    assert succeeded(site.run(**given)).changed
    assert not succeeded(site.run(**given)).changed


# Who may


ENOUGH = ("pack_list", "pack_view", "pack_config")


def test_without_secrets_the_permission_to_configure_is_enough(site):
    bob = site.grant(*ENOUGH)
    given = {"config": {"url": "u"}, **bob}
    assert succeeded(site.run(**given)).changed and not succeeded(site.run(**given)).changed
    assert site.in_database() == {"url": "u"}


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("merge", ["replace", "merge"])
def test_secrets_take_an_account_that_sees_them(site, there, merge):
    if there:
        site.run(**CREATE)
    bob = site.grant(*ENOUGH)
    message = failed(site, **CHANGE, **bob, merge=merge)
    assert "only shows the secrets of a config to administrators" in message
    if there:
        # A merge would write the masks.
        assert "to administrators" in failed(site, config={"timeout": 1}, merge="merge", **bob)


def test_a_mask_that_was_written_by_mistake_is_a_value_like_another(site):
    site.stub.database.put("configs", "sensu", {"pack": "sensu", "values": {"url": "u", "token": "********"}})
    assert succeeded(site.run(**CREATE)).changed
    assert site.in_database() == {"url": "http://one", "token": CANARY}


def test_a_permission_that_is_missing_is_named(site):
    bob = site.grant("pack_list", "pack_view")
    result = site.run(config={"url": "u"}, **bob)
    assert "Grant the account the permission pack_config." in result.failure.message
    assert (result.changed, result.returned["database_state"]) == (False, "absent")


def test_credentials_that_are_refused(site):
    message = failed(site, **CREATE, api_key=f"{CANARY}-key")
    assert "does not accept the credentials" in message


# What goes wrong


PUT = "/configs/sensu"


@pytest.mark.parametrize("done", [True, False])
def test_an_answer_that_is_lost_is_looked_after(site, done):
    # The first request is that for the config as it is.
    site.stub.faults.append(nth(2, close(PUT, work=done)))
    result = site.run(**CREATE)
    assert result.failure is not None and CANARY not in site.everything(result)
    assert (site.in_database() is not None) is done
    assert (result.changed, result.returned["database_state"]) == ((True, "current") if done else (False, "absent"))
    assert succeeded(site.run(**CREATE)).changed is not done


def test_a_refusal_that_only_stackstorm_knows_shows_no_secret(site):
    site.stub.faults.append(nth(2, server_error(PUT)))
    assert "broke down over PUT /configs/sensu" in failed_put(site, **CREATE)


def failed_put(site, **given):
    result = site.run(**given)
    assert result.failure is not None and not result.changed and CANARY not in site.everything(result)
    return result.failure.message


@pytest.mark.parametrize(
    "given",
    [
        {"schema": "/x"},
        {"backup": True},
        {"owner": "root"},
        {"group": "root"},
        {"mode": "0600"},
        {"register": "local"},
        {"register": "none"},
    ],
)
def test_what_means_nothing_to_the_api_is_refused(site, given):
    with pytest.raises(OptionError, match=f"{next(iter(given))}.* cannot be used with backend=api"):
        site.run(**CREATE, **given)
    assert site.stub.requests == []
