# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways of asking, by the standard library and by requests, against real servers: nobody can tell them apart.

What StackStorm's client and the indexes make of it is tested with them.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest
from infrastructure.servers.certificates import CertificateAuthority
from infrastructure.servers.http_base import Handler, HttpServer
from infrastructure.servers.proxy import Proxy

from ansible_collections.stackstorm.st2.plugins.module_utils import _http
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._http import (
    AuthoritiesError,
    HttpClient,
    HttpError,
    Request,
    TooLargeError,
    TooLateError,
    UnreachedError,
    UntrustedError,
    WrongUrlError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._libraries import require
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials

require("requests")  # The first time takes seconds.


class _Handler(Handler):
    def _do(self):
        self.owner.takes(self.read_body())
        self.owner.seen.append((self.command, self.path, dict(self.headers.items())))
        self.owner.answers.get(urlsplit(self.path).path, lambda handler: handler.reply(200, b"here"))(self)

    do_GET = do_POST = _do


class Server(HttpServer):
    """Answers paths with functions, and remembers what it was asked."""

    handler = _Handler

    def __init__(self, **kwargs):
        self.answers = {}
        self.seen = []
        self.takes = lambda body: None
        super().__init__(**kwargs)


@pytest.fixture
def server():
    with Server() as one:
        yield one


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def tls_server(authority):
    with Server(ca=authority) as one:
        yield one


@pytest.fixture(params=["light", "requests"])
def connect(request):
    """Opens clients of one of the two ways."""
    opened = []

    def client(seconds=20.0, most_bytes=1 << 20):
        opened.append(HttpClient(Deadline(seconds), most_bytes=most_bytes, light=request.param == "light"))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


@pytest.fixture
def ask(connect):
    """The answer to a single question."""

    def asked(url, **kwargs):
        return connect().exchange(Request("GET", url, **kwargs))

    return asked


def refused(ask, url, **kwargs):
    with pytest.raises(HttpError) as caught:
        ask(url, **kwargs)
    return caught.value


# What is sent and what comes back


def test_an_answer_has_status_reason_headers_and_content(server, ask):
    server.answers["/a"] = lambda handler: handler.reply(404, b"gone", {"X-Total-Count": "7"})
    found = ask(f"{server.url}/a?b=c%20d")
    assert (found.status, found.reason, found.content) == (404, "Not Found", b"gone")
    assert found.headers["x-total-count"] == "7"
    assert server.seen[0][:2] == ("GET", "/a?b=c%20d")


def test_both_ways_send_the_same_headers(server, ask):
    ask(f"{server.url}/a", headers={"Accept": "application/json", "X-Auth-Token": "t"})
    sent = server.seen[0][2].items()
    assert {name: value for name, value in sent if name not in ("Accept-Encoding", "Connection")} == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": "stackstorm.st2",
        "Accept": "application/json",
        "X-Auth-Token": "t",
    }


def test_credentials_may_have_any_letters(server, ask):
    ask(f"{server.url}/a", credentials=Credentials("üser", "p:\u0142"))
    sent = server.seen[0][2]["Authorization"]
    assert base64.b64decode(sent[len("Basic ") :]).decode() == "üser:p:\u0142"


def test_what_a_url_cannot_hold_is_quoted_and_what_is_quoted_stays(server, ask):
    ask(f"{server.url}/ä b%2Fc?d=é")
    assert server.seen[0][1] == "/%C3%A4%20b%2Fc?d=%C3%A9"


def test_an_answer_in_pieces_is_put_together(server, ask):
    def pieces(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in (b"one ", b"two ", b"three"):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    server.answers["/a"] = pieces
    assert ask(f"{server.url}/a").content == b"one two three"


def test_an_answer_without_a_length_ends_with_its_connection(server, ask):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"all of it")
        handler.close_connection = True

    server.answers["/a"] = endless
    assert ask(f"{server.url}/a").content == b"all of it"


