# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Indexes as one: merging, looking up, and the kinds of failure; read from a real server on loopback."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import IndexError_, MissingLibraryError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index import Indexes, IndexStatus
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index_download import IndexProblem, parse_index
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.index_server import (
    Server,
    fetch,
    index_of,
    only_status,
    pack,
)

REPOSITORY = Path(__file__).resolve().parents[5]
REAL_DATA = Path(os.environ.get("ST2_TEST_DATA") or REPOSITORY.parent / "shared" / "data")


@pytest.fixture
def server():
    one = Server()
    yield one
    one.close()


@pytest.fixture
def other():
    one = Server()
    yield one
    one.close()


# Merging and looking up


def test_an_entry_has_what_the_index_says(server):
    url = server.serve("/i.json", index_of(sensu=pack("sensu", "1.0.2", versions=["1.0.2", "1.0.1"], keywords=["k"])))
    indexes = fetch(url)
    entry = indexes.lookup("sensu", strict=True)
    assert (entry.ref, entry.version, entry.versions) == ("sensu", "1.0.2", ("1.0.2", "1.0.1"))
    assert entry.repo_url == "https://github.com/org/stackstorm-sensu"
    assert entry.index_url == url
    assert entry.raw["keywords"] == ["k"]
    assert entry.wanted_version(None) == "1.0.2"
    assert entry.wanted_version("1.0.1") == "1.0.1"
    status = only_status(indexes)
    assert (status.url, status.packs, status.message, status.error) == (url, 1, "Success.", None)


def test_the_leftmost_index_wins_the_whole_entry(server, other):
    left = server.serve("/l.json", index_of(a=pack("a", "2.0.0")))
    right = other.serve("/r.json", index_of(a=pack("a", "9.0.0", keywords=["right"]), b=pack("b")))
    indexes = fetch(left, right)
    assert indexes.lookup("a", strict=True).version == "2.0.0"
    assert "keywords" not in indexes.lookup("a", strict=True).raw
    assert indexes.lookup("b", strict=True).index_url == right
    assert [(status.url, status.packs) for status in indexes.statuses] == [(left, 1), (right, 2)]
    assert fetch(right, left).lookup("a", strict=True).version == "9.0.0"


def test_a_higher_index_that_is_down_keeps_lower_ones_from_answering(server):
    down = f"{server.origin}/gone.json"
    up = server.serve("/up.json", index_of(sensu=pack("sensu")))
    indexes = fetch(down, up)
    with pytest.raises(IndexError_) as caught:
        indexes.lookup("sensu", strict=True)
    message = caught.value.message
    assert f"{down} is unresponsive (HTTP status 404 (Not Found))" in message
    assert f"{up} lists it, but comes after it" in message
    assert "index_strict=false" in message
    assert caught.value.ref == "sensu"
    assert indexes.lookup("sensu", strict=False).index_url == up


@pytest.mark.parametrize(
    ("error", "said"), [("other errors", "x.json (No way)"), ("empty", "x.json is empty (No way)")]
)
def test_an_index_that_cannot_be_read_is_named_with_the_reason(error, said):
    indexes = Indexes({}, (IndexStatus("https://h/x.json", 0, "No way.", error),))
    with pytest.raises(IndexError_) as caught:
        indexes.lookup("sensu", strict=True)
    assert caught.value.message.endswith(f"/{said}. Correct the index, or the options for access to it.")


def test_a_lower_index_that_is_down_matters_only_for_what_is_not_above_it(server):
    down = f"{server.origin}/gone.json"
    up = server.serve("/up.json", index_of(sensu=pack("sensu")))
    indexes = fetch(up, down)
    assert indexes.lookup("sensu", strict=True).index_url == up
    with pytest.raises(IndexError_, match=r"The pack other was not looked up.*gone\.json is unresponsive"):
        indexes.lookup("other", strict=True)
    with pytest.raises(IndexError_, match=r'No record of the "other" pack.*Not read: .*gone\.json'):
        indexes.lookup("other", strict=False)


@pytest.mark.parametrize("strict", [True, False])
def test_no_index_at_all_can_be_read(server, strict):
    with pytest.raises(IndexError_) as caught:
        fetch(f"{server.origin}/1", f"{server.origin}/2").lookup("sensu", strict=strict)
    assert caught.value.message.count("unresponsive") == 2
    assert "index_strict" not in caught.value.message


