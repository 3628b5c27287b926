# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloading an index from real servers on loopback: time, size, redirects, credentials, TLS and proxies."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials
from ansible_collections.stackstorm.st2.plugins.module_utils._source import index_download
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.index_server import (
    Server,
    basic,
    fetch,
    guarded,
    index_of,
    only_status,
    pack,
    reply,
)


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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl is missing, which makes the certificate of the test server")
    directory = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        directory / "key.pem",
        "-out",
        directory / "ca.pem",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return directory


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "ca.pem", certificate / "key.pem")
    one = Server(context)
    yield one
    one.close()


# Time and size


def drip_body(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    drip(handler, b" ")


def drip_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    drip(handler, b"x")


def drip(handler, byte):
    """Until the client has enough of it, or the test is over."""
    try:
        while not handler.server.stopping.wait(0.02):
            handler.wfile.write(byte)
            handler.wfile.flush()
    except OSError:
        pass


def say_nothing(handler):
    handler.server.stopping.wait()


@pytest.mark.parametrize("answer", [drip_body, drip_headers, say_nothing])
def test_a_slow_index_is_given_up_and_others_are_read(server, answer):
    server.answers["/slow"] = answer
    good = server.serve("/good", index_of(a=pack("a")))
    indexes = fetch(f"{server.origin}/slow", good, session_timeout=2)
    slow, fast = indexes.statuses
    assert slow.error == "unresponsive"
    assert fast.error is None
    assert indexes.lookup("a", strict=False).version == "1.0.0"


def test_the_deadline_of_the_task_is_an_error(server):
    server.answers["/slow"] = drip_body
    with pytest.raises(DeadlineError, match=r"0\.4 s ran out while reading the pack indexes"):
        fetch(f"{server.origin}/slow", seconds=0.4)


def test_indexes_are_fetched_at_the_same_time(server):
    together = threading.Barrier(4)

    def slow(handler):
        together.wait(60)
        reply(handler, b'{"packs": {}}')

    urls = []
    for number in range(4):
        server.answers[f"/{number}"] = slow
        urls.append(f"{server.origin}/{number}")
    assert [status.error for status in fetch(*urls).statuses] == [None] * 4


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_an_index_that_is_too_large_is_given_up(server, monkeypatch, encoding):
    monkeypatch.setattr(index_download, "_LARGEST", 1 << 20)
    content = b" " * (3 << 20) + b'{"packs": {}}'
    headers = {"Content-Encoding": encoding} if encoding else {}
    url = server.serve(
        "/i.json",
        gzip.compress(content) if encoding else content,
        headers=headers
        and {
            **headers,
            "Content-Length": str(len(gzip.compress(content))),
        },
    )
    found = only_status(fetch(url))
    assert (found.error, found.message) == ("malformed", "The index is larger than 1 MiB.")


# Redirects


def test_redirects_are_followed(server, other):
    target = other.serve("/i.json", index_of(a=pack("a")))
    server.redirect("/2", target)
    server.redirect("/1", "/2")
    indexes = fetch(f"{server.origin}/1")
    # The index is the one that was configured, wherever it is kept.
    assert indexes.lookup("a", strict=True).index_url == f"{server.origin}/1"


def test_redirects_without_end_are_not(server):
    server.redirect("/1", "/1")
    found = only_status(fetch(f"{server.origin}/1"))
    assert (found.error, found.message) == ("unresponsive", "More than 5 redirects.")
    assert len(server.requests) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://h/x", "gopher://h/x"])
def test_redirects_to_other_schemes_are_not_followed(server, location):
    server.redirect("/1", location)
    found = only_status(fetch(f"{server.origin}/1"))
    assert found.error == "unresponsive"
    assert "which is not followed" in found.message


def test_a_redirect_from_https_to_http_is_not_followed(tls_server, server, certificate):
    plain = server.serve("/i.json", index_of(a=pack("a")))
    tls_server.redirect("/1", plain)
    found = only_status(fetch(f"{tls_server.origin}/1", ca_bundle=str(certificate / "ca.pem")))
    assert (found.error, found.message) == ("unresponsive", "A redirect from https to http, which is not followed.")
    assert server.requests == []


def test_credentials_do_not_follow_a_redirect_to_another_server(server, other):
    other.serve("/i.json", index_of(a=pack("a")))
    server.redirect("/1", f"{other.origin}/i.json")
    url = f"http://u:hunter2@127.0.0.1:{server.port}/1"
    assert only_status(fetch(url, credentials_for=lambda _url: Credentials("u", "hunter2"))).error is None
    assert server.requests[0][1]["Authorization"] == basic("u", "hunter2")
    assert "Authorization" not in other.requests[0][1]


def test_another_server_that_asks_for_credentials_gets_none(server, other):
    guarded(other, "/i.json", "u", "hunter2", index_of())
    server.redirect("/1", f"{other.origin}/i.json")
    asked = []
    found = only_status(
        fetch(f"{server.origin}/1", credentials_for=lambda url: asked.append(url) or Credentials("u", "p"))
    )
    assert (found.error, asked) == ("unresponsive", [])
    assert all("Authorization" not in headers for _path, headers in other.requests)


# Credentials


def test_userinfo_is_used_and_not_shown(server):
    clean = guarded(server, "/i.json", "üser", "hunter2/ü", index_of(a=pack("a")))
    indexes = fetch(clean.replace("http://", "http://%C3%BCser:hunter2%2F%C3%BC@"))
    assert only_status(indexes).error is None
    assert only_status(indexes).url == clean
    assert indexes.lookup("a", strict=True).index_url == clean


def test_wrong_userinfo_shows_nothing(server):
    clean = guarded(server, "/i.json", "u", "right", index_of())
    found = only_status(fetch(clean.replace("http://", "http://u:hunter2@")))
    assert found.error == "unresponsive"
    assert found.message == "HTTP status 401 (Unauthorized). Give username and password, or token."
    assert "hunter2" not in repr(found)


def test_a_token_in_the_query_is_used_and_not_shown(server):
    server.serve("/i.json?token=hunter2", index_of(a=pack("a")))
    indexes = fetch(f"{server.origin}/i.json?token=hunter2")
    assert indexes.lookup("a", strict=True).index_url == f"{server.origin}/i.json?token=********"
    assert "hunter2" not in repr(indexes)


@pytest.mark.parametrize("path", ["/i.json?token=hunter2", "/x"])
def test_errors_show_no_secrets(path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    proxy = Proxy(http=f"http://pu:hunter2-proxy@127.0.0.1:{port}")
    for chosen in (Proxy(), proxy):
        found = only_status(fetch(f"http://u:hunter2@127.0.0.1:{port}{path}", proxy=chosen))
        assert found.error == "unresponsive"
        assert "hunter2" not in repr(found)


def test_credentials_are_asked_for_only_after_a_401(server):
    open_url = server.serve("/open", index_of(a=pack("a")))
    closed_url = guarded(server, "/closed", "u", "hunter2", index_of(b=pack("b")))
    asked = []

    def credentials_for(url):
        asked.append(url)
        return Credentials("u", "hunter2")

    indexes = fetch(open_url, closed_url, credentials_for=credentials_for)
    assert [status.error for status in indexes.statuses] == [None, None]
    assert asked == [closed_url]
    assert "hunter2" not in repr(indexes)


@pytest.mark.parametrize("answer", [Credentials(), Credentials("u", "wrong-hunter2")])
def test_credentials_that_do_not_help_are_asked_for_once(server, answer):
    url = guarded(server, "/i.json", "u", "right", index_of())
    asked = []
    found = only_status(fetch(url, credentials_for=lambda url: asked.append(url) or answer))
    assert (found.error, len(asked)) == ("unresponsive", 1)
    assert "401" in found.message
    assert ("Give username and password" in found.message) is not bool(answer)
    assert ("refuses the credentials of the task" in found.message) is bool(answer)
    assert "hunter2" not in repr(found)


def test_whoever_answers_for_credentials_may_fail(server):
    def credentials_for(_url):
        raise RuntimeError("no store")

    found = only_status(fetch(guarded(server, "/i.json", "u", "p", index_of()), credentials_for=credentials_for))
    assert (found.error, found.message) == ("other errors", "RuntimeError: no store")


# TLS and proxies


def test_tls_needs_a_known_authority(tls_server, certificate, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    url = tls_server.serve("/i.json", index_of(a=pack("a")))
    found = only_status(fetch(url))
    assert found.error == "unresponsive"
    assert "CERTIFICATE_VERIFY_FAILED" in found.message
    ca_bundle = str(certificate / "ca.pem")
    assert only_status(fetch(url, ca_bundle=ca_bundle)).error is None
    assert only_status(fetch(url, proxy=Proxy(ca_bundle=ca_bundle))).error is None
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_bundle)
    assert only_status(fetch(url)).error is None


def test_a_ca_bundle_that_is_not_there_is_named(tls_server):
    found = only_status(fetch(tls_server.serve("/i.json", b"{}"), ca_bundle="/no/ca.pem"))
    assert found.error == "other errors"
    assert "/no/ca.pem" in found.message


def test_the_proxy_is_used_but_for_no_proxy(server, other):
    body = json.dumps(index_of(a=pack("a"))).encode()
    other.answers["http://index.invalid/i.json"] = lambda handler: reply(handler, body)
    proxy = Proxy(http=f"http://pu:pp@127.0.0.1:{other.port}", no_proxy="127.0.0.1")
    direct = server.serve("/i.json", index_of(b=pack("b")))
    indexes = fetch("http://index.invalid/i.json", direct, proxy=proxy)
    assert [status.error for status in indexes.statuses] == [None, None]
    ((path, headers),) = other.requests
    assert path == "http://index.invalid/i.json"
    assert headers["Proxy-Authorization"] == basic("pu", "pp")
    assert [path for path, _headers in server.requests] == ["/i.json"]


def test_the_environments_proxy_is_not_used_behind_the_tasks_back(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert only_status(fetch(server.serve("/i.json", index_of()))).error is None
