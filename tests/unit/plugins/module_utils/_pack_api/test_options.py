# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task that StackStorm carries out, and those that mean nothing to it."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    access_options,
    pack_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.options import ApiOptions, options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.request import ApiRequest
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import params

GIVEN = {
    "base_path": "/srv/packs",
    "bundle": "packs.bundle",
    "exclusive": True,
    "exclusive_empty": True,
    "fail_on_failure": False,
    "group": "st2packs",
    "http_proxy": "http://proxy:3128",
    "https_proxy": "http://proxy:3128",
    "index_allowed_signers": ["me@example.com ssh-ed25519 AAAA"],
    "index_url": ["https://index.example.com"],
    "keep_releases": 2,
    "known_hosts_file": "/etc/known_hosts",
    "lock": "{}",
    "locked": "prefer",
    "lockfile": "packs.lock.yml",
    "no_proxy": "*",
    "owner": "st2",
    "password": "secret",
    "phase": "stage",
    "pip_args": ["--no-index"],
    "pip_index_url": "https://pypi.example.com",
    "prune": True,
    "purge": True,
    "register": "local",
    "register_types": ["action"],
    "remote_src": False,
    "ssh_key_file": "/root/.ssh/id",
    "token": "secret",
    "username": "me",
    "verify": "content",
    "verify_signature": {"allowed_signers": ["me@example.com ssh-ed25519 AAAA"]},
    "virtualenv": "never",
    "virtualenv_backend": "uv",
}
# What a task may say to StackStorm.
MEANT = {"name", "version", "packs", "backend", "state", "dependencies", "force", "allow_downgrade", "index_strict"} | {
    "timeout",
    "ca_bundle",
}
ACCESS = {"api_url", "auth_url", "api_key", "auth_token", "api_username", "api_password", "validate_certs"}


def options(**given):
    return options_from(params(pack_options(), **{"backend": "api", "name": ["sensu"], **given}))


def test_what_a_task_asks():
    sensu = ApiRequest("sensu", "sensu", "sensu")
    assert options() == ApiOptions((sensu,))
    found = options(state="latest", dependencies="check", force=True, index_strict=False, timeout=5, register="api")
    assert found == ApiOptions((sensu,), "latest", "check", True, False, 5)


@pytest.mark.parametrize("option", sorted(GIVEN))
def test_an_option_that_means_nothing_to_stackstorm_is_refused_by_name(option):
    with pytest.raises(OptionError) as caught:
        options(**{option: GIVEN[option]})
    assert caught.value.message.startswith(option) and "backend=api" in caught.value.message
    assert "secret" not in caught.value.message


def test_every_option_is_either_meant_or_refused():
    known = pack_options().merge(access_options()).merge(registration_options()).options
    assert set(known) == MEANT | ACCESS | set(GIVEN)
