# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests: every form that st2 pack install takes, those that it mistakes, and what must never get through."""

from __future__ import annotations

import subprocess
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._content.address import normal_url
from ansible_collections.stackstorm.st2.plugins.module_utils._content.names import check_ref
from ansible_collections.stackstorm.st2.plugins.module_utils._content.request import (
    PackRequest,
    from_option,
    parse_spec,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials

GITHUB = "https://github.com"


def test_a_name_is_looked_up_in_the_index():
    request = parse_spec("sensu=1.0.2")
    assert (request.name, request.version, request.source) == ("sensu", "1.0.2", None)
    assert (request.kind, request.is_name, request.expected_ref) == ("index", True, "sensu")
    assert request.requested == "sensu=1.0.2"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("sensu", None),
        ("sensu=", None),
        ("sensu=abc", "abc"),
        ("sensu=v1.0.2", "v1.0.2"),
        ("sensu=1.0.2-alpha.1+build", "1.0.2-alpha.1+build"),
        ("sensu=feature/x", "feature/x"),
        ("sensu=feature/#12", "feature/#12"),
        ("sensu=HEAD", "HEAD"),
        ("sensu=108d52b", "108d52b"),
        ("sensu=a=b", "a=b"),
    ],
)
def test_names_with_versions(text, version):
    request = parse_spec(text)
    assert (request.name, request.version) == ("sensu", version)


# StackStorm's own answers (PM.eval_repo_url) where it has the right one, the right one where it has not.
@pytest.mark.parametrize(
    ("text", "source", "version"),
    [
        ("org/repo", f"{GITHUB}/org/repo", None),
        ("org/repo=1.0.0", f"{GITHUB}/org/repo", "1.0.0"),
        ("org/repo=feature/x", f"{GITHUB}/org/repo", "feature/x"),
        ("StackStorm-Exchange/stackstorm-x.y_z.git", f"{GITHUB}/StackStorm-Exchange/stackstorm-x.y_z.git", None),
        ("git@github.com:a/b", "git@github.com:a/b", None),
        ("git@github.com:a/b=1.0", "git@github.com:a/b", "1.0"),
        ("git@github.com:foo", "git@github.com:foo", None),
        ("gitlab@x:a/b", "gitlab@x:a/b", None),
        ("me@host:org/repo", "me@host:org/repo", None),
        ("host:org/repo=v1", "host:org/repo", "v1"),
        ("host:/srv/repo.git", "host:/srv/repo.git", None),
        ("git@[::1]:org/repo=v1", "git@[::1]:org/repo", "v1"),
        ("ssh://git@h/x", "ssh://git@h/x", None),
        ("ssh://git@h:2222/~me/x.git=1.0", "ssh://git@h:2222/~me/x.git", "1.0"),
        ("git://h/x=1.0", "git://h/x", "1.0"),
        ("http://h/x", "http://h/x", None),
        ("HTTPS://H/x", "HTTPS://H/x", None),
        ("https://h/x.git=1.0", "https://h/x.git", "1.0"),
        ("https://h/x.git=", "https://h/x.git", None),
        ("https://h/org/repo=feature/x", "https://h/org/repo", "feature/x"),
        ("https://[::1]:8443/x=1.0", "https://[::1]:8443/x", "1.0"),
        ("https://h/x?ref=abc=1.0.0", "https://h/x?ref=abc", "1.0.0"),
        ("https://h/x?ref=abc", "https://h/x?ref=abc", None),
        ("https://h/x?a=1&b=2", "https://h/x?a=1&b=2", None),
        ("https://h/x?a=1&b=2=3", "https://h/x?a=1&b=2", "3"),
        ("https://h/x?a=1;b=2=3", "https://h/x?a=1;b=2", "3"),
        ("https://h/x?pad=YQ==", "https://h/x?pad=YQ==", None),
        ("https://h/x?pad=YQ==v1", "https://h/x?pad=YQ=", "v1"),
        ("https://h/x=y?flag", "https://h/x=y?flag", None),
        ("https://h/x?flag=1.0", "https://h/x?flag=1.0", None),
        ("/abs/p/q", "/abs/p/q", None),
        ("/abs/p/q=1.0", "/abs/p/q", "1.0"),
        ("/abs//p/../q/", "/abs/q", None),
        ("file:///a=b=c", "/a=b", "c"),
        ("file:///srv/packs/x", "/srv/packs/x", None),
        ("file://localhost/srv/x", "/srv/x", None),
        ("file:////srv/x", "/srv/x", None),
        ("FILE:///srv/x?=1", "/srv/x?", "1"),
    ],
)
def test_sources(text, source, version):
    request = parse_spec(text)
    assert (request.source, request.version, request.name) == (source, version, None)
    assert request.kind == ("path" if source.startswith("/") else "git")
    assert request.requested == text
    assert request.expected_ref is None
    assert request.warnings == ()


