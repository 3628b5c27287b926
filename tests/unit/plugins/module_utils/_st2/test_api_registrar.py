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
    MissingError,
    RegistrationError,
    ServerError,
    UnauthorisedError,
    UnexpectedAnswerError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_client import ApiClient
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_registrar import ApiRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import (
    Configs,
    PackFiles,
    Registered,
    Resource,
)
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


THREE = PackFiles("three", "/packs/three")


def refusing(*bad, status=400):
    """Refuses a registration that has one of these packs, as StackStorm does; counts an action for each pack."""

    def give(_handler, asked):
        found = [ref for ref in asked.body["packs"] if ref in bad]
        if found:
            return fault(status, f'Failed to register action "a" from pack "{found[0]}": no runner')
        return answer({"actions": len(asked.body["packs"]), "runners": 14, "actions(overridden)": 1})

    return give


def test_packs_are_registered_by_one_request_whose_overrides_are_no_sum(server, registrar):
    counts = {"runners": 14, "rule_types": 2, "policy_types": 3, "actions": 4, "sensors": 0, "configs": 1}
    server.on(*REGISTER, {**counts, "actions(overridden)": 1}, counts, {**counts, "actions(overridden)": 1})
    assert registrar.register([ONE, TWO]) == Registered(counts, None)
    assert registrar.register([ONE, TWO]) == Registered(counts, {})
    assert registrar.register([ONE]) == Registered(counts, {"actions": 1})
    assert server.bodies("/packs/register") == [{"packs": ["one", "two"]}] * 2 + [{"packs": ["one"]}]
    assert registrar.by == server.api


@pytest.mark.parametrize("status, kind", [(400, InvalidContentError), (500, ServerError)])
def test_all_that_are_at_fault_in_a_refused_registration_are_named(server, registrar, status, kind):
    server.on(*REGISTER, refusing("one", "three", status=status))
    with pytest.raises(
        kind, match=r"2 of 3 packs .* one: .*pack \"one\": no runner.* three: .*pack \"three\""
    ) as caught:
        registrar.register([ONE, TWO, THREE], ["action"])
    error = caught.value
    assert (error.ref, error.taken, list(error.refused)) == ("one", ("two",), ["one", "three"])
    assert 'pack "three": no runner' in error.refused["three"]
    asked = server.bodies("/packs/register")
    assert [body["packs"] for body in asked[:4]] == [["one", "two", "three"], ["one"], ["two"], ["three"]]
    assert all(body["types"] == ["action"] for body in asked)


def test_a_pack_that_needs_what_a_later_one_has_is_not_blamed(server, registrar):
    there = set()

    def give(_handler, asked):
        packs = asked.body["packs"]
        if len(packs) > 1:
            return fault(400, "Failed to register rule")  # by a third one, which is sound by itself
        if packs == ["one"] and "two" not in there:
            return fault(400, "trigger two.t is missing")
        there.update(packs)
        return answer({"actions": 1, "runners": 14, "actions(overridden)": 1})

    server.on(*REGISTER, give)
    assert registrar.register([ONE, TWO]) == Registered({"actions": 2, "runners": 14}, {"actions": 2})
    assert [body["packs"] for body in server.bodies("/packs/register")] == [["one", "two"], ["one"], ["two"], ["one"]]


def test_one_refused_pack_is_asked_once_and_has_its_own_words(server, registrar):
    server.on(*REGISTER, refusing("one"))
    with pytest.raises(InvalidContentError) as caught:
        registrar.register([ONE])
    assert caught.value.message.startswith("StackStorm refuses POST /packs/register: Failed to register action")
    assert (caught.value.taken, list(caught.value.refused)) == ((), ["one"]) and len(server.asked) == 1


def test_what_is_no_fault_of_a_pack_ends_the_search(server, registrar):
    server.on(*REGISTER, fault(400, "x"), {"actions": 1}, fault(400, "y"), fault(401, "Unauthorized"))
    with pytest.raises(UnauthorisedError) as caught:
        registrar.register([ONE, TWO, THREE, PackFiles("four", "/packs/four")])
    assert (caught.value.taken, list(caught.value.refused)) == (("one",), ["two"]) and len(server.asked) == 4


