# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that has everything imported and runs modules in forks of itself, which saves most of the time of a run.

Each line that it reads is a job: ``module`` (its dotted name), ``document`` (its arguments as Ansible hands them over),
``environment``, and the files ``stdout`` and ``stderr``. It answers with a line that has the process id as soon as that
is known, and when it has ended one with its exit status, the most memory that it or a program of its had, in KiB,
and the milliseconds of CPU that they took.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import sys
import tempfile
import traceback
import typing as t

Job = t.Dict[str, t.Any]
UTILS = "ansible_collections.stackstorm.st2.plugins.module_utils"
# All that a run imports on the way, so that forks need not.
WARM = (
    *("yaml", "requests", "jsonschema", "semver", "ansible.module_utils.basic"),
    *(f"{UTILS}._pack.{name}" for name in ("planner", "stage", "verify", "virtualenv_build")),
    *(
        f"{UTILS}.{name}"
        for name in (
            *("_tasks.pack", "_tasks.pack_info", "_tasks.index_reading", "_source.index_download"),
            *("_content.resources", "_runner", "_argspec"),
        )
    ),
)


def serve(
    prepare: t.Callable[[Job], None] = lambda job: None, watch: t.Callable[[int, Job], None] = lambda pid, job: None
) -> None:
    """Answer jobs until the input ends.

    :arg prepare: is called in the fork, before the module is run; ``watch`` in the process itself, with the fork's id.
    """
    for name in WARM:
        importlib.import_module(name)
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _work(job, prepare)
        _answer(pid)
        watch(pid, job)
        _pid, status, usage = os.wait4(pid, 0)
        cpu = int((usage.ru_utime + usage.ru_stime) * 1000)
        _answer(os.waitstatus_to_exitcode(status), usage.ru_maxrss, cpu)


def _answer(*numbers: int) -> None:
    sys.stdout.write(f"{' '.join(map(str, numbers))}\n")
    sys.stdout.flush()


def _work(job: Job, prepare: t.Callable[[Job], None]) -> t.NoReturn:
    status = 70
    # What a run opens and writes is looked at, and the bytecode of what is imported late is not its doing.
    sys.dont_write_bytecode = True
    try:
        os.setsid()
        for descriptor, (path, flags) in enumerate(
            ((os.devnull, os.O_RDONLY), (job["stdout"], os.O_RDWR), (job["stderr"], os.O_RDWR))
        ):
            opened = os.open(path, flags | (os.O_CREAT | os.O_TRUNC if descriptor else 0), 0o600)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.environ.clear()
        os.environ.update(job["environment"])
        tempfile.tempdir = None
        os.chdir("/")
        status = _run_module(job, prepare)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run_module(job: Job, prepare: t.Callable[[Job], None]) -> int:
    from ansible.module_utils import basic

    basic._ANSIBLE_ARGS = json.dumps(job["document"]).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    prepare(job)
    try:
        runpy.run_module(job["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        atexit._run_exitfuncs()
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    serve()