@pytest.mark.parametrize(
    ("text", "source", "version", "credentials"),
    [
        ("https://u:hunter2@h/x.git=1.0", "https://h/x.git", "1.0", ("u", "hunter2")),
        ("https://hunter2@h/x.git", "https://h/x.git", None, ("hunter2", "")),
        ("https://u:hunter2=a@h/x=v1", "https://h/x", "v1", ("u", "hunter2=a")),
        ("https://u:hunter2%40%2f@h/x", "https://h/x", None, ("u", "hunter2@/")),
        ("https://u:hunter2@@h:8443/x", "https://h:8443/x", None, ("u", "hunter2@")),
        ("http://u:hunter2@h/x", "http://h/x", None, ("u", "hunter2")),
        ("ssh://git:hunter2@h/x=v1", "ssh://git@h/x", "v1", ("", "hunter2")),
        ("https://h/x.git?private_token=hunter2", "https://h/x.git", None, ("oauth2", "hunter2")),
        ("https://h/x.git?private_token=hunter2==v1", "https://h/x.git", "v1", ("oauth2", "hunter2=")),
        ("https://h/x.git?a=1&access_token=hunter2", "https://h/x.git?a=1", None, ("oauth2", "hunter2")),
        ("https://u:hunter2@h/x?token=hunter2b&a=1", "https://h/x?a=1", None, ("u", "hunter2")),
    ],
)
def test_credentials_are_taken_out_of_the_url(text, source, version, credentials):
    request = parse_spec(text)
    assert (request.source, request.version) == (source, version)
    assert request.credentials == Credentials(*credentials)
    assert request.requested == source + (f"={version}" if version else "")
    (warning,) = request.warnings
    assert "source on h was written with credentials" in warning
    assert ("unencrypted" in warning) is text.startswith("http://")
    assert "hunter2" not in repr(request)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"name": "sensu"}, PackRequest("sensu", name="sensu")),
        ({"name": "sensu=1.0.2", "version": None}, PackRequest("sensu=1.0.2", name="sensu", version="1.0.2")),
        ({"name": "sensu", "version": "1.0.2"}, PackRequest("sensu=1.0.2", name="sensu", version="1.0.2")),
        ({"name": "sensu=1.0.2", "version": "1.0.2"}, PackRequest("sensu=1.0.2", name="sensu", version="1.0.2")),
        ({"name": "sensu", "version": ""}, PackRequest("sensu", name="sensu")),
        ({"name": "org/repo", "version": "v1"}, PackRequest("org/repo=v1", source=f"{GITHUB}/org/repo", version="v1")),
        ({"source": "https://h/a=b"}, PackRequest("https://h/a=b", source="https://h/a=b")),
        (
            {"name": "sensu", "source": "https://h/a=b", "version": "v1"},
            PackRequest("https://h/a=b=v1", source="https://h/a=b", version="v1", ref="sensu"),
        ),
        ({"source": "org/repo"}, PackRequest(f"{GITHUB}/org/repo", source=f"{GITHUB}/org/repo")),
        ({"source": "/srv/a=b/"}, PackRequest("/srv/a=b", source="/srv/a=b")),
        ({"source": "file:///srv/a"}, PackRequest("/srv/a", source="/srv/a")),
        (
            {"source": "/srv/a", "digest": f"sha256:{'0a' * 32}"},
            PackRequest("/srv/a", source="/srv/a", digest=f"sha256:{'0a' * 32}"),
        ),
        ({"source": "/srv/a", "subdir": "packs/sensu/"}, PackRequest("/srv/a", source="/srv/a", subdir="packs/sensu")),
        ({"source": "/srv/a", "subdir": "./packs//x"}, PackRequest("/srv/a", source="/srv/a", subdir="packs/x")),
        ({"source": "/srv/a", "subdir": "."}, PackRequest("/srv/a", source="/srv/a")),
        ({"source": "/srv/a", "subdir": ""}, PackRequest("/srv/a", source="/srv/a")),
    ],
)
def test_items_of_packs(item, expected):
    assert from_option(item) == expected


def test_an_item_of_packs_keeps_credentials_apart():
    request = from_option({"name": "sensu", "source": "https://u:hunter2@h/a=b", "version": "v1"})
    assert request.source == "https://h/a=b"
    assert request.credentials == Credentials("u", "hunter2")
    assert request.expected_ref == "sensu"
    assert len(request.warnings) == 1
    assert "hunter2" not in repr(request)


