# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in StackStorm as a server: who may ask, lists, executions, installation, misbehaviour, what tests read."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.servers import CertificateAuthority
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import (
    ADMIN,
    OBSERVER,
    Account,
    Fault,
    Outcome,
    StackStormStub,
    delay,
    drip,
    gateway_timeout,
    hang,
    is_stub,
    reset,
    server_error,
    stackstorm_under_test,
)

requests = pytest.importorskip("requests")

CANARY = "canary-7d1f"


class Client:
    """Asks as a client does, with the admin's API key unless told otherwise."""

    def __init__(self, stub: StackStormStub) -> None:
        self.stub = stub

    def __call__(self, method: str, path: str, body: t.Any = None, **options: t.Any) -> t.Any:
        headers = options.pop("headers", {"St2-Api-Key": ADMIN.api_key})
        options.setdefault("timeout", 20)
        return requests.request(method, f"{self.stub.api_url}/v1{path}", json=body, headers=headers, **options)

    def fault(self, *arguments: t.Any, **options: t.Any) -> t.Tuple[int, str]:
        """Return the status and the words of a refusal."""
        answer = self(*arguments, **options)
        return answer.status_code, answer.json()["faultstring"]

    def wait(self, path: str, body: t.Any) -> t.Dict[str, t.Any]:
        """Start an execution and ask for it until it is over; return it."""
        started = self("POST", path, body).json()
        identity = started.get("execution_id") or started["id"]
        while True:
            document = self("GET", f"/executions/{identity}").json()
            if "end_timestamp" in document:
                return t.cast("t.Dict[str, t.Any]", document)


@pytest.fixture
def host(tmp_path: Path) -> ScratchHost:
    return ScratchHost(tmp_path / "host")


@pytest.fixture
def stub(host: ScratchHost) -> t.Iterator[StackStormStub]:
    with StackStormStub(host) as running:
        yield running


@pytest.fixture
def ask(stub: StackStormStub) -> Client:
    return Client(stub)


# Who may ask


def test_a_token_is_had_for_a_password_and_lets_one_in(stub: StackStormStub, ask: Client) -> None:
    answer = requests.post(f"{stub.auth_url}/v1/tokens", json={}, auth=(ADMIN.username, ADMIN.password), timeout=20)
    assert answer.status_code == 201
    user = ask("GET", "/user", headers={"X-Auth-Token": answer.json()["token"]}).json()
    assert user["username"] == ADMIN.username
    assert user["authentication"]["method"] == "authentication token"


def test_the_refusals_of_unknown_callers_have_a_text_each(stub: StackStormStub, ask: Client) -> None:
    assert ask.fault("GET", "/packs", headers={}) == (401, "Unauthorized - One of Token or API key required.")
    assert ask.fault("GET", "/packs", headers={"X-Auth-Token": "wrong"}) == (401, "Unauthorized")
    over = {"X-Auth-Token": stub.token(ttl=-1)}
    assert ask.fault("GET", "/packs", headers=over) == (401, "Unauthorized - Token has expired.")
    status, text = ask.fault("GET", "/packs", headers={"St2-Api-Key": "wrong"})
    assert (status, text[:36], text[-11:]) == (401, "Unauthorized - ApiKey with key_hash=", " not found.")
    assert "wrong" not in text


def test_the_first_place_that_says_something_counts(stub: StackStormStub, ask: Client) -> None:
    both = {"X-Auth-Token": "wrong", "St2-Api-Key": ADMIN.api_key}
    assert ask("GET", "/packs", headers=both).status_code == 401
    assert ask("GET", f"/packs?x-auth-token={stub.token()}", headers={}).status_code == 200


def test_an_observer_reads_and_is_refused_the_rest_with_rbac_only(stub: StackStormStub, ask: Client) -> None:
    observer = {"St2-Api-Key": OBSERVER.api_key}
    assert ask("POST", "/packs/register", {"packs": ["core"]}, headers=observer).status_code == 200
    stub.accounts.rbac = True
    assert ask("GET", "/packs", headers=observer).status_code == 200
    refused = ask.fault("POST", "/packs/register", {}, headers=observer)
    assert refused == (403, 'User "observer" doesn\'t have required permission "pack_register"')
    unload = {"action": "packs.unload", "parameters": {"packs": ["x"]}}
    text = 'User "observer" doesn\'t have required permission "action_execute" on resource "action:packs:unload"'
    assert ask.fault("POST", "/executions", unload, headers=observer) == (403, text)
    assert ask.fault("GET", "/packs?limit=-1", headers=observer)[0] == 403