def test_a_redirect_is_an_answer(server, ask):
    server.answers["/a"] = lambda handler: handler.reply(302, b"", {"Location": "/b"})
    found = ask(f"{server.url}/a")
    assert (found.status, found.headers["location"]) == (302, "/b") and len(server.seen) == 1


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_content(server, ask, status):
    def empty(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", "0" if status == 204 else "100")
        handler.end_headers()

    server.answers["/a"] = empty
    assert ask(f"{server.url}/a").content == b""


def test_ipv6_is_reached(ask):
    class Six(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6
        daemon_threads = True

        def server_bind(self):
            socket.socket.bind(self.socket, self.server_address)

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers["Host"].encode())

        def log_message(self, *_arguments):
            pass

    try:
        server = Six(("::1", 0), Answering)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    port = server.socket.getsockname()[1]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        assert ask(f"http://[::1]:{port}/").content == f"[::1]:{port}".encode()
    finally:
        server.shutdown()
        server.server_close()


# Connections


def test_a_body_goes_along(server, connect):
    bodies = []
    server.answers["/a"] = lambda handler: handler.reply(200, b"")
    server.takes = bodies.append
    for changes in (False, True):
        connect().exchange(Request("POST", f"{server.url}/a", {"Content-Type": "x/y"}, b"body", changes=changes))
    assert bodies == [b"body"] * 2 and server.seen[0][2]["Content-Type"] == "x/y"


def test_one_connection_serves_many_and_another_server_gets_its_own(server, connect):
    client = connect()
    with Server() as other:
        for url in (server.url, server.url, server.url, other.url, other.url):
            assert client.exchange(Request("GET", f"{url}/a")).content == b"here"
        client.close()
        assert (server.connections, other.connections) == (1, 1)


def test_a_connection_that_the_server_has_closed_is_opened_again(server, connect):
    client = connect()
    for _number in range(2):
        assert client.exchange(Request("GET", f"{server.url}/a")).content == b"here"
        for one in list(server.open_sockets):
            with contextlib.suppress(OSError):  # It may be closed already.
                one.shutdown(socket.SHUT_RDWR)
    assert len(server.seen) == 2 and server.connections == 2


def test_after_a_failure_the_next_question_has_a_connection_of_its_own(server, connect):
    client = connect(most_bytes=10)
    server.answers["/large"] = lambda handler: handler.reply(200, b"x" * 200_000)
    with pytest.raises(TooLargeError):
        client.exchange(Request("GET", f"{server.url}/large"))
    assert client.exchange(Request("GET", f"{server.url}/a")).content == b"here"


# Bounds


def test_an_answer_that_is_too_large_is_given_up(server, connect):
    server.answers["/a"] = lambda handler: handler.reply(200, b"x" * ((1 << 20) + 1))
    server.answers["/b"] = lambda handler: handler.reply(200, b"x" * (1 << 20))
    with pytest.raises(TooLargeError, match="the answer is larger than 1 MiB"):
        connect().exchange(Request("GET", f"{server.url}/a"))
    assert len(connect().exchange(Request("GET", f"{server.url}/b")).content) == 1 << 20


def test_an_answer_that_is_cut_is_none(server, ask):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"[]")
        handler.close_connection = True

    server.answers["/a"] = cut
    assert isinstance(refused(ask, f"{server.url}/a"), UnreachedError)


def test_a_piece_that_is_cut_is_none(server, ask):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"ff\r\n[]")
        handler.close_connection = True

    server.answers["/a"] = cut
    assert isinstance(refused(ask, f"{server.url}/a"), UnreachedError)


