# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies: which value wins, what children and requests are given, and that no password shows."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.environment_file import (
    parse_environment,
    read_environment_file,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy, resolve_proxy

ONE, TWO, THREE = "http://one:1", "http://two:2", "http://three:3"


@pytest.mark.parametrize(
    ("options", "service", "process", "expected"),
    [
        ({}, {}, {}, None),
        ({"http_proxy": ONE}, {"http_proxy": TWO}, {"http_proxy": THREE}, ONE),
        ({"http_proxy": None}, {"http_proxy": TWO}, {"http_proxy": THREE}, TWO),
        ({}, {}, {"http_proxy": THREE}, THREE),
        ({}, {"http_proxy": ONE, "HTTP_PROXY": TWO}, {}, ONE),
        ({}, {"HTTP_PROXY": TWO}, {"http_proxy": THREE}, TWO),
        ({}, {}, {"HTTP_PROXY": THREE}, THREE),
        ({"http_proxy": ""}, {"http_proxy": TWO}, {}, None),
        ({}, {"http_proxy": ""}, {"http_proxy": THREE}, None),
        ({}, {"http_proxy": "", "HTTP_PROXY": TWO}, {}, None),
        ({}, {"http_proxy": f" {TWO} "}, {}, TWO),
    ],
)
def test_which_proxy_wins(options, service, process, expected):
    assert resolve_proxy(options, service, process).http == expected


def test_each_value_is_resolved_by_itself():
    proxy = resolve_proxy(
        {"no_proxy": "a, b", "http_proxy": None},
        {"https_proxy": TWO, "proxy_ca_bundle_path": "/service.pem"},
        {"http_proxy": THREE, "https_proxy": THREE, "no_proxy": "c"},
    )
    assert (proxy.http, proxy.https, proxy.no_proxy, proxy.ca_bundle) == (THREE, TWO, "a,b", "/service.pem")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, None),
        ({"http_proxy": ONE}, "localhost,127.0.0.1"),
        ({"https_proxy": ONE}, "localhost,127.0.0.1"),
        ({"https_proxy": ONE, "no_proxy": ""}, None),
        ({"https_proxy": ONE, "no_proxy": " a ,b,, c"}, "a,b,c"),
    ],
)
def test_no_proxy_is_stackstorms_own_where_none_is_given(options, expected):
    assert resolve_proxy(options, {}, {}).no_proxy == expected


@pytest.mark.parametrize(
    ("no_proxy", "url", "expected"),
    [
        ("", "https://h/x", False),
        ("h", "https://h/x", True),
        ("H", "https://h/x", True),
        ("h", "https://H:8443/x", True),
        ("h.", "https://h/x", True),
        ("h", "https://h./x", True),
        ("other", "https://h/x", False),
        ("example.org", "https://example.org/", True),
        ("example.org", "https://git.example.org/", True),
        (".example.org", "https://git.example.org/", True),
        (".example.org", "https://example.org/", True),
        ("*.example.org", "https://git.example.org/", True),
        ("example.org", "https://badexample.org/", False),
        ("example.org", "https://example.org.evil.net/", False),
        ("example.org:8443", "https://example.org:8443/", True),
        ("example.org:8443", "https://example.org/", False),
        ("example.org:443", "https://example.org/", True),
        ("example.org:80", "http://example.org/", True),
        ("example.org:0080", "http://example.org/", True),
        ("*", "https://anything/", True),
        ("a, b ,c", "https://b/", True),
        ("a b", "https://b/", True),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.0.0.0/8", "https://ten.example.org/", False),
        ("10.1.2.3", "https://10.1.2.3:444/", True),
        ("2.3", "https://10.1.2.3/", False),
        ("::1", "https://[::1]/", True),
        ("[::1]", "https://[::1]/", True),
        ("[::1]:444", "https://[::1]:444/", True),
        ("[::1]:444", "https://[::1]/", False),
        ("fd00::/8", "https://[fd12::1]/", True),
        ("nonsense/8", "https://h/", False),
        ("h", "https://user:h@other/", False),
    ],
)
def test_no_proxy(no_proxy, url, expected):
    proxy = Proxy(http=ONE, https=TWO, no_proxy=no_proxy)
    assert proxy.bypasses(url) is expected
    assert proxy.for_url(url)[0] == (None if expected else ONE if url.startswith("http:") else TWO)


