# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stand-in StackStorm checks, saves and hides configs."""

from __future__ import annotations

import stat
import typing as t
from pathlib import Path

import pytest
import yaml

from infrastructure.packs import PackTree
from infrastructure.real_data import MISSING, real_data
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import ADMIN, OBSERVER, StackStormStub
from infrastructure.st2_stub.config_values import MASK, Misuse, check_config, check_config_schema, mask, plain
from infrastructure.st2_stub.schema_rules import SchemaViolation

requests = pytest.importorskip("requests")

Schema = t.Dict[str, t.Any]

# Schemas


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"type": "object", "properties": {"a": {"nonsense": 1, "format": "x", "type": ["string", "integer"]}}},
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"patternProperties": {"^x": {"required": True}}, "additionalProperties": {"type": "string"}},
        {"$ref": "#/properties/other"},
        {"enum": ["a"], "default": None, "secret": True, "position": 1, "immutable": False, "required": False},
        {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
    ],
)
def test_schemas_that_are_accepted(item: Schema) -> None:
    check_config_schema({"key": item})


@pytest.mark.parametrize(
    "schema",
    [
        {"key": None},
        {"key": {"nonsense": 1}},
        {"key": {"type": "string", "format": "uri"}},
        {"key": {"type": ["string", "integer"]}},
        {"key": {"type": "text"}},
        {"key": {"type": "object", "properties": {"a": {"type": "text"}}}},
        {"key": {"type": "object", "required": ["a"]}},
        {"key": {"type": "array", "items": {"type": "object", "required": ["a"]}}},
        {"key": {"enum": []}},
        {"key": {"exclusiveMaximum": True}},
        {"a-b": {}},
        ["key"],
    ],
)
def test_schemas_that_are_refused(schema: t.Any) -> None:
    with pytest.raises(SchemaViolation):
        check_config_schema(schema)


# Values


def _check(schema: Schema, values: t.Any) -> None:
    check_config(schema, values, "demo", "/configs/demo.yaml")


STRING: Schema = {"type": "string"}
NEEDED: Schema = {"type": "string", "required": True}
NESTED: Schema = {
    "type": "object",
    "properties": {"a": NEEDED, "b": {"type": "integer"}},
    "additionalProperties": False,
}
REFERENCES: Schema = {
    "hidden": {"type": "object", "properties": {"user": NEEDED}, "additionalProperties": False},
    "all": {"type": "object", "patternProperties": {"^\\w+$": {"$ref": "#/properties/hidden"}}},
}


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"key": {**NEEDED, "default": "x"}}, {}),
        ({"key": {**NEEDED, "default": "x"}}, {"key": None}),
        ({"key": STRING}, {"other": 1}),
        ({"key": STRING}, {"key": None}),
        ({"key": STRING}, {"key": "{{ st2kv.system.x }}"}),
        ({"key": {"required": True}}, {"key": 5}),
        ({"key": {"default": 4}}, {"key": 5}),
        ({"key": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}, {"key": "{{ x }}"}),
        ({"key": {"type": "integer", "default": None}}, {"key": None}),
        ({"key": {"type": "string", "format": "uri"}}, {"key": "no uri"}),
        ({"key": NESTED}, {}),
        ({"key": NESTED}, {"key": {"a": "x", "b": None}}),
        (REFERENCES, {"all": {"one": {"user": "x"}}}),
        ({}, {"anything": [1]}),
        ({"key": STRING}, {"key": yaml.safe_load("2026-01-02")}),
        (
            {"key": {"type": "object", "properties": {"a": {**STRING, "secret": True}}}},
            {"key": {"a": "{{ x|decrypt_kv }}"}},
        ),
    ],
)
def test_values_that_are_accepted(schema: Schema, values: t.Any) -> None:
    _check(schema, values)


