# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are found at every depth, and nothing of them is shown."""

from __future__ import annotations

import collections

import pytest
import yaml
from hypothesis import given, settings
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._config.redaction import Redaction, means_secret
from ansible_collections.stackstorm.st2.plugins.module_utils._config.values import merged
from ansible_collections.stackstorm.st2.plugins.module_utils._content.config_schema import ConfigSchema, read_schema
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._config.config_values import CONFIGS

SECRET = {"type": "string", "secret": True}
CANARY = "c4nary"


@pytest.mark.parametrize(
    "item, value, masked",
    [
        (SECRET, CANARY, "********"),
        ({"type": "object", "secret": True}, {"a": CANARY}, "********"),
        ({"type": "array", "secret": True}, [CANARY], "********"),
        ({"type": "object", "properties": {"b": SECRET}}, {"b": CANARY, "c": 1}, {"b": "********", "c": 1}),
        ({"patternProperties": {"^b": SECRET}}, {"b1": CANARY, "c": 1}, {"b1": "********", "c": 1}),
        ({"patternProperties": {"(": SECRET}}, {"b1": CANARY}, {"b1": "********"}),
        ({"additionalProperties": SECRET, "properties": {"c": {}}}, {"b": CANARY, "c": 1}, {"b": "********", "c": 1}),
        ({"items": SECRET}, [CANARY, CANARY], ["********", "********"]),
        ({"items": [{}, SECRET], "additionalItems": SECRET}, [1, CANARY, CANARY], [1, "********", "********"]),
        ({"patternProperties": {".": {"$ref": "#/properties/ref"}}}, {"b": {"p": CANARY}}, {"b": {"p": "********"}}),
        ({"anyOf": [{"type": "integer"}, SECRET]}, CANARY, "********"),
        ({"allOf": [{"oneOf": [{"items": SECRET}]}]}, [CANARY], ["********"]),
        ({"dependencies": {"x": {"properties": {"b": SECRET}}}}, {"b": CANARY}, {"b": "********"}),
        (
            {"properties": {"b": {"$ref": "#/properties/loop"}}},
            {"b": {"b": {"s": CANARY}}},
            {"b": {"b": {"s": "********"}}},
        ),
        (SECRET, None, None),
    ],
    ids=str,
)
def test_what_a_schema_says_is_secret_is_masked(item, value, masked):
    ref = {"type": "object", "properties": {"p": SECRET}}
    loop = {"properties": {"b": {"$ref": "#/properties/loop"}, "s": SECRET}}
    redaction = Redaction(ConfigSchema({"k": item, "ref": ref, "loop": loop}))
    values = {"k": value, "ref": {}}
    assert redaction.mask(values) == {"k": masked, "ref": {}}
    assert redaction.secret_texts(values) == ([] if value is None else [CANARY] * str(value).count(CANARY))
    assert redaction.holds_secrets(("k",))


def test_what_the_task_gave_as_secret_is_masked_on_both_sides():
    redaction = Redaction(None, {"a": {"b": CANARY}, "l": [CANARY]})
    before, after = redaction.pair({"a": {"b": "old", "c": 1}, "l": [1]}, {"a": {"b": CANARY, "c": 1}, "l": [CANARY]})
    assert before == {"a": {"b": "******** (old)", "c": 1}, "l": "******** (old)"}
    assert after == {"a": {"b": "******** (new)", "c": 1}, "l": "******** (new)"}
    assert redaction.hides(("a", "b")) and not redaction.hides(("a", "c"))


def test_a_secret_that_stays_is_not_said_to_differ():
    redaction = Redaction(ConfigSchema({"a": SECRET}))
    assert redaction.pair({"a": "x"}, {"a": "x", "b": 1}) == ({"a": "********"}, {"a": "********", "b": 1})
    assert redaction.pair({}, {"a": "x"}) == ({}, {"a": "********"})
    assert redaction.pair({"a": None}, {"a": "x"}) == ({"a": None}, {"a": "********"})


