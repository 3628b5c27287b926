# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Imports Python files as StackStorm does, each in a process of its own: a program for any Python from 3.6 on.

Standard input has its task, as JSON. C(become) makes it the account of the task, before any code of the virtualenv is
run, and starts it anew; C(import) writes a line of JSON before each file, and one after it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import signal
import sys
import typing as t

_MOST_TEXT = 500


def become(task: t.Dict[str, t.Any]) -> None:
    """Become the account, and run the program again with the virtualenv and its paths."""
    if task["account"]:
        name, uid, gid = task["account"]
        os.initgroups(name, gid)
        os.setgid(gid)
        os.setuid(uid)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, which a change of the account takes back
    os.lseek(0, 0, os.SEEK_SET)
    python = task["python"]
    os.execve(python, [python, "-B", "-c", task["program"], "import"], task["environment"])  # noqa: S606  # No shell is what is wanted.


def import_file(path: str, class_name: str) -> str:
    """Import a file (st2common/util/loader.py register_plugin_class); what is wrong with it, or nothing."""
    sys.path.append(os.path.dirname(os.path.realpath(path)))
    try:
        spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
        if spec is None or spec.loader is None:
            return "its name is not that of a Python file"
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:_MOST_TEXT]
    return "" if not class_name or hasattr(module, class_name) else "there is no class " + class_name


def in_a_process(path: str, class_name: str, seconds: int) -> t.Dict[str, t.Any]:
    """As L(import_file), in a process that is ended in time."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        answer = json.dumps({"error": import_file(path, class_name)})
        # Less than a pipe holds, so it never waits.
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    _pid, status = os.waitpid(child, 0)
    os.set_blocking(reader, False)
    try:
        return t.cast(t.Dict[str, t.Any], json.loads(os.read(reader, 1 << 16).decode()))
    except (ValueError, BlockingIOError):
        number = status & 0x7F
        if number == signal.SIGALRM:
            return {"error": f"the import takes longer than {seconds} s"}
        return {"error": f"Python ended by signal {number}" if number else "Python ended"}
    finally:
        os.close(reader)


def main() -> None:
    """Do the task."""
    with os.fdopen(os.dup(0), encoding="utf-8") as stream:
        task = json.load(stream)
    if sys.argv[1] == "become":
        become(task)
    sys.path[:] = [path for path in sys.path if path]  # The current directory, as there is no script.
    os.chdir("/")
    with os.fdopen(os.dup(1), "w") as answers:
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        for path, class_name in task["files"]:
            answers.write("begin\n")
            answers.flush()
            answers.write(json.dumps(in_a_process(path, class_name, task["seconds"])) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
