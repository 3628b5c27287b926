# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The adapter for the API, against answers as StackStorm 3.9.0 gives them."""

from __future__ import annotations

import json

import pytest
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DeadlineError,
    ForbiddenError,
    InvalidContentError,
    RegistrationError,
    ServerError,
    UnauthorisedError,
    UnexpectedAnswerError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_client import ApiClient
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_registrar import ApiRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Registered, Resource
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._st2.rest_server import (
    EndingDeadline,
    RestServer,
    answer,
    client_of,
    fault,
    paged,
    scratch_host,
)

ONE, TWO = PackFiles("one", "/packs/one"), PackFiles("two", "/packs/two")
REGISTER = ("POST", "/packs/register")


@pytest.fixture
def server():
    with RestServer() as one:
        yield one


@pytest.fixture
def host(tmp_path):
    (tmp_path / "configs").mkdir()
    return scratch_host(tmp_path)


@pytest.fixture
def registrar(server, host):
    one = ApiRegistrar(client_of(server), host, Redactor(), poll_seconds=0.01)
    yield one
    one.close()


@pytest.fixture
def deadline():
    return EndingDeadline()


@pytest.fixture
def impatient(server, host, deadline):
    """A registrar whose time is over when the deadline is ended."""
    return ApiRegistrar(ApiClient(server.api, deadline=deadline), host, Redactor(), poll_seconds=0.01)


# Registering


def test_packs_are_registered_one_at_a_time_and_counted_together(server, registrar):
    counts = {"runners": 14, "rule_types": 2, "policy_types": 3, "actions": 2, "sensors": 0, "configs": 1}
    server.on(*REGISTER, {**counts, "actions(overridden)": 1}, {**counts, "actions(overridden)": 2})
    assert registrar.register([ONE, TWO]) == Registered(
        {**counts, "actions": 4, "configs": 2, "sensors": 0}, {"actions": 3}
    )
    assert server.bodies("/packs/register") == [{"packs": ["one"]}, {"packs": ["two"]}]
    assert registrar.by == server.api


def test_an_empty_list_is_never_sent_as_it_would_mean_everything(server, registrar):
    assert registrar.register([]) == Registered()
    registrar.unload([])
    assert registrar.versions([]) == {}
    assert server.quiet


def test_types_and_leniency_are_passed_on(server, registrar):
    server.on(*REGISTER, {"configs": 1})
    registrar.register([ONE], ["config", "action"], fail_on_failure=False)
    assert server.bodies("/packs/register") == [
        {"packs": ["one"], "types": ["config", "action"], "fail_on_failure": False}
    ]


def test_a_refusal_has_stackstorms_words_and_the_pack(server, registrar):
    words = 'Failed to register action "/p/two/actions/a.yaml" from pack "two": RunnerType nosuch is not found.'
    server.on(*REGISTER, {"actions": 1}, fault(400, words))
    with pytest.raises(InvalidContentError, match="RunnerType nosuch is not found") as caught:
        registrar.register([ONE, TWO])
    assert caught.value.ref == "two"


@pytest.mark.parametrize("body", [[], None, "ok"])
def test_what_are_no_counts_is_an_error(server, registrar, body):
    server.on(*REGISTER, answer(body))
    with pytest.raises(UnexpectedAnswerError):
        registrar.register([ONE])


def test_a_bare_500_names_the_config_that_is_suspect(server, registrar, host):
    server.on(*REGISTER, fault(500, "Internal Server Error"))
    with pytest.raises(ServerError, match=r"this host has no .*/configs/one\.yaml") as caught:
        registrar.register([ONE])
    config = f"{host.configs_path}/one.yaml"
    with open(config, "w") as stream:
        stream.write("password: ca-na-ry-7\n")
    for types in ((), ("config",)):
        with pytest.raises(ServerError) as caught:
            registrar.register([ONE], types)
        assert f"does not fit the pack's schema: look at {config}." in caught.value.message
        assert caught.value.ref == "one" and "ca-na-ry" not in caught.value.message
    with pytest.raises(ServerError) as caught:
        registrar.register([ONE], ["action"])
    assert config not in caught.value.message


