# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources in the stand-in StackStorm: made by hand, listed, deleted with files; and what rules hang on."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from infrastructure.packs import PackTree, Tree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import ADMIN, OBSERVER, StackStormStub

requests = pytest.importorskip("requests")

ACTION = {"name": "adhoc", "pack": "demo", "runner_type": "noop"}
RULE = {"name": "adhoc", "pack": "demo", "trigger": {"type": "demo.beat"}, "action": {"ref": "core.noop"}}
ALIAS = {"name": "adhoc", "pack": "demo", "action_ref": "demo.report", "formats": ["adhoc"]}
POLICY = {
    "name": "adhoc",
    "pack": "demo",
    "resource_ref": "demo.greet",
    "policy_type": "action.retry",
    "parameters": {"retry_on": "failure"},
}
BY_HAND = {"actions": ACTION, "rules": RULE, "actionalias": ALIAS, "policies": POLICY}
WEBHOOK = {"type": "core.st2.webhook", "parameters": {"url": "hook"}}


@pytest.fixture
def host(tmp_path: Path) -> ScratchHost:
    made = ScratchHost(tmp_path / "host")
    made.place(PackTree("demo"), "demo")
    return made


@pytest.fixture
def stub(host: ScratchHost) -> t.Iterator[StackStormStub]:
    with StackStormStub(host) as running:
        yield running


class Client:
    """Asks with an API key; `words` gives the status and the words of a refusal."""

    def __init__(self, stub: StackStormStub, key: str = ADMIN.api_key) -> None:
        self._url, self._key = stub.api_url, key

    def __call__(self, method: str, path: str, body: t.Any = None) -> t.Any:
        headers = {"St2-Api-Key": self._key}
        return requests.request(method, f"{self._url}/v1{path}", json=body, headers=headers, timeout=20)

    def words(self, method: str, path: str, body: t.Any = None) -> t.Tuple[int, str]:
        answer = self(method, path, body)
        return answer.status_code, answer.json()["faultstring"]

    def run(self, action: str, **parameters: t.Any) -> None:
        identity = self("POST", "/executions", {"action": action, "parameters": parameters}).json()["id"]
        while "end_timestamp" not in self("GET", f"/executions/{identity}").json():
            pass


@pytest.fixture
def ask(stub: StackStormStub) -> Client:
    return Client(stub)


# By hand


@pytest.mark.parametrize("path", list(BY_HAND))
def test_what_is_made_by_hand_has_no_file_and_goes_with_its_pack(stub: StackStormStub, ask: Client, path: str) -> None:
    made = ask("POST", f"/{path}", BY_HAND[path])
    assert (made.status_code, made.json()["ref"], made.json()["metadata_file"]) == (201, "demo.adhoc", "")
    assert ask("GET", f"/{path}/demo.adhoc").json() == made.json()
    stub.register("demo")
    assert ask("GET", f"/{path}/demo.adhoc").json() == made.json()
    ask.run("packs.unload", packs=["demo"])
    assert ask("GET", f"/{path}/demo.adhoc").status_code == 404
    stub.register("demo")
    assert ask("GET", f"/{path}/demo.adhoc").status_code == 404


@pytest.mark.parametrize("path", list(BY_HAND))
def test_what_is_there_already_is_a_conflict(ask: Client, path: str) -> None:
    made = ask("POST", f"/{path}", BY_HAND[path]).json()
    again = ask("POST", f"/{path}", BY_HAND[path])
    assert (again.status_code, again.json()["conflict-id"]) == (409, made["id"])
    assert "E11000 duplicate key error" in again.json()["faultstring"]
    assert ask("DELETE", f"/{path}/{made['id']}").status_code == 204
    assert ask("POST", f"/{path}", BY_HAND[path]).status_code == 201


def test_by_hand_and_refused(ask: Client) -> None:
    assert ask.words("POST", "/actions", {**ACTION, "pack": "core"})[0] == 400
    status, text = ask.words("POST", "/actions", {**ACTION, "pack": "nobody"})
    said = 'Content pack "nobody" is not found or doesn\'t contain actions directory. Searched in: '
    assert (status, text.startswith(said)) == (400, True)
    assert ask.words("POST", "/actions", {**ACTION, "runner_type": "run-python"})[0] == 400
    assert ask.words("POST", "/actions", {"name": "x"}) == (400, "'runner_type' is a required property")
    status, text = ask.words("POST", "/rules", {**RULE, "trigger": {"type": "demo.nothing"}})
    assert (status, text[:60]) == (400, 'Trigger "demo.nothing" defined in the rule does not exist in')
    assert ask.words("POST", "/rules", {**RULE, "trigger": {"type": "core.st2.webhook"}})[0] == 400
    assert ask.words("POST", "/policies", {**POLICY, "parameters": {}})[0] == 400


