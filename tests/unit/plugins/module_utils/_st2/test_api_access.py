# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the API is and who we are there: task, environment, config file; and a token for a name and a password."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    OptionError,
    UnauthorisedError,
    UnexpectedAnswerError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials, Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_access import ApiAccess, find_access, open_client
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration_options import RegistrationOptions
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._st2.rest_server import (
    RestServer,
    answer,
    fault,
)

CANARY = "ca-na-ry-7"


@pytest.fixture
def server():
    with RestServer() as one:
        yield one


@pytest.fixture
def find(tmp_path):
    """Finds the access for options, environment and the text of a config file."""

    def run(config="", environment=None, **options):
        (tmp_path / ".st2").mkdir(exist_ok=True)
        (tmp_path / ".st2/config").write_text(config)
        return find_access(RegistrationOptions(**options), {"HOME": str(tmp_path), **(environment or {})})

    return run


# URLs

FILE = "[general]\nbase_url = http://file\n"


@pytest.mark.parametrize(
    "config, environment, options, api_url, auth_url",
    [
        ("", {}, {}, "http://127.0.0.1:9101/v1", "http://127.0.0.1:9100"),
        (FILE, {}, {}, "http://file:9101/v1", "http://file:9100"),
        (
            FILE + "[api]\nurl = https://f/api\n[auth]\nurl = https://f/auth\n",
            {},
            {},
            "https://f/api",
            "https://f/auth",
        ),
        (FILE, {"ST2_BASE_URL": "http://env/"}, {}, "http://env:9101/v1", "http://env:9100"),
        (
            FILE,
            {"ST2_API_URL": "https://e/api", "ST2_AUTH_URL": "https://e/auth/"},
            {},
            "https://e/api",
            "https://e/auth",
        ),
        (FILE, {"ST2_API_URL": "https://e/api"}, {"api_url": "https://t/api/"}, "https://t/api", "https://t/auth"),
        ("", {}, {"api_url": "https://t/st2/api/v1"}, "https://t/st2/api/v1", "https://t/st2/auth"),
        ("", {}, {"api_url": "http://t:9101/v1"}, "http://t:9101/v1", "http://t:9100"),
        ("", {}, {"api_url": "http://[::1]:9101"}, "http://[::1]:9101", "http://[::1]:9100"),
        ("", {}, {"api_url": "https://t/api", "auth_url": "https://a"}, "https://t/api", "https://a"),
        ("", {"ST2_API_URL": "https://e:8443/api/v1"}, {}, "https://e:8443/api/v1", "https://e:8443/auth"),
        # What the st2 client 3.9.0 makes of it.
        ("", {"ST2_API_VERSION": "v2"}, {}, "http://127.0.0.1:9101/v2", "http://127.0.0.1:9100"),
        (FILE + "api_version = v3\n", {}, {}, "http://file:9101/v3", "http://file:9100"),
        (FILE, {"ST2_API_URL": "http://env:9101/v1"}, {}, "http://env:9101/v1", "http://file:9100"),
        # With a port in the base there is no auth service to be had, which an API key does not need.
        ("", {"ST2_BASE_URL": "http://h:9101", "ST2_API_URL": "http://h:9101/v1"}, {}, "http://h:9101/v1", ""),
        (FILE.replace("file", "f:1") + "[api]\nurl = http://f:1/v1\n", {}, {}, "http://f:1/v1", ""),
        ("", {}, {"api_url": "https://t/api", "auth_url": "nonsense"}, "https://t/api", ""),
    ],
)
def test_urls_come_from_the_first_place_that_has_one(find, config, environment, options, api_url, auth_url):
    found = find(config, environment, **options)
    assert (found.api_url, found.auth_url) == (api_url, auth_url)


@pytest.mark.parametrize(
    "url",
    [
        "st2.example.com",
        "ftp://h/api",
        "https://",
        "https://h:0/",
        "https://h:port/",
        "https://h/api?x=1",
        "http://h/\x01",
    ],
)
def test_what_is_no_url_of_an_api_is_refused(find, url):
    with pytest.raises(OptionError, match="api_url is not a URL that StackStorm could have"):
        find(api_url=url)


@pytest.mark.parametrize(
    "config, environment, origin",
    [
        ("", {"ST2_BASE_URL": "http://h:9101"}, "ST2_BASE_URL, with :9101/v1"),
        ("", {"ST2_API_URL": "h/api"}, "ST2_API_URL"),
        ("[api]\nurl = h\n", {}, "/.st2/config"),
    ],
)
def test_a_url_that_is_none_is_told_with_the_place_it_is_from(find, config, environment, origin):
    with pytest.raises(OptionError, match=r"api_url is not a URL that StackStorm could have \(it is from ") as caught:
        find(config, environment)
    assert f"{origin})" in caught.value.message