# Real answers


@pytest.fixture
def replay(server):
    """Makes the server answer a route with the body that StackStorm 3.9.0 gave, by the name of the recording."""
    folder = real_data()
    if folder is None:
        pytest.skip(MISSING)

    def run(method, path, *names):
        records = [json.loads((folder / f"st2-api/{name}.json").read_text())["response"] for name in names]
        server.on(method, path, *((one["status"], one["body"], {}) for one in records))

    return run


def test_real_counts_are_understood(registrar, replay):
    replay(*REGISTER, "118-register-one", "133-register-configs-noconfig")
    found = registrar.register([ONE, TWO])
    assert found.counts["actions"] == 2 and found.counts["runners"] == 14 and found.overridden == {}


@pytest.mark.parametrize(
    "name, kind",
    [
        ("122-register-unknown-pack", InvalidContentError),
        ("123-register-bad-content", InvalidContentError),
        ("134-register-configs-invalid", ServerError),
        ("208-rbac-observer-register", ForbiddenError),
        ("06-packs-badapikey", UnauthorisedError),
    ],
)
def test_real_refusals_are_told_apart(registrar, replay, name, kind):
    replay(*REGISTER, name)
    with pytest.raises(kind):
        registrar.register([ONE])


def test_real_packs_configs_and_executions_are_understood(server, registrar, replay):
    replay("GET", "/packs", "14-packs")
    assert registrar.versions(["core", "chatops", "nosuch"]) == {"core": "3.9.0", "chatops": "3.9.0"}
    replay("GET", "/configs/demo_rich", "213-rbac-observer-secrets")
    assert registrar.config("demo_rich")["api_key"] == "********"
    replay("GET", "/configs/core", "153-config-get-none")
    assert registrar.config("core") is None
    server.on("POST", "/executions", answer({"id": "e1"}, 201))
    replay("GET", "/executions/e1", "137-uninstall-ok-execution", "144-uninstall-core-execution")
    registrar.unload(["demo_t2"])
    with pytest.raises(RegistrationError, match="ended with status failed"):
        registrar.unload(["core"])


# Behind a gateway that does not wait


def test_what_a_gateway_cuts_off_is_done_again_as_an_execution(server, registrar):
    server.on(*REGISTER, fault(504, ""))
    server.on("POST", "/executions", fault(502, ""), answer({"id": "e1"}, 201))
    done = {"status": "succeeded", "result": {"result": {"actions": 3, "runners": 14}, "exit_code": 0}}
    server.on("GET", "/executions/e1", {"status": "running"}, fault(504, ""), done)
    assert registrar.register([ONE], ["action", "rule"]).counts == {"actions": 3, "runners": 14}
    body = server.bodies("/executions")[-1]
    assert body["action"] == "packs.load" and 0 < body["parameters"].pop("timeout") <= 20
    assert body["parameters"] == {"packs": ["one"], "register": "action,rule"}
    assert server.routes().count(REGISTER) == 1


def test_a_registration_that_fails_in_an_execution_fails(server, registrar):
    server.on(*REGISTER, fault(504, ""))
    server.on("POST", "/executions", answer({"id": "e1"}, 201))
    stderr = "Traceback (most recent call last):\n  File x\nException: 400 Client Error\n"
    server.on("GET", "/executions/e1", {"status": "failed", "result": {"stderr": stderr}})
    with pytest.raises(RegistrationError, match=r"packs\.load ended with status failed .* 400 Client Error") as caught:
        registrar.register([ONE])
    assert caught.value.ref == "one"


@pytest.mark.parametrize("refusal", [fault(403, "no"), fault(400, "no such action"), fault(404, "no")])
def test_where_no_execution_is_allowed_the_request_is_repeated(server, registrar, refusal):
    server.on(*REGISTER, fault(504, ""), fault(504, ""), fault(502, ""), {"actions": 1})
    server.on("POST", "/executions", refusal)
    assert registrar.register([ONE]).counts == {"actions": 1}
    assert server.routes() == [REGISTER, ("POST", "/executions"), REGISTER, REGISTER, REGISTER]


