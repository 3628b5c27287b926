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
    redactor.add("later1")
    assert redactor.text("sooner or later1") == f"sooner or {REDACTED}"


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
    assert Redactor(["hunter1", "hunter12"]).text("hunter12 hunter1") == f"{REDACTED} {REDACTED}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot load the module, payload: download", "cannot load the module, payload: download"),
        ("ERROR: load failed", "ERROR: load failed"),
        ("KeyError: 'load'", f"KeyError: '{REDACTED}'"),
        ('instance "load" of', f'instance "{REDACTED}" of'),
        ("password=load user=x", f"password={REDACTED} user=x"),
        ("{password: load, a: b}", f"{{password: {REDACTED}, a: b}}"),
        ("password: load\nnext", f"password: {REDACTED}\nnext"),
        ("upload='x' 'upload' loader='y'", "upload='x' 'upload' loader='y'"),
    ],
)
def test_in_texts_of_others_a_common_word_is_a_secret_only_where_a_value_stands(text, shown):
    assert Redactor(["load"]).text(text) == shown


@pytest.mark.parametrize("text", ["status 4040, 14 of 140", "1.404x"])
def test_a_number_is_no_part_of_another(text):
    assert Redactor(["404", "40"]).text(f"{text} 404") == f"{text.replace('1.404x', f'1.{REDACTED}x')} {REDACTED}"


def test_what_everybody_may_see_is_taken_out_of_nothing():
    public = {"pack": "my_pack2", "packs": [{"source": "https://hunter22@git.example.com/org/x"}], "n": 1}
    redactor = Redactor(["my_pack2", "hunter22", "git.example", "source", "0123456789abcdefX"], public)
    text = "no my_pack2, 'source' of https://git.example.com, hunter22"
    assert redactor.text(text) == f"no my_pack2, 'source' of https://{REDACTED}.com, {REDACTED}"
    random = Redactor(["0123456789abcdefX"], ["0123456789abcdefX"])
    assert random.text("a 0123456789abcdefX") == f"a {REDACTED}", "a key of an API gets public by mistake only"


def test_a_path_is_no_secret():
    assert Redactor(["/etc/st2/st2.conf"]).text("open '/etc/st2/st2.conf'") == "open '/etc/st2/st2.conf'"
    assert Redactor(["/Ab3/x0Z"]).text("open '/Ab3/x0Z'") == f"open '{REDACTED}'"


@pytest.mark.parametrize(
    "word", ["load", "zabbix", "my_pack2", "Tr0ub4dor&3", "/opt/stackstorm/packs", "a" * 40, "5" * 20]
)
def test_text_of_our_own_is_not_searched(word):
    assert Redactor([word]).own_text(f"'{word}': https://u:p@h/") == f"'{word}': https://{REDACTED}@h/"


def test_what_nobody_writes_by_chance_is_taken_out_of_our_own_text_too():
    secret = 'MWVkY2M4YTE4YjQ="x'
    text = Redactor([secret]).own_text(f"{secret} {quote(secret, safe='')} {json.dumps(secret)}")
    assert text == f'{REDACTED} {REDACTED} "{REDACTED}"'


def test_a_text_in_which_anything_may_be_has_no_secret_whatever_it_looks_like():
    redactor = Redactor(["load", "/etc/st2/st2.conf", "pub"], ["pub"])
    assert redactor.any_text("download pub /etc/st2/st2.conf") == f"down{REDACTED} {REDACTED} {REDACTED}"


secrets = st.text(st.characters(whitelist_categories=("L", "N", "P", "S")), min_size=3, max_size=30)


@settings(deadline=None)
@given(secrets, st.text(max_size=30), st.text(max_size=30))
def test_a_known_secret_never_comes_through(secret, before, after):
    # Text around a secret can be part of one more occurrence of it; what is left must hold none that was whole.
    for text in (Redactor([secret]).any_text, Redactor([f"{secret}0"]).text):
        known = secret if text.__name__ == "any_text" else f"{secret}0"
        shown = text(f"{before} {known} {quote(known, safe='')} {after}")
        assert f" {known} " not in shown or known in REDACTED


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
