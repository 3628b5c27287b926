# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which program makes a virtualenv, and how what pip is told is told to uv; without starting any of them."""

from __future__ import annotations

import os
import shutil

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import VirtualenvError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack import virtualenv_backend
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv import Settings
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv_backend import Backend, choose_backend

PYTHON = "/opt/stackstorm/st2/bin/python"
SIMPLE = "https://pypi.example.com/simple"
# uv trusts whom the host trusts, as pip does.
TRUST = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true", "UV_LINK_MODE": "copy"}
SECRET = "https://user:hunter2@pypi.example.com/simple"


class Programs:
    """A PATH with the programs that a test wants, and an account with nothing configured."""

    def __init__(self, root):
        self.root = root
        (root / "bin").mkdir()
        (root / "home").mkdir()
        self.environment = {
            "PATH": str(root / "bin"),
            "HOME": str(root / "home"),
            "PIP_CONFIG_FILE": os.devnull,
        }

    def add(self, name):
        path = self.root / "bin" / name
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
        return str(path)

    def pip_conf(self, text):
        """A configuration of pip, in the place that the variable names."""
        path = self.root / "pip.conf"
        path.write_text(text)
        self.environment["PIP_CONFIG_FILE"] = str(path)
        return path

    def choose(self, asked="auto", pip_options=(), options=(), binary=None, **environment):
        settings = Settings(PYTHON, tuple(options), tuple(pip_options))
        return choose_backend(asked, settings, binary, {**self.environment, **environment})

    def uv(self, *pip_options, **named):
        return self.choose("uv", pip_options, **named)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    monkeypatch.setattr(virtualenv_backend, "_HOST_CONFIGURATION", (str(tmp_path / "etc" / "pip.conf"),))
    # What this machine has in the places that are looked at after PATH is no program of the test's host.
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, path: which(name, path=str(tmp_path / "bin")))
    return Programs(tmp_path)


@pytest.fixture
def host(programs):
    """A host with uv and virtualenv."""
    programs.add("uv")
    programs.add("virtualenv")
    return programs


# Which one


def test_auto_takes_uv_then_virtualenv_then_venv(programs):
    assert (programs.choose().name, programs.choose().program) == ("venv", PYTHON)
    virtualenv = programs.add("virtualenv")
    assert (programs.choose().name, programs.choose().program) == ("virtualenv", virtualenv)
    uv = programs.add("uv")
    assert (programs.choose().name, programs.choose().program) == ("uv", uv)


def test_the_hosts_virtualenv_binary_goes_before_the_one_on_the_path(programs, tmp_path):
    programs.add("virtualenv")
    other = tmp_path / "own"
    other.write_text("")
    assert programs.choose(binary=str(other)).program == str(other)
    assert programs.choose(binary=str(tmp_path / "missing")).program == str(tmp_path / "bin" / "virtualenv")


@pytest.mark.parametrize("asked", ["uv", "virtualenv", "venv"])
def test_the_one_asked_for_is_taken(host, asked):
    assert host.choose(asked).name == asked


def test_venv_is_always_there(programs):
    assert programs.choose("venv").program == PYTHON


def test_what_is_asked_for_and_missing_is_an_error(programs):
    with pytest.raises(VirtualenvError) as raised:
        programs.choose("uv")
    assert raised.value.message == "virtualenv_backend is uv, but the program uv is not on this host."
    with pytest.raises(VirtualenvError) as raised:
        programs.choose("virtualenv")
    assert raised.value.message == "virtualenv_backend is virtualenv, but virtualenv is not on this host."
    with pytest.raises(VirtualenvError, match="but /opt/nosuch/virtualenv is not on this host"):
        programs.choose("virtualenv", binary="/opt/nosuch/virtualenv")


# What uv cannot be told

