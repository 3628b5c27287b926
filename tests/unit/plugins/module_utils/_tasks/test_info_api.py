# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The info modules and st2_override with backend=api: what StackStorm's API tells, and what is refused."""

from __future__ import annotations

import json

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_stub import OBSERVER

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    access_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, UnauthorisedError
from ansible_collections.stackstorm.st2.plugins.module_utils._override.argspec import (
    override_info_options,
    override_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.argspec import pack_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override import converge_override
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override_info import describe_overrides
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_info import describe_packs
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._config_api.api_config_site import (
    CANARY,
    ApiConfigSite,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack_api.remote_site import RemoteSite


def task(spec, stub, **given):
    options = spec.merge(registration_options()).merge(host_options()).options
    given = {"backend": "api", "api_url": f"{stub.api_url}/v1", "api_key": stub.api_key, **given}
    params = {**{name: option.get("default") for name, option in options.items()}, "timeout": 60, **given}
    return Task(params, None, False, {"HOME": "/nonexistent"}, "", Redactor())


@pytest.fixture
def site(tmp_path):
    one = ApiConfigSite(tmp_path)
    yield one
    one.stub.stop()


# Configs


def test_configs_are_told_without_their_secrets(site):
    site.run(config={"url": "http://one", "timeouts": 1}, secrets={"token": CANARY})
    result = site.info("sensu")
    (config,) = result.returned["configs"]
    assert config["config"] == {"timeouts": 1, "token": "********", "url": "http://one"}
    assert config["defaults"] == {"timeout": 30} and config["unknown_keys"] == ["timeouts"]
    assert (config["exists"], config["installed"], config["database_state"]) == (True, True, "current")
    assert config["schema"] == f"{site.stub.api_url}/v1/config_schemas/sensu"
    assert config["path"] == f"{site.stub.api_url}/v1/configs/sensu"
    assert "# Where it answers" in config["template"] and CANARY not in json.dumps(result.returned)
    assert {one["key"]: one["secret"] for one in config["attributes"]}["token"] is True


def test_all_configs_and_schemas_are_found(site):
    site.place("bare", None)
    site.stub.register("bare")
    configs = {one["pack"]: one for one in site.info().returned["configs"]}
    assert "sensu" in configs and "bare" not in configs
    assert configs["sensu"]["database_state"] == "absent" and configs["sensu"]["missing"] == ["url"]
    site.stub.database.put("configs", "bare", {"pack": "bare", "values": {"a": 1}})
    assert {one["pack"] for one in site.info().returned["configs"]} >= {"sensu", "bare"}


def test_an_account_that_sees_no_secrets_is_told_what_it_may_see(site):
    site.run(config={"url": "http://one"}, secrets={"token": CANARY})
    site.place("bare", None)
    site.stub.register("bare")
    site.stub.database.put("configs", "bare", {"pack": "bare", "values": {"a": CANARY}})
    site.stub.accounts.rbac = True
    result = site.info(api_key=OBSERVER.api_key)
    configs = {one["pack"]: one for one in result.returned["configs"]}
    assert configs["sensu"]["config"]["token"] == "********" and "without a schema are left out" in str(result.warnings)
    one = site.info("bare", api_key=OBSERVER.api_key)
    assert one.returned["configs"][0]["database_state"] == "unknown" and "administrators" in str(one.warnings)
    assert CANARY not in str(result) + str(one)


def test_a_pack_that_stackstorm_does_not_have(site):
    (config,) = site.info("nosuch").returned["configs"]
    assert (config["installed"], config["exists"], config["database_state"]) == (False, False, "absent")


def test_options_that_mean_nothing_there(site):
    for given in ({"schema": "/x"}, {"register": "local"}):
        with pytest.raises(OptionError, match="cannot be used with backend=api"):
            site.info("sensu", **given)
    with pytest.raises(UnauthorisedError):
        site.info("sensu", api_key="wrong")


# Packs


@pytest.fixture
def remote(tmp_path):
    demo = [PackTree("demo", version, minimal=True) for version in ("1.0.0", "1.1.0")]
    one = RemoteSite(tmp_path, demo)
    with one.stub:
        one.change("demo=1.0.0")
        yield one


INFO = pack_info_options().merge(access_options())


def test_packs_are_told_as_the_api_lists_them(remote):
    result = describe_packs(task(INFO, remote.stub, name=["demo", "nosuch"]))
    (pack,) = result.returned["packs"]
    assert (pack["ref"], pack["version"], pack["database_state"], pack["system"]) == ("demo", "1.0.0", "current", False)
    assert pack["path"] == str(remote.stub.packs_path / "demo")
    assert {"author", "email", "description", "keywords", "contributors", "python_versions"} <= set(pack)
    assert result.returned["missing"] == ["nosuch"] and result.msg == "1 pack installed; not installed: nosuch"
    every = describe_packs(task(INFO, remote.stub)).returned["packs"]
    assert [one["ref"] for one in every if not one["system"]] == ["demo"] and any(one["system"] for one in every)


def test_what_stackstorms_index_offers(remote):
    (pack,) = describe_packs(task(INFO, remote.stub, name=["demo"], check_latest=True)).returned["packs"]
    assert (pack["latest_version"], pack["outdated"]) == ("1.1.0", True)
    remote.change("demo=1.1.0")
    (pack,) = describe_packs(task(INFO, remote.stub, name=["demo"], check_latest=True)).returned["packs"]
    assert (pack["latest_version"], pack["outdated"]) == ("1.1.0", False)


@pytest.mark.parametrize("given", [{"sizes": True}, {"index_url": ["https://x"]}, {"token": "t"}, {"register": "none"}])
def test_what_the_api_does_not_tell_of_packs_is_refused(remote, given):
    with pytest.raises(OptionError, match=f"{next(iter(given))}.* cannot be used with backend=api"):
        describe_packs(task(INFO, remote.stub, **given))


# Overrides


def test_overrides_are_refused_with_a_sentence(site):
    sentence = "backend=api cannot be used for overrides: they are files on the StackStorm host"
    with pytest.raises(OptionError, match=sentence):
        converge_override(task(override_options(), site.stub, pack="sensu", actions={"defaults": {"enabled": False}}))
    with pytest.raises(OptionError, match=sentence):
        describe_overrides(task(override_info_options(), site.stub))
    assert site.stub.requests == []