def test_an_install_needs_more_than_the_permission_to_install(host: ScratchHost, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "demo.git")
    repository.release(PackTree("demo", minimal=True))
    with StackStormStub(host, index={"demo": repository.build()}, rbac=True) as stub:
        grants: t.Tuple[str, ...] = ("pack_install", "action_execute")
        for more in ("action_view", "pack_register"):
            stub.accounts.accounts[1] = Account("robot", "p", "robot-key", "deployers", grants)
            headers = {"St2-Api-Key": "robot-key"}
            started = Client(stub)("POST", "/packs/install", {"packs": ["demo"]}, headers=headers)
            assert started.status_code == 202
            seen = Client(stub)("GET", f"/executions/{started.json()['execution_id']}", headers=headers)
            assert seen.status_code == (200 if "action_view" in grants else 403)
            stub.executions.finish()
            done = Client(stub)("GET", f"/executions/{started.json()['execution_id']}").json()
            assert (done["status"], "pack_register" in str(done["result"])) == ("failed", True)
            assert stub.pack("demo") is None
            grants += (more,)
        stub.accounts.accounts[1] = Account("robot", "p", "robot-key", "deployers", grants)
        Client(stub)("POST", "/packs/install", {"packs": ["demo"]}, headers=headers)
        stub.executions.finish()
        assert stub.pack("demo")


def test_nobody_has_to_say_who_they_are_where_auth_is_off(host: ScratchHost) -> None:
    with StackStormStub(host, auth=False) as stub:
        assert Client(stub)("GET", "/packs", headers={}).status_code == 200


def test_tls_and_a_port_of_its_own_for_st2auth(host: ScratchHost, tmp_path: Path) -> None:
    ca = CertificateAuthority(tmp_path / "ca")
    with StackStormStub(host, ca=ca, own_auth_port=True) as stub:
        assert stub.api_url.startswith("https://")
        with pytest.raises(requests.exceptions.SSLError):
            Client(stub)("GET", "/packs")
        assert Client(stub)("GET", "/packs", verify=str(ca.ca_file)).status_code == 200
        login = {"auth": (ADMIN.username, ADMIN.password), "verify": str(ca.ca_file), "timeout": 20}
        assert requests.post(f"{stub.auth_url}/tokens", json={}, **login).status_code == 201
        assert requests.post(f"{stub.api_url}/tokens", json={}, **login).status_code == 404


# Lists


def test_pages_filters_and_attributes(stub: StackStormStub, ask: Client) -> None:
    answer = ask("GET", "/packs?limit=2&offset=1")
    assert [pack["ref"] for pack in answer.json()] == ["core", "linux"]
    assert (answer.headers["X-Total-Count"], answer.headers["X-Limit"]) == ("4", "2")
    answer = ask("GET", "/packs?limit=-1&include_attributes=ref,nonsense")
    assert [sorted(pack) for pack in answer.json()] == [["id", "ref"]] * 4
    assert "X-Limit" not in answer.headers
    assert [pack["ref"] for pack in ask("GET", "/packs?ref=core").json()] == ["core"]
    assert ask("GET", "/packs?name=nobody").json() == []
    assert "files" not in ask("GET", "/packs?exclude_attributes=files").json()[0]
    assert ask("GET", "/packs?include_attributes=ref&exclude_attributes=files").status_code == 400
    assert ask("GET", "/packs?limit=0").status_code == 400


def test_packs_beginning_with_index_or_views_cannot_be_had_alone(
    host: ScratchHost, stub: StackStormStub, ask: Client
) -> None:
    for ref in ("indexes", "views2", "plain"):
        host.place(PackTree(ref, minimal=True), ref)
    stub.register("indexes", "views2", "plain")
    assert {"indexes", "plain", "views2"} < {pack["ref"] for pack in ask("GET", "/packs").json()}
    assert [ask("GET", f"/packs/{ref}").status_code for ref in ("indexes", "views2", "plain")] == [404, 404, 200]


def test_resources_are_listed_by_pack_and_deleted_but_sensors(
    host: ScratchHost, stub: StackStormStub, ask: Client
) -> None:
    host.place(PackTree("demo"), "demo")
    stub.register("demo")
    actions = ask("GET", "/actions?pack=demo").json()
    assert [(each["ref"], each["metadata_file"], each["enabled"]) for each in actions] == [
        ("demo.greet", "actions/greet.yaml", True),
        ("demo.relay", "actions/relay.yaml", True),
        ("demo.report", "actions/report.yaml", True),
    ]
    for path, ref in (
        ("actions", "demo.greet"),
        ("rules", "demo.on_pulse"),
        ("actionalias", "demo.report"),
        ("policies", "demo.report_retry"),
        ("triggertypes", "demo.beat"),
    ):
        assert ask("DELETE", f"/{path}/{ref}").status_code == 204
        gone = f'Resource with a reference or id "{ref}" not found'
        assert ask.fault("GET", f"/{path}/{ref}") == (404, gone)
    assert ask.fault("DELETE", "/sensortypes/demo.PulseSensor") == (404, "The resource could not be found.")
    left = {kind: sorted(found) for kind, found in stub.resources("demo").items() if found}
    assert left == {"actions": ["relay", "report"], "sensors": ["PulseSensor"], "triggers": ["pulse_seen"]}
    assert (host.packs / "demo" / "actions" / "greet.yaml").exists()


