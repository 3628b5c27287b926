# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running modules and plays of this collection in processes of their own, with whole results."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import yaml

from .environment import clean_environment
from .real_data import REPOSITORY
from .st2_host import ScratchHost

COLLECTION = "stackstorm.st2"
CALLBACKS = Path(__file__).resolve().parent / "callback_plugins"
Arguments = t.Mapping[str, t.Any]

# What Ansible's own wrapper does before a module begins, for every ansible-core: the arguments are in place, and the
# module runs as the main program.
MAIN = """\
import runpy, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
"""


class ModuleResult(t.Dict[str, t.Any]):
    """What a module returned. The process is beside it: ``rc``, ``stdout``, ``stderr`` and ``seconds``.

    A process that ended without a result gives ``failed`` with a ``msg`` that says so.
    """

    def __init__(self, result: Arguments, rc: int, stdout: str, stderr: str, seconds: float) -> None:
        super().__init__(result)
        self.rc = rc
        self.stdout = stdout
        self.stderr = stderr
        self.seconds = seconds

    @property
    def changed(self) -> bool:
        """Whether the module says that something changed."""
        return bool(self.get("changed"))

    @property
    def failed(self) -> bool:
        """Whether the module says that it failed."""
        return bool(self.get("failed"))

    @property
    def everything(self) -> str:
        """All that came out, in one text: for looking for what must not be in it."""
        return "\n".join([json.dumps(self, default=str), self.stdout, self.stderr])


class TaskResult(t.NamedTuple):
    """One result of a play: the task's name, ``ok``, ``failed``, ``skipped`` or ``unreachable``, and the result."""

    task: str
    host: str
    outcome: str
    result: t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class PlayResult:
    """A run of ansible-playbook."""

    tasks: t.List[TaskResult]
    rc: int
    stdout: str
    stderr: str
    seconds: float

    def __getitem__(self, task: t.Union[int, str]) -> t.Dict[str, t.Any]:
        """Return the result of a task, by its number or name. Raises KeyError where it did not run."""
        if isinstance(task, int):
            return self.tasks[task].result
        for found in self.tasks:
            if found.task == task:
                return found.result
        raise KeyError(f"{task}: {self.stdout}{self.stderr}")


@functools.lru_cache(maxsize=None)
def collections_path() -> Path:
    """Return the folder for ANSIBLE_COLLECTIONS_PATH, in which this checkout is ``ansible_collections/stackstorm/st2``.

    Where the checkout does not lie in such a place, a link in a temporary folder makes one.
    """
    parents = REPOSITORY.parents
    if REPOSITORY.name == "st2" and parents[0].name == "stackstorm" and parents[1].name == "ansible_collections":
        return parents[2]
    folder = _temporary_folder("collections-")
    link = folder / "ansible_collections" / "stackstorm" / "st2"
    link.parent.mkdir(parents=True)
    link.symlink_to(REPOSITORY)
    return folder