@pytest.mark.parametrize(
    ("schema", "values", "attribute"),
    [
        ({"key": NEEDED}, {}, "key"),
        ({"key": NEEDED}, {"key": None}, "key"),
        ({"key": {"type": "integer"}}, {"key": "80"}, "key"),
        ({"key": {"type": "integer"}}, {"key": True}, "key"),
        ({"key": {"type": "integer"}}, {"key": "{{ st2kv.system.x }}"}, "key"),
        ({"key": {"type": "string", "enum": ["a"]}}, {"key": None}, "key"),
        ({"key": {"description": "no type"}}, {"key": 5}, "key"),
        ({"key": {"type": "integer", "default": "8088"}}, {}, "key"),
        ({"key": {"type": "array", "items": STRING}}, {"key": ["a", None]}, "key.1"),
        ({"key": NESTED}, {"key": {"b": 1}}, "key.a"),
        ({"key": NESTED}, {"key": {"a": "x", "more": 1}}, "key"),
        (REFERENCES, {"all": {"one": {}}}, "all.one.user"),
        ({"key": STRING}, ["key"], ""),
    ],
)
def test_values_that_are_refused(schema: Schema, values: t.Any, attribute: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        _check(schema, values)
    start = f'Failed validating attribute "{attribute}" in config for pack "demo" (/configs/demo.yaml): '
    assert str(caught.value).startswith(start)


def test_a_missing_key_prints_everything() -> None:
    with pytest.raises(SchemaViolation, match=r"'host' is a required property(?s:.)*'pw': 'canary'"):
        _check({"host": NEEDED, "pw": {**STRING, "secret": True}}, {"pw": "canary"})


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"key": {**STRING, "secret": True}}, {"key": "{{ st2kv.system.x | decrypt_kv }}"}),
        ({"key": {**STRING, "secret": True, "default": "{{ x | decrypt_kv }}"}}, {}),
    ],
)
def test_secrets_are_not_decrypted_by_hand(schema: Schema, values: Schema) -> None:
    with pytest.raises(Misuse):
        _check(schema, values)
    with pytest.raises(AttributeError):
        _check({"other": STRING}, {"key": "{{ x | decrypt_kv }}"})


def test_what_the_exchange_has_is_accepted() -> None:
    data = real_data()
    if data is None:
        pytest.skip(MISSING)
    schemas = sorted((data / "exchange" / "packs").glob("*/config.schema.yaml"))
    examples = 0
    for path in schemas:
        schema = plain(yaml.safe_load(path.read_bytes()))
        check_config_schema(schema)
        example = path.parent / f"{path.parent.name}.yaml.example"
        if example.exists():
            examples += 1
            _check(schema, yaml.safe_load(example.read_bytes()) or {})
    assert (len(schemas) >= 40, examples >= 30) == (True, True)


# Secrets


def test_what_is_hidden() -> None:
    secret = {**STRING, "secret": True}
    schema: Schema = {
        "plain": STRING,
        "token": secret,
        "object": {"type": "object", "properties": {"pw": secret, "user": STRING}},
        "list": {"type": "array", "items": {"type": "object", "properties": {"pw": secret}}},
        "whole": {"type": "object", "secret": True},
        "patterns": {"type": "object", "patternProperties": {"": {"type": "object", "properties": {"pw": secret}}}},
        "more": {"type": "object", "additionalProperties": secret},
    }
    values = {
        "plain": "a",
        "token": "b",
        "object": {"pw": "c", "user": "d"},
        "list": [{"pw": "e"}, {"pw": "f"}],
        "whole": {"x": "g"},
        "patterns": {"one": {"pw": "in clear"}},
        "more": {"two": "in clear"},
    }
    assert mask(values, schema) == {
        "plain": "a",
        "token": MASK,
        "object": {"pw": MASK, "user": "d"},
        "list": [{"pw": MASK}, {"pw": MASK}],
        "whole": MASK,
        "patterns": {"one": {"pw": "in clear"}},
        "more": {"two": "in clear"},
    }
    assert mask({"secret": "a"}, {"secret": STRING}) == MASK


# The API


@pytest.fixture
def host(tmp_path: Path) -> ScratchHost:
    made = ScratchHost(tmp_path / "host")
    made.place(PackTree("demo"), "demo")
    made.place(PackTree("bare", minimal=True), "bare")
    return made


@pytest.fixture
def stub(host: ScratchHost) -> t.Iterator[StackStormStub]:
    with StackStormStub(host) as running:
        yield running


def ask(
    stub: StackStormStub, method: str, path: str, body: t.Any = None, key: str = ADMIN.api_key
) -> t.Tuple[int, t.Any]:
    """Send a request; return the status, and the body or the words of the refusal."""
    url = f"{stub.api_url}/v1{path}"
    answer = requests.request(method, url, json=body, headers={"St2-Api-Key": key}, timeout=20)
    found = answer.json()
    return answer.status_code, found.get("faultstring", found) if isinstance(found, dict) else found