REFUSED = [
    ({"pip_options": ["--proxy", "http://p"]}, "it does not support the pip option --proxy"),
    ({"pip_options": ["--user"]}, "it does not support the pip option --user"),
    ({"pip_options": ["--index-url"]}, "it does not support the pip option --index-url"),
    ({"pip_options": ["requests"]}, "it does not support the pip option requests"),
    ({"options": ["--symlinks"]}, "it does not support the virtualenv option --symlinks"),
    ({"PIP_CERT_BUNDLE": "x"}, "it does not support pip's setting cert-bundle, which is configured on this host"),
    ({"PIP_PROXY": "http://p"}, "it does not support pip's setting proxy, which is configured on this host"),
]


@pytest.mark.parametrize("named, reason", REFUSED)
def test_what_uv_cannot_be_told_is_a_reason_against_it(host, named, reason):
    with pytest.raises(VirtualenvError) as raised:
        host.choose("uv", **named)
    assert raised.value.message == f"virtualenv_backend is uv, but {reason}."
    assert host.choose("auto", **named).name == "virtualenv", "and auto takes the next"


def test_a_configuration_that_cannot_be_read_is_a_reason_against_uv(host):
    host.pip_conf("[global\nindex-url")
    with pytest.raises(VirtualenvError, match="virtualenv_backend is uv, but pip's configuration cannot be read: "):
        host.uv()
    assert host.choose().name == "virtualenv"


# What uv is told


