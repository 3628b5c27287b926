# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By what the two runs of a task in two phases find each other."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    access_options,
    host_options,
    pack_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.asked import asked_digest
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.options import options_from
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import params

DIGEST = f"sha256:{'a' * 64}"


def asked(**given):
    spec = pack_options().merge(access_options()).merge(registration_options()).merge(host_options())
    task = params(spec, **{"name": ["sensu=1.0.0"], **given})
    return asked_digest(options_from(task), task)


@pytest.mark.parametrize(
    "given",
    [
        {"phase": "swap"},
        {"phase": "stage", "timeout": 5, "https_proxy": "http://proxy:1"},
        {"register": "api", "api_key": "k", "register_types": ["action"], "prune": True},
        {"token": "secret"},
        {"verify": "database"},
    ],
)
def test_how_it_is_had_and_who_is_told_is_not_asked(given):
    assert asked(**given) == asked()


@pytest.mark.parametrize(
    "given",
    [
        {"name": ["sensu=1.0.1"]},
        {"name": ["sensu"]},
        {"name": ["sensu=1.0.0", "jira"]},
        {"state": "latest"},
        {"state": "absent"},
        {"state": "absent", "purge": True},
        {"exclusive": True},
        {"keep_releases": 2},
        {"virtualenv": "never"},
        {"dependencies": "skip"},
        {"owner": "st2"},
        {"verify": "content"},
        {"index_url": ["https://index.example.com"]},
        {"verify_signature": {"allowed_signers": ["me@example.com ssh-ed25519 AAAA"], "require": "tag"}},
        {"packs": [{"name": "jira"}]},
        {"packs": [{"name": "jira", "config": {"a": 1}}]},
        {"packs": [{"name": "jira", "config": {"a": 2}}]},
        {"packs": [{"name": "jira", "secrets": {"a": 2}}]},
        {"packs": [{"name": "jira", "overrides": {"actions": {"disabled": ["x"]}}}]},
    ],
)
def test_what_is_asked_is(given):
    assert asked(**given) != asked()


def test_no_two_of_these_are_alike():
    configs = [{"a": 1}, {"a": 2}, {"a": "1"}, {"b": 1}]
    assert len({asked(packs=[{"name": "jira", "config": config}]) for config in configs}) == len(configs)


def test_a_directory_of_the_controller_is_known_by_what_it_holds():
    def sent(source, digest, upload=None):
        pack = {"source": source, "digest": digest, "upload": upload}
        return asked(name=None, packs=[pack], remote_src=False)

    assert sent("/a/demo", DIGEST) == sent("/b/demo", DIGEST) == sent("/a/demo", DIGEST, "/tmp/demo.tar")
    assert sent("/a/demo", DIGEST) != sent("/a/demo", f"sha256:{'b' * 64}")


def test_a_new_password_in_an_address_is_the_same_index():
    one, other = (asked(index_url=[f"https://me:{password}@index.example.com"]) for password in ("a", "b"))
    assert one == other
