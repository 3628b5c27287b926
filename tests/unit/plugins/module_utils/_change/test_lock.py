# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's lock, with other processes that really hold it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change import lock as lock_module
from ansible_collections.stackstorm.st2.plugins.module_utils._change.liveness import owner_from, this_process
from ansible_collections.stackstorm.st2.plugins.module_utils._change.lock import HostLock
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import LockError

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
    """What the lock file says of who has it; empty when nobody does."""
    return "".join((directory / "lock").read_text().splitlines()[1:])


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
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", owner["taken"])
        assert owner_from(owner) == this_process(lock.id) == lock.owner()
        assert owner["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert signature(tmp_path) == ""


def test_at_the_deadline_the_other_run_is_named_with_its_age(tmp_path, hold):
    holder = hold(tmp_path)
    time.sleep(1.1)
    started = time.monotonic()
    with pytest.raises(LockError) as raised:
        HostLock(str(tmp_path)).acquire(Deadline(0.3), create=True)
    assert time.monotonic() - started > 0.25
    said = re.fullmatch(
        rf"Another run holds the lock {tmp_path}/lock: process (\d+) on {re.escape(socket.gethostname())}, for (\d+) "
        r"s\. This run waited 0\.3 s \(timeout\) and changed nothing\. Wait for it to finish, or check that process\.",
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
    assert "lock: an unknown process. This run" in raised.value.message


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"pid": 1}', '{"pid": 1, "host": "elsewhere", "since": "x"}', "\0"]
)
def test_a_name_that_makes_no_sense_is_no_name(tmp_path, hold, text):
    hold(tmp_path)
    (tmp_path / "lock").write_text(text)
    with pytest.raises(LockError) as raised:
        HostLock(str(tmp_path)).acquire(Deadline(0), create=False)
    assert "an unknown process" in raised.value.message


def test_an_owner_on_another_host_is_named(tmp_path, hold):
    hold(tmp_path)
    owner = {"pid": 7, "host": "node2", "boot": "another", "since": 0, "taken": "2024-01-31T10:00:00Z"}
    (tmp_path / "lock").write_text(json.dumps(owner))
    with pytest.raises(LockError) as raised:
        HostLock(str(tmp_path)).acquire(Deadline(0), create=False)
    assert "process 7 on node2, since 2024-01-31T10:00:00Z. This run" in raised.value.message


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


# The lock file's own name


def first_line(directory):
    return (directory / "lock").read_text().splitlines()[0]


def test_the_lock_has_an_id_that_stays(tmp_path, hold):
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(0), create=True)
        made = lock.id
    assert re.fullmatch("[0-9a-f]{16}", made) and json.loads(first_line(tmp_path)) == {"id": made}
    hold(tmp_path).kill()
    assert json.loads(first_line(tmp_path)) == {"id": made}, "neither a run nor its death changes it"
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(0), create=False)
        assert lock.id == made
    os.unlink(tmp_path / "lock")
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(0), create=True)
        assert lock.id != made, "another file is another lock"


@pytest.mark.parametrize(
    "text", ["", "\0\0\0", '{"pid": 1, "host": "x", "since": 0.5, "started": "of 0.2.0"}', '{"id": "']
)
def test_a_lock_without_an_id_gets_one(tmp_path, text):
    (tmp_path / "lock").write_text(text)
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(0), create=False)
        assert lock.id == "" and (tmp_path / "lock").read_text() == text
        lock.acquire(Deadline(0), create=True)
        assert json.loads(first_line(tmp_path)) == {"id": lock.id}
        assert json.loads(signature(tmp_path))["lock"] == lock.id


# Where locks are not to be had


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EBADF, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS])
def test_without_locks_one_may_look_and_nothing_is_changed(tmp_path, monkeypatch, code):
    def flock(_descriptor, _how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with HostLock(str(tmp_path)) as lock:
        assert lock.acquire(Deadline(0), create=False) is False and lock.problem is None, "there never was one"
        with pytest.raises(LockError) as raised:
            lock.acquire(Deadline(0), create=True)
        assert not lock.held
    said = raised.value.message
    assert f"The lock {tmp_path}/lock on " in said and f"is not available: {os.strerror(code)}. " in said
    mount = subprocess.run(["stat", "-c", "%m", str(tmp_path)], stdout=subprocess.PIPE, check=True)
    assert f", mounted at {mount.stdout.decode().strip()}, " in said
    assert "NFS as version 4" in said and "local_lock=flock" in said
    with HostLock(str(tmp_path)) as lock:
        assert lock.acquire(Deadline(0), create=False) is False
        assert not lock.held and lock.problem.message == said


def test_the_lock_is_opened_for_writing_as_nfs_wants_it(tmp_path, monkeypatch):
    """NFS makes byte-range locks of flock, and an exclusive one of those needs a descriptor that can be written."""
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(0), create=True)

    def flock(descriptor, _how):
        if not fcntl.fcntl(descriptor, fcntl.F_GETFL) & (os.O_RDWR | os.O_WRONLY):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(fcntl, "flock", flock)
    for create in (False, True):
        with HostLock(str(tmp_path)) as lock:
            assert lock.acquire(Deadline(0), create=create)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("locks", [True, False])
def test_who_can_only_read_it_may_look(tmp_path, monkeypatch, code, locks):
    with HostLock(str(tmp_path)) as lock:
        lock.acquire(Deadline(0), create=True)
    true, true_flock = os.open, fcntl.flock

    def refusing(path, flags, *more, **named):
        if str(path).endswith("/lock") and flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(code, os.strerror(code), path)
        return true(path, flags, *more, **named)

    def flock(descriptor, how):
        if not locks:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        true_flock(descriptor, how)

    monkeypatch.setattr(lock_module.os, "open", refusing)
    monkeypatch.setattr(fcntl, "flock", flock)
    with HostLock(str(tmp_path)) as lock:
        assert lock.acquire(Deadline(0), create=False) is locks is lock.held
        with pytest.raises(LockError, match=rf"/lock cannot be used: {os.strerror(code)}\. Run as an account"):
            lock.acquire(Deadline(0), create=True)


@pytest.mark.parametrize("kind", ["pipe", "directory"])
def test_what_is_no_file_is_no_lock(tmp_path, kind):
    os.mkfifo(tmp_path / "lock") if kind == "pipe" else (tmp_path / "lock").mkdir()
    for create in (True, False):
        with pytest.raises(LockError, match="/lock cannot be used: "):
            HostLock(str(tmp_path)).acquire(Deadline(0), create=create)