SECRET_NAMES = """password Password api_key apiKey APIKEY splunkToken client_secret aws_secret_access_key passphrase
credentials pass auth_token private_key snmp_community authkey webhook"""
OTHER_NAMES = """key_file token_url auth_method password_length keyboard monkey author passenger compass url user ssl
tokenizer client_cert_key_path credentials_file token_timeout"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_names_that_mean_a_secret(name):
    assert means_secret(name)


@pytest.mark.parametrize("name", OTHER_NAMES.split())
def test_names_that_mean_none(name):
    assert not means_secret(name)


def test_below_a_secret_name_every_text_and_number_is_masked():
    values = {"credentials": {"dev": {"user": "u", "n": 1, "on": True, "list": ["x"]}}, "token": True, "keys": ["a"]}
    assert Redaction(None).mask(values) == {
        "credentials": {"dev": {"user": "********", "n": "********", "on": True, "list": ["********"]}},
        "token": True,
        "keys": ["********"],
    }


# As of the packs openstack and libcloud.
OPENSTACK = {
    "password": {"type": "object", "properties": {"OS_USERNAME": {}, "OS_REGION_NAME": {}, "OS_PASSWORD": SECRET}}
}
LIBCLOUD = {
    "credentials": {"type": "object", "patternProperties": {r"^\w+": {"$ref": "#/properties/providers"}}},
    "providers": {
        "anyOf": [{"properties": {"api_key": {"required": True}, "api_secret": {"required": True}}}],
        "properties": {"api_key": {}, "api_secret": SECRET, "region": {}, "extra_kwargs": {"type": "object"}},
    },
}


def test_a_schema_that_marks_keys_itself_is_not_overruled_by_the_name_around_them():
    values = {"password": {"OS_USERNAME": "u", "OS_REGION_NAME": "r", "OS_PASSWORD": CANARY, "other": CANARY}}
    masked = {"OS_USERNAME": "u", "OS_REGION_NAME": "r", "OS_PASSWORD": "********", "other": "********"}
    assert Redaction(ConfigSchema(OPENSTACK)).mask(values) == {"password": masked}
    one = {"api_secret": CANARY, "region": "eu", "extra_kwargs": {"project": "p", "token": CANARY}}
    redaction = Redaction(ConfigSchema(LIBCLOUD))
    assert redaction.mask({"credentials": {"ec2": one}}) == {
        "credentials": {
            "ec2": {"api_secret": "********", "region": "eu", "extra_kwargs": {"project": "p", "token": "********"}}
        }
    }
    assert redaction.secret_texts({"credentials": {"ec2": one}}) == [CANARY, CANARY]


def test_a_key_that_is_named_for_a_secret_is_one_where_the_schema_marks_another():
    """As C(st2_api_key) of the pack ghost2logger and C(bearer_token) of kubernetes, which their schemas forgot."""
    redaction = Redaction(ConfigSchema({"password": SECRET, "bearer_token": {"type": "string"}}))
    assert redaction.mask({"bearer_token": CANARY}) == {"bearer_token": "********"}


@settings(max_examples=60, deadline=None)
@given(CONFIGS, CONFIGS, CONFIGS)
def test_no_secret_of_the_task_or_the_schema_is_shown(before, config, extra):
    secrets = merged(extra, {"nested": {"token-ish": CANARY, "number": 47110815}, "a": CANARY})
    schema = ConfigSchema({"b": {"secret": True}, "url": {"additionalProperties": {"secret": True}}})
    redaction = Redaction(schema, secrets)
    after = merged(merged(config, {"b": [CANARY], "url": {"z": {"y": CANARY}}}), secrets)
    if not isinstance(after.get("url"), dict):
        after["url"] = {"z": CANARY}
    pairs = [redaction.pair(*both) for both in ((before, after), (after, before))]
    shown = repr([redaction.mask(after), *pairs])
    assert CANARY not in shown and "47110815" not in shown
    texts = redaction.secret_texts(after)
    assert CANARY in texts and "47110815" in texts


def test_every_secret_of_the_real_examples_is_masked():
    folder = real_data()
    if folder is None:
        pytest.skip(MISSING)
    secrets = 0
    for path in folder.glob("exchange/packs/*/config.schema.yaml"):
        redaction = Redaction(read_schema(str(path)))
        for example in path.parent.glob("*.example"):
            values = yaml.safe_load(example.read_bytes())
            texts = collections.Counter(redaction.secret_texts(values))
            secrets += sum(texts.values())
            shown = collections.Counter(_leaves(redaction.mask(values)))
            del shown["********"]
            assert shown == collections.Counter(_leaves(values)) - texts, example
    assert secrets > 40


def _leaves(value):
    if isinstance(value, (dict, list)):
        return [leaf for item in (value.values() if isinstance(value, dict) else value) for leaf in _leaves(item)]
    return [str(value)]