def test_a_proxy_is_for_its_scheme():
    assert Proxy(https=TWO).for_url("HTTPS://h/") == (TWO, True)
    assert Proxy(https=TWO).for_url("http://h/") == Proxy().for_url("https://h/") == (None, True)


def test_children_get_both_spellings_and_every_name_of_the_ca_bundle():
    assert Proxy(ONE, TWO, "a,b", "/ca.pem").environment() == {
        "http_proxy": ONE,
        "HTTP_PROXY": ONE,
        "https_proxy": TWO,
        "HTTPS_PROXY": TWO,
        "no_proxy": "a,b",
        "NO_PROXY": "a,b",
        "GIT_SSL_CAINFO": "/ca.pem",
        "GIT_PROXY_SSL_CAINFO": "/ca.pem",
        "PIP_CERT": "/ca.pem",
        "REQUESTS_CA_BUNDLE": "/ca.pem",
        "SSL_CERT_FILE": "/ca.pem",
    }
    assert Proxy().environment() == {}


def test_inherited_proxies_are_replaced_not_joined():
    inherited = {"PATH": "/bin", "HTTPS_PROXY": TWO, "no_proxy": "x", "GIT_SSL_CAINFO": "/mine.pem"}
    assert Proxy(http=ONE).apply_to(inherited) == {
        "PATH": "/bin",
        "GIT_SSL_CAINFO": "/mine.pem",
        "http_proxy": ONE,
        "HTTP_PROXY": ONE,
    }
    assert inherited["HTTPS_PROXY"] == TWO


@pytest.mark.parametrize(
    ("options", "service", "url", "verify"),
    [
        # The task's own bundle holds everywhere.
        ({"ca_bundle": "/o.pem"}, {}, "https://h/", "/o.pem"),
        ({"ca_bundle": "/o.pem", "https_proxy": ONE, "no_proxy": "h"}, {}, "https://h/", "/o.pem"),
        # The proxy's bundle holds only through the proxy, as in StackStorm.
        ({"https_proxy": ONE}, {"proxy_ca_bundle_path": "/s.pem"}, "https://h/", "/s.pem"),
        ({"https_proxy": ONE, "no_proxy": "h"}, {"proxy_ca_bundle_path": "/s.pem"}, "https://h/", True),
        ({}, {"proxy_ca_bundle_path": "/s.pem"}, "https://h/", True),
        ({"http_proxy": ONE}, {"proxy_ca_bundle_path": "/s.pem"}, "https://h/", True),
    ],
)
def test_where_a_ca_bundle_holds(options, service, url, verify):
    proxy = resolve_proxy(options, service, {})
    assert proxy.for_url(url)[1] == verify
    assert proxy.environment(url).get("GIT_SSL_CAINFO", True) == verify


@pytest.mark.parametrize(
    "url",
    ["http://user:hunter2@proxy:3128", "user:hunter2@proxy:3128", "http://user:hun%ter2:hunter2@proxy", "u:hunter2@@p"],
)
def test_repr_shows_no_userinfo(url):
    for proxy in (Proxy(http=url), Proxy(https=url)):
        assert "hunter2" not in repr(proxy)
        assert "user" not in repr(proxy)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://user:p%40ss@proxy:3128", ["p%40ss", "p@ss"]),
        ("user:pass@proxy:3128", ["pass"]),
        ("http://user@proxy:3128", []),
        ("http://proxy:3128", []),
        (None, []),
    ],
)
def test_secrets(url, expected):
    assert Proxy(https=url).secrets() == expected