def test_without_an_auth_service_only_a_password_is_refused(find, server):
    server.on("GET", "/packs", [])
    environment = {"ST2_BASE_URL": server.url, "ST2_API_URL": server.api}
    by_key = find("", {**environment, "ST2_API_KEY": CANARY})
    assert opened(by_key).get("/packs") == [] and server.asked[0].headers["St2-Api-Key"] == CANARY
    with pytest.raises(OptionError, match=r"auth_url is not a URL .* Or give api_key"):
        opened(find(CREDENTIALS, environment))


BROKEN = f"[credentials\npassword = {CANARY}\n"


@pytest.mark.parametrize(
    "environment, options, needed",
    [
        ({}, {}, True),
        ({}, {"api_key": "k"}, True),
        ({}, {"api_url": "https://t/api"}, True),
        ({"ST2_API_KEY": "k"}, {"api_url": "https://t/api"}, False),
        ({"ST2_BASE_URL": "https://e"}, {"auth_token": "t"}, False),
        ({"ST2_API_URL": "https://e/api", "ST2_AUTH_TOKEN": "t"}, {}, False),
    ],
)
def test_a_config_file_that_is_broken_matters_to_those_who_need_it(find, environment, options, needed):
    if needed:
        with pytest.raises(OptionError, match="is not a config of the st2 client") as caught:
            find(BROKEN, environment, **options)
        assert CANARY not in caught.value.message
    else:
        assert find(BROKEN, environment, **options)


def test_basic_authentication_in_the_config_file_takes_both_halves(find):
    with pytest.raises(OptionError, match=r"basic_auth in .*config is not written as USERNAME:PASSWORD") as caught:
        find(f"[credentials]\nbasic_auth = {CANARY}\n", {"ST2_API_KEY": "k"})
    assert CANARY not in caught.value.message


def test_of_a_token_and_a_key_the_token_counts_as_with_the_st2_client(find, server):
    server.on("GET", "/packs", [])
    opened(find("", {"ST2_API_URL": server.api, "ST2_AUTH_TOKEN": "t", "ST2_API_KEY": "k"})).get("/packs")
    assert server.asked[0].headers["X-Auth-Token"] == "t"


def test_userinfo_is_basic_authentication_and_no_part_of_the_url(find):
    found = find(api_url=f"https://front:{CANARY}@h/api", api_key="k")
    assert found.api_url == "https://h/api" and found.basic == Credentials("front", CANARY)
    assert CANARY in found.secrets() and CANARY not in repr(found)
    assert find("[credentials]\nbasic_auth = a:b:c\n", api_key="k").basic == Credentials("a", "b:c")


# Credentials

CREDENTIALS = f"[credentials]\nusername = file\npassword = {CANARY}\n"


@pytest.mark.parametrize(
    "config, environment, options, expected",
    [
        (CREDENTIALS, {"ST2_API_KEY": "e"}, {"api_key": "t"}, ("the task", "t", "", "", "")),
        (CREDENTIALS, {"ST2_API_KEY": "e"}, {"auth_token": "t"}, ("the task", "", "t", "", "")),
        ("", {"ST2_API_KEY": "e"}, {"api_username": "u", "api_password": "p "}, ("the task", "", "", "u", "p ")),
        (CREDENTIALS, {"ST2_API_KEY": "e\n"}, {}, ("the environment", "e", "", "", "")),
        (CREDENTIALS, {"ST2_AUTH_TOKEN": "e"}, {}, ("the environment", "", "e", "", "")),
        (CREDENTIALS, {}, {}, ("FILE", "", "", "file", CANARY)),
        ("[credentials]\napi_key = f\n", {"ST2_API_KEY": ""}, {}, ("FILE", "f", "", "", "")),
        ("", {}, {}, ("", "", "", "", "")),
        ("[credentials]\npassword = x\n", {}, {}, ("", "", "", "", "")),
    ],
)
def test_credentials_come_whole_from_the_first_place_that_has_any(
    find, tmp_path, config, environment, options, expected
):
    found = find(config, environment, **options)
    origin = found.origin.replace(f"{tmp_path}/.st2/config", "FILE")
    assert (origin, found.api_key, found.auth_token, found.username, found.password) == expected
    assert bool(found) == bool(expected[0])
    assert CANARY not in repr(found)


@pytest.mark.parametrize("option", ["api_key", "auth_token"])
@pytest.mark.parametrize("bad", [f"{CANARY}\nX-Other: 1", f"{CANARY}\x7f", f"{CANARY}é"])
def test_a_key_that_no_header_can_have_is_refused_unshown(find, option, bad):
    with pytest.raises(OptionError) as caught:
        find(**{option: bad})
    assert option in caught.value.message and "the task" in caught.value.message
    assert CANARY not in caught.value.message


