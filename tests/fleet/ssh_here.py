# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible runs in place of ssh: commands run on this machine, with the environment of a node, and may be cut off.

Arguments: those of ssh. The directory in ST2_CHAOS has ``nodes/NAME.json`` with the environment of each node,
``calls/NAME`` with a line for each module that ran there, and ``fault.json`` with what is to break.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import typing as t

PLACE = os.environ["ST2_CHAOS"]
LOST = 255
_MODULE = re.compile(rb"stackstorm/st2/plugins/modules/|plugins\.modules\.(st2_\w+)")


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


def main() -> int:
    """Run the command."""
    node, command = sys.argv[-2:]
    content = sys.stdin.buffer.read() if stat.S_ISFIFO(os.fstat(0).st_mode) else b""
    found = re.search(rb"plugins\.modules\.(st2_\w+)", content)
    number = called(node, found.group(1).decode()) if found else -1
    environment = {**os.environ, **read_json("nodes", f"{node}.json")}
    fault = read_json("fault.json")
    answered = True
    if fault.get("node") == node:
        hit = number == fault["call"]
        gone = os.path.join(PLACE, "gone")
        if fault["kind"] == "lost" and (hit or os.path.exists(gone)):
            if fault["lasting"]:
                open(gone, "w", encoding="utf-8").close()
            lost()
        if fault["kind"] == "unanswered" and hit:
            answered = False
        if fault["kind"] in ("kill", "disk") and hit:
            environment.update(ST2_CHAOS_FAULT=f"{fault['kind']} {fault['step']}")
    if found:
        environment.update(ST2_CHAOS_CALL=f"{node} {number}")
        environment["PYTHONPATH"] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "on_nodes")
    done = subprocess.run(["/bin/sh", "-c", command], input=content, env=environment, capture_output=True, check=False)
    if not answered:
        lost()
    sys.stdout.buffer.write(done.stdout)
    sys.stderr.buffer.write(done.stderr)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


if __name__ == "__main__":
    sys.exit(main())
