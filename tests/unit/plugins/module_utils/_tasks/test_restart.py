# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that a task says are to be restarted: those of this host that go on with old code or config."""

from __future__ import annotations

import pytest
import yaml
from infrastructure.packs import PackTree
from infrastructure.st2_stub import StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._config.argspec import config_options
from ansible_collections.stackstorm.st2.plugins.module_utils._override.argspec import override_options
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.config import converge_config
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override import converge_override
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import converge_packs
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import Site

NEEDED = ["st2sensorcontainer"]
SCHEMA = {"host": {"type": "string"}}
OFF = {"sensors": {"defaults": {"enabled": False}}}


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


def trees(ref, *versions, sensors=True):
    for version in versions:
        tree = PackTree(ref, version, minimal=not sensors)
        tree.files.pop("config.schema.yaml", None)
        yield tree.add("config.schema.yaml", yaml.safe_dump(SCHEMA))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), list(trees("sensu", "1.0.1", "1.0.2")))
    site.publish(*trees("quiet", "1.0.1", "1.0.2", sensors=False))
    units = site.host.root / "usr" / "lib" / "systemd" / "system"
    units.mkdir(parents=True)
    (units / "st2sensorcontainer.service").write_text("[Service]\n")
    site.keep()
    return site


class Host:
    """A site with a StackStorm, or one that nobody is told of."""

    def __init__(self, site, stub, register):
        self.site, self.stub, self.register = site, stub, register
        stub.install_register_content()

    def _given(self, given):
        with_api = {"api_url": self.stub.api_url, "api_key": self.stub.api_key}
        return {"register": self.register, **(with_api if self.register == "api" else {}), **given}

    def _both(self, converge, task):
        predicted = converge(task(True))
        done = converge(task(False))
        assert done.failure is None, done.failure.message
        assert predicted.returned["restart_needed"] == done.returned["restart_needed"]
        again = converge(task(False))
        assert not again.changed and again.returned["restart_needed"] == []
        return done.returned["restart_needed"]

    def packs(self, *names, **given):
        given = self._given({"virtualenv": "never", **given})
        return self._both(converge_packs, lambda check: self.site.pack_task(*names, check=check, **given))

    def config(self, pack="sensu", **given):
        given = self._given({"pack": pack, **given})
        return self._both(converge_config, lambda check: self.site.task(config_options(), check=check, **given))

    def override(self, **given):
        given = self._given({"pack": "sensu", **given})
        return self._both(converge_override, lambda check: self.site.task(override_options(), check=check, **given))


HOW = ["api", "none"]


@pytest.fixture(params=HOW)
def host(request, kept):
    kept.restore()
    with StackStormStub(kept.host) as stub:
        yield Host(kept, stub, request.param)


@pytest.mark.parametrize("host", [*HOW, "local"], indirect=True)
def test_what_is_registered_starts_anew_by_itself(host):
    expected = NEEDED if host.register == "none" else []
    assert host.packs("sensu=1.0.1") == [], "nothing of it was running"
    assert host.packs("sensu=1.0.2") == expected
    assert host.packs("sensu=1.0.1") == expected
    assert host.packs("quiet=1.0.1") == [] == host.packs("quiet=1.0.2"), "it has no sensors"


def test_a_config_is_read_when_a_sensor_starts(host):
    host.packs("sensu=1.0.1", "quiet=1.0.1")
    assert host.config(config={"host": "a"}) == NEEDED
    assert host.config(config={"host": "b"}) == NEEDED
    assert host.config(config={"host": "b"}, mode="0600") == [], "only the file is another"
    assert host.config("quiet", config={"host": "a"}) == []
    assert host.packs(packs=[{"name": "sensu", "config": {"host": "c"}}]) == NEEDED
    together = [{"name": "sensu", "version": "1.0.2", "config": {"host": "d"}}]
    assert host.packs(packs=together) == (NEEDED if host.register == "none" else []), "one registration for both"
    assert host.config(state="absent") == NEEDED


@pytest.mark.parametrize("host", ["api", "local"], indirect=True)
def test_only_a_part_is_registered(host):
    host.packs("sensu=1.0.1")
    assert host.packs("sensu=1.0.2", register_types=["action", "rule"]) == NEEDED
    assert host.packs("sensu=1.0.1", register_types=["sensor"]) == []


@pytest.mark.parametrize("host", [*HOW, "local"], indirect=True)
def test_a_pack_that_goes(host):
    host.packs("sensu=1.0.1", "quiet=1.0.1")
    assert host.packs("quiet", state="absent") == []
    assert host.packs("sensu", state="absent") == ([] if host.register == "api" else NEEDED)


def test_a_new_virtualenv_is_used_by_what_starts_in_it(host):
    host.packs("sensu=1.0.1")
    python = host.site.place_virtualenv("sensu") / "bin" / "python"
    python.unlink()
    given = {"virtualenv": "always", "virtualenv_backend": "venv", "pip_args": ["--no-index"]}
    assert host.site.host.service.exists()
    task = host.site.pack_task("sensu=1.0.1", check=True, **host._given(given))
    assert converge_packs(task).returned["restart_needed"] == NEEDED


def test_overrides_take_effect_by_being_registered(host):
    host.packs("sensu=1.0.1")
    assert host.override(**OFF) == []
    assert host.config(config={"host": "a"}) == [], "no sensor of it runs"
    assert host.override(state="absent") == []
    assert host.config(config={"host": "b"}) == NEEDED


def test_a_host_without_the_service_restarts_nothing(host):
    host.packs("sensu=1.0.1")
    (host.site.host.root / "usr/lib/systemd/system/st2sensorcontainer.service").unlink()
    assert host.config(config={"host": "a"}) == []


def test_what_fails_has_changed_nothing(host):
    host.packs("sensu=1.0.1")
    given = {"pack": "sensu", "config": {"host": 5}}
    failed = converge_config(host.site.task(config_options(), **host._given(given)))
    assert failed.failure and failed.returned["restart_needed"] == []
    failed = converge_packs(host.site.pack_task("sensu=9.9.9", **host._given({"virtualenv": "never"})))
    assert failed.failure and failed.returned["restart_needed"] == []