def _temporary_folder(prefix: str) -> Path:
    """A new folder that is removed with the end of this process."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.lru_cache(maxsize=None)
def _modules() -> Path:
    """Where Ansible finds the modules that earlier runs of this process have built."""
    return _temporary_folder("modules-")


def run_module(
    module: str,
    args: Arguments,
    *,
    check: bool = False,
    diff: bool = False,
    host: t.Optional[ScratchHost] = None,
    env: t.Optional[t.Mapping[str, str]] = None,
) -> ModuleResult:
    """Run a module through `ansible-playbook`, with everything that Ansible puts around it. Takes about a second.

    The result is that of a run with C(-v), with all that it has.

    :arg module: its name without the collection's.
    :arg host: gives ``st2_conf`` (unless the arguments have it), a home and a temporary folder.
    :arg env: further environment variables.
    """
    task = {f"{COLLECTION}.{module}": _arguments(args, host)}
    play = run_play([task], check=check, diff=diff, host=host, env={"ANSIBLE_VERBOSITY": "1", **(env or {})})
    result = _nothing(play.rc)
    if play.tasks:
        # The controller takes "failed" out of what a module returned, in some versions.
        result = {**play.tasks[0].result, "failed": play.tasks[0].outcome in ("failed", "unreachable")}
    return ModuleResult(result, play.rc, play.stdout, play.stderr, play.seconds)


def run_play(
    tasks: t.Sequence[Arguments],
    *,
    check: bool = False,
    diff: bool = False,
    host: t.Optional[ScratchHost] = None,
    env: t.Optional[t.Mapping[str, str]] = None,
    variables: t.Optional[Arguments] = None,
    arguments: t.Sequence[str] = (),
    beside: t.Optional[t.Mapping[str, Path]] = None,
) -> PlayResult:
    """Run tasks on localhost by `ansible-playbook`, as written: nothing is added to their arguments.

    :arg beside: Directories that lie beside the playbook, by their names there.
    :arg variables: variables of the play; ``arguments``: further ones of the command line.
    """
    with tempfile.TemporaryDirectory(prefix="play-") as folder:
        playbook, results = Path(folder) / "play.yml", Path(folder) / "results"
        play = {"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": list(tasks)}
        play["vars"] = {"ansible_python_interpreter": sys.executable, **(variables or {})}
        for name, path in (beside or {}).items():
            (Path(folder) / name).symlink_to(path)
        playbook.write_text(yaml.safe_dump([play], sort_keys=False, allow_unicode=True))
        command = ansible_command(str(playbook), *arguments)
        command += ["--check"] * check + ["--diff"] * diff
        environment = {
            **ansible_environment(host, folder),
            "ANSIBLE_CALLBACKS_ENABLED": "shared_modules,whole_results",
            "ST2_TEST_RESULTS": str(results),
            **(env or {}),
        }
        started = time.monotonic()
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - started
        lines = results.read_text().splitlines() if results.exists() else []
    return PlayResult(
        [TaskResult(**json.loads(line)) for line in lines], done.returncode, done.stdout, done.stderr, seconds
    )


class RunningModule:
    """A module in a process of its own, see `start_module_directly`."""

    def __init__(self, command: t.Sequence[str], environment: t.Mapping[str, str], document: Arguments) -> None:
        # Files and no pipes: however much is written, nobody has to read meanwhile.
        self._files = [tempfile.TemporaryFile() for _stream in range(3)]  # noqa: SIM115
        self._files[0].write(json.dumps(document).encode())
        self._files[0].seek(0)
        stdin, stdout, stderr = self._files
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            command, env=environment, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )

    def kill(self, children: bool = True) -> None:
        """End it by SIGKILL, with all that it started or alone."""
        try:
            if children:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        except ProcessLookupError:
            pass

    def wait(self, timeout: float = 300) -> ModuleResult:
        """Wait for the end and return the result. Past ``timeout`` seconds it is killed and TimeoutExpired raised."""
        try:
            rc = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
            raise
        seconds = time.monotonic() - self._started
        texts = []
        for stream in self._files[1:]:
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
        for stream in self._files:
            stream.close()
        return read_result(rc, texts[0], texts[1], seconds)


def start_module_directly(
    module: str,
    args: Arguments,
    *,
    check: bool = False,
    diff: bool = False,
    host: t.Optional[ScratchHost] = None,
    env: t.Optional[t.Mapping[str, str]] = None,
    python: t.Optional[str] = None,
) -> RunningModule:
    """Start a module's file as a process of its own, without Ansible's controller, and return at once.

    :arg python: the interpreter, which needs ansible-core's module_utils; the running one by default.
    """
    document, environment = direct_job(module, args, check=check, diff=diff, host=host, env=env)
    name = f"ansible_collections.{COLLECTION}.plugins.modules.{module}"
    return RunningModule([python or sys.executable, "-c", MAIN, name], environment, document)


def direct_job(
    module: str,
    args: Arguments,
    *,
    check: bool,
    diff: bool,
    host: t.Optional[ScratchHost],
    env: t.Optional[t.Mapping[str, str]],
) -> t.Tuple[t.Dict[str, t.Any], t.Dict[str, str]]:
    """Return what Ansible would hand to a module, and the whole environment of its process.

    Results are those of a run with C(-v), with all that they have.
    """
    folder = str(host.tmp) if host else tempfile.gettempdir()
    internal = {
        "_ansible_check_mode": check,
        "_ansible_diff": diff,
        "_ansible_module_name": f"{COLLECTION}.{module}",
        "_ansible_remote_tmp": folder,
        "_ansible_tmpdir": folder,
        "_ansible_verbosity": 1,
    }
    document = {"ANSIBLE_MODULE_ARGS": {**_arguments(args, host), **internal}}
    environment = host.environment() if host else clean_environment()
    environment.update(env or {}, PYTHONPATH=str(collections_path()))
    return document, environment


def run_module_directly(
    module: str,
    args: Arguments,
    *,
    check: bool = False,
    diff: bool = False,
    host: t.Optional[ScratchHost] = None,
    env: t.Optional[t.Mapping[str, str]] = None,
    python: t.Optional[str] = None,
    timeout: float = 300,
) -> ModuleResult:
    """Run a module's file as a process of its own, some 0.3 seconds besides its work; for tests that do it often.

    The arguments are those of `start_module_directly`. Action plugins take no part.
    """
    running = start_module_directly(module, args, check=check, diff=diff, host=host, env=env, python=python)
    return running.wait(timeout)


def _arguments(args: Arguments, host: t.Optional[ScratchHost]) -> t.Dict[str, t.Any]:
    return {**({"st2_conf": str(host.st2_conf)} if host else {}), **args}


def read_result(rc: int, stdout: str, stderr: str, seconds: float) -> ModuleResult:
    """Return the result of a module from what its process left."""
    return ModuleResult(_parse(stdout, rc), rc, stdout, stderr, seconds)


def _parse(stdout: str, rc: int) -> Arguments:
    for line in stdout.splitlines():
        if line.startswith("{"):
            return dict(json.loads(line))
    return _nothing(rc)


def _nothing(rc: int) -> t.Dict[str, t.Any]:
    return {"failed": True, "msg": f"the process ended with {rc} and gave no result"}


def program(name: str) -> str:
    """Return the path of a program of Ansible, beside this Python or on PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is neither next to {sys.executable} nor in PATH"
    return found