@pytest.mark.parametrize(
    "given, told",
    [
        ([], []),
        (["--index-url", SIMPLE], ["--default-index", SIMPLE]),
        ([f"--index-url={SIMPLE}"], ["--default-index", SIMPLE]),
        (["-i", SIMPLE], ["--default-index", SIMPLE]),
        (["--extra-index-url", SIMPLE], ["--index", SIMPLE]),
        (["--find-links", "/srv/wheels"], ["--find-links", "/srv/wheels"]),
        (["-f", "/srv/wheels"], ["--find-links", "/srv/wheels"]),
        (["--trusted-host", "pypi.example.com"], ["--allow-insecure-host", "pypi.example.com"]),
        (["--constraint", "/etc/c.txt"], ["--constraint", "/etc/c.txt"]),
        (["-c", "/etc/c.txt"], ["--constraint", "/etc/c.txt"]),
        (["--no-binary", ":all:"], ["--no-binary", ":all:"]),
        (["--only-binary=six"], ["--only-binary", "six"]),
        (["--no-index"], ["--no-index"]),
        (["--pre"], ["--prerelease=allow"]),
        (["--no-deps"], ["--no-deps"]),
        (["--no-cache-dir"], ["--no-cache"]),
        (["--require-hashes"], ["--require-hashes"]),
        (["-U"], ["--upgrade"]),
        (["--upgrade"], ["--upgrade"]),
        (["--quiet", "-q", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"], []),
        (
            ["--pre", "--no-index", "-f", "/a", "-f", "/b"],
            ["--prerelease=allow", "--no-index", "--find-links", "/a", "--find-links", "/b"],
        ),
    ],
)
def test_options_of_pip_in_uvs_words(host, given, told):
    assert host.uv(*given).install_options == tuple(told)


@pytest.mark.parametrize(
    "setting, variables",
    [
        ({"PIP_INDEX_URL": SIMPLE}, {"UV_DEFAULT_INDEX": SIMPLE}),
        ({"PIP_FIND_LINKS": "/srv/a  /srv/b"}, {"UV_FIND_LINKS": "/srv/a,/srv/b"}),
        ({"PIP_CONSTRAINT": "/etc/a.txt  /etc/b.txt"}, {"UV_CONSTRAINT": "/etc/a.txt /etc/b.txt"}),
        ({"PIP_TRUSTED_HOST": "a b"}, {"UV_INSECURE_HOST": "a b"}),
        ({"PIP_CERT": "/etc/ca.pem"}, {"SSL_CERT_FILE": "/etc/ca.pem"}),
        ({"PIP_TIMEOUT": "60"}, {"UV_HTTP_TIMEOUT": "60"}),
        ({"PIP_DEFAULT_TIMEOUT": "60"}, {"UV_HTTP_TIMEOUT": "60"}),
        ({"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_QUIET": "1"}, {}),
        ({"PIP_ROOT_USER_ACTION": "ignore", "PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_PROGRESS_BAR": "off"}, {}),
        ({"UV_NO_CONFIG": "1", "UV_SYSTEM_CERTS": "false"}, {"UV_NO_CONFIG": "1", "UV_SYSTEM_CERTS": "false"}),
    ],
)
def test_pips_variables_in_uvs_words(host, setting, variables):
    backend = host.uv(**setting)
    assert backend.variables == {**TRUST, **variables}
    assert backend.install_options == ()


def test_several_indexes_are_searched_as_pip_searches_them(host):
    backend = host.uv(PIP_EXTRA_INDEX_URL=f"{SIMPLE}/a {SIMPLE}/b")
    assert backend.variables == {
        **TRUST,
        "UV_INDEX": f"{SIMPLE}/a {SIMPLE}/b",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    backend = host.uv("--extra-index-url", SIMPLE)
    assert backend.variables == {**TRUST, "UV_INDEX_STRATEGY": "unsafe-best-match"}
    assert "UV_INDEX_STRATEGY" not in host.uv("--index-url", SIMPLE).variables


@pytest.mark.parametrize(
    "value, told",
    [("1", True), ("true", True), ("Yes", True), ("on", True), ("0", False), ("false", False), ("", False)],
)
def test_no_index_is_a_switch(host, value, told):
    assert host.uv(PIP_NO_INDEX=value).install_options == (("--no-index",) if told else ())


def test_the_configuration_of_pip_counts_later_places_winning(host):
    host.pip_conf(
        "[global]\n"
        "index-url = https://global.example.com/simple\n"
        "timeout = 10\n"
        "extra_index_url =\n    https://one.example.com/simple\n    https://two.example.com/simple\n"
        "[install]\n"
        "timeout = 20\n"
        "no-index = true\n"
        "[freeze]\n"
        "all = true\n"
    )
    backend = host.uv()
    expected = {
        "UV_DEFAULT_INDEX": "https://global.example.com/simple",
        "UV_HTTP_TIMEOUT": "20",
        "UV_INDEX": "https://one.example.com/simple https://two.example.com/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    assert backend.variables == {**TRUST, **expected}
    assert backend.install_options == ("--no-index",)
    assert host.uv(PIP_INDEX_URL=SIMPLE, PIP_TIMEOUT="30").variables["UV_DEFAULT_INDEX"] == SIMPLE
    assert host.uv(PIP_TIMEOUT="30").variables["UV_HTTP_TIMEOUT"] == "30"


@pytest.mark.parametrize("place", [".pip/pip.conf", ".config/pip/pip.conf"])
def test_the_accounts_own_configuration_counts(host, place):
    del host.environment["PIP_CONFIG_FILE"]
    path = host.root / "home" / place
    path.parent.mkdir(parents=True)
    path.write_text(f"[global]\nindex-url = {SIMPLE}\n")
    assert host.uv().variables["UV_DEFAULT_INDEX"] == SIMPLE
    (host.root / "etc").mkdir()
    (host.root / "etc" / "pip.conf").write_text(f"[global]\nindex-url = {SIMPLE}/host\ntimeout = 7\n")
    variables = host.uv().variables
    assert (variables["UV_DEFAULT_INDEX"], variables["UV_HTTP_TIMEOUT"]) == (SIMPLE, "7"), "it wins over the host's"
    host.environment["PIP_CONFIG_FILE"] = os.devnull
    assert host.uv().variables == TRUST, "unless no file shall count"


# Passwords

PLACES = [
    (["--index-url", SECRET], {"PIP_INDEX_URL": SECRET}),
    ([f"--index-url={SECRET}"], {"PIP_INDEX_URL": SECRET}),
    (["-i", SECRET], {"PIP_INDEX_URL": SECRET}),
    (["--extra-index-url", SECRET], {"PIP_EXTRA_INDEX_URL": SECRET}),
    (["--find-links", SECRET], {"PIP_FIND_LINKS": SECRET}),
]


@pytest.mark.parametrize("given, variables", PLACES)
@pytest.mark.parametrize("asked", ["virtualenv", "venv"])
def test_a_password_in_an_address_is_not_seen_in_the_arguments_of_pip(host, asked, given, variables):
    backend = host.choose(asked, ["--pre", *given, "--find-links", "/srv/wheels"])
    assert backend.install_options == ("--pre", "--find-links", "/srv/wheels")
    assert backend.variables == variables
    assert "hunter2" not in " ".join(backend.create("/v") + backend.install("/v", "six"))


@pytest.mark.parametrize("given, variables", PLACES)
def test_a_password_in_an_address_is_not_seen_in_the_arguments_of_uv(host, given, variables):
    backend = host.uv(*given)
    assert backend.install_options == ()
    assert next(iter(variables.values())) in backend.variables.values()
    assert "hunter2" not in " ".join(backend.create("/v") + backend.install("/v", "six"))


def test_a_further_index_with_a_password_joins_those_that_are_configured(host):
    host.pip_conf("[global]\nextra-index-url =\n  https://one.example.com\n  https://two.example.com\n")
    given = ["--extra-index-url", SECRET, "--extra-index-url", f"{SECRET}/more"]
    all_of_them = f"https://one.example.com https://two.example.com {SECRET} {SECRET}/more"
    assert host.choose("venv", given).variables == {"PIP_EXTRA_INDEX_URL": all_of_them}
    assert host.uv(*given).variables["UV_INDEX"] == all_of_them


def test_addresses_without_a_password_stay_where_they_were(host):
    given = ("--index-url", SIMPLE, f"--extra-index-url={SIMPLE}/x")
    backend = host.choose("venv", given)
    assert (backend.install_options, backend.variables) == (given, {})


def test_a_password_beside_a_configuration_that_cannot_be_read(host):
    host.pip_conf("[global\n")
    with pytest.raises(VirtualenvError, match="The options for pip cannot be used: pip's configuration cannot be read"):
        host.choose("venv", ["--extra-index-url", SECRET])


# The commands


def backend(name, *options, install=()):
    return Backend(name, f"/bin/{name}" if name != "venv" else PYTHON, Settings(PYTHON, options), tuple(install))


@pytest.mark.parametrize(
    "made, command",
    [
        (backend("uv"), ["/bin/uv", "venv", "--quiet", "--no-project", "--python", PYTHON, "/v"]),
        (
            backend("uv", "--always-copy", "--copies", "--system-site-packages"),
            ["/bin/uv", "venv", "--quiet", "--no-project", "--python", PYTHON, "--system-site-packages", "/v"],
        ),
        (
            backend("virtualenv", "--always-copy", "--anything"),
            ["/bin/virtualenv", "-p", PYTHON, "--always-copy", "--anything", "--no-download", "/v"],
        ),
        (backend("venv"), [PYTHON, "-m", "venv", "/v"]),
        (
            backend("venv", "--always-copy", "--system-site-packages", "--anything"),
            [PYTHON, "-m", "venv", "--copies", "--system-site-packages", "/v"],
        ),
    ],
)
def test_the_command_that_makes_an_empty_one(made, command):
    assert made.create("/v") == command


def test_the_command_that_fills_it():
    expected = ["/bin/uv", "pip", "install", "--quiet", "--python", "/v/bin/python", "--no-index", "-r", "x"]
    assert backend("uv", install=["--no-index"]).install("/v", "-r", "x") == expected
    for name in ("virtualenv", "venv"):
        expected = ["/v/bin/python", "-m", "pip", "install", "--no-compile", "--no-index", "-r", "x"]
        assert backend(name, install=["--no-index"]).install("/v", "-r", "x") == expected


def test_its_settings_are_the_ones_it_was_made_for(host):
    settings = Settings(PYTHON, ("--always-copy",), ("--extra-index-url", SECRET))
    assert choose_backend("auto", settings, None, host.environment).settings is settings
