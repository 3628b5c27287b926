# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of a config by the API: what is planned, what is refused before anything is put, what is read back."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ConfigError, VerifyError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._config_api.pretended_api import (
    SCHEMA,
    URL,
    PretendedApi,
)

ADMIN, OTHER = {"enabled": True, "is_admin": True}, {"enabled": True, "is_admin": False}


def refused(api, **options):
    """The message of a plan that there must not be."""
    with pytest.raises(ConfigError) as caught:
        api.convergence(**options).plan()
    assert caught.value.ref == "sensu"
    return caught.value.message


@pytest.mark.parametrize(
    ("values", "options", "action", "wanted", "state"),
    [
        (None, {"config": {"url": "x"}}, "create", {"url": "x"}, "current"),
        ({"url": "x"}, {"config": {"url": "y"}}, "change", {"url": "y"}, "current"),
        ({"url": "x"}, {"config": {"url": "x"}}, "none", {"url": "x"}, "current"),
        ({"url": "x"}, {"config": {"hosts": []}, "merge": "merge"}, "change", {"hosts": [], "url": "x"}, "current"),
        ({"url": "x"}, {"state": "absent"}, "remove", None, "absent"),
        ({}, {"state": "absent"}, "none", None, "absent"),
        (None, {"state": "absent"}, "none", None, "absent"),
        ({"url": "x"}, {"state": "absent", "names_keys": True, "config": {"url": None}}, "remove", None, "absent"),
    ],
)
def test_plans_never_register_and_know_the_state_afterwards(values, options, action, wanted, state):
    api = PretendedApi(values)
    made = api.convergence(**options).plan()
    assert (made.action, made.values, made.state) == (action, wanted, state)
    assert not made.register and made.clear == "" and api.puts == []
    assert made.changed is (action != "none")


def test_what_is_planned_is_put_and_read_back():
    api = PretendedApi({"url": "x"})
    asked = api.convergence(config={"url": "y"})
    asked.carry_out(asked.plan())
    assert api.puts == [{"url": "y"}] and asked.state(api) == "current"
    gone = api.convergence(state="absent")
    gone.carry_out(gone.plan())
    assert api.puts[1:] == [{}] and gone.state(api) == "absent"


def test_another_config_than_was_put_is_an_error():
    api = PretendedApi({"url": "x"})
    api.loses = True
    asked = api.convergence(config={"url": "y"})
    with pytest.raises(VerifyError, match="took the config of sensu and has another one now"):
        asked.carry_out(asked.plan())
    assert asked.state(api) == "stale"


def test_a_pack_that_stackstorm_lacks_gets_no_config():
    assert f"StackStorm at {URL} does not have the pack sensu" in refused(PretendedApi(pack=False), config={"url": "x"})
    assert PretendedApi(pack=False).convergence(state="absent").plan().action == "none"


def test_a_pack_without_a_schema_keeps_what_it_has():
    assert "has no config schema" in refused(PretendedApi(schema=None), config={"url": "x"})
    api = PretendedApi({"url": "x"}, schema=None)
    assert api.convergence(config={"url": "x"}).plan().action == "none"
    assert "no config schema, so an empty config would cause problems" in refused(api, state="absent")


def test_a_config_whose_schema_refuses_an_empty_one_cannot_be_removed():
    schema = {**SCHEMA, "url": {"type": "string", "required": True}}
    message = refused(PretendedApi({"url": "x"}, schema), state="absent")
    assert "its schema does not allow an empty one" in message and "backend=local" in message


@pytest.mark.parametrize(
    "given", [{"token": "hunter2"}, {"hosts": [{"key": "hunter2"}]}], ids=["a secret", "one inside of a list"]
)
@pytest.mark.parametrize(("rbac", "refuses"), [(OTHER, True), (None, True), (ADMIN, False)])
def test_a_secret_is_only_given_by_who_sees_what_there_is(given, rbac, refuses):
    api = PretendedApi({"url": "x"}, rbac=rbac)
    if refuses:
        message = refused(api, config=given)
        assert "only shows the secrets of a config to administrators" in message and "hunter2" not in message
    else:
        assert api.convergence(config=given).plan().action == "change"


def test_what_is_masked_is_never_taken_for_what_is_wanted():
    api = PretendedApi({"token": "********"}, rbac=OTHER)
    assert "administrators" in refused(api, config={"token": "********"})
    api.rbac = ADMIN
    assert api.convergence(config={"token": "********"}).plan().action == "none"


def test_without_secrets_nobody_is_asked_for_permissions():
    api = PretendedApi({"url": "x"}, rbac=OTHER)
    assert api.convergence(config={"url": "y", "token": None}).plan().action == "change"


def test_secrets_of_the_task_and_of_the_database_are_masked_from_then_on():
    redactor = Redactor()
    PretendedApi().convergence(redactor, secrets={"token": "known-at-once"})
    assert redactor.text("known-at-once") == "********"
    asked = PretendedApi({"token": "from-the-database"}, rbac=ADMIN).convergence(
        redactor, config={"url": "x"}, secrets={"token": "from-the-task"}
    )
    asked.plan()
    assert redactor.text("from-the-task from-the-database") == "******** ********"


def test_what_a_pack_will_get_whose_schema_is_not_known_yet():
    api = PretendedApi(None, None, pack=False, rbac=ADMIN)
    made = api.convergence(config={"url": "x"}).foresee()
    assert (made.action, made.values, made.state, made.warnings) == ("create", {"url": "x"}, "current", ())
    assert api.convergence(config={}).foresee().action == "create"
    api.rbac = OTHER
    assert api.convergence(config={"token": "hunter2"}).foresee().action == "create", "there are none yet"
    api.pack, api.values = True, {"token": "********"}
    with pytest.raises(ConfigError, match="administrators"):
        api.convergence(config={"url": "x"}).foresee()


def test_the_state_of_what_cannot_be_asked_is_unknown():
    api = PretendedApi({"url": "x"}, rbac=ADMIN)
    asked = api.convergence(config={"url": "x"})
    api.values = "nonsense"
    assert asked.state(api) == "unknown"