def test_a_config_is_put_into_file_and_database(host: ScratchHost, stub: StackStormStub) -> None:
    values = {"url": "here", "token": "canary", "more": 1}
    status, document = ask(stub, "PUT", "/configs/demo", values)
    assert (status, document["values"]) == (200, {**values, "token": MASK})
    path = host.configs / "demo.yaml"
    assert path.read_text() == "more: 1\ntoken: canary\nurl: here\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert stub.config("demo") == values
    path.chmod(0o600)
    ask(stub, "PUT", "/configs/demo", {"url": "there"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stub.config("demo") == {"url": "there"}


def test_secrets_are_shown_to_admins(stub: StackStormStub) -> None:
    ask(stub, "PUT", "/configs/demo", {"url": "here", "token": "canary"})
    assert ask(stub, "GET", "/configs/demo?show_secrets=true")[1]["values"]["token"] == "canary"
    assert ask(stub, "GET", "/configs/demo")[1]["values"]["token"] == MASK
    stub.accounts.rbac = True
    shown = ask(stub, "GET", "/configs/demo?show_secrets=true", key=OBSERVER.api_key)
    assert (shown[0], shown[1]["values"]["token"]) == (200, MASK)


def test_what_the_schema_refuses_is_not_saved(host: ScratchHost, stub: StackStormStub) -> None:
    status, text = ask(stub, "PUT", "/configs/demo", {"token": "canary"})
    assert (status, "'url' is a required property" in text) == (400, True)
    assert stub.config("demo") is None
    assert not (host.configs / "demo.yaml").exists()


@pytest.mark.parametrize("ref", ["bare", "nobody"])
def test_without_a_schema_it_is_saved_and_not_found(host: ScratchHost, stub: StackStormStub, ref: str) -> None:
    ask(stub, "PUT", "/configs/demo", {"url": "here"})
    text = f"Unable to find the ConfigSchemaDB instance. {{'pack': '{ref}'}}"
    assert ask(stub, "PUT", f"/configs/{ref}", {"a": 1}) == (404, text)
    assert (host.configs / f"{ref}.yaml").read_text() == "a: 1\n"
    assert stub.config(ref) == {"a": 1}
    assert ask(stub, "GET", "/configs") == (404, text)
    assert [each["pack"] for each in ask(stub, "GET", "/configs?show_secrets=true")[1]] == ["demo", ref]
    stub.executions.polls_until_done = 1
    unload = {"action": "packs.unload", "parameters": {"packs": [ref]}}
    ask(stub, "GET", f"/executions/{ask(stub, 'POST', '/executions', unload)[1]['id']}")
    assert ask(stub, "GET", "/configs")[0] == 200


def test_what_is_not_there_is_not_found(stub: StackStormStub) -> None:
    text = 'Unable to identify resource with pack_ref "{}".'
    assert ask(stub, "GET", "/configs/demo") == (404, text.format("demo"))
    assert ask(stub, "GET", "/configs/nobody") == (404, text.format("nobody"))
    assert ask(stub, "GET", "/config_schemas/bare") == (404, text.format("bare"))
    assert ask(stub, "GET", "/config_schemas/nobody") == (404, 'Resource with a ref or id "nobody" not found')
    assert ask(stub, "DELETE", "/configs/demo") == (404, "The resource could not be found.")
    assert ask(stub, "GET", "/config_schemas/demo")[1]["attributes"] == stub.config_schema("demo")


def test_registration_of_an_invalid_config_is_a_bare_500(host: ScratchHost, stub: StackStormStub) -> None:
    (host.configs / "demo.yaml").write_text("token: canary\n")
    for body in ({"packs": ["demo"]}, {"packs": ["demo"], "types": ["configs"], "fail_on_failure": False}):
        assert ask(stub, "POST", "/packs/register", body) == (500, "Internal Server Error")
    status, text = ask(stub, "POST", "/packs/register", {})
    assert (status, text.startswith(f'Failed to register config "{host.configs}/demo.yaml"')) == (400, True)
    assert ask(stub, "POST", "/packs/register", {"fail_on_failure": False})[1]["configs"] == 0
    assert stub.config("demo") is None


def test_a_config_is_registered_from_its_file_and_stays(host: ScratchHost, stub: StackStormStub) -> None:
    (host.configs / "demo.yaml").write_text("url: here\nwhen: 2026-01-02\n")
    assert stub.register("demo", types=["configs"]) == {"configs": 1}
    assert stub.config("demo") == {"url": "here", "when": "2026-01-02"}
    (host.configs / "demo.yaml").unlink()
    assert stub.register("demo", types=["configs"]) == {"configs": 0}
    assert stub.config("demo") == {"url": "here", "when": "2026-01-02"}
    (host.configs / "bare.yaml").write_text("")
    stub.register("bare", types=["configs"])
    assert stub.config("bare") == {}


def test_an_invalid_schema_keeps_the_pack_from_being_registered(host: ScratchHost, stub: StackStormStub) -> None:
    for content, words in (("key: {format: uri}\n", "('format' was unexpected)"), ("", "is empty and invalid")):
        (host.packs / "bare" / "config.schema.yaml").write_text(content)
        status, text = ask(stub, "POST", "/packs/register", {"packs": ["bare"]})
        assert (status, text[:32], words in text) == (400, 'Failed to register pack "bare": ', True)
