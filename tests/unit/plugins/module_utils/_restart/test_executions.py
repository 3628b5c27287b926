# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which executions are this host's, and how long is waited for them."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._restart import executions
from ansible_collections.stackstorm.st2.plugins.module_utils._restart.executions import running_on, wait_until_none


def execution(number, host="here", runner="python-script", started="2026-01-01T00:00:00.000000Z"):
    return {
        "id": number,
        "action": {"ref": "core.local"},
        "runner": {"name": runner},
        "liveaction": {"runner_info": {"hostname": host, "pid": 7}},
        "start_timestamp": started,
    }


class Client:
    """Answers with the executions of a status; each round of questions may have others."""

    def __init__(self, *rounds, seconds=60):
        self.rounds = list(rounds)
        self.deadline = Deadline(seconds)
        self.asked = []

    def list(self, path, params):
        assert path == "/executions" and "liveaction.runner_info" in params["include_attributes"]
        self.asked.append(params["status"])
        now = self.rounds[0]
        if params["status"] == "resuming" and len(self.rounds) > 1:
            self.rounds.pop(0)
        return [{**item, "status": params["status"]} for item in now.get(params["status"], [])]


def test_of_this_host_and_at_work():
    late = execution("b", started="2026-01-02T00:00:00.000000Z")
    found = running_on(
        Client({
            "running": [late, execution("c", host="there"), execution("d", runner="orquesta"), {"id": "e"}],
            "pausing": [execution("a", runner="action-chain")],
        }),
        "here",
    )  # fmt: skip
    assert [(one.id, one.status) for one in found] == [("a", "pausing"), ("b", "running")]
    assert found[1].as_dict()["action"] == "core.local" and "core.local (b, since 2026-01-02" in str(found[1])


def test_waits_until_the_last_has_ended(monkeypatch):
    monkeypatch.setattr(executions, "_FIRST_PAUSE_SECONDS", 0.001)
    busy = {"running": [execution("a")]}
    client = Client(busy, busy, {"canceling": [execution("a")]}, {})
    assert wait_until_none(client, "here") == []
    assert client.asked == ["running", "canceling", "pausing", "resuming"] * 4


@pytest.mark.parametrize("seconds", [0, 0.01])
def test_gives_up_at_the_end_of_the_time(monkeypatch, seconds):
    monkeypatch.setattr(executions, "_FIRST_PAUSE_SECONDS", 0.001)
    found = wait_until_none(Client({"running": [execution("a")]}, seconds=seconds), "here")
    assert [one.id for one in found] == ["a"]