@pytest.mark.parametrize("first", [b"", b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", None])
def test_whatever_drips_or_is_silent_ends_with_the_deadline(connect, first):
    """Also a server that takes the connection and then says nothing, and one that takes none."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        stopped = threading.Event()

        def drip():
            accepted, _address = listening.accept()
            with accepted:
                accepted.sendall(first)
                while not stopped.wait(0.02):
                    accepted.sendall(b"x" if first else b"")

        if first is not None:
            threading.Thread(target=drip, daemon=True).start()
        # It drips until it is stopped, so that only a client with a deadline ever comes back.
        try:
            with pytest.raises(TooLateError):
                connect(seconds=1).exchange(Request("GET", f"http://127.0.0.1:{listening.getsockname()[1]}/"))
        finally:
            stopped.set()


def test_a_name_service_that_hangs_ends_with_the_deadline(connect, monkeypatch):
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_more: found.wait() and [])
    try:
        with pytest.raises(TooLateError):
            connect(seconds=1).exchange(Request("GET", "http://st2.invalid/"))
    finally:
        found.set()


def test_connecting_has_a_time_of_its_own(connect, monkeypatch):
    monkeypatch.setattr(_http, "CONNECT_SECONDS", 0.1)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _number in range(8):  # Nobody takes these, so that there is no place for one more.
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        with pytest.raises(UnreachedError, match=r"no connection within 0\.1 s"):
            connect().exchange(Request("GET", f"http://127.0.0.1:{full.getsockname()[1]}/"))
        for one in waiting:
            one.close()


def test_an_answer_may_take_longer_than_connecting(server, ask, monkeypatch):
    monkeypatch.setattr(_http, "CONNECT_SECONDS", 0.2)
    server.answers["/a"] = lambda handler: handler.owner.stopping.wait(0.5) or handler.reply(200, b"late")
    assert ask(f"{server.url}/a").content == b"late"


# Failures, in the same words


def test_reasons_are_the_systems_own(ask):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = refused(ask, f"http://127.0.0.1:{free.getsockname()[1]}/a")
    assert (type(error), error.reason) == (UnreachedError, "Connection refused")
    error = refused(ask, "http://st2.invalid/a")
    assert error.__class__ is UnreachedError
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo("st2.invalid", 80)
    assert error.reason == caught.value.strerror


def test_a_connection_that_breaks_off(server, ask):
    server.answers["/a"] = lambda handler: handler.drop()
    error = refused(ask, f"{server.url}/a")
    assert (type(error), error.reason) == (UnreachedError, "Remote end closed connection without response")


def test_what_is_no_http_is_shown(server, ask):
    def other(handler):
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        handler.close_connection = True

    server.answers["/a"] = other
    error = refused(ask, f"{server.url}/a")
    assert error.__class__ is UnreachedError and error.reason.startswith("BadStatusLine: SSH-2.0")


@pytest.mark.parametrize(
    "url", ["ftp://h/x", "x", "http://", "http://h:99999/", "http://h:0/", "file:///x", f"http://{'x' * 100}.invalid/"]
)
def test_what_is_no_url(ask, url):
    assert refused(ask, url).__class__ is WrongUrlError


# TLS


def test_certificates_are_checked_with_a_file_a_directory_or_not_at_all(tls_server, authority, ask, tmp_path):
    for verify in (str(authority.ca_file), False):
        assert ask(f"{tls_server.url}/a", verify=verify).content == b"here"
    openssl = shutil.which("openssl")
    name = subprocess.run(
        [openssl, "x509", "-hash", "-noout", "-in", str(authority.ca_file)], check=True, capture_output=True, text=True
    ).stdout.strip()
    shutil.copy(authority.ca_file, tmp_path / f"{name}.0")
    assert ask(f"{tls_server.url}/a", verify=str(tmp_path)).content == b"here"


def test_an_unknown_authority_is_told_in_openssls_words(tls_server, ask):
    error = refused(ask, f"{tls_server.url}/a")
    assert error.__class__ is UntrustedError and not tls_server.seen
    assert error.reason.startswith("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: ")


def test_a_certificate_for_another_name_is_not_trusted(authority, ask):
    with Server(tls=authority.server_context(["other.example.com"])) as other:
        error = refused(ask, f"{other.url}/a", verify=str(authority.ca_file))
    assert error.__class__ is UntrustedError and "127.0.0.1" in error.reason


def test_https_to_a_server_without_it_is_not_trusted(server, ask):
    assert refused(ask, f"https://127.0.0.1:{server.port}/a").__class__ is UntrustedError


def test_a_file_of_authorities_must_be_there_and_be_one(tls_server, ask, tmp_path):
    missing = tmp_path / "missing.pem"
    error = refused(ask, f"{tls_server.url}/a", verify=str(missing))
    assert error.__class__ is AuthoritiesError and str(missing) in error.reason
    missing.write_text("no certificate")
    assert refused(ask, f"{tls_server.url}/a", verify=str(missing)).__class__ is UntrustedError


def test_without_more_both_trust_the_same(monkeypatch):
    contexts = []
    original = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **kwargs: contexts.append(kwargs) or original(**kwargs))
    _http._tls(True)
    assert contexts == [{"cafile": require("requests").certs.where(), "capath": None}]


# Proxies


@pytest.mark.parametrize("form", ["{}", "noscheme"])
def test_plain_addresses_go_through_a_proxy_with_its_credentials(server, ask, form):
    with Proxy("proxy", "s/crt", routes={"st2.example.com:80": ("127.0.0.1", server.port)}) as proxy:
        url = proxy.authenticated_url.replace("s/crt", "s%2Fcrt")
        found = ask("http://st2.example.com/a?b=1", proxy=url if form == "{}" else url.partition("://")[2])
        assert proxy.destinations == ["st2.example.com:80"]
    assert found.content == b"here"
    method, path, headers = server.seen[0]
    assert (method, path, headers["Host"]) == ("GET", "/a?b=1", "st2.example.com")
    assert "Proxy-Authorization" not in headers


def test_tls_goes_through_a_tunnel(tls_server, authority, connect):
    routes = {"st2.example.com:443": ("127.0.0.1", tls_server.port)}
    with Proxy("proxy", "secret", routes=routes) as proxy:
        client = connect()
        for _number in range(2):
            request = Request(
                "GET", "https://st2.example.com/a", proxy=proxy.authenticated_url, verify=str(authority.ca_file)
            )
            assert client.exchange(request).content == b"here"
        assert proxy.destinations == ["st2.example.com:443"]
        client.close()
    assert all("Proxy-Authorization" not in headers for _method, _path, headers in tls_server.seen)


def test_a_proxy_that_does_not_let_in_or_is_not_there(tls_server, ask):
    url = "https://st2.example.com/a"
    with Proxy("proxy", "secret") as proxy:
        error = refused(ask, url, proxy=proxy.url)
    assert error.__class__ is UnreachedError and "407" in error.reason
    error = refused(ask, url, proxy=proxy.url)
    assert (type(error), error.reason) == (UnreachedError, "Connection refused")


# Which way is taken


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.stackstorm.st2.plugins.module_utils._http import HttpClient, Request
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
client = HttpClient(Deadline(60), most_bytes=1000)
for method, changes in (("GET", False), ("POST", False), ("POST", True), ("GET", False)):
    request = Request(method, sys.argv[2], body=b"{}" if method == "POST" else None, changes=changes)
    assert client.exchange(request).status == 200
    print(method, "requests" in sys.modules)
client.close()
"""


def test_requests_is_loaded_when_something_else_than_a_question_is_sent(server):
    module = sys.modules["ansible_collections.stackstorm.st2.plugins.module_utils._http"]
    root = module.__file__.partition("/ansible_collections/")[0]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, root, f"{server.url}/a"], check=True, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:4] == ["GET False", "POST False", "POST True", "GET True"]
    # The session of requests goes on with what is asked later.
    assert server.connections == 2


@pytest.mark.parametrize("proxy", ["http://", "http://[::1", "p:99999", "socks5://p:x"])
def test_a_proxy_that_is_none_is_named(ask, proxy):
    error = refused(ask, "http://st2.invalid/", proxy=proxy)
    assert error.__class__ is WrongUrlError and "of the proxy" in error.reason


@pytest.mark.parametrize("proxy", ["https://p:1", "socks5h://p:1", "HTTP://p:1", "p:1"])
def test_the_standard_library_goes_through_plain_proxies_only(proxy):
    assert _http._is_plain(proxy) == (not proxy.startswith(("https", "socks")))


def test_no_secrets_are_shown():
    request = Request("GET", "http://h/", {"X-Auth-Token": "s1"}, b"s2", Credentials("u", "s3"), "http://u:s4@p")
    assert not any(secret in repr(request) for secret in ("s1", "s2", "s3", "s4"))
