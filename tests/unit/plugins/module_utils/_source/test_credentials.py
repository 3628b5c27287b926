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


def test_a_url_with_credentials_of_its_own_keeps_them_to_its_server(book):
    book.trust("https://git.example.com/org/demo.git", OWN)
    book.trust("https://index.example.com/index.json", NONE)
    assert book.find("https://git.example.com/any") == OWN
    assert book.find("https://index.example.com/any") == GIVEN
    # A later URL of that server without any does not take them away.
    book.trust("https://git.example.com/more")
    assert book.find("https://git.example.com/any") == OWN


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
