# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boundaries between the steps of a run, found from outside: an audit hook sees every change before it happens.

Python tells audit hooks (PEP 578) of each rename, unlink, mkdir and so on before it makes the system call, so a process
that ends itself there has made all changes up to that one and none after it. No code under test takes part.
"""

from __future__ import annotations

import os
import re
import signal
import typing as t

STEP, BULK = "step", "bulk"
"""What changes a place that a later run may look at; and what fills or empties a tree that nobody looks into."""

_PATHS: t.Mapping[str, t.Tuple[t.Tuple[int, int], ...]] = {
    # For each event the arguments that are paths, each with the argument that has the directory's descriptor.
    "os.rename": ((0, 2), (1, 3)),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.truncate": ((0, -1),),
    "open": ((0, -1),),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_INSIDE = re.compile(r"/\.stackstorm\.st2/(staging|bases)/[^/]+/")
_BY_DESCRIPTOR = re.compile(r"/proc/self/fd/\d+")
_NAMES = (
    (re.compile(r"staging/[0-9a-f]{16}-[0-9a-f]{8}"), "staging/RUN"),
    (re.compile(r"\.new-\w+"), ".new-RANDOM"),
)


class Boundaries:
    """An audit hook that calls ``reached(kind, number, label)`` before each change below ``root``.

    The numbers count each kind from 0. Threads make the numbers of `BULK` vary a little from run to run.
    """

    def __init__(self, root: str, reached: t.Callable[[str, int, str], None]) -> None:
        self._root = root.rstrip("/") + "/"
        self._reached = reached
        self._numbers = {STEP: 0, BULK: 0}

    def __call__(self, event: str, args: t.Tuple[t.Any, ...]) -> None:
        """What `sys.addaudithook` calls."""
        described = self._describe(event, args)
        if described:
            kind, label = described
            number = self._numbers[kind]
            self._numbers[kind] = number + 1
            self._reached(kind, number, label)

    def _describe(self, event: str, args: t.Tuple[t.Any, ...]) -> t.Optional[t.Tuple[str, str]]:
        if event == "ctypes.dlsym" and args[1] == "renameat2":
            return STEP, "exchange"
        if event == "subprocess.Popen":
            return STEP, "start " + " ".join(os.path.basename(str(part)) for part in args[1][:2])
        if event not in _PATHS or (event == "open" and not (isinstance(args[2], int) and args[2] & _WRITING)):
            return None
        paths = [_full(args[path], args[directory] if directory >= 0 else -1) for path, directory in _PATHS[event]]
        paths = [path for path in paths if path.startswith(self._root)]
        if not paths:
            return None
        label = " ".join([event.replace("os.", ""), *(re.sub(r"\s", "?", path[len(self._root) :]) for path in paths)])
        for pattern, name in _NAMES:
            label = pattern.sub(name, label)
        return (BULK if all(map(_INSIDE.search, paths)) else STEP), label


def _full(path: t.Any, directory: t.Any) -> str:
    try:
        if isinstance(path, int):
            return os.readlink(f"/proc/self/fd/{path}")
        path = os.fsdecode(path)
        if not os.path.isabs(path) and isinstance(directory, int) and directory >= 0:
            return os.path.join(os.readlink(f"/proc/self/fd/{directory}"), path)
        match = _BY_DESCRIPTOR.match(path)
        if match:  # A name in a directory that was opened.
            path = os.path.join(os.readlink(match.group()), path[match.end() :].lstrip("/"))
    except (OSError, TypeError):
        return ""
    return os.path.abspath(path)


def _parents() -> t.Dict[int, int]:
    """Return the parent of each process of this machine."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stream:
                found[int(name)] = int(stream.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
    return found


def descendants(pid: int) -> t.Dict[int, int]:
    """Return the processes that a process started, and those that they started, each with its parent."""
    parents = _parents()
    found: t.Dict[int, int] = {}
    todo = [pid]
    while todo:
        above = todo.pop()
        below = [child for child, parent in parents.items() if parent == above]
        found.update(dict.fromkeys(below, above))
        todo += below
    return found


def working_below(root: str) -> t.List[int]:
    """Return the processes that have a directory below ``root`` as their own, or in their arguments."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            own = os.readlink(f"/proc/{name}/cwd")
            with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as stream:
                if f"{root}/" in f"{own}/{stream.read()}":
                    found.append(int(name))
        except OSError:
            continue
    return found


def kill(pid: int, *, children: bool) -> None:
    """End a process by SIGKILL, alone or with all its descendants.

    :arg pid: this process, or a child that nobody has waited for yet: its number is not given to another meanwhile.
    """
    for child, parent in (descendants(pid) if children else {}).items():
        try:
            handle = os.pidfd_open(child)
        except ProcessLookupError:
            continue
        # Numbers of processes are used again: with the handle open, look whether it is still the one that was found.
        try:
            if _parents().get(child) == parent:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)
    os.kill(pid, signal.SIGKILL)