def test_an_empty_list_is_never_sent_as_it_would_mean_everything(server, registrar):
    assert registrar.register([]) == Registered()
    registrar.unload([])
    assert registrar.versions([]) == {}
    assert server.quiet


def test_the_runners_are_listed(server, registrar):
    server.on("GET", "/runnertypes", paged([{"name": "noop"}, {"name": "orquesta"}]))
    assert registrar.runners() == ["noop", "orquesta"]


def test_types_and_leniency_are_passed_on(server, registrar):
    server.on(*REGISTER, {"configs": 1})
    registrar.register([ONE], ["config", "action"], fail_on_failure=False)
    assert server.bodies("/packs/register") == [
        {"packs": ["one"], "types": ["config", "action"], "fail_on_failure": False}
    ]


def test_a_refusal_has_stackstorms_words_and_the_pack(server, registrar):
    words = 'Failed to register action "/p/two/actions/a.yaml" from pack "two": RunnerType nosuch is not found.'
    server.on(*REGISTER, fault(400, words), {"actions": 1}, fault(400, words))
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
        assert f"does not match the schema of the pack: check {config}." in caught.value.message
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
    found = registrar.register([ONE]).add(registrar.register([TWO], ["config"]))
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


def test_several_packs_behind_a_gateway_are_one_execution(server, registrar):
    server.on(*REGISTER, fault(504, ""))
    server.on("POST", "/executions", answer({"id": "e1"}, 201))
    result = {"result": {"actions": 3, "actions(overridden)": 1}, "exit_code": 0}
    server.on("GET", "/executions/e1", {"status": "succeeded", "result": result})
    assert registrar.register([ONE, TWO]) == Registered({"actions": 3}, None)
    assert server.bodies("/executions")[0]["parameters"]["packs"] == ["one", "two"]


def test_a_refusal_behind_a_gateway_is_looked_into_too(server, registrar):
    server.on(*REGISTER, fault(504, ""), {"actions": 1}, fault(400, "no runner"))
    server.on("POST", "/executions", answer({"id": "e1"}, 201))
    server.on("GET", "/executions/e1", {"status": "failed", "result": {"stderr": "Exception: 400 Client Error"}})
    with pytest.raises(InvalidContentError, match="no runner") as caught:
        registrar.register([ONE, TWO])
    assert (caught.value.ref, caught.value.taken) == ("two", ("one",))


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


KINDS = ["actions", "sensors", "rules", "aliases", "policies", "triggers"]


def test_resources_of_every_kind_are_read(server, registrar):
    common = {"pack": "one", "metadata_file": "x.yaml"}
    server.on("GET", "/actions", [{**common, "name": "a", "ref": "one.a", "enabled": False}])
    server.on("GET", "/sensortypes", [{**common, "name": "S", "ref": "one.S", "enabled": True}])
    trigger = {"type": "core.t", "ref": "core.8f"}
    server.on("GET", "/rules", [{"pack": "one", "name": "r", "ref": "one.r", "enabled": True, "trigger": trigger}])
    server.on("GET", "/actionalias", [{**common, "name": "al", "ref": "one.al", "enabled": True}])
    server.on("GET", "/policies", [{**common, "name": "po", "ref": "one.po", "enabled": True}])
    server.on("GET", "/triggertypes", [{**common, "name": "t", "ref": "one.t"}])
    found = registrar.resources_of(["one"], KINDS)
    assert found == [
        Resource("actions", "a", "one.a", False, "x.yaml", "one"),
        Resource("sensors", "S", "one.S", True, "x.yaml", "one"),
        Resource("rules", "r", "one.r", True, "", "one", "core.t"),
        Resource("aliases", "al", "one.al", True, "x.yaml", "one"),
        Resource("policies", "po", "one.po", True, "x.yaml", "one"),
        Resource("triggers", "t", "one.t", None, "x.yaml", "one"),
    ]
    assert [one.by_hand for one in found] == [False, False, True, False, False, False]
    assert {one.params["pack"] for one in server.asked} == {"one"}


