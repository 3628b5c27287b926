# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statuses of the API become errors; those of real answers are told apart."""

from __future__ import annotations

import json

import pytest
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    ForbiddenError,
    InvalidContentError,
    MissingError,
    RegistrationError,
    ServerError,
    UnauthorisedError,
    UnexpectedAnswerError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_errors import error_of

KINDS = {
    400: InvalidContentError,
    401: UnauthorisedError,
    403: ForbiddenError,
    404: MissingError,
    500: ServerError,
}
CREDENTIALS = ("Unauthorized - One of Token or API key required.", "Unauthorized - ApiKey is invalid.")


def test_credentials_that_are_missing_are_not_called_wrong():
    told = {words: error_of(401, words, "GET /packs", "http://h/v1", Redactor()).message for words in CREDENTIALS}
    assert ["requires credentials for GET /packs" in message for message in told.values()] == [True, False]
    assert all("Set api_key, auth_token, or api_username and api_password" in message for message in told.values())


def test_an_error_without_words_is_a_sentence_too():
    for status in (*KINDS, 405, 418, 502):
        message = error_of(status, "", "GET /packs", "http://h/v1", Redactor()).message
        assert message.endswith((".", "?")) and "GET /packs" in message and ": ." not in message


def test_other_statuses_are_not_guessed_at():
    assert error_of(418, "teapot", "GET /packs", "http://h", Redactor()).__class__ is UnexpectedAnswerError


def test_real_answers_are_told_apart():
    folder = real_data()
    if folder is None:
        pytest.skip(MISSING)
    seen = set()
    for path in sorted((folder / "st2-api").glob("*.json")):
        record = json.loads(path.read_text())
        status, body = record["response"]["status"], record["response"]["body"]
        if status < 400 or not isinstance(body, dict):
            continue
        error = error_of(status, body["faultstring"], "GET /x", "http://h/v1", Redactor())
        assert error.__class__ is KINDS[status] and isinstance(error, RegistrationError), path.name
        if status == 403:
            assert error.permission.startswith("pack_"), path.name
        seen.add(status)
    assert seen == set(KINDS)


@pytest.mark.parametrize(
    ("permission", "resource", "expected"),
    [
        # As st2rbac_backend/resolvers.py grants them, which are not always those that StackStorm names.
        ("execution_view", "execution:6b02", "the permission action_view on the resource pack:packs"),
        ("execution_stop", "execution:6b02", "the permission action_execute on the resource pack:packs"),
        ("action_view", "action:packs:install", "the permission action_view on the resource pack:packs"),
        ("action_execute", "action:packs:unload", "the permission action_execute and action_view on the resource"),
        ("action_view", "action:demo:run", "the permission action_view on action:demo:run."),
        ("pack_install", "", "the permission pack_install and pack_register, and action_execute and action_view on"),
        ("pack_uninstall", "", "the permission pack_uninstall, and action_execute and action_view on the resource"),
        ("pack_register", "", "the permission pack_register."),
        ("pack_config", "", "the permission pack_config."),
        ("pack_view", "pack:demo", "the permission pack_view on pack:demo."),
        ("rule_delete", "rule:demo:one", "the permission rule_delete on rule:demo:one."),
    ],
)
def test_a_permission_that_is_missing_is_told_as_it_can_be_granted(permission, resource, expected):
    where = f' on resource "{resource}"' if resource else ""
    said = f'User "bob" doesn\'t have required permission "{permission}"{where}'
    error = error_of(403, said, "GET /x", "http://h", Redactor())
    assert expected in error.message and error.permission == permission
    advice = error.message.rpartition("Grant the account")[2]
    assert "execution_view" not in advice and "execution_stop" not in advice


def test_a_refusal_without_a_permission_has_no_advice():
    assert error_of(403, "no", "GET /x", "http://h", Redactor()).message == "StackStorm forbids GET /x: no."
