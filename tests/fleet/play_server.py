# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that has Ansible imported and runs playbooks in forks of itself, which build each module only once.

Each line that it reads is a job: ``arguments``, those of ansible-playbook, and ``output``, the file for what it says.
It answers with the exit status.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
import typing as t

from ansible.cli.playbook import PlaybookCLI


def _play(job: t.Mapping[str, t.Any]) -> t.NoReturn:
    status = 250
    try:
        opened = [
            os.open(os.devnull, os.O_RDONLY),
            os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ]
        for number, descriptor in enumerate((opened[0], opened[1], opened[1])):
            os.dup2(descriptor, number)
        PlaybookCLI.cli_executor(["ansible-playbook", *job["arguments"]])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main() -> None:
    """Answer jobs until the input ends."""
    # What a play imports first when it runs a task.
    importlib.import_module("ansible.executor.task_executor")
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _play(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
