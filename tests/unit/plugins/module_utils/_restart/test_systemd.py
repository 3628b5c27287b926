# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd says of services, and is told."""

from __future__ import annotations

import os

import pytest
from infrastructure.st2_host import ScratchHost
from infrastructure.systemd import Systemd as Stub

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import RestartError
from ansible_collections.stackstorm.st2.plugins.module_utils._restart.systemd import Systemd

NAMES = ("st2actionrunner", "st2api", "st2stream")


@pytest.fixture
def host(tmp_path):
    return ScratchHost(tmp_path / "host")


def systemd(host, path):
    return Systemd(str(host.root), {"PATH": f"{path}:{os.environ['PATH']}"}, Deadline(60))


def test_units_that_run(host):
    stub = Stub(host, workers=11)
    stub.set("st2actionrunner@2", ActiveState="deactivating")
    stub.set("st2actionrunner@3", ActiveState="activating", NeedDaemonReload="yes")
    found = systemd(host, stub.programs).running(NAMES)
    numbers = [unit.name[len("st2actionrunner@") : -len(".service")] for unit in found["st2actionrunner"]]
    assert numbers == ["1", "3", "4", "5", "6", "7", "8", "9", "10", "11"]
    assert [unit.outdated for unit in found["st2actionrunner"]][:3] == [False, True, False]
    assert [unit.name for unit in found["st2api"]] == ["st2api.service"] and found["st2api"][0].started > 0
    assert found["st2stream"] == [] and systemd(host, stub.programs).running([]) == {}


def test_a_runner_without_instances_is_a_service_as_any_other(host):
    stub = Stub(host)
    (host.root / "lib/systemd/system/st2actionrunner@.service").unlink()
    found = systemd(host, stub.programs).running(["st2actionrunner"])
    assert [unit.name for unit in found["st2actionrunner"]] == ["st2actionrunner.service"]


def test_a_host_without_systemd(host, tmp_path):
    assert not Systemd(str(host.root), {}, Deadline(60)).runs()
    Stub(host)
    assert Systemd(str(host.root), {}, Deadline(60)).runs()
    with pytest.raises(RestartError, match="systemctl is not in PATH"):
        Systemd(str(host.root), {"PATH": str(tmp_path)}, Deadline(60)).running(["st2api"])


def test_what_systemd_refuses_is_told(host):
    stub = Stub(host)
    stub.set("st2api", Broken="yes")
    told = systemd(host, stub.programs)
    with pytest.raises(RestartError, match=r"systemctl try-restart st2api.service ended with 1: Job for"):
        told.restart(told.running(["st2api"])["st2api"])