def test_leniency_is_repeated_as_it_is(server, registrar):
    server.on(*REGISTER, fault(504, ""), {"actions": 0})
    registrar.register([ONE], fail_on_failure=False)
    assert server.bodies("/packs/register") == [{"packs": ["one"], "fail_on_failure": False}] * 2


def test_waiting_behind_a_gateway_ends_with_the_deadline(server, impatient, deadline):
    def last(_handler, _asked):
        deadline.end()
        return fault(504, "")

    server.on(*REGISTER, fault(504, ""), fault(504, ""), last)
    server.on("POST", "/executions", fault(403, "no"))
    with pytest.raises(DeadlineError, match="StackStorm was registering one"):
        impatient.register([ONE])
    assert server.routes().count(REGISTER) == 3


# Unloading


def test_packs_are_unloaded_by_an_execution_that_is_waited_for(server, registrar):
    server.on("POST", "/executions", answer({"id": "e1", "status": "requested"}, 201))
    server.on("GET", "/executions/e1", {"status": "running"}, {"status": "succeeded", "result": {}})
    registrar.unload(["one", "two"])
    assert server.bodies("/executions") == [{"action": "packs.unload", "parameters": {"packs": ["one", "two"]}}]
    assert server.routes()[-1] == ("GET", "/executions/e1")


def test_an_unload_that_fails_says_why(server, registrar):
    server.on("POST", "/executions", answer({"id": "e1"}, 201))
    stderr = (
        "Traceback (most recent call last):\n  File x\nValueError: Unregister includes an unregisterable pack - core."
    )
    server.on("GET", "/executions/e1", {"status": "failed", "result": {"stderr": stderr}})
    with pytest.raises(RegistrationError, match=r"packs\.unload ended .* unregisterable pack - core"):
        registrar.unload(["core"])


def test_an_unload_that_outlives_its_deadline_is_cancelled(server, impatient, deadline):
    def running(_handler, _asked):
        deadline.end()
        return answer({"status": "running"})

    server.on("POST", "/executions", answer({"id": "e1"}, 201))
    server.on("GET", "/executions/e1", running)
    server.on("DELETE", "/executions/e1", {"status": "canceling"})
    with pytest.raises(DeadlineError, match="execution e1 was cancelled"):
        impatient.unload(["one"])
    assert server.routes()[-1] == ("DELETE", "/executions/e1")


# Reading


def test_versions_come_from_the_list_also_of_packs_that_cannot_be_read_alone(server, registrar):
    packs = [{"ref": f"p{number}", "version": "0.1.0", "id": str(number)} for number in range(150)]
    packs += [{"ref": "index_of_things", "version": "1.2.3", "id": "i"}, {"ref": "views", "id": "v"}]
    server.on("GET", "/packs", paged(packs))
    wanted = ["p7", "p149", "index_of_things", "views", "unknown"]
    assert registrar.versions(wanted) == {"p7": "0.1.0", "p149": "0.1.0", "index_of_things": "1.2.3", "views": ""}
    assert registrar.versions(["nothing"]) == {}
    assert all(one.params["include_attributes"] == "ref,version" for one in server.asked)
    assert [one.params.get("ref") for one in server.asked] == [None, None, "nothing", "nothing"]


def test_a_config_comes_with_its_secrets_or_not_at_all(server, registrar):
    values = {"api_url": "http://a", "api_key": "s3cr3t"}
    server.on("GET", "/configs/one", {"pack": "one", "values": values, "id": "c"})
    server.on("GET", "/configs/two", fault(404, 'Unable to identify resource with pack_ref "two".'))
    server.on("GET", "/configs/empty", {"pack": "empty", "values": None})
    server.on("GET", "/configs/odd", {"pack": "odd", "values": ["s3cr3t"]})
    assert registrar.config("one") == values
    assert registrar.config("two") is None and registrar.config("empty") == {}
    assert {one.params["show_secrets"] for one in server.asked} == {"true"}
    with pytest.raises(UnexpectedAnswerError) as caught:
        registrar.config("odd")
    assert "s3cr3t" not in caught.value.message


