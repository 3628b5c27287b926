# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Who is at work: a process, by what other hosts and later runs can recognise it, and tell whether it still lives."""

from __future__ import annotations

import os
import socket
import typing as t
from dataclasses import asdict, dataclass

_PROC = "/proc"
_ZOMBIE = "Z"


@dataclass(frozen=True)
class Owner:
    """A process that something belongs to.

    :arg lock: The id of the lock that it held, see L(lock.HostLock.id); empty for none.
    :arg host: Name of the host.
    :arg boot: The kernel's id of its current boot; empty where it does not tell.
    :arg pid_namespace: The namespace that C(pid) is a number of, as two containers of a host have one each; empty where
        the kernel does not tell.
    :arg pid: Its number.
    :arg start: When it started, in the kernel's count, as numbers are used again; empty where that is not to be had.
    """

    lock: str
    host: str
    boot: str
    pid_namespace: str
    pid: int
    start: str

    def document(self) -> t.Dict[str, t.Any]:
        """What L(owner_from) reads."""
        return asdict(self)

    def is_gone(self) -> bool:
        """Whether it surely lives no more. Of a process of another host, boot or namespace nobody here can say so."""
        here = (host_name(), boot_id(), pid_namespace())
        if not all(here) or (self.host, self.boot, self.pid_namespace) != here:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        start = process_start(self.pid)
        return start == _ZOMBIE or bool(start and self.start and start != self.start)


def this_process(lock: str = "") -> Owner:
    """The process that runs this.

    :arg lock: The id of the lock that it holds.
    """
    pid = os.getpid()
    return Owner(lock, host_name(), boot_id(), pid_namespace(), pid, process_start(pid))


def owner_from(document: t.Any) -> t.Optional[Owner]:
    """The owner that a document names; C(None) when it makes no sense."""
    if not isinstance(document, dict) or not isinstance(document.get("pid"), int) or document["pid"] <= 0:
        return None
    words = [document.get(name, "") for name in ("lock", "host", "boot", "pid_namespace", "start")]
    if not all(isinstance(word, str) for word in words):
        return None
    lock, host, boot, namespace, start = words
    return Owner(lock, host, boot, namespace, document["pid"], start)


def host_name() -> str:
    """The name of this host."""
    return socket.gethostname()


def boot_id() -> str:
    """The kernel's id of its current boot."""
    try:
        with open(f"{_PROC}/sys/kernel/random/boot_id", encoding="ascii") as stream:
            return stream.read().strip()
    except (OSError, ValueError):
        return ""


def pid_namespace() -> str:
    """The namespace of this process's number."""
    try:
        status = os.stat(f"{_PROC}/self/ns/pid")
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}"


def process_start(pid: int) -> str:
    """When a process started (proc(5), field 22 of stat), C(Z) for one that has ended and was not waited for.

    :returns: Empty when that is not to be had: C(/proc) may be another namespace's, with other numbers.
    """
    try:
        if os.readlink(f"{_PROC}/self") != str(os.getpid()):
            return ""
        with open(f"{_PROC}/{pid}/stat", "rb") as stream:
            fields = stream.read().rpartition(b")")[2].decode().split()
    except (OSError, ValueError):
        return ""
    return _ZOMBIE if fields[0] == _ZOMBIE else fields[19]