def test_an_unknown_name_gets_close_matches(server):
    url = server.serve("/i.json", index_of(sensu=pack("sensu"), circle_ci=pack("circle_ci"), zabbix=pack("zabbix")))
    with pytest.raises(IndexError_) as caught:
        fetch(url).lookup("circleci", strict=True)
    assert caught.value.message == f'No record of the "circleci" pack in the index {url}. Did you mean circle_ci?'
    with pytest.raises(IndexError_) as caught:
        fetch(url).lookup("qqqq", strict=True)
    assert "Did you mean" not in caught.value.message


def test_no_index_configured():
    with pytest.raises(IndexError_, match="no index is configured: set index_url"):
        fetch().lookup("sensu", strict=True)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"version": "1.0.0"}, "has no repo_url"),
        ({"repo_url": None, "version": "1.0.0"}, "has no repo_url"),
        ({"repo_url": ["x"]}, "has no repo_url"),
        ("sensu", "has no repo_url"),
        (None, "has no repo_url"),
        ({"repo_url": "ext::sh -c touch"}, "cannot be used"),
        ({"repo_url": "--upload-pack=touch"}, "must not begin with -"),
        ({"repo_url": "../x"}, "absolute path"),
    ],
)
def test_an_entry_that_nothing_can_be_installed_from(server, entry, why):
    indexes = fetch(server.serve("/i.json", index_of(sensu=entry, good=pack("good"))))
    assert only_status(indexes).packs == 2
    with pytest.raises(IndexError_) as caught:
        indexes.lookup("sensu", strict=True)
    assert why in caught.value.message
    assert "/i.json" in caught.value.message
    assert indexes.lookup("good", strict=True).ref == "good"


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.0", "1.0"), (1.5, "1.5"), (2, "2"), (None, None), ("", None), (True, None), (["1"], None)],
)
def test_the_version_of_an_entry(server, version, expected):
    entry = fetch(server.serve("/i.json", index_of(sensu=pack("sensu", version)))).lookup("sensu", strict=True)
    assert entry.version == expected
    if expected is None:
        with pytest.raises(IndexError_, match="sensu has no valid version in the index"):
            entry.wanted_version(None)
        assert entry.wanted_version("main") == "main"


@pytest.mark.parametrize(
    ("versions", "expected"), [(["2", 1.5, None, {}], ("2", "1.5")), (None, ()), ("1.0", ()), ({}, ())]
)
def test_the_versions_of_an_entry(server, versions, expected):
    url = server.serve("/i.json", index_of(sensu=pack("sensu", versions=versions)))
    assert fetch(url).lookup("sensu", strict=True).versions == expected


def test_credentials_in_an_entry_are_kept_apart(server):
    url = server.serve("/i.json", index_of(sensu=pack("sensu", repo_url="https://u:hunter2@h/x.git")))
    entry = fetch(url).lookup("sensu", strict=True)
    assert entry.repo_url == entry.raw["repo_url"] == "https://h/x.git"
    assert entry.credentials == Credentials("u", "hunter2")
    assert "hunter2" not in repr(entry)


# What an index answers, and the kind of failure it is


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b'{"packs": {}}', None, "Success."),
        (b'{"packs": []}', None, "Success."),
        (b"{}", "empty", "The index URL returned an empty object."),
        (b"[]", "malformed", "Expected an index object, got a list instead."),
        (b"[1]", "malformed", "Expected an index object, got a list instead."),
        (b'{"metadata": {}}', "malformed", 'Index object is missing "packs" attribute.'),
        (b'"text"', "malformed", "Expected an index object, got a string instead."),
        (b"null", "malformed", "Expected an index object, got a null instead."),
        (b"5", "malformed", "Expected an index object, got a number instead."),
        (b"1.5", "malformed", "Expected an index object, got a number instead."),
        (b"true", "malformed", "Expected an index object, got a boolean instead."),
        (b'{"packs": null}', "malformed", 'The "packs" attribute must be an object, not a null.'),
        (b'{"packs": ["ab"]}', "malformed", 'The "packs" attribute must be an object, not a list.'),
        (b'{"packs": "ab"}', "malformed", 'The "packs" attribute must be an object, not a string.'),
        (b'{"packs": 5}', "malformed", 'The "packs" attribute must be an object, not a number.'),
        (b"{not json", "malformed", "JSONDecodeError: Expecting property name enclosed in double quotes"),
        (b"", "malformed", "JSONDecodeError: Expecting value"),
        (b"\xff\xfe\xff", "malformed", "UnicodeDecodeError"),
        (b"<html>", "malformed", "JSONDecodeError: Expecting value"),
        (b'{"packs": ' + b"[" * 200000, "malformed", "The JSON is nested too deeply."),
        (b'{"packs": ' + b'{"a":' * 200000, "malformed", "The JSON is nested too deeply."),
        (b'{"packs": {"a": ' + b"9" * 2000000 + b"}}", "malformed", "A number of 2000000 digits."),
        (b'\xef\xbb\xbf{"packs": {}}', None, "Success."),
        ('{"packs": {}}'.encode("utf-16"), None, "Success."),
    ],
)
def test_contents(server, content, error, message):
    status = only_status(fetch(server.serve("/i.json", content)))
    assert status.error == error
    assert message in status.message
    assert status.packs == 0


