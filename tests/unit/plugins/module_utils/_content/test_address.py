# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of packs: what is taken out of them, which are the same, and where a version begins.

Those that must not get through are in test_request_refusals.py.
"""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.address import (
    Address,
    check_source,
    check_subdir,
    normal_url,
    refuse_two_equals,
    split_version,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://h/x.git", "https://h/x.git"),
        ("git@h:org/x.git", "git@h:org/x.git"),
        ("h:x", "h:x"),
        ("git:x", "git:x"),
        ("ssh://git@h:2222/x", "ssh://git@h:2222/x"),
        ("https://[::1]:8443/x", "https://[::1]:8443/x"),
        ("StackStorm-Exchange/stackstorm-sensu", "https://github.com/StackStorm-Exchange/stackstorm-sensu"),
        ("/srv//my packs/x/", "/srv/my packs/x"),
        ("file:///srv/x/", "/srv/x"),
        ("file://localhost/srv/x", "/srv/x"),
        ("https://h/x?job=1", "https://h/x?job=1"),
    ],
)
def test_what_is_fetched_from(text, url):
    assert check_source("source", text) == Address(url)


@pytest.mark.parametrize(
    ("text", "url", "credentials"),
    [
        ("https://me:p%2Fss@h/x", "https://h/x", Credentials("me", "p/ss")),
        ("https://h/x?private_token=hunter%202&job=1", "https://h/x?job=1", Credentials("oauth2", "hunter 2")),
        ("https://h/x?job=1;access_token=one&private_token=two", "https://h/x?job=1", Credentials("oauth2", "one")),
        ("https://me:own@h/x?private_token=two", "https://h/x", Credentials("me", "own")),
    ],
)
def test_credentials_are_taken_out_with_a_warning_that_does_not_show_them(text, url, credentials):
    found = check_source("source", text)
    assert (found.url, found.credentials) == (url, credentials)
    assert "on h was written with credentials" in found.warnings[0] and credentials.password not in found.warnings[0]
    assert "unencrypted" not in found.warnings[0]


def test_credentials_over_http_are_warned_of_twice():
    assert check_source("source", "http://me:own@h/x").warnings[0].endswith("sent unencrypted over http.")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://me:a%0Ab@h/x", "its credentials contain control characters"),
        ("me:hunter2@h/x.git@1.0", "an address like USER@HOST:PATH cannot contain a password"),
        ("https:h/x", "write https:// with two slashes"),
        ("/", "the root directory is not a pack"),
        ("file:///.", "the root directory is not a pack"),
        ("sensu@1.0", "Did you mean sensu=1.0?"),
    ],
)
def test_refusals_name_the_option_and_no_password(text, why):
    with pytest.raises(OptionError) as caught:
        check_source("source", text)
    message = caught.value.message
    assert message.startswith('The source "') and why in message and "hunter2" not in message


@pytest.mark.parametrize(
    "spellings",
    [
        ("https://github.com/Org/X", "https://GitHub.com/org/x.git/", "https://me:own@github.com:443/org/x.git"),
        ("git@h:org/x", "ssh://git@H:22/org/x.git", "ssh://git:own@h/org/x/"),
        ("/srv/x", "file:///srv/x/", "/srv/./x", "//srv//x"),
        ("https://h/Org/x", "https://h/Org/x.git"),
        ("https://h/Org/X",),
        ("http://h/Org/x", "http://h:80/Org/x"),
        ("https://h:80/Org/x",),
        ("ssh://other@h/org/x",),
        ("https://h/Org/x?a=1",),
        ("../x",),
    ],
)
def test_spellings_of_one_repository_are_equal_and_different_from_all_others(spellings):
    others = ("https://h/other", "git@h:other", "/srv/other", "https://h/Org/x?a=2", "https://h/org/x", "git@h:Org/x")
    assert len({normal_url(one) for one in spellings}) == 1
    assert normal_url(spellings[0]) not in {normal_url(one) for one in others}


def test_accounts_of_an_ssh_server_have_different_repositories():
    assert len({normal_url(url) for url in ("ssh://one@h/x", "ssh://two@h/x", "h:x", "https://one@h/x")}) == 4


@pytest.mark.parametrize(
    ("text", "address", "version"),
    [
        ("https://h/x=1.0", "https://h/x", "1.0"),
        ("https://h/x", "https://h/x", ""),
        ("https://h/a=b/x=1.0", "https://h/a=b/x", "1.0"),
        ("https://me:a=b@h/x", "https://me:a=b@h/x", ""),
        ("https://h/x?token=a=1.0", "https://h/x?token=a", "1.0"),
        ("https://h/x?token=a==", "https://h/x?token=a==", ""),
        ("https://h/x?token=a===1.0", "https://h/x?token=a==", "1.0"),
        ("https://h/x?a=b&c=d", "https://h/x?a=b&c=d", ""),
        ("file:///srv/x=1.0", "file:///srv/x", "1.0"),
        ("/srv/x=main", "/srv/x", "main"),
        ("git@h:x=1.0", "git@h:x", "1.0"),
        ("git@h:a=b=1.0", "git@h:a=b", "1.0"),
        ("org/x=a=b", "org/x", "a=b"),
    ],
)
def test_where_the_version_begins(text, address, version):
    assert split_version(text) == (address, version)


def test_signs_that_other_programs_put_before_a_version_are_explained():
    with pytest.raises(OptionError, match=r"Did you mean sensu=1\.0\.2\?"):
        split_version("sensu:1.0.2")
    with pytest.raises(OptionError, match=r"Did you mean https://\*+@h/x=1\.0\?"):
        refuse_two_equals("https://me:hunter2@h/x==1.0")


@pytest.mark.parametrize(("text", "subdir"), [("packs/x/", "packs/x"), (".", None), ("./my packs", "my packs")])
def test_a_subdirectory(text, subdir):
    assert check_subdir(text) == subdir


@pytest.mark.parametrize("text", ["/x", "~/x", "-x", "..", "a/../x", "a\\x", ".git", "a/.GIT/x", "", "a\n"])
def test_what_is_not_a_directory_inside_of_the_source(text):
    with pytest.raises(OptionError, match="subdir"):
        check_subdir(text)
