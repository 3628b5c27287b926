# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The executions that a restart of this host's action runners would abandon.

A runner writes the host's name into an execution when it begins with it (st2actions/worker.py _run_action,
st2common/util/system_info.py get_process_info), and what it has not ended when it stops is abandoned (shutdown).
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._printable import printable

if t.TYPE_CHECKING:
    from .._st2.api_client import ApiClient

# Of st2common/constants/action.py, those in which a process of a runner is at work on an execution.
_STATUSES = ("running", "canceling", "pausing", "resuming")
# Their tasks are executions of their own. They themselves are with st2workflowengine once they have started.
_ELSEWHERE = ("orquesta",)
_ATTRIBUTES = "action.ref,runner.name,status,start_timestamp,liveaction.runner_info"
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class Running:
    """An execution that runs."""

    id: str
    action: str
    status: str
    started: str

    def as_dict(self) -> t.Dict[str, str]:
        """For the result of a module."""
        return {"id": self.id, "action": self.action, "status": self.status, "start_timestamp": self.started}

    def __str__(self) -> str:
        return f"{self.action} ({self.id}, since {self.started})"


def running_on(client: ApiClient, hostname: str) -> t.List[Running]:
    """What runs on a host, the longest first.

    :arg hostname: As C(socket.gethostname) gives it there.
    :raises RegistrationError: when StackStorm cannot be asked.
    """
    found: t.Dict[str, Running] = {}
    for status in _STATUSES:
        for item in client.list("/executions", {"status": status, "include_attributes": _ATTRIBUTES}):
            if _word(item, "liveaction", "runner_info", "hostname") != hostname:
                continue
            if _word(item, "runner", "name") not in _ELSEWHERE:
                one = Running(
                    _word(item, "id"),
                    _word(item, "action", "ref"),
                    _word(item, "status"),
                    _word(item, "start_timestamp"),
                )
                found[one.id] = one
    return sorted(found.values(), key=lambda one: (one.started, one.id))


def wait_until_none(client: ApiClient, hostname: str) -> t.List[Running]:
    """Wait until nothing runs on a host, or the client's deadline is near; what runs then.

    :raises RegistrationError: when StackStorm cannot be asked.
    """
    pause = _FIRST_PAUSE_SECONDS
    while True:
        found = running_on(client, hostname)
        # The answer has to be worth something: there must be time for one more question.
        if not found or client.deadline.remaining() <= 2 * pause:
            return found
        time.sleep(pause)
        pause = min(_LONGEST_PAUSE_SECONDS, pause * 1.5, client.deadline.remaining() / 4)


def _word(item: t.Any, *keys: str) -> str:
    for key in keys:
        item = item.get(key) if isinstance(item, dict) else None
    return printable(item) if isinstance(item, str) else ""
