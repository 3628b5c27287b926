# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which adapter a task gets, what it is warned of, and that auto without credentials touches nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from infrastructure.servers.certificates import CertificateAuthority

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DeadlineError,
    ForbiddenError,
    OptionError,
    RegistrationError,
    UnauthorisedError,
    UnreachableError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2 import choose_registrar as module
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.choose_registrar import choose_registrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration_options import RegistrationOptions
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._st2.rest_server import (
    RestServer,
    answer,
    fault,
    scratch_host,
)

CANARY = "ca-na-ry-7"
NO_CREDENTIALS = "there are no credentials for StackStorm's API"


@pytest.fixture
def server():
    with RestServer() as one:
        one.on("GET", "/packs", [])
        one.on("POST", "/packs/register", {"actions": 1})
        yield one


class Site:
    """A host whose PATH and home are directories of the test."""

    def __init__(self, directory):
        self.directory = directory
        self.host = scratch_host(directory)
        self.redactor = Redactor()
        self.environment = {"HOME": str(directory), "PATH": f"{directory}/bin"}

    def install(self):
        """Put st2-register-content beside StackStorm's own Python."""
        programs = self.directory / "st2/bin"
        programs.mkdir(parents=True)
        for name in ("python", "st2-register-content"):
            (programs / name).write_text("#!/bin/sh\n")
            (programs / name).chmod(0o755)
        self.host = scratch_host(self.directory)
        return self

    def choose(self, register="auto", seconds=20.0, **options):
        return choose_registrar(
            RegistrationOptions(register=register, **options),
            self.host,
            environment=self.environment,
            deadline=Deadline(seconds),
            redactor=self.redactor,
        )


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


# What is asked for


def test_none_is_none_even_where_everything_is_there(site, server):
    site.install()
    registrar, warnings = site.choose("none", api_url=server.api, api_key="k")
    assert registrar.name == "none" and warnings == [] and server.quiet


def test_local_is_local_or_an_error(site, server):
    with pytest.raises(RegistrationError, match="register=local requires st2-register-content"):
        site.choose("local", api_url=server.api, api_key="k")
    registrar, warnings = site.install().choose("local", api_url=server.api, api_key="k")
    assert registrar.name == "local" and warnings == [] and server.quiet


def test_api_is_the_api_or_an_error(site, server):
    registrar, warnings = site.install().choose("api", api_url=server.api, api_key="k")
    assert (registrar.name, registrar.by, warnings) == ("api", server.api, [])
    server.on("GET", "/packs", fault(401, "Unauthorized"))
    with pytest.raises(UnauthorisedError):
        site.choose("api", api_url=server.api, api_key="k")
    server.stop()
    with pytest.raises(UnreachableError):
        site.choose("api", api_url=server.api, api_key="k")


@pytest.mark.parametrize("packs, limit", [(100, "100"), (101, "-1")])
def test_the_trial_asks_for_all_packs_at_once_where_a_host_has_more_than_a_page(site, server, packs, limit):
    for number in range(packs):
        (site.directory / f"packs/p{number}").mkdir(parents=True)
    items = [{"ref": f"p{number}", "version": "1"} for number in range(packs)]
    server.on("GET", "/packs", answer(items, X_Total_Count=str(packs)))
    registrar, _warnings = site.choose("api", api_url=server.api, api_key="k")
    assert registrar.versions([item["ref"] for item in items]) == {item["ref"]: "1" for item in items}
    (asked,) = server.asked
    assert asked.params["limit"] == limit


def test_api_goes_without_credentials_where_stackstorm_wants_none(site, server):
    registrar, _warnings = site.choose("api", api_url=server.api)
    assert registrar.register([PackFiles("one", "/p")]).counts == {"actions": 1}
    server.on("GET", "/packs", fault(401, "Unauthorized - One of Token or API key required."))
    with pytest.raises(UnauthorisedError, match="Set api_key, auth_token, or api_username and api_password"):
        site.choose("api", api_url=server.api)


# auto


def test_auto_is_the_api_that_accepts_the_credentials(site, server):
    registrar, warnings = site.install().choose(api_url=server.api, api_key="k")
    assert (registrar.name, warnings) == ("api", [])
    assert registrar.register([PackFiles("one", "/p")]).counts == {"actions": 1}
    (trial, work) = server.asked
    assert (trial.path, trial.params["include_attributes"]) == ("/v1/packs", "ref,version")
    assert work.headers["St2-Api-Key"] == trial.headers["St2-Api-Key"] == "k"


@pytest.mark.parametrize("register", ["auto", "api"])
def test_the_trial_is_the_one_question_of_a_satisfied_task(site, server, register):
    server.on("GET", "/packs", [{"ref": "one", "version": "1.0.0"}, {"ref": "two", "version": "2.0.0"}])
    registrar, _warnings = site.choose(register, api_url=server.api, api_key="k")
    assert registrar.versions(["one", "three"]) == {"one": "1.0.0"}
    assert len(server.asked) == 1


@pytest.mark.parametrize("given", [{"api_key": CANARY}, {"auth_token": CANARY}, {"api_username": "u"}])
@pytest.mark.parametrize("status", [401, 403])
def test_credentials_of_the_task_that_are_refused_are_not_passed_over(site, server, given, status):
    server.on("POST", "/tokens", fault(status, "no"))
    server.on("GET", "/packs", fault(status, "no"))
    kind = UnauthorisedError if status == 401 else ForbiddenError
    with pytest.raises(kind):
        site.install().choose(api_url=server.api, auth_url=server.api, **given)


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("refusal", [fault(401, "Unauthorized"), fault(403, "no"), fault(500, "x"), answer(b"<html>")])
def test_auto_says_why_the_api_is_not_used(site, server, installed, refusal):
    if installed:
        site.install()
    server.on("GET", "/packs", refusal)
    site.environment["ST2_API_KEY"] = CANARY
    registrar, warnings = site.choose(api_url=server.api, api_key=" ")
    assert warnings[0].startswith("StackStorm's API is not used, with credentials from the environment: ")
    assert registrar.name == ("local" if installed else "none") and len(warnings) == (1 if installed else 2)
    if not installed:
        assert warnings[1].startswith("Nothing is registered in StackStorm: StackStorm's API cannot be used, and ")
    assert not any(CANARY in one for one in warnings)