def test_resources_of_many_packs_are_one_question_a_kind_cut_down_to_what_is_compared(server, registrar):
    for path in ("/actions", "/rules"):
        server.on("GET", path, [{"ref": f"{pack}.x", "name": "x", "pack": pack} for pack in ("one", "two", "three")])
    assert [one.ref for one in registrar.resources_of(["one", "three"], ["actions"])] == ["one.x", "three.x"]
    assert [one.pack for one in registrar.every("rules")] == ["one", "two", "three"]
    actions, rules = server.asked
    assert actions.params["include_attributes"] == "ref,name,pack,enabled,metadata_file"
    assert "pack" not in actions.params and "include_attributes" not in rules.params
    assert registrar.resources_of([], KINDS) == [] and len(server.asked) == 2


def test_what_is_of_another_pack_is_never_taken(server, registrar):
    server.on("GET", "/rules", [{"pack": "two", "name": "r", "ref": "two.r", "trigger": "two.gone"}])
    assert registrar.resources_of(["one"], ["rules"]) == []
    assert registrar.resources_of(["two"], ["rules"])[0].trigger == "two.gone"


def test_configs_of_many_packs_are_one_question(server, registrar):
    items = [{"pack": name, "values": {"k": name}, "id": name} for name in ("one", "two", "three")]
    server.on("GET", "/configs", [*items, {"pack": "empty", "id": "e"}])
    assert registrar.configs(["one", "three", "empty", "none"]) == Configs(
        {"one": {"k": "one"}, "three": {"k": "three"}, "empty": {}}
    )
    assert server.asked[0].params["show_secrets"] == "true" and len(server.asked) == 1
    assert registrar.configs([]) == Configs() and len(server.asked) == 1


def test_where_one_config_without_a_schema_hides_the_list_every_pack_is_asked_for(server, registrar):
    words = "Unable to find the ConfigSchemaDB instance. {'pack': 'two'}"
    server.on("GET", "/configs", fault(404, words))
    server.on("GET", "/configs/one", {"pack": "one", "values": {"k": 1}})
    server.on("GET", "/configs/two", fault(404, words))
    found = registrar.configs(["one", "two", "three"])
    assert found.values == {"one": {"k": 1}} and list(found.hidden) == ["two"]
    assert "no schema for it" in found.hidden["two"]
    server.on("GET", "/configs", fault(404, "The resource could not be found."))
    with pytest.raises(MissingError):
        registrar.configs(["one", "two"])


def test_the_config_schema_is_the_databases(server, registrar):
    server.on("GET", "/config_schemas/one", {"pack": "one", "attributes": {"k": {"type": "string"}}})
    assert registrar.config_schema("one") == {"k": {"type": "string"}}
    assert registrar.config_schema("two") is None


# What is known from the trial


def test_what_the_trial_told_answers_the_first_question_only(server, host):
    server.on("GET", "/packs", [{"ref": "one", "version": "2.0.0"}])
    registrar = ApiRegistrar(client_of(server), host, Redactor(), known={"one": "1.0.0", "other": "3.0.0"})
    assert registrar.versions([]) == {}
    assert registrar.versions(["one", "two"]) == {"one": "1.0.0"} and server.quiet
    assert registrar.versions(["one"]) == {"one": "2.0.0"}


@pytest.mark.parametrize("change", ["register", "unload", "delete"])
def test_what_the_trial_told_is_forgotten_with_a_change(server, host, change):
    server.on("GET", "/packs", [{"ref": "one", "version": "2.0.0"}])
    server.on(*REGISTER, {"actions": 1})
    server.on("POST", "/executions", answer({"id": "e1"}, 201))
    server.on("GET", "/executions/e1", {"status": "succeeded", "result": {}})
    registrar = ApiRegistrar(client_of(server), host, Redactor(), known={"one": "1.0.0"}, poll_seconds=0.01)
    {
        "register": lambda: registrar.register([ONE]),
        "unload": lambda: registrar.unload(["one"]),
        "delete": lambda: registrar.delete(Resource("rules", "x", "one.x")),
    }[change]()
    assert registrar.versions(["one"]) == {"one": "2.0.0"}


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
