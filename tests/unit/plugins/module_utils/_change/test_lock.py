# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's lock, with other processes that really hold it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import time

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.lock import HostLock
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import LockError
from ansible_collections.stackstorm.st2.plugins.module_utils._process import Deadline

HOLDER = textwrap.dedent(
    """
    import subprocess, sys
    from ansible_collections.stackstorm.st2.plugins.module_utils._change.lock import HostLock
    from ansible_collections.stackstorm.st2.plugins.module_utils._process import Deadline

    lock = HostLock(sys.argv[1])
    lock.acquire(Deadline(10), create=sys.argv[2] == "create")
    child = subprocess.Popen(["sleep", "60"]) if "child" in sys.argv else None
    print(child.pid if child else "held", flush=True)
    sys.stdin.readline()
    if "leave" in sys.argv:
        lock.release()
        print("released", flush=True)
        sys.stdin.readline()
    """
)


class Holder:
    """Another process that has the lock until it is told to end."""

    def __init__(self, directory, *arguments):
        command = [sys.executable, "-c", HOLDER, str(directory), *(arguments or ("create",))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, universal_newlines=True
        )
        self.said = self.process.stdout.readline().strip()
        assert self.said, "it has the lock"

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def hold():
    holders = []

    def start(*arguments):
        holders.append(Holder(*arguments))
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()


def signature(directory):
    return (directory / "lock").read_text()


def test_one_at_a_time(tmp_path):
    state = str(tmp_path / "state")
    with HostLock(state) as one, HostLock(state) as other:
        assert not one.held
        assert one.acquire(Deadline(1), create=True)
        assert one.held
        assert one.acquire(Deadline(0), create=True), "the owner has it already"
        with pytest.raises(LockError):
            other.acquire(Deadline(0), create=True)
        assert not other.held
        one.release()
        assert other.acquire(Deadline(0), create=True)
    assert HostLock(state).acquire(Deadline(0), create=False), "the end of the block lets go"


def test_the_owner_says_who_it_is_and_says_it_no_more_afterwards(tmp_path):
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(1), create=True)
        owner = json.loads(signature(tmp_path))
        assert (owner["pid"], owner["host"]) == (os.getpid(), socket.gethostname())
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", owner["started"])
    assert signature(tmp_path) == ""


def test_at_the_deadline_the_other_run_is_named_with_its_age(tmp_path, hold):
    holder = hold(tmp_path)
    time.sleep(1.1)
    started = time.monotonic()
    with pytest.raises(LockError) as raised:
        HostLock(str(tmp_path)).acquire(Deadline(0.3), create=True)
    assert time.monotonic() - started > 0.25
    said = re.fullmatch(
        rf"Another run has the lock {tmp_path}/lock: process (\d+) on {re.escape(socket.gethostname())}, for (\d+) s\. "
        r"This run waited 0\.3 s \(timeout\) and changed nothing\. Wait for it to end, or look at that process\.",
        raised.value.message,
    )
    assert said, raised.value.message
    assert int(said.group(1)) == holder.process.pid
    assert int(said.group(2)) >= 1
    assert raised.value.step == "lock"


def test_who_waits_gets_it_as_soon_as_it_is_free(tmp_path, hold):
    holder = hold(tmp_path, "create", "leave")
    lock = HostLock(str(tmp_path))
    with pytest.raises(LockError):
        lock.acquire(Deadline(0), create=True)
    holder.go_on()
    assert lock.acquire(Deadline(60), create=True)
    assert json.loads(signature(tmp_path))["pid"] == os.getpid()
    lock.release()


def test_a_dead_owner_keeps_nothing(tmp_path, hold):
    holder = hold(tmp_path)
    holder.kill()
    assert json.loads(signature(tmp_path))["pid"] == holder.process.pid, "it could not take its name away"
    with HostLock(str(tmp_path)) as lock:
        assert lock.acquire(Deadline(0), create=True)
        assert json.loads(signature(tmp_path))["pid"] == os.getpid()


def test_a_dead_owner_is_not_named_for_one_that_gave_no_name(tmp_path, hold):
    hold(tmp_path).kill()
    hold(tmp_path, "look")
    with pytest.raises(LockError) as raised:
        HostLock(str(tmp_path)).acquire(Deadline(0), create=True)
    assert "lock: a process that has not said who it is. This run" in raised.value.message


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"pid": 1}', '{"pid": 1, "host": "elsewhere", "since": "x"}', "\0"]
)
def test_a_name_that_makes_no_sense_is_no_name(tmp_path, hold, text):
    hold(tmp_path)
    (tmp_path / "lock").write_text(text)
    with pytest.raises(LockError) as raised:
        HostLock(str(tmp_path)).acquire(Deadline(0), create=False)
    assert "a process that has not said who it is" in raised.value.message


def test_an_owner_on_another_host_is_named(tmp_path, hold):
    hold(tmp_path)
    (tmp_path / "lock").write_text(json.dumps({"pid": 7, "host": "node2", "since": 0}))
    with pytest.raises(LockError) as raised:
        HostLock(str(tmp_path)).acquire(Deadline(0), create=False)
    assert "process 7 on node2, for" in raised.value.message


def test_programs_that_the_owner_started_do_not_keep_it(tmp_path, hold):
    holder = hold(tmp_path, "create", "child")
    child = int(holder.said)
    try:
        holder.kill()
        os.kill(child, 0)  # It lives on.
        with HostLock(str(tmp_path)) as lock:
            assert lock.acquire(Deadline(0), create=True)
    finally:
        os.kill(child, 9)


def test_looking_creates_nothing_where_there_never_was_a_lock(tmp_path):
    with HostLock(str(tmp_path / "state")) as lock:
        assert lock.acquire(Deadline(0), create=False) is False
        assert not lock.held
    assert os.listdir(tmp_path) == []


def test_looking_waits_for_a_run_and_writes_nothing(tmp_path, hold):
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(0), create=True)
    before = os.stat(tmp_path / "lock")
    with HostLock(str(tmp_path)) as lock:
        assert lock.acquire(Deadline(0), create=False)
        assert os.stat(tmp_path / "lock") == before
    assert os.stat(tmp_path / "lock").st_mtime_ns == before.st_mtime_ns
    hold(tmp_path)
    with pytest.raises(LockError):
        HostLock(str(tmp_path)).acquire(Deadline(0), create=False)


def test_who_looked_and_then_has_to_work_gives_its_name(tmp_path):
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(0), create=True)
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(0), create=False)
        assert signature(tmp_path) == ""
        lock.acquire(Deadline(0), create=True)
        assert json.loads(signature(tmp_path))["pid"] == os.getpid()
    assert signature(tmp_path) == ""


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "lock").symlink_to("precious")
    for create in (True, False):
        with pytest.raises(LockError, match=r"/lock cannot be used: "):
            HostLock(str(tmp_path)).acquire(Deadline(0), create=create)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_place_where_no_lock_can_be_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LockError) as raised:
        HostLock(str(tmp_path / "file" / "state")).acquire(Deadline(0), create=True)
    assert raised.value.message == (
        f"The lock {tmp_path}/file/state/lock cannot be used: Not a directory. "
        "Run as an account that may write there (become)."
    )


def test_releasing_what_is_not_held_is_fine(tmp_path):
    lock = HostLock(str(tmp_path))
    lock.release()
    lock.acquire(Deadline(0), create=True)
    lock.release()
    lock.release()
    assert not lock.held