def test_auto_names_the_environment_and_the_file_that_misled_it(site, server):
    server.on("GET", "/packs", fault(401, "Unauthorized"))
    site.environment.update(ST2_API_URL=server.api, ST2_AUTH_TOKEN="t")
    assert "with credentials from the environment: " in site.install().choose()[1][0]
    del site.environment["ST2_AUTH_TOKEN"]
    (site.directory / ".st2").mkdir()
    (site.directory / ".st2/config").write_text("[credentials]\napi_key = f\n")
    assert f"with credentials from {site.directory}/.st2/config: " in site.choose()[1][0]


def test_auto_without_credentials_is_local_else_none_with_a_warning(site, server):
    site.environment["ST2_API_URL"] = server.api
    registrar, (warning,) = site.choose()
    assert registrar.name == "none" and NO_CREDENTIALS in warning and "register=none" in warning
    registrar, warnings = site.install().choose()
    assert registrar.name == "local" and warnings == [] and server.quiet


def test_a_config_file_that_is_broken_is_warned_of_unless_the_task_leans_on_it(site):
    (site.directory / ".st2").mkdir()
    (site.directory / ".st2/config").write_text(f"password = {CANARY}\n")
    registrar, warnings = site.install().choose()
    assert (
        registrar.name == "local" and "is not a config of the st2 client" in warnings[0] and CANARY not in warnings[0]
    )
    with pytest.raises(OptionError):
        site.choose("api")


def test_what_the_task_says_must_be_right(site):
    with pytest.raises(OptionError, match="api_url"):
        site.install().choose(api_url="nowhere", api_key="k")


def hang(handler, _asked):
    handler.owner.stopping.wait(30)
    handler.close_connection = True


def test_an_api_that_hangs_does_not_take_all_the_time_of_auto(site, server, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.3)
    server.on("GET", "/packs", hang)
    registrar, warnings = site.install().choose(api_url=server.api, api_key="k", seconds=30)
    assert registrar.name == "local" and "The timeout of 0.3 s ran out" in warnings[0]


def test_when_the_tasks_own_time_is_over_it_is_over(site, server):
    server.on("GET", "/packs", hang)
    with pytest.raises(DeadlineError):
        site.install().choose(api_url=server.api, api_key="k", seconds=0.3)


# Credentials


@pytest.mark.parametrize(
    "options", [{"api_key": CANARY}, {"auth_token": CANARY}, {"api_username": "u", "api_password": CANARY}]
)
@pytest.mark.parametrize("register", ["api", "auto"])
def test_no_credential_shows_anywhere(site, server, options, register):
    """The server gives back what it was sent, as an unlucky proxy in front of it could."""

    def echo(_handler, asked):
        return fault(400, f"bad request: {dict(asked.headers)} {CANARY}")

    server.on("POST", "/tokens", answer({"token": f"{CANARY}-token"}, 201))
    server.on("GET", "/packs", echo)
    auth_url = server.api
    try:
        shown = str(site.choose(register, api_url=server.api, auth_url=auth_url, **options))
    except RegistrationError as error:
        shown = f"{error.message} {error.__dict__}"
    assert "bad request" in shown and CANARY not in shown
    assert all(CANARY not in one.path + str(one.params) for one in server.asked)
    assert CANARY not in site.redactor.text(f"{CANARY} {CANARY}-token")


def test_tls_with_ones_own_authority(site, tmp_path):
    authority = CertificateAuthority(tmp_path / "ca")
    with RestServer(ca=authority) as server:
        server.on("GET", "/packs", [])
        for trust in ({"ca_bundle": str(authority.ca_file)}, {"validate_certs": False}):
            registrar, warnings = site.choose(api_url=server.api, api_key="k", **trust)
            assert registrar.name == "api" and warnings == []
        registrar, warnings = site.choose(api_url=server.api, api_key="k")
        assert registrar.name == "none" and "cannot be trusted" in warnings[0]


# What a satisfied run pays for it

CODE = """\
import sys
sys.path[:0] = {path!r}
from ansible_collections.stackstorm.st2.plugins.module_utils._process import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.choose_registrar import choose_registrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration_options import RegistrationOptions
host = read_host({conf!r}, {{}})
registrar, warnings = choose_registrar(
    RegistrationOptions(register={register!r}, api_key={key!r}, api_url="http://127.0.0.1:1"),
    host, environment={{"HOME": {home!r}}}, deadline=Deadline(9), redactor=Redactor(),
)
assert registrar.name == "none", registrar
Records(host.base_path).read("sensu")
print(" ".join(sorted({{"yaml", "jsonschema", "requests", "semver", "socket"}} & set(sys.modules))))
"""


def imports(site, register, key):
    code = CODE.format(
        path=[path for path in sys.path if path],
        conf=site.host.st2_conf,
        register=register,
        key=key,
        home=str(site.directory),
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_choosing_without_credentials_imports_no_library_and_nothing_that_could_reach_out(site):
    assert imports(site, "none", "k") == imports(site, "auto", None) == []
    assert imports(site, "auto", "k") == ["socket"]