def test_sensors_and_actions_can_be_switched(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    host.place(PackTree("demo"), "demo")
    stub.register("demo")
    assert ask("PUT", "/sensortypes/demo.PulseSensor", {"enabled": False}).status_code == 200
    action = {**ask("GET", "/actions/demo.greet").json(), "enabled": False}
    assert ask("PUT", "/actions/demo.greet", action).status_code == 200
    found = stub.resources("demo")
    assert not found["sensors"]["PulseSensor"]["enabled"]
    assert not found["actions"]["greet"]["enabled"]
    stub.register("demo")
    assert stub.resources("demo")["actions"]["greet"]["enabled"]
    assert ask("PUT", "/actions/demo.greet", {"enabled": True}).status_code == 400


def test_what_belongs_to_core_is_left_alone(stub: StackStormStub, ask: Client) -> None:
    assert ask.fault("DELETE", "/actions/core.report") == (
        400,
        "Resources belonging to system level packs can't be manipulated",
    )


# Executions


def test_work_is_done_when_somebody_waits_for_it(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    host.place(PackTree("demo"), "demo")
    stub.register("demo")
    started = ask("POST", "/executions", {"action": "packs.unload", "parameters": {"packs": ["demo", "nobody"]}})
    assert (started.status_code, started.json()["status"]) == (201, "requested")
    path = f"/executions/{started.json()['id']}"
    assert ask("GET", path).json()["status"] == "scheduled"
    assert stub.pack("demo")
    done = ask("GET", path).json()
    assert (done["status"], done["result"]["result"], done["result"]["exit_code"]) == ("succeeded", None, 0)
    assert stub.pack("demo") is None
    assert not any(stub.resources("demo").values())
    assert (host.packs / "demo").is_dir()


def test_executions_are_checked(ask: Client) -> None:
    assert ask.fault("POST", "/executions", {}) == (400, "'action' is a required property")
    unknown = {"action": "demo.nothing", "parameters": {}}
    assert ask.fault("POST", "/executions", unknown) == (400, 'Action "demo.nothing" cannot be found.')
    assert ask("POST", "/executions", {"action": "packs.unload"}).status_code == 400
    assert ask("GET", "/executions/unknown").status_code == 404


def test_an_endless_execution_ends_by_being_cancelled(stub: StackStormStub, ask: Client) -> None:
    stub.executions.endless = True
    identity = ask("POST", "/packs/uninstall", {"packs": ["linux2"]}).json()["execution_id"]
    statuses = [ask("GET", f"/executions/{identity}").json()["status"] for _time in range(5)]
    assert statuses == ["scheduled", "running", "running", "running", "running"]
    assert ask("DELETE", f"/executions/{identity}").json()["status"] == "canceling"
    assert ask("GET", f"/executions/{identity}").json()["status"] == "canceled"
    assert ask("DELETE", f"/executions/{identity}").json() == {
        "faultstring": "Action cannot be canceled. State = canceled."
    }


def test_a_cancelled_execution_does_nothing(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    host.place(PackTree("demo", minimal=True), "demo")
    identity = ask("POST", "/packs/uninstall", {"packs": ["demo"]}).json()["execution_id"]
    assert ask("DELETE", f"/executions/{identity}").json()["status"] == "canceled"
    stub.executions.finish()
    assert (host.packs / "demo").is_dir()


def test_an_execution_can_be_made_to_end_otherwise(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    stub.executions.endings["packs.uninstall"] = Outcome("timeout", {"error": "too late"})
    host.place(PackTree("demo", minimal=True), "demo")
    done = ask.wait("/packs/uninstall", {"packs": ["demo"]})
    assert (done["status"], done["result"]) == ("timeout", {"error": "too late"})
    assert (host.packs / "demo").is_dir()
    stub.executions.endings.clear()
    assert ask.wait("/packs/uninstall", {"packs": ["demo"]})["status"] == "succeeded"
    assert not (host.packs / "demo").exists()


def test_finish_does_what_nobody_waited_for(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    host.place(PackTree("demo", minimal=True), "demo")
    ask("POST", "/packs/uninstall", {"packs": ["demo"]})
    assert (host.packs / "demo").is_dir()
    stub.executions.finish()
    assert not (host.packs / "demo").exists()


# Misbehaviour


def test_a_gateway_gives_up_while_the_work_goes_on(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    host.place(PackTree("demo"), "demo")
    stub.faults.append(gateway_timeout("/packs/register$", late=2))
    answer = ask("POST", "/packs/register", {"packs": ["demo"]})
    assert (answer.status_code, answer.headers["Content-Type"]) == (504, "text/html")
    assert ask("GET", "/packs/demo").status_code == 404
    assert ask("GET", "/packs/demo").status_code == 200
    assert ask("POST", "/packs/register", {"packs": ["demo"]}).status_code == 200


def test_late_work_can_be_ordered(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    host.place(PackTree("demo"), "demo")
    stub.faults.append(gateway_timeout("/packs/register$", late=99))
    ask("POST", "/packs/register", {"packs": ["demo"]})
    assert stub.pack("demo") is None
    stub.finish_late_work()
    assert stub.pack("demo")


def test_answers_that_do_not_come_in_time(stub: StackStormStub, ask: Client) -> None:
    for fault in (hang("/packs$"), delay("/packs$", 30), drip("/packs$", 0.2)):
        stub.faults.append(fault)
        if fault.drip:
            with ask("GET", "/packs", stream=True) as answer:
                assert next(answer.iter_content(1)) == b"["
        else:
            with pytest.raises(requests.exceptions.ReadTimeout):
                ask("GET", "/packs", timeout=(20, 0.1))
    assert ask("GET", "/packs").status_code == 200


def test_connections_are_reset_and_errors_answered(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    host.place(PackTree("demo"), "demo")
    register = {"packs": ["demo"]}
    stub.faults += [server_error("/packs/register"), reset("/packs/register"), reset("/packs/register", work=True)]
    assert ask.fault("POST", "/packs/register", register) == (500, "Internal Server Error")
    for registered in (False, True):
        with pytest.raises(requests.exceptions.ConnectionError):
            ask("POST", "/packs/register", register)
        assert bool(stub.pack("demo")) is registered


def test_a_fault_meets_as_many_requests_as_it_shall(stub: StackStormStub, ask: Client) -> None:
    stub.faults.append(Fault("/packs$", method="GET", status=503, body={"faultstring": "busy"}, times=2))
    assert [ask("GET", "/packs").status_code for _time in range(3)] == [503, 503, 200]
    stub.faults.append(server_error("/packs", times=None))
    assert [ask("GET", "/packs").status_code for _time in range(3)] == [500] * 3
    stub.faults.clear()
    assert ask("GET", "/packs").status_code == 200


# What tests read


def test_the_log_has_everything_and_its_repr_no_values(stub: StackStormStub, ask: Client) -> None:
    headers = {"St2-Api-Key": ADMIN.api_key, "X-Canary": CANARY}
    ask("PUT", f"/configs/core?x-auth-token={stub.token()}&secret={CANARY}", {"token": CANARY}, headers=headers)
    (request,) = stub.asked("PUT", "/configs/core")
    assert (request.method, request.path, request.status) == ("PUT", "/v1/configs/core", 404)
    assert request.body == {"token": CANARY}
    assert {"St2-Api-Key", "X-Canary"} <= set(request.header_names)
    assert CANARY not in repr(stub.requests)
    assert ADMIN.api_key not in repr(stub.requests) + repr(ADMIN)
    assert ADMIN.password not in repr(ADMIN)


def test_a_request_is_in_the_log_before_it_is_answered(stub: StackStormStub, ask: Client) -> None:
    stub.faults.append(hang("/user"))
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask("GET", "/user", timeout=(20, 3))
    assert [each.status for each in stub.asked("GET", "/user")] == [0]


def test_the_environment_decides_which_stackstorm_is_under_test(
    host: ScratchHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ST2_API_URL", "ST2_API_KEY", "ST2_BASE_PATH"):
        monkeypatch.delenv(name, raising=False)
    host.place(PackTree("demo"), "demo")
    with stackstorm_under_test(host) as stub:
        assert is_stub(stub)
        monkeypatch.setenv("ST2_API_URL", stub.api_url)
        monkeypatch.setenv("ST2_API_KEY", stub.api_key)
        monkeypatch.setenv("ST2_BASE_PATH", str(host.base_path))
        with stackstorm_under_test(host) as real:
            assert not is_stub(real)
            assert real.register("demo")["actions"] == 3
            (host.configs / "demo.yaml").write_text(f"url: here\ntoken: {CANARY}\n")
            real.register("demo", types=["configs"])
            for read in ("pack", "config", "config_schema", "resources"):
                assert getattr(real, read)("demo") == getattr(stub, read)("demo")
            assert real.config("demo") == {"url": "here", "token": CANARY}
            assert real.packs() == stub.packs()
            assert (real.pack("nobody"), real.config("nobody")) == (None, None)
            assert (real.packs_path, real.configs_path) == (stub.packs_path, stub.configs_path)
            assert real.overrides_path == stub.overrides_path
