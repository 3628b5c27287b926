# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What StackStorm says of an error loses every value and keeps attribute and rule."""

from __future__ import annotations

import json

import jsonschema
import pytest
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.error_text import error_text

CANARY = "ca-na-ry-7"
CONFIG_HEAD = 'Failed validating attribute "key" in config for pack "demo" (/opt/stackstorm/configs/demo.yaml): '
CASES = [
    ({"type": "integer"}, CANARY, "is not of type 'integer' (rule type at"),
    ({"type": "integer"}, f"x is not of type {CANARY}", "is not of type 'integer' (rule type at"),
    ({"enum": ["us", "eu"]}, CANARY, "is not one of ['us', 'eu'] (rule enum at"),
    ({"pattern": "^[0-9]+$"}, CANARY, "does not match"),
    ({"pattern": "^[0-9]+$"}, f"{CANARY}\n\nOn instance {CANARY}", "does not match"),
    ({"minLength": 50}, f"{CANARY} is not of type {CANARY}", "is too short (rule minLength at"),
    ({"maxLength": 3}, CANARY, "is too long (rule maxLength at"),
    ({"maxItems": 1}, [CANARY, CANARY], "rule maxItems at"),
    ({"minItems": 3}, [CANARY], "rule minItems at"),
    ({"uniqueItems": True}, [CANARY, CANARY], "has non-unique elements (rule uniqueItems at"),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, CANARY, "is not valid under any of the given schemas"),
    ({"not": {"type": "string"}}, CANARY, "rule not at"),
    ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, CANARY, "rule oneOf at"),
    ({"items": [{}], "additionalItems": False}, ["x", CANARY], "rule additionalItems at"),
    ({"minProperties": 2}, {"a": CANARY}, "rule minProperties at"),
    ({"required": ["host"]}, {"password": CANARY}, "'host' is a required property (rule required at"),
    ({"additionalProperties": False}, {"extra": CANARY}, "'extra' was unexpected"),
]


def jsonschema_error(schema, value):
    """What jsonschema says, whole: message, schema, instance."""
    validator = jsonschema.Draft4Validator({"properties": {"key": schema}})
    (error,) = list(validator.iter_errors({"key": value}))
    text = str(error)
    assert CANARY in text, "the case shows nothing that could leak"
    return text


@pytest.mark.parametrize("head", [CONFIG_HEAD, 'Failed to register rule "/p/rules/r.yaml" from pack "demo": ', ""])
@pytest.mark.parametrize("schema, value, kept", CASES)
def test_the_rule_stays_and_the_value_goes(schema, value, kept, head):
    found = error_text(head + jsonschema_error(schema, value))
    assert CANARY not in found
    assert kept in found
    assert found.startswith(head.strip()) and "\n" not in found


def test_the_same_holds_inside_of_what_a_full_registration_says():
    outer = 'Failed to register config "/opt/stackstorm/configs/demo.yaml" for pack "demo": '
    found = error_text(outer + CONFIG_HEAD + jsonschema_error({"type": "integer"}, CANARY))
    assert CANARY not in found
    assert found.startswith(outer + CONFIG_HEAD + "the value is not of type 'integer'")


def test_the_name_of_an_exception_does_not_hide_the_attribute():
    name = "st2common.exceptions.Odd: "
    assert error_text(name + CONFIG_HEAD + jsonschema_error({"type": "integer"}, CANARY)).startswith(
        name + CONFIG_HEAD + "the value"
    )


def test_a_cut_off_error_shows_no_instance_either():
    assert error_text(f"Something broke\n\nOn instance['key']:\n    '{CANARY}'") == "Something broke"


@pytest.mark.parametrize(
    "words",
    [
        'Pack "zz" not found on disk: Directory "/opt/stackstorm/packs/zz" doesn\'t exist',
        'Failed to register action "/p/actions/a.yaml" from pack "p": RunnerType x is not found. See https://d.example/#a',
        'User "observer" doesn\'t have required permission "pack_register"',
        "Override attempted with invalid default key foo in pack pk",
    ],
)
def test_plain_words_stay_as_they_are(words):
    assert error_text(f" {words}\n") == words


def test_words_become_one_printable_line_of_bounded_length():
    assert error_text("one\n  two\tthree\x1b[31m") == "one two three\\x1b[31m"
    assert len(error_text("x" * 10_000)) < 2_100


def test_of_a_database_that_is_down_only_what_is_wrong_stays():
    refused = "127.0.0.1:27017: [Errno 111] Connection refused (configured timeouts: connectTimeoutMS: 3000.0ms)"
    servers = (
        "<ServerDescription ('127.0.0.1', 27017) server_type: Unknown, rtt: None, error=AutoReconnect('127.0.0.1: "
        "[Errno 111] Connection refused')>"
    )
    more = f", Timeout: 3.0s, Topology Description: <TopologyDescription id: 65f0, topology_type: Single, [{servers}]>"
    error = "pymongo.errors.ServerSelectionTimeoutError: "
    assert error_text(f"{error}{refused}{more}") == f"{error}{refused}"
    assert error_text(f"{error}{refused}") == f"{error}{refused}"


def test_the_hash_of_an_api_key_is_left_out():
    assert error_text("Unauthorized - ApiKey with key_hash=0e0558f0c2 not found.") == "Unauthorized"


def test_real_answers_say_no_value_of_a_config():
    folder = real_data()
    if folder is None:
        pytest.skip(MISSING)
    faults = {}
    for path in sorted((folder / "st2-api").glob("*.json")):
        body = json.loads(path.read_text())["response"]["body"]
        if isinstance(body, dict) and "faultstring" in body:
            faults[path.name] = body["faultstring"]
    assert len(faults) > 30
    (bad,) = [text for name, text in faults.items() if name.endswith("config-put-bad.json")]
    assert (
        "'mars'" in bad
        and "mars" not in error_text(bad)
        and "is not one of ['us', 'eu'] (rule enum at" in error_text(bad)
    )
    for text in faults.values():
        assert "key_hash" not in error_text(text) and "\n" not in error_text(text)
