# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that updates mirrors in children of its own, each killed at one of its steps.

It has one thread, so that it can fork; a process of pytest may have several. Each line that it reads is the number of a
step, the directory of an exchange host and a repository, as JSON; it answers C(true) where the child was killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange import keeping, mirror, served_packs
from ansible_collections.stackstorm.st2.plugins.module_utils._source.git_program import Git
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._exchange.exchange_host import (
    mirror_at,
    source,
)

# What is done between two of which a run may be killed.
STEPS = (
    (Git, "__call__"),
    (served_packs, "write_atomically"),
    (keeping, "write_atomically"),
    (keeping, "exchange"),
    (mirror, "put_in_place"),
)


def run_until(number, root, url):
    """Update, and kill this process before its step of that number."""
    left = [number]

    def stepping(true):
        def step(*arguments, **more):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return true(*arguments, **more)

        return step

    for place, name in STEPS:
        setattr(place, name, stepping(getattr(place, name)))
    mirror_at(Path(root)).update([source(url)])


def main():
    for line in sys.stdin:
        process = os.fork()
        if not process:
            try:
                run_until(*json.loads(line))
            finally:
                os._exit(0)
        print(json.dumps(os.WIFSIGNALED(os.waitpid(process, 0)[1])), flush=True)


if __name__ == "__main__":
    main()
