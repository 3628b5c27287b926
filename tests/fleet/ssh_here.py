# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible runs in place of ssh: commands run on this machine, with the environment of a node, and may be cut off.

Arguments: those of ssh. The directory in ST2_CHAOS has ``nodes/NAME.json`` with the environment of each node,
``calls/NAME`` with a line for each module that ran there, ``fault.json`` with what is to break, and ``nodes.socket`` of
the process that runs modules (`node_server`).
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import struct
import subprocess
import sys
import typing as t

PLACE = os.environ["ST2_CHAOS"]
LOST = 255
_MODULE = re.compile(rb"plugins\.modules\.(st2_\w+)")
_SCRIPT = re.compile(rb"#!/\S*python")
Fault = t.Dict[str, t.Any]


def read_json(*parts: str) -> t.Dict[str, t.Any]:
    """Return the content of a file; nothing where there is none."""
    try:
        with open(os.path.join(PLACE, *parts), encoding="utf-8") as stream:
            return dict(json.load(stream))
    except FileNotFoundError:
        return {}


def lost() -> t.NoReturn:
    """End as ssh does when the host does not answer."""
    sys.stderr.write("ssh: connect to host: Connection timed out\n")
    sys.exit(LOST)


def called(node: str, module: str) -> int:
    """Note that a module runs on a node; return how many did before."""
    path = os.path.join(PLACE, "calls", node)
    number = 0
    if os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            number = len(stream.readlines())
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(f"{module}\n")
    return number


def run_module(script: bytes, environment: t.Dict[str, str], steps: str, fault: Fault) -> int:
    """Have a module run; return its exit status. Its output goes where that of this process goes."""
    job = {
        "script": script.decode(),
        "environment": environment,
        "root": environment["ST2_CHAOS_ROOT"],
        "steps": steps,
        "kind": fault.get("kind", ""),
        "step": fault.get("step", -1),
    }
    content = json.dumps(job).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.path.join(PLACE, "nodes.socket"))
        socket.send_fds(connection, [struct.pack("!Q", len(content))], [1, 2])
        connection.sendall(content)
        return int(connection.recv(16) or LOST)


def main() -> int:
    """Run the command."""
    node, command = sys.argv[-2:]
    content = sys.stdin.buffer.read() if stat.S_ISFIFO(os.fstat(0).st_mode) else b""
    found = _MODULE.search(content)
    number = called(node, found.group(1).decode()) if found else -1
    environment = {**os.environ, **read_json("nodes", f"{node}.json")}
    fault = read_json("fault.json")
    hit = fault.get("node") == node and number == fault["call"]
    gone = os.path.join(PLACE, "gone")
    if fault.get("node") == node and fault["kind"] == "lost" and (hit or os.path.exists(gone)):
        if fault["lasting"]:
            open(gone, "w", encoding="utf-8").close()
        lost()
    answered = not (hit and fault["kind"] == "unanswered")
    if not answered:
        for descriptor in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    if _SCRIPT.match(content):
        steps = os.path.join(PLACE, "steps", f"{node}.{number}" if found else "others")
        status = run_module(content, environment, steps, fault if hit else {})
    else:
        status = subprocess.run(["/bin/sh", "-c", command], input=content, env=environment, check=False).returncode
    if not answered:
        return LOST
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