def ansible_command(playbook: str, *arguments: str) -> t.List[str]:
    """Return the command that runs a playbook, by its path or its name in a collection, on localhost."""
    return [program("ansible-playbook"), "-i", "localhost,", "-c", "local", playbook, *arguments]


def ansible_environment(host: t.Optional[ScratchHost], folder: t.Union[str, Path]) -> t.Dict[str, str]:
    """Return the environment for `ansible_command`, in which Ansible costs little.

    Runs share the modules that they send, see `shared_modules`, and send them without files.

    :arg host: gives the home; without, it is ``folder``, which is for temporary files and must be there.
    """
    config = Path(folder) / "ansible.cfg"
    # Looking for results a thousand times a second takes processor's time that other tests need.
    config.write_text("[defaults]\ninternal_poll_interval = 0.01\n")
    return clean_environment(
        str(host.home) if host else str(folder),
        ANSIBLE_COLLECTIONS_PATH=str(collections_path()),
        ANSIBLE_CALLBACK_PLUGINS=str(CALLBACKS),
        ANSIBLE_CALLBACKS_ENABLED="shared_modules",
        ANSIBLE_CONFIG=str(config),
        ANSIBLE_LOCAL_TEMP=str(Path(folder) / "local"),
        ANSIBLE_PIPELINING="1",
        ANSIBLE_REMOTE_TEMP=str(Path(folder) / "remote"),
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_LOCALHOST_WARNING="0",
        ANSIBLE_INVENTORY_UNPARSED_WARNING="0",
        ST2_TEST_MODULES=str(_modules()),
    )