@pytest.mark.parametrize(
    "spellings",
    [
        [
            "https://github.com/StackStorm-Exchange/stackstorm-sensu",
            "https://github.com/StackStorm-Exchange/stackstorm-sensu/",
            "https://github.com/StackStorm-Exchange/stackstorm-sensu.git",
            "HTTPS://GitHub.com:443/stackstorm-exchange/stackstorm-sensu.git/",
            "https://user:hunter2@github.com/StackStorm-Exchange/stackstorm-sensu",
        ],
        ["git@h:a/b", "git@H:a/b.git", "ssh://git@h/a/b", "ssh://git@h:22/a/b/", "git@h:/a/b"],
        ["h:a/b", "ssh://h/a/b"],
        ["git://h/a", "git://h:9418/a.git"],
        ["http://h/a", "http://h:80/a"],
        ["/srv/a", "/srv//a/", "file:///srv/a", "file:////srv/b/../a"],
        ["https://h/a?x=1", "https://h/a.git?x=1"],
    ],
)
def test_two_spellings_of_one_repository_are_equal(spellings):
    assert len({normal_url(spelling) for spelling in spellings}) == 1


def test_different_repositories_are_different():
    urls = [
        "https://h/a",
        "https://h/A",
        "https://h/a/b",
        "https://h:8443/a",
        "http://h/a",
        "https://h/a?x=1",
        "ssh://h/a",
        "ssh://git@h/a",
        "ssh://me@h/a",
        "git://h/a",
        "/h/a",
        "/srv/a",
        "/srv/a.git",
    ]
    assert len({normal_url(url) for url in urls}) == len(urls)


@settings(deadline=None)
@given(st.text() | st.from_regex(r"(https?://|ssh://|file://)?[a-z@:=/?&.%#-]{0,30}", fullmatch=True))
@example("https://u:p@h/x?private_token=a=b=c")
@example("https://\u0660:1@h:\u0661/x")
def test_any_text_is_a_request_or_an_option_error(text):
    try:
        request = parse_spec(text)
    except OptionError as error:
        assert error.message
        return
    assert (request.name is None) is (request.source is not None)
    assert not (request.version or "").startswith("-")
    assert not (request.source or "").startswith("-")
    assert request.requested.isprintable()
    again = parse_spec(request.requested)
    assert (again.name, again.source, again.version) == (request.name, request.source, request.version)
    assert not again.credentials


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "version", "source", "subdir", "digest"]), st.none() | st.text()))
def test_any_item_is_a_request_or_an_option_error(item):
    try:
        request = from_option(item)
    except OptionError:
        return
    assert request.name or request.source
    assert ".." not in (request.subdir or "").split("/")
    assert not (request.subdir or "").startswith("/")


USERINFO = st.text(st.characters(whitelist_categories=("L", "N", "P", "S")), min_size=1, max_size=20)


@settings(deadline=None)
@given(USERINFO, USERINFO, st.booleans())
def test_a_password_stays_out_of_everything_that_is_shown(username, password, is_raw):
    password = f"Hunter2-{password}"
    written = f"{username}:{password}" if is_raw else f"{quote(username, safe='')}:{quote(password, safe='')}"
    try:
        request = parse_spec(f"https://{written}@example.org/x.git=1.0")
    except OptionError as error:
        assert is_raw
        assert "Hunter2" not in error.message
        return
    for shown in (request.requested, request.source, repr(request), " ".join(request.warnings)):
        assert "Hunter2" not in shown
    if not is_raw:
        assert request.credentials == Credentials(username, password)
        assert (request.source, request.version) == ("https://example.org/x.git", "1.0")


@settings(deadline=None)
@given(st.text() | st.from_regex(r"(https|ssh|file|x)://[a-zA-Z@:./?]{0,20}", fullmatch=True))
@example("SSH://:@")
@example("A://::")
@example("http://h:80:80/")
def test_normal_url_takes_anything_and_is_stable(text):
    normal = normal_url(text)
    assert normal_url(normal) == normal


@settings(deadline=None, max_examples=60)
@given(st.from_regex(r"[a-zA-Z0-9._/@{}~^:?*\[\\+#=-]{1,12}", fullmatch=True))
def test_versions_are_held_to_gits_own_rules(version):
    git = subprocess.run(["git", "check-ref-format", f"refs/tags/{version}"], check=False).returncode == 0
    try:
        accepted = parse_spec(f"sensu={version}").version == version
    except OptionError:
        accepted = False
    # "@" alone, and a leading "-" or "=", are legal to git inside refs/tags/, but not useful here.
    if version == "@" or version.startswith(("-", "=")):
        assert not accepted
    else:
        assert accepted == git


@settings(deadline=None)
@given(st.text())
def test_check_ref_lets_only_refs_through(text):
    try:
        ref = check_ref("name", text)
    except OptionError:
        return
    assert ref == text
    assert ref
    assert set(ref) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
