# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configs and schemas without a file, against a registration that does as StackStorm's (bootstrap/configsregistrar.py)
in files that are looked at."""

from __future__ import annotations

import json
import os
import pathlib
import shutil

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ServerError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_registrar import ApiRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import (
    FileStep,
    clearing,
    is_open,
    is_open_for,
    open_schema,
    opening,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._st2.rest_server import (
    RestServer,
    answer,
    client_of,
    fault,
    scratch_host,
)

SCHEMA = {"host": {"type": "string", "required": True}, "password": {"type": "string", "secret": True}}


class Site:
    """A pack C(one) with its config on disk and in the rows of a StackStorm that registers over HTTP."""

    def __init__(self, directory, server):
        self.directory = directory
        self.base = directory / "packs"
        self.carriers = self.base / ".stackstorm.st2/carriers"
        self.configs = directory / "configs"
        self.pack = PackFiles("one", str(self.base / "one"))
        self.rows = {"pack": {}, "schema": {}, "config": {}}
        for path in (self.base / "one", self.configs):
            path.mkdir(parents=True)
        (self.base / "one/pack.yaml").write_text('{"version": "1.0.0"}')
        (self.configs / "one.yaml").write_text('{"host": "h", "password": "p"}')
        self.schema(SCHEMA)
        server.on("POST", "/packs/register", self.register)
        self.registrar = ApiRegistrar(client_of(server), scratch_host(directory), Redactor())

    def schema(self, attributes):
        path = self.base / "one/config.schema.yaml"
        path.unlink(missing_ok=True)
        if attributes is not None:
            path.write_text(json.dumps(attributes))

    def register(self, _handler, asked):
        assert asked.body["types"] == ["config"]
        done = 0
        for address in asked.body["packs"]:
            path = pathlib.Path(os.path.abspath(os.path.join(self.base, address)))
            name = path.name
            if not (path / "pack.yaml").is_file():
                return fault(400, f'Pack "{path}" is missing pack.yaml file')
            self.rows["pack"][name] = {**json.loads((path / "pack.yaml").read_text()), "path": str(path)}
            if (path / "config.schema.yaml").is_file():
                self.rows["schema"][name] = json.loads((path / "config.schema.yaml").read_text())
            config = self.configs / f"{name}.yaml"
            if config.is_file():
                values = json.loads(config.read_text())
                attributes = self.rows["schema"].get(name, {})
                if any(one.get("required") and key not in values for key, one in attributes.items()):
                    return fault(500, "Internal Server Error")
                self.rows["config"][name] = values
                done += 1
        return answer({"configs": done})

    def run(self, steps, most=99):
        for step in steps[:most]:
            if not isinstance(step, FileStep):
                self.registrar.register([step.pack], step.types)
            elif step.content is not None:
                os.makedirs(os.path.dirname(step.path), exist_ok=True)
                with open(step.path, "wb") as stream:
                    stream.write(step.content)
            elif os.path.isdir(step.path):
                shutil.rmtree(step.path)
            elif os.path.exists(step.path):
                os.unlink(step.path)

    def clearing(self, has_schema=True):
        content = (self.base / "one/pack.yaml").read_bytes()
        return clearing(self.pack, content, str(self.configs), str(self.carriers), has_schema)

    def opening(self, schema, values):
        content = (self.base / "one/pack.yaml").read_bytes()
        return opening("one", content, str(self.carriers), schema, values)


@pytest.fixture
def site(tmp_path):
    with RestServer() as server:
        yield Site(tmp_path, server)


def register(site):
    return site.registrar.register([site.pack], ["config"])


def test_a_config_is_cleared_and_nothing_else_is_touched(site):
    register(site)
    before = {**site.rows["pack"]["one"]}
    site.run(site.clearing())
    assert site.rows == {"pack": {"one": before}, "schema": {"one": SCHEMA}, "config": {"one": {}}}
    assert not (site.configs / "one.yaml").exists() and list(site.carriers.iterdir()) == []
    assert sorted(path.name for path in (site.base / "one").iterdir()) == ["config.schema.yaml", "pack.yaml"]


def test_a_config_without_a_schema_takes_one_registration_and_no_carrier(site):
    site.schema(None)
    register(site)
    steps = site.clearing(has_schema=False)
    site.run(steps)
    assert len(steps) == 3 and site.rows["config"] == {"one": {}} and site.rows["schema"] == {}
    assert not (site.configs / "one.yaml").exists() and not site.carriers.exists()


@pytest.mark.parametrize("most", range(8))
def test_wherever_it_breaks_off_both_ways_out_are_open(site, most):
    register(site)
    held = (site.configs / "one.yaml").read_bytes()
    for _way in ("forward", "back"):
        site.run(site.clearing(), most)
        if _way == "forward":
            site.run(site.clearing())
            assert site.rows["config"] == {"one": {}} and site.rows["schema"] == {"one": SCHEMA}
        (site.configs / "one.yaml").write_bytes(held)
        shutil.rmtree(site.carriers, ignore_errors=True)
        register(site)
        assert site.rows["config"] == {"one": json.loads(held)} and site.rows["schema"] == {"one": SCHEMA}
        assert site.rows["pack"]["one"] == {"version": "1.0.0", "path": site.pack.path}


def test_a_schema_that_a_new_version_does_not_have_refuses_nothing_any_more(site):
    register(site)
    site.schema(None)
    (site.base / "one/pack.yaml").write_text('{"version": "2.0.0"}')
    (site.configs / "one.yaml").write_text('{"port": 80}')
    with pytest.raises(ServerError):
        register(site)
    site.run(site.opening(SCHEMA, {"port": 80}))
    register(site)
    assert site.rows["config"] == {"one": {"port": 80}} and is_open(site.rows["schema"]["one"])
    assert site.rows["pack"]["one"] == {"version": "2.0.0", "path": site.pack.path}
    assert list(site.carriers.iterdir()) == []


# What an open schema says


def test_an_open_schema_requires_nothing_names_the_configs_keys_and_keeps_secrets():
    nested = {"type": "object", "properties": {"key": {"type": "string", "secret": True}}}
    old = {**SCHEMA, "proxy": nested, "old": {"type": "integer", "required": True}}
    found = open_schema(old, {"host": "{{ st2kv.system.h | decrypt_kv }}", "new": 1, "a-b": 2, 3: 4})
    assert found.pop("this_version_has_no_config_schema")["type"] == "string"
    types = ("array", "boolean", "integer", "number", "object", "string")
    anything = {"anyOf": [{"type": one} for one in types]}
    secret = {"secret": True, **anything}
    assert found == {"host": anything, "new": anything, "password": secret, "proxy": secret}
    assert open_schema(old, {"password": "{{ st2kv.system.p | decrypt_kv }}"})["password"] == anything


def test_an_open_schema_is_known_and_made_anew_for_other_keys():
    assert not is_open(None) and not is_open(SCHEMA) and not is_open_for(None, {}) and not is_open_for(SCHEMA, {})
    found = open_schema(SCHEMA, {"port": 80})
    assert is_open(found) and is_open_for(found, {"port": 1}) and is_open_for(found, {})
    assert not is_open_for(found, {"port": 80, "more": 1})
    assert not is_open_for(found, {"password": "{{ st2kv.system.p | decrypt_kv }}"})
    assert open_schema(found, {})["password"] == found["password"]
