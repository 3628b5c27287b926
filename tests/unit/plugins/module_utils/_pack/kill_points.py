# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work that is killed before its n-th change of the file system, in a process of its own, by a real SIGKILL."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback

from ansible_collections.stackstorm.st2.plugins.module_utils import _file_changes
from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as transaction

# Every call by which names come, go or change; what happens to the content of a file that has no name yet is nobody's.
NAMING = ("rename", "replace", "unlink", "rmdir", "mkdir", "symlink", "link")
# Those by which things get their final names.
PLACING = ("rename", "replace")


def is_killed(number, work, calls=NAMING):
    """Do C(work) in a child that kills itself before its change number C(number), counted from 1.

    :arg calls: Functions of L(os) that count as changes; the exchange of two names always does.
    :returns: Whether it came to that; else the work ended by itself.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            _count(number, calls)
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work itself failed"
    return False


def _count(number, calls):
    done = [0]

    def counted(function):
        def wrapper(*arguments, **named):
            done[0] += 1
            if done[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return wrapper

    for name in calls:
        setattr(os, name, counted(getattr(os, name)))
    transaction.exchange = counted(transaction.exchange)


@contextlib.contextmanager
def without_waiting_for_disks():
    """What is killed loses nothing that the kernel has. Waiting for disks is for power cuts, which are not played."""
    true, true_of_all = os.fsync, _file_changes._sync_file_system
    os.fsync = lambda _descriptor: None
    _file_changes._sync_file_system = lambda _directory: True
    try:
        yield
    finally:
        os.fsync, _file_changes._sync_file_system = true, true_of_all


@contextlib.contextmanager
def without_exchange():
    """A system on which two names cannot be exchanged in one step."""
    true = transaction.exchange
    transaction.exchange = lambda _one, _other: False
    try:
        yield
    finally:
        transaction.exchange = true