@settings(deadline=None)
@given(st.text(st.characters(whitelist_categories=("Lu",)), min_size=8), st.sampled_from(["", "http://", "https://"]))
def test_repr_never_shows_the_password(password, scheme):
    proxy = Proxy(f"{scheme}user:{password}@proxy:3128", None, "a", "b")
    assert password not in repr(proxy)
    assert password in proxy.secrets()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("# A=1\n; B=2\n  # C=3\nD=4\n", {"D": "4"}),
        ("A=x # not a comment\n", {"A": "x # not a comment"}),
        ("A=\nB=  \n", {"A": "", "B": ""}),
        ("A = x y  \n", {"A": "x y"}),
        ('A="x y "\n', {"A": "x y "}),
        ("A='x \"y\" '\n", {"A": 'x "y" '}),
        ('A="a""b"\n', {"A": "ab"}),
        ("A=\"a\" 'b' c\n", {"A": "abc"}),
        ('A=a"b"\n', {"A": 'a"b"'}),
        ('A="x\\"y\\\\z\\$w\\n"\n', {"A": 'x"y\\z$w\\n'}),
        ("A='x\\y'\n", {"A": "x\\y"}),
        ("A=x\\\ny\nB=2\n", {"A": "xy", "B": "2"}),
        ('A="x\\\ny"\n', {"A": "xy"}),
        ('A="x\ny"\nB=2\n', {"A": "x\ny", "B": "2"}),
        ("A=x\\ y\\ \n", {"A": "x y "}),
        ("export A=1\n export B=2\nexport\tC=3\n", {"A": "1", "B": "2", "C": "3"}),
        ("A\nB=2\n", {"B": "2"}),
        ("1A=1\nA-B=1\n=1\nB=2\n", {"B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("A=$B\n", {"A": "$B"}),
        ("A=a=b\n", {"A": "a=b"}),
        ('A="unfinished', {"A": "unfinished"}),
        ("A=x\\", {"A": "x\\"}),
        ("# c \\\nA=1\n", {"A": "1"}),
        ("http_proxy=http://u:p@proxy:3128/\n", {"http_proxy": "http://u:p@proxy:3128/"}),
    ],
)
def test_environment_files_are_read_as_systemd_does(text, expected):
    assert parse_environment(text) == expected


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), st.text(max_size=20)))
def test_a_quoted_value_comes_back(variables):
    quoted = {
        name: "".join(f"\\{character}" if character in '"\\`$' else character for character in value)
        for name, value in variables.items()
    }
    assert parse_environment("".join(f'{name}="{value}"\n' for name, value in quoted.items())) == variables


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read(text):
    for name in parse_environment(text):
        assert name.isidentifier()


def test_environment_file_on_disk(tmp_path):
    path = tmp_path / "st2actionrunner"
    assert read_environment_file(str(path)) == {}
    assert read_environment_file(str(path / "below")) == {}
    path.write_bytes(b"A=1\r\nB=caf\xe9\r\n")
    found = read_environment_file(str(path))
    assert found["A"] == "1"
    assert found["B"].startswith("caf")
    assert read_environment_file(str(path / "below")) == {}
    with pytest.raises(HostError, match="cannot be read: Is a directory"):
        read_environment_file(str(tmp_path))


@pytest.mark.parametrize("kind", ["device", "pipe", "endless", "no path"])
def test_an_environment_file_that_is_none_is_not_read(tmp_path, kind):
    path = tmp_path / "st2actionrunner"
    if kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path.touch()
        os.truncate(path, 1 << 40)
    name = f"{path}\0" if kind == "no path" else str(path)
    reasons = {"endless": "more than 1048576 bytes", "no path": "embedded null"}
    with pytest.raises(HostError, match=reasons.get(kind, "not a regular file")):
        read_environment_file(name)
