# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets: out of URLs, out of text, out of structures."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import (
    REDACTED,
    Credentials,
    Redactor,
    split_userinfo,
    strip_urls,
)


@pytest.mark.parametrize(
    ("url", "clean", "credentials"),
    [
        ("https://h/x", "https://h/x", ("", "")),
        ("https://u:p@h/x", "https://h/x", ("u", "p")),
        ("https://tok@h/x", "https://h/x", ("tok", "")),
        ("https://:p@h/x", "https://h/x", ("", "p")),
        ("https://@h/x", "https://h/x", ("", "")),
        ("https://u:a%40b%2Fc@h:8443/x?y=1", "https://h:8443/x?y=1", ("u", "a@b/c")),
        ("https://u:a:b@h/x", "https://h/x", ("u", "a:b")),
        ("https://u:a@b@h/x", "https://h/x", ("u", "a@b")),
        ("HTTPS://u:p@h/x", "HTTPS://h/x", ("u", "p")),
        ("https://h/x@y", "https://h/x@y", ("", "")),
        ("https://h?x=a@b", "https://h?x=a@b", ("", "")),
        ("ssh://git@h/x", "ssh://git@h/x", ("", "")),
        ("ssh://git:p@h/x", "ssh://git@h/x", ("", "p")),
        ("ssh://:p@h/x", "ssh://h/x", ("", "p")),
        ("git+ssh://git:p@h/x", "git+ssh://git@h/x", ("", "p")),
        ("git@h:a/b", "git@h:a/b", ("", "")),
        ("/srv/a@b", "/srv/a@b", ("", "")),
        ("", "", ("", "")),
    ],
)
def test_split_userinfo(url, clean, credentials):
    assert split_userinfo(url) == (clean, Credentials(*credentials))


def test_credentials_show_nothing_and_are_true_when_there_are_any():
    assert "hunter2" not in f"{Credentials('hunter2', 'hunter2')!r} {Credentials('hunter2', 'hunter2')}"
    assert "hunter2" not in repr({"credentials": [Credentials("u", "hunter2")]})
    assert Credentials("u")
    assert Credentials("", "p")
    assert not Credentials()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing here", "nothing here"),
        ("fatal: https://u:p@h/x not found", f"fatal: https://{REDACTED}@h/x not found"),
        ("'https://tok@h/x'", f"'https://{REDACTED}@h/x'"),
        ("a http://u:p@h b https://v:q@i c", f"a http://{REDACTED}@h b https://{REDACTED}@i c"),
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("ssh://git:p@h/x", f"ssh://{REDACTED}@h/x"),
        ("git@github.com:a/b", "git@github.com:a/b"),
        ("mail me@example.org", "mail me@example.org"),
        ("https://h/x?token=abc&a=1", f"https://h/x?token={REDACTED}&a=1"),
        ("https://h/x?a=1&private_token=abc", f"https://h/x?a=1&private_token={REDACTED}"),
        ("url: /x?PASSWORD=abc (Caused", f"url: /x?PASSWORD={REDACTED} (Caused"),
        ("?api_key=abc'", f"?api_key={REDACTED}'"),
        ("https://h/x?ref=abc", "https://h/x?ref=abc"),
        ("token=abc", "token=abc"),
    ],
)
def test_strip_urls(text, expected):
    assert strip_urls(text) == expected
    assert strip_urls(expected) == expected


def test_a_redactor_knows_the_forms_that_a_secret_takes():
    redactor = Redactor(["p@ss/word", None, "", "ab"])
    text = "p@ss/word p%40ss%2Fword p%40ss/word ab"
    assert redactor.text(text) == f"{REDACTED} {REDACTED} {REDACTED} ab"
    redactor.add("later")
    assert redactor.text("sooner or later") == f"sooner or {REDACTED}"


@pytest.mark.parametrize("secret", ['quo"ted', "back\\slash", "two\nlines", "apo'strophe", "ümlaut"])
def test_a_redactor_knows_a_secret_that_a_program_printed_escaped(secret):
    redactor = Redactor([secret])
    for shown in (
        json.dumps({"p": secret}),
        json.dumps({"p": secret}, ensure_ascii=False),
        repr(secret),
        f"p: {secret}",
    ):
        assert REDACTED in redactor.text(shown)


def test_the_longest_secret_goes_first():
    assert Redactor(["hunter", "hunter2"]).text("hunter2 hunter") == f"{REDACTED} {REDACTED}"


def test_structures():
    redactor = Redactor(["hunter2"])
    before = {"a": ["hunter2", {"b": ("x hunter2", 1, None, True)}], "url": "https://u:p@h/"}
    copy = json.loads(json.dumps(before))
    assert redactor.structure(before) == {
        "a": [REDACTED, {"b": [f"x {REDACTED}", 1, None, True]}],
        "url": f"https://{REDACTED}@h/",
    }
    assert json.loads(json.dumps(before)) == copy


secrets = st.text(st.characters(whitelist_categories=("L", "N", "P", "S")), min_size=3, max_size=30)


@settings(deadline=None)
@given(secrets, st.text(max_size=30), st.text(max_size=30))
def test_a_known_secret_never_comes_through(secret, before, after):
    # Text around a secret can be part of one more occurrence of it; what is left must hold none that was whole.
    shown = Redactor([secret]).text(f"{before} {secret} {quote(secret, safe='')} {after}")
    assert f" {secret} " not in shown or secret in REDACTED


@settings(deadline=None)
@given(secrets, secrets)
def test_userinfo_comes_back_as_it_was(username, password):
    url = f"https://{quote(username, safe='')}:{quote(password, safe='')}@example.org/x"
    assert split_userinfo(url) == ("https://example.org/x", Credentials(username, password))
    assert strip_urls(url) == f"https://{REDACTED}@example.org/x"


@settings(deadline=None)
@given(st.text())
def test_any_text_is_taken_and_stays_clean(text):
    clean, _credentials = split_userinfo(text)
    assert split_userinfo(strip_urls(text))[0] is not None
    assert strip_urls(strip_urls(text)) == strip_urls(text)
    assert len(clean) <= len(text)
