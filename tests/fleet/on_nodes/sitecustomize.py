# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported by every Python that a node starts: ends a module at one of its steps, or lets its disk be full from there.

The steps are those of ``tests/faults/boundaries.py``. How many a module had is written beside the calls.
"""

from __future__ import annotations

import atexit
import errno
import importlib.util
import os
import sys
import typing as t

_SPACE = ("open", "mkdir", "symlink", "link")


def _watch(call: str, fault: str) -> None:
    path = os.path.join(
        os.path.dirname(os.path.abspath(__file__)), *3 * [os.pardir], "tests", "faults", "boundaries.py"
    )
    spec = importlib.util.spec_from_file_location("boundaries", path)
    assert spec and spec.loader
    boundaries: t.Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(boundaries)
    kind, _blank, text = fault.partition(" ")
    at = int(text or -1)
    seen = [0]
    done: t.List[bool] = []

    def reached(what: str, number: int, label: str) -> None:
        if what != boundaries.STEP or done:
            return
        seen[0] = number + 1
        if kind == "kill" and number == at:
            boundaries.kill(os.getpid(), children=True)
        if kind == "disk" and number >= at and label.startswith(_SPACE):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def tell() -> None:
        done.append(True)
        node, number = call.split()
        with open(os.path.join(os.environ["ST2_CHAOS"], "steps", f"{node}.{number}"), "w", encoding="utf-8") as stream:
            stream.write(str(seen[0]))

    atexit.register(tell)
    sys.addaudithook(boundaries.Boundaries(os.environ["ST2_CHAOS_ROOT"], reached))


if "ST2_CHAOS_CALL" in os.environ:
    _watch(os.environ.pop("ST2_CHAOS_CALL"), os.environ.pop("ST2_CHAOS_FAULT", ""))
