# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2_restart end to end: what systemd is told, and what StackStorm is asked before."""

from __future__ import annotations

import os
import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest
from e2e.scene import warnings
from infrastructure.ansible_run import ModuleResult
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import Outcome, StackStormStub
from infrastructure.systemd import Systemd
from infrastructure.warm_modules import warm_modules

HERE = socket.gethostname()
RUNNERS = ["st2actionrunner@1", "st2actionrunner@2"]


class Site:
    """A host with systemd, and a StackStorm."""

    def __init__(self, root: Path) -> None:
        self.host = ScratchHost(root / "host")
        self.systemd = Systemd(self.host)
        self.stackstorm = StackStormStub(self.host, register_all=False)

    def run(self, *names: str, check: bool = False, **given: t.Any) -> ModuleResult:
        """Run the module."""
        api = {"api_url": self.stackstorm.api_url, "api_key": self.stackstorm.api_key}
        options = {"name": list(names), "timeout": 60, **api, **given}
        path = os.pathsep.join([str(self.systemd.programs), os.environ["PATH"]])
        return warm_modules.run("st2_restart", options, check=check, diff=True, host=self.host, env={"PATH": path})

    def settled(self) -> None:
        """Nothing is left to restart."""
        done = self.run()
        assert not done.failed and not done.changed and done["restart_needed"] == [], done.everything
        assert self.systemd.told == []


@pytest.fixture
def site(tmp_path: Path) -> t.Iterator[Site]:
    found = Site(tmp_path)
    yield found
    found.stackstorm.stop()


def test_only_what_is_named_and_runs(site: Site) -> None:
    site.systemd.set("st2notifier", ActiveState="inactive")
    site.settled()
    named = ("st2api", "st2notifier", "st2actionrunner", "st2stream")
    predicted = site.run(*named, check=True)
    assert site.systemd.told == [] and not (site.host.root / "run" / "stackstorm.st2").exists()
    done = site.run(*named)
    assert done.changed and done["restarted"] == predicted["restarted"] == ["st2actionrunner", "st2api"]
    assert predicted.changed and predicted["msg"] == done["msg"] == "restarted: st2actionrunner, st2api"
    assert site.systemd.restarted == [*RUNNERS, "st2api"], "the oneshot is not told anything"
    site.settled()


def test_what_is_put_off_is_done_by_a_later_task(site: Site) -> None:
    put_off = site.run("st2api", "st2sensorcontainer", restart="later")
    assert not put_off.changed and put_off["restart_needed"] == ["st2api", "st2sensorcontainer"]
    assert warnings(put_off) == []
    warned = site.run(restart="never")
    assert warned["restart_needed"] == put_off["restart_needed"] and not warned.changed
    assert "go on with old settings" in warnings(warned)[0]
    site.systemd.start_anew("st2sensorcontainer")
    assert site.run(check=True)["restarted"] == ["st2api"]
    done = site.run()
    assert done.changed and site.systemd.restarted == ["st2api"], "somebody else has restarted the other"
    site.settled()


def test_drain_waits_for_the_executions_of_this_host(site: Site) -> None:
    executions = site.stackstorm.executions
    executions.run_on("another-host")
    execution = executions.run_on(HERE)
    results: t.List[ModuleResult] = []
    thread = threading.Thread(target=lambda: results.append(site.run("st2actionrunner")))
    thread.start()
    asked = time.monotonic() + 60
    while time.monotonic() < asked and not any(r.path.startswith("/executions") for r in site.stackstorm.requests):
        time.sleep(0.01)
    assert site.systemd.told == []
    execution.end(Outcome("succeeded", {}))
    thread.join()
    assert results[0].changed and results[0]["running"] == [], results[0].everything
    assert site.systemd.restarted == RUNNERS


def test_drain_names_what_would_be_abandoned_and_leaves_it_alone(site: Site) -> None:
    execution = site.stackstorm.executions.run_on(HERE, status="canceling")
    failed = site.run("st2actionrunner", "st2api", timeout=1)
    assert failed.failed and failed["step"] == "restart" and execution.id in failed["msg"], failed.everything
    assert "after 1 s" in failed["msg"] and "core.noop" in failed["msg"] and "restart=now" in failed["msg"]
    assert failed["running"][0]["id"] == execution.id and failed["running"][0]["status"] == "canceling"
    assert failed["restarted"] == ["st2api"] and failed["restart_needed"] == ["st2actionrunner"] and failed.changed
    assert site.systemd.restarted == ["st2api"]
    done = site.run(restart="now")
    assert done["restarted"] == ["st2actionrunner"] and site.systemd.restarted == RUNNERS
    site.settled()


def test_waiting_restarts_nothing(site: Site) -> None:
    execution = site.stackstorm.executions.run_on(HERE)
    failed = site.run("st2actionrunner", restart="wait", timeout=1)
    assert failed.failed and execution.id in failed["msg"] and "After 1 s" in failed["msg"], failed.everything
    execution.end(Outcome("succeeded", {}))
    waited = site.run("st2actionrunner", restart="wait")
    assert not waited.changed and waited["restarted"] == waited["restart_needed"] == [] and site.systemd.told == []


def test_workflows_are_elsewhere_and_their_tasks_are_not(site: Site) -> None:
    site.stackstorm.executions.run_on(HERE, "packs.install")
    assert site.run("st2actionrunner").changed
    site.stackstorm.executions.run_on(HERE, "packs.download")
    assert site.run("st2actionrunner", timeout=1).failed


def test_without_an_answer_nothing_is_abandoned(site: Site) -> None:
    site.stackstorm.stop()
    failed = site.run("st2actionrunner", "st2api")
    assert failed.failed and "the executions that this would abandon are not known" in failed["msg"], failed.everything
    assert site.systemd.restarted == ["st2api"], "which nobody has to be asked about"
    refused = site.run(api_key="canary-xyzzy")
    assert refused.failed and refused["restart_needed"] == ["st2actionrunner"]
    assert "canary-xyzzy" not in refused.everything


def test_a_service_that_does_not_start_anew(site: Site) -> None:
    site.systemd.set("st2api", Broken="yes")
    failed = site.run("st2api", "st2sensorcontainer")
    assert failed.failed and "Job for st2api.service failed" in failed["msg"]
    assert failed["restarted"] == ["st2sensorcontainer"] and failed["restart_needed"] == ["st2api"]
    site.systemd.set("st2api", Broken="", Stuck="yes")
    failed = site.run()
    assert failed.failed and "st2api.service did not start again" in failed["msg"]
    site.systemd.set("st2api", Stuck="", NeedDaemonReload="yes")
    site.systemd.forget()
    assert site.run().changed and site.systemd.told == ["daemon-reload", "try-restart st2api.service"]


def test_where_systemd_does_not_run_nothing_is_restarted(site: Site) -> None:
    (site.host.root / "run" / "systemd" / "system").rmdir()
    done = site.run("st2api", "st2actionrunner")
    assert not done.failed and not done.changed and done["restart_needed"] == [] and "systemd" in done["msg"]
    assert site.systemd.told == []


def test_a_service_that_stackstorm_does_not_have_is_refused(site: Site) -> None:
    failed = site.run("sshd")
    assert failed.failed and "sshd" in failed["msg"] and site.systemd.told == []