def test_a_config_that_stackstorm_cannot_mask_is_not_taken_for_none(server, registrar):
    server.on("GET", "/configs/one", fault(404, "Unable to find the ConfigSchemaDB instance. {'pack': 'one'}"))
    with pytest.raises(ForbiddenError, match="a config of one but no schema"):
        registrar.config("one")


def test_resources_of_every_kind_are_read(server, registrar):
    common = {"pack": "one", "metadata_file": "x.yaml"}
    server.on("GET", "/actions", [{**common, "name": "a", "ref": "one.a", "enabled": False}])
    server.on("GET", "/sensortypes", [{**common, "class_name": "S", "ref": "one.S", "enabled": True}])
    server.on("GET", "/rules", [{"pack": "one", "name": "r", "ref": "one.r", "enabled": True}])
    server.on("GET", "/actionalias", [{**common, "name": "al", "ref": "one.al", "enabled": True}])
    server.on("GET", "/policies", [{**common, "name": "po", "ref": "one.po", "enabled": True}])
    server.on("GET", "/triggertypes", [{**common, "name": "t", "ref": "one.t"}])
    kinds = ["actions", "sensors", "rules", "aliases", "policies", "triggers"]
    assert registrar.resources("one", kinds) == [
        Resource("actions", "a", "one.a", False, "x.yaml"),
        Resource("sensors", "S", "one.S", True, "x.yaml"),
        Resource("rules", "r", "one.r", True, ""),
        Resource("aliases", "al", "one.al", True, "x.yaml"),
        Resource("policies", "po", "one.po", True, "x.yaml"),
        Resource("triggers", "t", "one.t", None, "x.yaml"),
    ]
    assert {one.params["pack"] for one in server.asked} == {"one"}


def test_what_is_of_another_pack_is_never_taken(server, registrar):
    server.on("GET", "/rules", [{"pack": "two", "name": "r", "ref": "two.r"}])
    assert registrar.resources("one", ["rules"]) == []


# Deleting


@pytest.mark.parametrize(
    "kind, path, body",
    [
        ("actions", "/actions/one.x", {"remove_files": False}),
        ("rules", "/rules/one.x", None),
        ("aliases", "/actionalias/one.x", None),
        ("policies", "/policies/one.x", None),
        ("triggers", "/triggertypes/one.x", None),
    ],
)
def test_one_resource_is_deleted_and_one_that_is_gone_is_fine(server, registrar, kind, path, body):
    server.on("DELETE", path, answer(b"", 204), fault(404, "not found"))
    for _number in range(2):
        registrar.delete(Resource(kind, "x", "one.x"))
    assert server.routes() == [("DELETE", path)] * 2 and server.bodies(path) == [body] * 2


def test_a_sensor_is_switched_off_since_it_cannot_be_deleted(server, registrar):
    sensor = {"class_name": "S", "pack": "one", "ref": "one.S", "enabled": True, "trigger_types": []}
    server.on("GET", "/sensortypes/one.S", sensor)
    server.on("PUT", "/sensortypes/one.S", {**sensor, "enabled": False})
    registrar.delete(Resource("sensors", "S", "one.S", True))
    assert server.bodies("/sensortypes/one.S") == [None, {**sensor, "enabled": False}]
    registrar.delete(Resource("sensors", "T", "one.T", True))
    assert ("PUT", "/sensortypes/one.T") not in server.routes()
    server.on("GET", "/sensortypes/one.S", [])
    with pytest.raises(UnexpectedAnswerError, match="with a sensor"):
        registrar.delete(Resource("sensors", "S", "one.S", True))


def test_a_refused_deletion_is_an_error(server, registrar):
    server.on("DELETE", "/actions/core.x", fault(400, "Resources belonging to system level packs can't be manipulated"))
    with pytest.raises(InvalidContentError, match="system level packs"):
        registrar.delete(Resource("actions", "x", "core.x"))
