# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options about registration, and that none of their secrets shows."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import connection_options, registration_options
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration_options import (
    RegistrationOptions,
    registration_options_from,
)

SPEC = registration_options().merge(connection_options())


def params(**given):
    return {**{name: option.get("default") for name, option in SPEC.options.items()}, **given}


def test_what_is_not_given_is_the_default():
    assert registration_options_from(params()) == RegistrationOptions()
    assert RegistrationOptions().register == "auto" and RegistrationOptions().validate_certs


def test_every_option_of_the_spec_arrives():
    given = {name: f"v-{name}" for name in SPEC.options if name not in ("timeout", "validate_certs")}
    found = registration_options_from(params(**given, validate_certs=False))
    assert {name: getattr(found, name) for name in given} == given and found.validate_certs is False


def test_secrets_are_known_and_not_shown():
    secrets = {"api_key": "canary-k", "auth_token": "canary-t", "api_password": "canary-p"}
    found = registration_options_from(
        params(**secrets, api_url="https://u:canary-u@h/api", auth_url="https://u:canary-a@h/auth")
    )
    assert set(found.secrets()) == {"canary-k", "canary-t", "canary-p", "canary-u", "canary-a"}
    assert "canary" not in repr(found)


def test_every_secret_option_is_hidden_by_ansible_too():
    assert {name for name, option in SPEC.options.items() if option.get("no_log")} == {
        "api_key",
        "auth_token",
        "api_password",
    }
    assert ("api_username", "api_password") in SPEC.required_together
    assert ("api_key", "auth_token", "api_username") in SPEC.mutually_exclusive