@pytest.mark.parametrize(
    "config, environment, options, expected",
    [
        ("", {}, {}, True),
        ("", {}, {"validate_certs": False, "ca_bundle": "/t.pem"}, False),
        ("[general]\ncacert = /f.pem\n", {"ST2_CACERT": "/e.pem"}, {"ca_bundle": "/t.pem"}, "/t.pem"),
        ("[general]\ncacert = /f.pem\n", {"ST2_CACERT": "/e.pem"}, {}, "/e.pem"),
        ("[general]\ncacert = /f.pem\n", {"ST2_CACERT": "false", "REQUESTS_CA_BUNDLE": "/r.pem"}, {}, "/f.pem"),
        ("", {"REQUESTS_CA_BUNDLE": "/r.pem"}, {}, "/r.pem"),
    ],
)
def test_only_the_task_switches_checks_off(find, config, environment, options, expected):
    assert find(config, environment, **options).verify == expected


# Opening


def access_to(server, **credentials):
    return ApiAccess(server.api, f"{server.url}/v1", "the task", **credentials)


def opened(access, redactor=None, seconds=30, **kwargs):
    return open_client(access, environment={}, deadline=Deadline(seconds), redactor=redactor or Redactor(), **kwargs)


@pytest.mark.parametrize(
    "credentials, header",
    [({"api_key": CANARY}, "St2-Api-Key"), ({"auth_token": CANARY}, "X-Auth-Token")],
)
def test_keys_and_tokens_are_headers_and_known_to_the_redactor(server, credentials, header):
    server.on("GET", "/packs", [])
    redactor = Redactor()
    opened(access_to(server, **credentials), redactor).get("/packs")
    assert server.asked[0].headers[header] == CANARY and len(server.asked) == 1
    assert CANARY not in redactor.text(f"x {CANARY}")


def test_a_name_and_a_password_get_a_token_that_soon_expires(server):
    server.on("POST", "/tokens", answer({"token": "to-ken", "user": "ü"}, 201))
    server.on("GET", "/packs", [])
    redactor = Redactor()
    opened(access_to(server, username="ü", password=f"{CANARY}:x"), redactor).get("/packs")
    token, packs = server.asked
    assert (token.method, token.path) == ("POST", "/v1/tokens") and CANARY not in token.path
    assert base64.b64decode(token.headers["Authorization"].split()[1]).decode() == f"ü:{CANARY}:x"
    assert 60 < token.body["ttl"] <= 30 + 60
    assert packs.headers["X-Auth-Token"] == "to-ken" and "Authorization" not in packs.headers
    assert "to-ken" not in redactor.text("to-ken") and CANARY not in redactor.text(f"{CANARY}:x")


def test_the_token_lives_as_long_as_the_task_also_when_little_patience_is_given(server):
    server.on("POST", "/tokens", answer({"token": "t"}, 201))
    opened(access_to(server, username="u", password="p"), seconds=500, patience=Deadline(5))
    assert 500 < server.asked[0].body["ttl"] <= 560


def test_a_server_with_shorter_lives_gives_its_own(server):
    server.on("POST", "/tokens", fault(400, "TTL specified 90 is greater than max allowed 60."), {"token": "t"})
    server.on("GET", "/packs", [])
    opened(access_to(server, username="u", password="p")).get("/packs")
    assert server.bodies("/tokens")[1:] == [{}] and server.asked[-1].headers["X-Auth-Token"] == "t"


def test_userinfo_of_the_auth_service_does_not_go_to_the_api(find):
    found = find(api_url="https://h/api", auth_url=f"https://u:{CANARY}@other/auth", api_key="k")
    assert found.auth_url == "https://other/auth" and not found.basic


def test_a_wrong_password_is_unauthorised_and_not_shown(server):
    def echo(_handler, asked):
        return fault(401, f"Invalid or missing credentials {asked.headers['Authorization']}")

    server.on("POST", "/tokens", echo)
    with pytest.raises(UnauthorisedError, match="Invalid or missing credentials Basic") as caught:
        opened(access_to(server, username="u", password=CANARY))
    assert CANARY not in caught.value.message
    assert base64.b64encode(f"u:{CANARY}".encode()).decode() not in caught.value.message


def test_an_auth_service_that_gives_no_token_is_none(server):
    server.on("POST", "/tokens", {"user": "u"}, [])
    for _number in range(2):
        with pytest.raises(UnexpectedAnswerError, match="Set the right auth_url"):
            opened(access_to(server, username="u", password="p"))


def test_without_credentials_none_are_sent(server):
    server.on("GET", "/packs", [])
    opened(ApiAccess(server.api, server.url)).get("/packs")
    headers = server.asked[0].headers
    assert not {"X-Auth-Token", "St2-Api-Key", "Authorization"} & set(headers)


def test_the_proxy_of_this_process_counts_and_its_password_is_known(server):
    server.answers[("GET", "/api/packs")] = [answer([])]
    redactor = Redactor()
    environment = {"http_proxy": server.url.replace("://", f"://u:{CANARY}@")}
    access = ApiAccess("http://st2.invalid/api", "http://st2.invalid/auth", api_key="k")
    client = open_client(access, environment=environment, deadline=Deadline(30), redactor=redactor)
    assert client.get("/packs") == []
    assert CANARY not in redactor.text(f"proxy {CANARY}")