def test_an_observer_makes_nothing_by_hand(stub: StackStormStub) -> None:
    stub.accounts.rbac = True
    text = 'User "observer" doesn\'t have required permission "action_create" on resource "action:demo:adhoc"'
    assert Client(stub, OBSERVER.api_key).words("POST", "/actions", ACTION) == (403, text)


def test_a_registered_rule_takes_the_place_of_one_of_that_name_in_default(
    host: ScratchHost, stub: StackStormStub, ask: Client
) -> None:
    assert ask("POST", "/rules", {**RULE, "name": "on_pulse", "pack": "default"}).status_code == 201
    stub.register("demo", types=["rules"])
    assert ask("GET", "/rules/default.on_pulse").status_code == 404


def test_one_policy_of_a_type_for_an_action(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    assert ask("POST", "/policies", {**POLICY, "resource_ref": "demo.report"}).status_code == 409
    ask("DELETE", "/policies/demo.report_retry")
    assert ask("POST", "/policies", {**POLICY, "resource_ref": "demo.report"}).status_code == 201
    with pytest.raises(ValueError, match="E11000 duplicate key error"):
        stub.register("demo")


# Files


@pytest.mark.parametrize(
    ("body", "left"), [(None, True), ({"remove_files": False}, True), ({"remove_files": True}, False)]
)
def test_an_action_takes_its_files_with_it_where_that_is_said(
    host: ScratchHost, ask: Client, body: t.Any, left: bool
) -> None:
    assert ask("DELETE", "/actions/demo.report", body).status_code == 204
    assert ask("GET", "/actions/demo.report").status_code == 404
    actions = host.packs / "demo" / "actions"
    assert [(actions / name).exists() for name in ("report.yaml", "report.py")] == [left, left]
    assert (actions / "greet.yaml").exists()


def test_an_action_made_by_hand_has_no_files_to_take(host: ScratchHost, ask: Client) -> None:
    before = host.snapshot()
    ask("POST", "/actions", ACTION)
    assert ask("DELETE", "/actions/demo.adhoc", {"remove_files": True}).status_code == 204
    assert host.snapshot() == before
    assert ask("DELETE", "/actions/demo.report", {"nonsense": True}).status_code == 400


# Triggers


def test_rules_of_other_packs_lose_triggers_with_parameters_for_good(
    host: ScratchHost, stub: StackStormStub, ask: Client
) -> None:
    schema = {"type": "object", "properties": {"every": {"type": "integer"}}}
    Tree().add_yaml("triggers/timed.yaml", {"name": "timed", "parameters_schema": schema}).write(host.packs / "demo")
    other = PackTree("other", minimal=True)
    for name, trigger in {
        "plain": {"type": "demo.beat", "parameters": {}},
        "timed": {"type": "demo.timed", "parameters": {"every": 5}},
    }.items():
        rule = {"name": name, "enabled": True, "trigger": trigger, "action": {"ref": "core.noop"}}
        other.add_yaml(f"rules/{name}.yaml", rule)
    host.place(other, "other")
    stub.register("demo", "other")
    ask("POST", "/rules", {**RULE, "pack": "other", "trigger": {"type": "demo.timed", "parameters": {"every": 5}}})

    def lost() -> t.List[str]:
        return [ref for ref, rule in stub.database_snapshot("other")["rules"].items() if rule["trigger"] is None]

    before = stub.database_snapshot("other")
    assert lost() == []
    ask.run("packs.unload", packs=["demo"])
    assert lost() == ["other.adhoc", "other.plain", "other.timed"]
    assert isinstance(ask("GET", "/rules/other.timed").json()["trigger"], str)
    stub.register("demo")
    assert lost() == ["other.adhoc", "other.timed"]
    stub.register("other")
    assert lost() == ["other.adhoc"]
    ask("DELETE", "/rules/other.adhoc")
    ask("POST", "/rules", {**RULE, "pack": "other", "trigger": {"type": "demo.timed", "parameters": {"every": 5}}})
    assert stub.database_snapshot("other") == before


def test_a_trigger_with_parameters_goes_with_the_last_rule(ask: Client) -> None:
    def triggers() -> int:
        return [each["type"] for each in ask("GET", "/triggers").json()].count("core.st2.webhook")

    for name in ("one", "two"):
        assert ask("POST", "/rules", {**RULE, "name": name, "trigger": WEBHOOK}).status_code == 201
    assert triggers() == 1
    ask("DELETE", "/rules/demo.one")
    assert triggers() == 1
    ask("DELETE", "/rules/demo.two")
    assert triggers() == 0


def test_a_trigger_type_takes_its_trigger_with_it(stub: StackStormStub, ask: Client) -> None:
    assert ask("DELETE", "/triggertypes/demo.beat").status_code == 204
    assert stub.database_snapshot("demo")["rules"]["demo.on_pulse"]["trigger"] is None


# Lists


def test_lists_know_what_they_know(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    host.place(PackTree("many", action_count=150), "many")
    stub.register("many")
    answer = ask("GET", "/actions?pack=many")
    assert (len(answer.json()), answer.headers.get("X-Limit"), answer.headers["X-Total-Count"]) == (153, None, "153")
    answer = ask("GET", "/actions?pack=many&limit=100&offset=100")
    assert (len(answer.json()), answer.headers["X-Limit"]) == (53, "100")
    first, second = (ask("GET", f"/rules?limit=1&offset={offset}").json() for offset in (0, 1))
    assert first == second
    assert {each["pack"] for each in ask("GET", "/sensortypes?limit=1&offset=1").json()} == {"demo"}
    ask("POST", "/policies", POLICY)
    assert [each["ref"] for each in ask("GET", "/policies?limit=1&offset=1").json()] == ["many.report_retry"]
    assert len(ask("GET", "/policies?resource_ref=nobody").json()) == 2
    assert [each["ref"] for each in ask("GET", "/rules?enabled=false&pack=demo").json()] == ["demo.on_pulse"]
    assert ask("GET", "/rules?enabled=true").json() == []
    assert len(ask("GET", "/rules?action=core.noop").json()) == 2
    assert ask("GET", "/actions?include_attributes=enabled&pack=demo").json()[0].keys() == {"enabled", "id", "ref"}
    assert ask.words("GET", "/actions?exclude_attributes=enabled") == (
        400,
        "Invalid or unsupported exclude attribute specified: enabled",
    )
    assert ask.words("GET", "/packs?limit=many") == (400, 'Parameter "limit" is not of type integer')
    assert ask("GET", "/packs?limit=-2").status_code == 400


def test_more_than_a_page_is_for_admins(stub: StackStormStub, ask: Client) -> None:
    stub.accounts.rbac = True
    observer = Client(stub, OBSERVER.api_key)
    for path in ("packs", "actions", "rules", "configs", "config_schemas"):
        assert ask("GET", f"/{path}?limit=-1").status_code == 200
        assert ask("GET", f"/{path}?limit=101").status_code == 200
        assert observer("GET", f"/{path}?limit=-1").status_code == 403
        assert observer("GET", f"/{path}?limit=101").status_code == 403
        assert observer("GET", f"/{path}?limit=100").status_code == 200
    assert observer("GET", "/actions").status_code == 200


def test_the_list_of_configs(host: ScratchHost, stub: StackStormStub, ask: Client) -> None:
    (host.configs / "demo.yaml").write_text("url: here\ntoken: t\n")
    (host.configs / "core.yaml").write_text("any: thing\n")
    stub.register("demo", types=["configs"])
    (shown,) = ask("GET", "/configs").json()
    assert shown["values"] == {"url": "here", "token": "********"}
    (shown,) = ask("GET", "/configs?show_secrets=true").json()
    assert shown["values"] == {"url": "here", "token": "t"}
    stub.register("core", types=["configs"])
    text = "Unable to find the ConfigSchemaDB instance. {'pack': 'core'}"
    assert ask.words("GET", "/configs") == (404, text)
    assert [each["pack"] for each in ask("GET", "/configs?show_secrets=true").json()] == ["demo", "core"]
    assert [each["pack"] for each in ask("GET", "/config_schemas").json()] == ["demo"]
    assert ask("GET", "/config_schemas/demo").json()["attributes"]["token"]["secret"]
    assert ask("GET", "/config_schemas/core").status_code == 404


def test_the_runners(ask: Client) -> None:
    found = ask("GET", "/runnertypes?include_attributes=name").json()
    assert len(found) == 14
    assert {"python-script", "orquesta"} < {each["name"] for each in found}
    assert ask("GET", "/runnertypes/noop").json()["uid"] == "runner_type:noop"
    assert ask.words("GET", "/runnertypes/run-python") == (
        404,
        'Resource with a name or id "run-python" not found',
    )
