# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server gets which credentials."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials
from ansible_collections.stackstorm.st2.plugins.module_utils._source.credentials import CredentialBook

GIVEN = Credentials("me", "the-tasks-own")
OWN = Credentials("bot", "from-the-url")
NONE = Credentials()


@pytest.fixture
def book():
    one = CredentialBook(GIVEN)
    one.trust("https://git.example.com/org/demo.git")
    return one


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://git.example.com/org/demo.git", GIVEN),
        ("https://git.example.com/another/pack", GIVEN),
        ("https://git.example.com", GIVEN),
        ("HTTPS://Git.Example.Com/org/demo", GIVEN),
        ("https://git.example.com:443/org/demo", GIVEN),
        ("https://someone@git.example.com/org/demo", GIVEN),
        ("http://git.example.com/org/demo.git", NONE),
        ("https://git.example.com:8443/org/demo.git", NONE),
        ("https://git.example.com.evil.net/org/demo.git", NONE),
        ("https://evil.net/git.example.com", NONE),
        ("https://git.example.com@evil.net/org/demo.git", NONE),
        ("https://evil.net/?https://git.example.com/", NONE),
        ("https://example.com/org/demo.git", NONE),
        ("https://sub.git.example.com/org/demo.git", NONE),
        ("ssh://git@git.example.com/org/demo.git", NONE),
        ("git://git.example.com/org/demo.git", NONE),
        ("git@git.example.com:org/demo.git", NONE),
        ("file:///srv/demo", NONE),
        ("/srv/demo", NONE),
        ("https://", NONE),
        ("", NONE),
    ],
)
def test_only_the_servers_that_are_named_get_something(book, url, expected):
    assert book.find(url) == expected


def test_the_credentials_of_a_url_are_that_urls(book):
    book.trust("https://git.example.com/org/demo.git", OWN)
    book.trust("https://git.example.com/org/more.git", Credentials("bot", "another"))
    book.trust("https://index.example.com/index.json", NONE)
    assert book.find("https://git.example.com/org/demo") == OWN
    assert book.find("https://git.example.com:443/org/more.git/") == Credentials("bot", "another")
    assert book.find("https://git.example.com/org/demo2") == GIVEN
    assert book.find("https://index.example.com/any") == GIVEN
    # The same without any does not take them away.
    book.trust("https://git.example.com/org/demo.git")
    assert book.find("https://git.example.com/org/demo.git") == OWN


@pytest.mark.parametrize(
    ("account", "given", "expected"),
    [
        ("acme", GIVEN, Credentials("acme", "the-tasks-own")),
        ("acme", Credentials("", "to-ken"), Credentials("acme", "to-ken")),
        (
            "gitlab+deploy-token-1234567",
            Credentials("", "to-ken"),
            Credentials("gitlab+deploy-token-1234567", "to-ken"),
        ),
        ("acme", NONE, Credentials("acme", "")),
        # Tokens, which stand alone where no account is needed.
        ("ghp_0123456789abcdefghij", GIVEN, Credentials("ghp_0123456789abcdefghij", "")),
        ("glpat-x", GIVEN, Credentials("glpat-x", "")),
        ("0123456789abcdef0123456789abcdef", GIVEN, Credentials("0123456789abcdef0123456789abcdef", "")),
    ],
)
def test_an_account_name_in_a_url_goes_with_the_tasks_secret(account, given, expected):
    one = CredentialBook(given)
    one.trust("https://git.example.com/org/demo", Credentials(account, ""))
    assert one.find("https://git.example.com/org/demo.git") == expected
    assert one.find("https://git.example.com/org/other") == given


@pytest.mark.parametrize("url", [None, "", "/srv/demo", "git@git.example.com:org/demo", "ssh://git@h/x", "file:///x"])
def test_what_is_no_web_server_is_never_trusted(url):
    one = CredentialBook(GIVEN)
    one.trust(url, OWN)
    for asked in (url or "", "https://h/x", "https://git.example.com/x", "https:///x"):
        assert one.find(asked) == NONE


def test_nothing_given_is_nothing_found():
    one = CredentialBook(NONE)
    one.trust("https://git.example.com/")
    assert not one.find("https://git.example.com/")
