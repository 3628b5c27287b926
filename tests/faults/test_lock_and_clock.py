# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock that a dead run left, one that a living run holds, and a clock that jumps."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
import typing as t
from pathlib import Path

import pytest
from faults import inspection
from faults.boundaries import STEP
from faults.module_runs import Instant
from faults.world import World

DAY = 86_400.0
JUMPS = [0, 400 * DAY, -20 * 365 * DAY, 3600, 30 * 365 * DAY, -1]


def lock_file(world: World) -> Path:
    return world.host.packs / inspection.STATE / "lock"


def take_lock(world: World, text: str = "") -> int:
    """Hold the lock in this process; return the descriptor."""
    descriptor = os.open(lock_file(world), os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, text.encode())
    return descriptor


def signature(pid: int) -> str:
    since = time.clock_gettime(time.CLOCK_MONOTONIC) - 70_000
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return json.dumps({"pid": pid, "host": socket.gethostname(), "boot": boot, "since": since, "taken": "whenever"})


@pytest.mark.parametrize("text", ["{pid}", "", "{", "null", "\0\0\0"], ids=["signed", "empty", "half", "null", "zeros"])
def test_a_lock_that_a_dead_run_left_is_no_lock(world: World, text: str) -> None:
    world.restore("plain")
    lock_file(world).write_text(text.replace("{pid}", signature(2**22 - 3)))
    world.must({"name": ["gamma=2.0.0"], "virtualenv": "never", "timeout": 60})
    assert '"pid"' not in lock_file(world).read_text(), "whoever had it has taken its name away"


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_a_lock_that_somebody_holds_is_waited_for_until_the_timeout(world: World, check: bool) -> None:
    world.restore("plain")
    before = world.host.snapshot(identity=True)
    descriptor = take_lock(world, signature(os.getpid()))
    inside = world.host.snapshot(identity=True)
    request = {"name": ["gamma=2.0.0"], "virtualenv": "never", "timeout": 2}
    started = time.monotonic()
    result = world.runs.run(request, check=check)
    waited = time.monotonic() - started
    assert result.failed and result["step"] == "lock" and not result["changed"]
    assert f"process {os.getpid()} on {socket.gethostname()}, for 70" in result["msg"] and "2 s" in result["msg"]
    assert waited >= 2
    assert inspection.touched(inside, world.host.snapshot(identity=True)) == []
    os.close(descriptor)
    path = lock_file(world).relative_to(world.host.root).as_posix()
    assert inspection.touched(before, world.host.snapshot(identity=True)) in ([path], [])
    world.must(request)


def test_a_lock_that_is_let_go_in_time_is_taken(world: World) -> None:
    world.restore("plain")
    descriptor = take_lock(world)
    pid = os.fork()
    if pid == 0:  # Has the lock by inheritance, and lets it go after a while, by dying.
        time.sleep(1.5)
        os._exit(0)
    os.close(descriptor)
    world.must({"name": ["gamma=2.0.0"], "virtualenv": "never", "timeout": 60})
    assert os.waitpid(pid, os.WNOHANG)[0] == pid, "it waited for that one"


def test_the_clock_may_jump(world: World) -> None:
    """Installed, killed, healed and removed with another time at each look at the clock, everything is the same."""

    def tour(clock: t.Sequence[float]) -> t.List[inspection.Content]:
        found = []
        world.restore("old")
        for request in (world.packs("2.0.0"), world.packs("1.0.0"), {"name": ["beta"], "state": "absent"}):
            world.runs.run(request, at=Instant(STEP, 30), clock=clock)
            done = world.runs.run({**request, "timeout": 60}, clock=clock)
            assert not done.failed, done.everything
            found.append(inspection.normal_content(world.host))
            assert not world.must(request)["changed"], "a true clock sees the same"
        assert inspection.debris(world.host) == []
        return found

    for straight, jumping in zip(tour([]), tour(JUMPS)):
        assert inspection.differences(straight, jumping) == []


def test_a_deadline_is_not_moved_by_the_clock(world: World) -> None:
    world.restore("plain")
    descriptor = take_lock(world)
    for clock in ([-10 * 365 * DAY, 0], [0, 365 * DAY]):
        started = time.monotonic()
        request = {"name": ["gamma=2.0.0"], "virtualenv": "never", "timeout": 2}
        result = world.runs.run(request, clock=clock)
        assert result["step"] == "lock" and time.monotonic() - started >= 2
    os.close(descriptor)