@settings(deadline=None)
@given(st.binary(max_size=200) | st.from_regex(r'[\[\]{}":,0-9a-z ]{0,60}', fullmatch=True).map(str.encode))
def test_any_content_is_packs_or_malformed(content):
    try:
        assert isinstance(parse_index(content), dict)
    except (IndexProblem, ValueError):
        pass


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_http_errors_are_unresponsive(server, status):
    found = only_status(fetch(server.serve("/i.json", b"{}", status=status)))
    assert (found.error, found.packs) == ("unresponsive", 0)
    assert f"HTTP status {status} (" in found.message


def test_a_closed_port_is_unresponsive():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    found = only_status(fetch(f"http://127.0.0.1:{port}/i.json"))
    assert found.error == "unresponsive"
    assert "Connection refused" in found.message
    assert "object at 0x" not in found.message


@pytest.mark.parametrize("url", ["ftp://h/i.json", "i.json", "http://", "http://h:99999/i.json", "file://h/i.json"])
def test_a_url_that_is_none_is_malformed(url):
    assert only_status(fetch(url)).error == "malformed"


def test_one_failure_does_not_hide_the_others(server):
    urls = [f"{server.origin}/gone", server.serve("/list", b"[1]"), server.serve("/good", index_of(a=pack("a")))]
    urls += [server.serve("/empty", b"{}"), "ftp://h/x"]
    assert [status.error for status in fetch(*urls).statuses] == [
        "unresponsive",
        "malformed",
        None,
        "empty",
        "malformed",
    ]


def test_a_connection_cut_in_the_middle_is_unresponsive(server):
    server.serve("/i.json", b'{"packs": {}}', headers={"Content-Length": "1000"})
    assert only_status(fetch(f"{server.origin}/i.json", session_timeout=2)).error == "unresponsive"


# Files


@pytest.mark.parametrize("form", ["{}", "file://{}", "FILE://localhost{}"])
def test_an_index_on_disk(tmp_path, form):
    path = tmp_path / "index.json"
    path.write_text(json.dumps(index_of(a=pack("a", repo_url="file:///srv/packs/a"))))
    entry = fetch(form.format(path)).lookup("a", strict=True)
    assert (entry.repo_url, entry.raw["repo_url"]) == ("/srv/packs/a", "file:///srv/packs/a")


def test_an_index_on_disk_that_cannot_be_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for name in ("missing.json", "fifo", "."):
        found = only_status(fetch(f"{tmp_path}/{name}", session_timeout=3))
        assert found.error == "unresponsive"
        assert found.message != "No complete response within 3 s."


def test_files_need_no_requests(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "requests", None)
    path = tmp_path / "index.json"
    path.write_text('{"packs": {}}')
    assert only_status(fetch(str(path))).error is None
    assert only_status(fetch(f"{tmp_path}/missing")).error == "unresponsive"
    with pytest.raises(MissingLibraryError) as caught:
        fetch(str(path), "http://127.0.0.1:9/")
    assert caught.value.library == "requests"


def test_the_real_index(server):
    path = REAL_DATA / "exchange" / "index.json"
    if not path.is_file():
        pytest.skip(f"real data is missing: {path}; set ST2_TEST_DATA to its folder")
    content = path.read_bytes()
    expected = json.loads(content)["packs"]
    indexes = fetch(server.serve("/v1/index.json", content))
    assert only_status(indexes).packs == len(expected) == 169
    for ref, raw in expected.items():
        entry = indexes.lookup(ref, strict=True)
        assert entry.repo_url == raw["repo_url"]
        assert entry.wanted_version(None) == raw["version"]
        assert list(entry.versions) == raw["versions"]
        assert entry.raw == raw
        assert not entry.credentials
