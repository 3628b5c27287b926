# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client against real servers on loopback: errors told apart, bounds on time, TLS, redirects, proxies, secrets."""

from __future__ import annotations

import socket

import pytest
from infrastructure.servers.certificates import CertificateAuthority

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DeadlineError,
    ForbiddenError,
    GatewayTimeoutError,
    InvalidContentError,
    MissingError,
    RegistrationError,
    ServerError,
    TlsError,
    UnauthorisedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials, Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2 import api_client
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_client import PAGE, ApiClient, path_of
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._st2.rest_server import (
    RestServer,
    answer,
    fault,
    paged,
)

CANARY = "ca-na-ry-7"


@pytest.fixture(params=["light", "requests"])
def connect(request):
    """Opens clients of a server, or of a URL; with the standard library for questions, and with requests."""
    opened = []

    def client(server, seconds=20.0, **kwargs):
        url = server if isinstance(server, str) else server.api
        opened.append(ApiClient(url, deadline=Deadline(seconds), light=request.param == "light", **kwargs))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


@pytest.fixture
def server():
    with RestServer() as one:
        yield one


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


def refused(client, method="get", *arguments):
    with pytest.raises(RegistrationError) as caught:
        getattr(client, method)(*(arguments or ("/packs",)))
    assert caught.value.step == "register"
    return caught.value


# What is sent and what comes back


def test_json_goes_there_and_back_with_the_credentials_in_a_header(server, connect):
    server.on("POST", "/packs/register", {"actions": 1})
    client = connect(server, headers={"St2-Api-Key": "k-1"})
    assert client.post("/packs/register", {"packs": ["sensu"]}) == {"actions": 1}
    (asked,) = server.asked
    assert asked.body == {"packs": ["sensu"]} and asked.headers["St2-Api-Key"] == "k-1"
    assert asked.headers["Content-Type"] == "application/json" and asked.params == {}
    assert "Authorization" not in asked.headers


def test_basic_authentication_is_for_the_server_in_front(server, connect):
    server.username, server.password = "front", "door"
    server.on("GET", "/packs", lambda handler, _asked: answer([] if handler.authorised() else {}, 200))
    assert connect(server, basic=Credentials("front", "door")).get("/packs") == []


def test_one_connection_serves_all_requests_and_an_empty_answer_is_none(server, connect):
    server.on("DELETE", "/actions/sensu.check", answer(b"", 204))
    client = connect(server)
    for _number in range(3):
        assert client.delete("/actions/sensu.check", {"remove_files": False}) is None
    assert server.connections == 1 and server.bodies("/actions/sensu.check") == [{"remove_files": False}] * 3
    client.close()


def test_what_stands_in_a_path_is_quoted():
    assert path_of("actions", "a/../b?c d") == "/actions/a%2F..%2Fb%3Fc%20d"


# Lists


