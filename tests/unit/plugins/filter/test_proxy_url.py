# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of proxies as variables carry them: what comes in is what programs understand, and never in a message."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.needs_ansible


@pytest.fixture
def proxy_url():
    from ansible_collections.stackstorm.st2.plugins.filter.proxy_url import FilterModule

    return FilterModule().filters()["proxy_url"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        (None, ""),
        ("http://proxy:3128", "http://proxy:3128"),
        ("http://proxy:3128/", "http://proxy:3128"),
        ("proxy:3128", "http://proxy:3128"),
        (" https://proxy ", "https://proxy"),
        ("http://[::1]:3128", "http://[::1]:3128"),
        ("socks5h://me:pw@proxy:1", "socks5h://me:pw@proxy:1"),
        ("http://me@proxy", "http://me@proxy"),
        ("http://me:p%40ss@proxy", "http://me:p%40ss@proxy"),
        ("http://DOMAIN\\me:a@b/c?d#e f@proxy:1", "http://DOMAIN%5Cme:a%40b%2Fc%3Fd%23e%20f@proxy:1"),
        ("http://me:100%@proxy", "http://me:100%25@proxy"),
        ("http://me:a:b@proxy", "http://me:a%3Ab@proxy"),
        ("http://me:é@proxy", "http://me:%C3%A9@proxy"),
    ],
)
def test_what_becomes_of_an_address(proxy_url, given, expected):
    assert proxy_url(given) == expected
    assert proxy_url(expected) == expected, "and what it is stays"


def test_programs_read_the_password_that_was_meant(proxy_url):
    found = urlsplit(proxy_url("http://me:p@ss:w/rd@proxy:3128"))
    assert (found.hostname, found.port, unquote(found.password)) == ("proxy", 3128, "p@ss:w/rd")


@pytest.mark.parametrize(
    "given", ["ftp://proxy", "ftp://hunter2@x", "http://", "http://me:hunter2@", "http://proxy:port", "http://a b"]
)
def test_what_is_no_address_is_refused_and_not_shown(proxy_url, given):
    from ansible.errors import AnsibleFilterError

    with pytest.raises(AnsibleFilterError) as caught:
        proxy_url(given)
    assert "A proxy must be of the form" in str(caught.value) and "hunter2" not in str(caught.value)
    with pytest.raises(AnsibleFilterError, match="st2_http_proxy must be"):
        proxy_url(given, "st2_http_proxy")
