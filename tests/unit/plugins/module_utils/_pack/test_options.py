# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task, checked and typed."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import access_options, host_options, pack_options
from ansible_collections.stackstorm.st2.plugins.module_utils._content.request import from_option, parse_spec
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, SeveralErrors
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.options import Options, options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials, Redactor

SPEC = pack_options().merge(access_options()).merge(host_options())


def params(**given):
    """The parameters of a module as Ansible passes them: every option, with its default or None."""
    assert set(given) <= set(SPEC.options)
    return {**{name: option.get("default") for name, option in SPEC.options.items()}, **given}


def test_defaults():
    found = options_from(params(name=["sensu"]))
    assert found == Options(
        requests=(parse_spec("sensu")._replace(state="present"),),
        proxy={"http_proxy": None, "https_proxy": None, "no_proxy": None, "ca_bundle": None},
    )
    assert found.index_url is None and not found.credentials and found.secrets() == []


def test_name_and_packs_are_all_requests_in_their_order():
    item = {"name": "acme", "version": "main", "source": "git@h:org/packs", "subdir": "acme", "digest": None}
    found = options_from(params(name=["b=1.0.0", "org/a"], packs=[item]))
    asked = (parse_spec("b=1.0.0"), parse_spec("org/a"), from_option(item))
    assert found.requests == tuple(request._replace(state="present") for request in asked)


def test_an_item_may_have_a_state_of_its_own():
    items = [{"name": "a"}, {"name": "b", "state": "absent"}, {"name": "c", "state": "present"}]
    found = options_from(params(name=["d"], packs=items, state="latest"))
    assert [(one.name, one.state) for one in found.requests] == [
        ("d", "latest"), ("a", "latest"), ("b", "absent"), ("c", "present"),
    ]  # fmt: skip


OPTIONS = {
    "dependencies": "check",
    "force": True,
    "virtualenv": "never",
    "virtualenv_backend": "venv",
    "base_path": "/srv/packs",
    "index_strict": False,
    "ssh_key_file": "/key",
    "known_hosts_file": "/hosts",
    "pip_index_url": "https://pypi.example.com/simple",
    "verify": "content",
    "keep_releases": 0,
    "timeout": 1,
    "owner": "root",
    "group": "ops",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_passed_on(option):
    found = options_from(params(name=["a"], **{option: OPTIONS[option]}))
    assert getattr(found, option) == OPTIONS[option]
    assert getattr(found, option) != getattr(options_from(params(name=["a"])), option)


def test_lists_and_proxies():
    proxy = {"http_proxy": "http://p:1", "https_proxy": "", "no_proxy": "h", "ca_bundle": "/ca.pem"}
    found = options_from(params(name=["a"], index_url=["https://i/1", "https://i/2"], pip_args=["-v"], **proxy))
    assert (found.index_url, found.pip_args, found.proxy) == (("https://i/1", "https://i/2"), ("-v",), proxy)
    assert options_from(params(name=["a"], index_url=[])).index_url is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"username": "me", "password": "hunter22"}, Credentials("me", "hunter22")),
        ({"token": "hunter22"}, Credentials("", "hunter22")),
        ({"username": "me", "token": "hunter22"}, Credentials("me", "hunter22")),
        ({"username": "me"}, Credentials("me", "")),
    ],
)
def test_credentials(given, expected):
    assert options_from(params(name=["a"], **given)).credentials == expected


def test_every_secret_is_known_and_none_is_shown():
    found = options_from(
        params(
            name=["https://me:secret-1@h/a"],
            packs=[{"source": "https://me:secret-2@h/b"}, {"source": "https://h/c?private_token=secret-3"}],
            username="me",
            password="secret-4",
            index_url=["https://me:secret-5@i/index.json"],
            pip_index_url="https://me:secret%2D6@p/simple",
            http_proxy="http://me:secret-7@proxy:1",
            https_proxy="http://me:secret-8@proxy:1",
            pip_args=["--index-url=https://me:secret-9@p/simple"],
        )
    )
    assert {f"secret-{number}" for number in range(1, 9)} <= set(found.secrets())
    assert "secret" not in repr(found)
    text = "secret-1 secret-2 secret-3 secret-4 secret-5 secret-6 secret%2D6 secret-7 secret-8"
    assert "secret" not in Redactor([*found.secrets(), "secret%2D6"]).text(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ["a"], "purge": True}, "purge requires state=absent or exclusive"),
        ({"name": ["a"], "purge": True, "state": "latest"}, "purge requires state=absent or exclusive"),
        ({"name": ["a"], "keep_releases": -1}, "keep_releases is -1; the least is 0."),
        (
            {"name": ["a"], "exclusive": True, "state": "absent"},
            "exclusive goes with state=present and state=latest only",
        ),
        ({"name": [], "exclusive": True}, "exclusive with an empty list would remove every pack"),
        ({"packs": [{"name": "a", "state": "absent"}], "exclusive": True}, "exclusive with an empty list"),
        ({"name": ["a b"]}, 'The name "a b" cannot be used'),
        ({"name": ["a", ""]}, "name is empty"),
        ({"packs": [{}]}, "neither a name nor a source"),
        ({"packs": [{"name": "a", "subdir": "../b"}]}, 'The subdir "../b" cannot be used'),
    ],
)
def test_what_cannot_be_used(given, message):
    with pytest.raises(OptionError) as caught:
        options_from(params(**given))
    assert message in caught.value.message
    assert caught.value.step == "options"


def test_all_that_cannot_be_used_is_said_at_once():
    with pytest.raises(SeveralErrors, match=r'2 things are wrong: .* "a b" .* neither a name nor a source') as caught:
        options_from(params(name=["a b", "c"], packs=[{}]))
    assert caught.value.step == "options"


@pytest.mark.parametrize(
    "given",
    [
        {"name": ["a"], "state": "absent"},
        {"packs": [{"name": "a", "state": "absent"}]},
        {"name": ["a"], "exclusive": True},
        {"name": []},
    ],
)
def test_purge_goes_with_what_removes_and_with_an_empty_list(given):
    assert options_from(params(purge=True, **given)).purge


def test_an_empty_list_asks_nothing_and_may_be_all_there_is_to_be():
    assert options_from(params(name=[])).requests == ()
    assert options_from(params(name=[], exclusive=True, exclusive_empty=True)).exclusive