@pytest.mark.parametrize("count", [0, 1, PAGE, PAGE + 1, 2 * PAGE + 5])
def test_lists_are_read_to_their_end(server, count, connect):
    items = [{"id": str(number), "ref": f"p.{number}"} for number in range(count)]
    server.on("GET", "/actions", paged(items))
    assert connect(server).list("/actions", {"pack": "p"}) == items
    assert len(server.asked) == max(1, -(-count // PAGE))
    assert all(one.params["pack"] == "p" for one in server.asked)


def give_all_to_administrators(items, administrator):
    """A list as StackStorm gives it, all at once to an administrator only (st2api/controllers/resource.py)."""
    page = paged(items)

    def give(handler, asked):
        if asked.params["limit"] != "-1":
            return page(handler, asked)
        return (200, items, {}) if administrator else fault(403, "Administrator access required to be able to ...")

    return give


@pytest.mark.parametrize("count", [PAGE - 1, PAGE + 1, 3 * PAGE])
def test_an_administrator_gets_a_long_list_by_one_question(server, connect, count):
    items = [{"id": str(number)} for number in range(count)]
    server.on("GET", "/packs", give_all_to_administrators(items, True))
    assert connect(server).list("/packs", {"include_attributes": "ref"}, expected=count) == items
    (asked,) = server.asked
    assert asked.params["include_attributes"] == "ref"
    assert asked.params["limit"] == ("-1" if count > PAGE else str(PAGE))


def test_others_get_it_page_by_page_and_are_refused_once(server, connect):
    items = [{"id": str(number)} for number in range(PAGE + 1)]
    server.on("GET", "/packs", give_all_to_administrators(items, False))
    client = connect(server)
    for _number in range(2):
        assert client.list("/packs", expected=PAGE + 1) == items
    limits = [asked.params["limit"] for asked in server.asked]
    assert limits == ["-1", str(PAGE), str(PAGE), str(PAGE), str(PAGE)]


def test_a_list_that_cannot_be_paged_is_asked_for_as_a_whole(server, connect):
    items = [{"ref": f"p.{number}"} for number in range(PAGE + 20)]

    def give(_handler, asked):
        assert asked.params["limit"] in (str(PAGE), "-1")
        return 200, items if asked.params["limit"] == "-1" else items[:PAGE], {"X-Total-Count": str(len(items))}

    server.on("GET", "/rules", give)
    assert connect(server).list("/rules") == items


def test_what_is_no_list_of_objects_is_an_error(server, connect):
    server.on("GET", "/packs", {"packs": []}, ["sensu"])
    for _number in range(2):
        with pytest.raises(UnexpectedAnswerError, match="GET /packs with something that is not a list of objects"):
            connect(server).list("/packs")


# Errors told apart


@pytest.mark.parametrize(
    "status, kind, words, said",
    [
        (400, InvalidContentError, 'Pack "zz" not found on disk', 'refuses GET /packs: Pack "zz" not found on disk.'),
        (401, UnauthorisedError, "Unauthorized", "does not accept the credentials"),
        (401, UnauthorisedError, "Unauthorized - One of Token or API key required.", "One of Token or API key"),
        (403, ForbiddenError, 'User "o" doesn\'t have required permission "pack_list"', "permission pack_list."),
        (404, MissingError, 'Resource with a ref or id "x" not found', 'ref or id "x" not found'),
        (409, UnexpectedAnswerError, "Tag unique constraint", "with status 409: Tag unique constraint."),
        (500, ServerError, "Internal Server Error", "broke down over GET /packs: Internal Server Error."),
        (502, GatewayTimeoutError, "", "with status 502. StackStorm may still be processing"),
        (503, GatewayTimeoutError, "", "with status 503"),
        (504, GatewayTimeoutError, "", "with status 504"),
    ],
)
def test_each_status_is_an_error_of_its_kind(server, status, kind, words, said, connect):
    server.on("GET", "/packs", fault(status, words))
    error = refused(connect(server))
    assert error.__class__ is kind and said in error.message


def test_a_gateway_answers_with_a_page_and_still_is_understood(server, connect):
    server.on("GET", "/packs", answer(b"<html><h1>504 Gateway Time-out</h1></html>", 504, Content_Type="text/html"))
    assert refused(connect(server)).__class__ is GatewayTimeoutError


def test_the_permission_that_is_missing_is_named_apart(server, connect):
    server.on("POST", "/packs/register", fault(403, 'User "o" doesn\'t have required permission "pack_register"'))
    error = refused(connect(server), "post", "/packs/register", {})
    assert error.permission == "pack_register"


def test_neither_the_hash_of_a_key_nor_a_config_is_passed_on(server, connect):
    config = (
        'Failed validating attribute "host" in config for pack "p" (/c/p.yaml): \'host\' is a required property\n\n'
    )
    config += "Failed validating 'required' in schema['properties']['host']:\n    {'required': True}\n\n"
    config += f"On instance['host']:\n    {{'port': 80, 'pw': '{CANARY}'}}"
    server.on(
        "PUT",
        "/configs/p",
        fault(401, f"Unauthorized - ApiKey with key_hash={CANARY} not found."),
        fault(400, config),
    )
    client = connect(server)
    errors = [refused(client, "put", "/configs/p", {}) for _number in range(2)]
    assert not any(CANARY in error.message + repr(error.__dict__) for error in errors)
    assert "'host' is a required property (rule required at schema['properties']['host'])" in errors[1].message


def test_known_secrets_are_taken_out_of_stackstorms_words(server, connect):
    server.on("GET", "/packs", fault(400, f"no such thing as {CANARY}"))
    assert CANARY not in refused(connect(server, redactor=Redactor([CANARY]))).message


def test_an_answer_without_end_is_left(server, connect, monkeypatch):
    monkeypatch.setattr(api_client, "_LARGEST", 1 << 20)
    sent = []

    def give(handler, _asked):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for _number in range(1000):
            handler.wfile.write(b" " * (1 << 20))
            sent.append(1)
        handler.close_connection = True

    server.on("GET", "/packs", give)
    error = refused(connect(server, seconds=60))
    assert isinstance(error, UnexpectedAnswerError) and "answers GET /packs with more than 1 MiB." in error.message
    assert len(sent) < 200


@pytest.mark.parametrize("body", [b"<html>StackStorm</html>", b"[1, 2", b"[" * 100_000])
def test_what_is_not_json_is_not_the_api(server, body, connect):
    server.on("GET", "/packs", answer(body))
    error = refused(connect(server))
    assert error.__class__ is UnexpectedAnswerError and "Set the right api_url" in error.message


# Servers that are not there


def test_nobody_listening_is_unreachable(connect):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        error = refused(connect(url))
    assert error.__class__ is UnreachableError
    assert error.message == (
        f"StackStorm at {url} cannot be reached: Connection refused. Check that api_url is correct and "
        "st2api is running."
    )


def test_no_such_host_is_unreachable(connect):
    error = refused(connect("http://st2.invalid/api"))
    assert error.__class__ is UnreachableError and "http://st2.invalid/api cannot be reached" in error.message


def test_a_server_that_breaks_off_is_unreachable(server, connect):
    server.on("GET", "/packs", lambda handler, _asked: handler.drop())
    assert refused(connect(server)).__class__ is UnreachableError


# Time


def drip_headers(handler, _asked):
    try:
        while not handler.owner.stopping.wait(0.05):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n"[:1])
            handler.wfile.flush()
    except OSError:
        pass
    handler.close_connection = True


def drip_body(handler, _asked):
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    try:
        while not handler.owner.stopping.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()
    except OSError:
        pass
    handler.close_connection = True


def say_nothing(handler, _asked):
    handler.owner.stopping.wait(30)
    handler.close_connection = True


@pytest.mark.parametrize("slow", [say_nothing, drip_headers, drip_body])
def test_no_server_outlasts_the_deadline(server, slow, connect):
    server.on("GET", "/packs", slow)
    # The server drips until it is stopped, so that only a client with a deadline ever comes back.
    with pytest.raises(DeadlineError, match=r"timeout of 1 s ran out while StackStorm at .* GET /packs"):
        connect(server, seconds=1).get("/packs")


def test_what_is_not_a_question_may_go_on_and_that_is_said(server, connect):
    server.on("POST", "/packs/register", say_nothing)
    with pytest.raises(DeadlineError, match="StackStorm may still be processing it"):
        connect(server, seconds=1).post("/packs/register", {})


def test_with_no_time_left_nothing_is_sent(server, connect):
    with pytest.raises(DeadlineError, match="GET /packs was about to be sent"):
        connect(server, seconds=0).get("/packs")
    assert server.quiet


def test_another_deadline_can_be_given_for_a_last_word(server, connect):
    server.on("GET", "/packs", [])
    client = connect(server, seconds=0, headers={"X-Auth-Token": "t"})
    assert client.with_deadline(Deadline(20)).get("/packs") == []
    assert server.asked[0].headers["X-Auth-Token"] == "t"


# Where credentials do not go


def test_a_redirect_is_not_followed(server, connect):
    with RestServer() as other:
        server.on("GET", "/packs", answer(b"", 302, Location=f"{other.url}/v1/packs?token={CANARY}"))
        error = refused(connect(server, headers={"X-Auth-Token": "t-1"}))
        assert other.quiet
    assert error.__class__ is UnexpectedAnswerError
    assert f"redirects to {other.url}/v1/packs. Redirects are not followed" in error.message
    assert CANARY not in error.message


def test_loopback_is_reached_without_a_proxy(server, connect):
    server.on("GET", "/packs", [])
    nowhere = Proxy(http="http://127.0.0.1:1", https="http://127.0.0.1:1")
    assert connect(server, proxy=nowhere).get("/packs") == []


def test_other_hosts_go_through_the_proxy_unless_no_proxy_says_so(server, connect):
    server.answers[("GET", "/v1/packs")] = [answer([])]
    through = Proxy(http=server.url)
    assert connect("http://st2.invalid/v1", proxy=through).get("/packs") == []
    direct = Proxy(http=server.url, no_proxy="st2.invalid")
    error = refused(connect("http://st2.invalid/v1", proxy=direct))
    assert error.__class__ is UnreachableError
    assert len(server.asked) == 1


def test_the_environments_proxy_and_netrc_are_not_taken(server, monkeypatch, tmp_path, connect):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login u password {CANARY}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.on("GET", "/packs", [])
    assert connect(server).get("/packs") == []
    assert "Authorization" not in server.asked[0].headers


# TLS


@pytest.fixture
def tls_server(authority):
    with RestServer(ca=authority) as one:
        one.on("GET", "/packs", [])
        yield one


def test_a_certificate_of_ones_own_authority_is_trusted(tls_server, authority, connect):
    assert connect(tls_server, verify=str(authority.ca_file)).get("/packs") == []


def test_an_unknown_authority_is_not_trusted(tls_server, connect):
    error = refused(connect(tls_server))
    assert error.__class__ is TlsError and not tls_server.asked
    assert "cannot be trusted" in error.message and "Set ca_bundle" in error.message


def test_without_checks_nothing_is_printed_either(tls_server, capfd, recwarn, connect):
    assert connect(tls_server, verify=False).get("/packs") == []
    # What another test left open may be collected just now.
    assert not [one for one in recwarn.list if one.category is not ResourceWarning]
    assert capfd.readouterr() == ("", "")


def test_a_bundle_that_is_not_there_is_named(tls_server, tmp_path, connect):
    error = refused(connect(tls_server, verify=f"{tmp_path}/nothing.pem"))
    assert error.__class__ is TlsError and f"{tmp_path}/nothing.pem" in error.message and "ca_bundle" in error.message


def test_https_to_a_server_without_it_is_a_matter_of_tls(server, connect):
    error = refused(connect(server.api.replace("http:", "https:")))
    assert error.__class__ is TlsError
