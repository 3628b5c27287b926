# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person at a terminal sees how far a task is; nobody else does, and an interrupt ends all of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from e2e.scene import Scene
from infrastructure.ansible_run import ansible_command, ansible_environment
from infrastructure.packs import PackTree
from infrastructure.servers import SshServer
from infrastructure.servers.ssh_server import find_sshd
from infrastructure.terminal import watch_terminal

REFS = ("one", "two", "three")


class Terminal:
    """A play with one task of st2_pack on the host of a scene."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene = scene
        self.way: t.Mapping[str, t.Any] = {"ansible_connection": "local"}
        self.playbook, self.jobs = folder / "play.yml", folder / "jobs"
        self.environment = {
            **ansible_environment(scene.host, folder),
            **scene.environment,
            "ANSIBLE_ASYNC_DIR": str(self.jobs),
        }

    def _command(self, keywords: t.Mapping[str, t.Any], arguments: t.Sequence[str], **options: t.Any) -> t.List[str]:
        options = {
            "name": list(REFS),
            "st2_conf": str(self.scene.host.st2_conf),
            "ca_bundle": str(self.scene.ca.ca_file),
            "register": "none",
            "virtualenv": "never",
            **options,
        }
        play: t.Dict[str, t.Any] = {"hosts": "localhost", "gather_facts": False}
        play["vars"] = {"ansible_python_interpreter": sys.executable, **self.way}
        task = {"stackstorm.st2.st2_pack": options, **keywords}
        self.playbook.write_text(json.dumps([{**play, "tasks": [task]}]))
        return ansible_command(str(self.playbook), *arguments)

    def watch(
        self,
        *arguments: str,
        env: t.Optional[t.Mapping[str, str]] = None,
        at: t.Any = None,
        task: t.Any = None,
        **options: t.Any,
    ) -> t.Tuple[int, str]:
        """Run it in a terminal."""
        return watch_terminal(self._command(task or {}, arguments, **options), {**self.environment, **(env or {})}, at)

    def pipe(self, env: t.Mapping[str, str], **options: t.Any) -> subprocess.CompletedProcess[str]:
        """Run it without one."""
        command = self._command({}, (), **options)
        return subprocess.run(command, env={**self.environment, **env}, capture_output=True, text=True, check=False)

    @property
    def used_jobs(self) -> bool:
        """Whether anything was run in the background; what is left of it must be nothing."""
        deadline = time.monotonic() + 60
        while self.jobs.exists() and list(self.jobs.iterdir()):
            assert time.monotonic() < deadline, list(self.jobs.iterdir())
            time.sleep(0.1)
        return self.jobs.exists()


@pytest.fixture
def terminal(scene: Scene, tmp_path: Path) -> Terminal:
    for ref in REFS:
        scene.release(ref, "1.0.0")
    return Terminal(scene, tmp_path)


def shown(text: str) -> t.List[str]:
    """Return the lines about packs, without the host."""
    return sorted(line[len("[localhost] ") :] for line in text.splitlines() if line.startswith("[localhost] "))


def test_each_finished_pack_has_a_line_until_all_is_as_asked(terminal: Terminal) -> None:
    rc, text = terminal.watch()
    assert rc == 0 and shown(text) == [f"{ref} 1.0.0 fetched" for ref in sorted(REFS)], text
    assert "changed=1" in text and "async" not in text.lower() and terminal.used_jobs
    assert all(terminal.scene.host.pack_version(ref) == "1.0.0" for ref in REFS)
    terminal.jobs.rmdir()
    rc, text = terminal.watch()
    assert rc == 0 and "changed=0" in text and shown(text) == [] and not terminal.used_jobs


def test_over_ssh(terminal: Terminal, tmp_path: Path) -> None:
    if find_sshd() is None:
        pytest.skip("there is no sshd here")
    with SshServer(tmp_path / "sshd") as ssh:
        terminal.way = {**ssh.ansible_variables(), "ansible_remote_tmp": str(terminal.scene.host.tmp / "ansible")}
        rc, text = terminal.watch(task={"environment": {"HOME": str(terminal.scene.host.home)}})
    assert rc == 0 and shown(text) == [f"{ref} 1.0.0 fetched" for ref in sorted(REFS)], text
    assert terminal.used_jobs and terminal.scene.host.pack_version("one") == "1.0.0"


def test_each_virtualenv_has_a_line(terminal: Terminal) -> None:
    rc, text = terminal.watch(name=["one", "two"], virtualenv="always", env={"ST2_PROGRESS": "always"})
    assert rc == 0, text
    ends = [line.split("virtualenv ")[1] for line in shown(text) if "virtualenv" in line]
    assert sorted(ends) == ["(1 of 2)", "(2 of 2)"], text


def test_where_nobody_looks_the_module_runs_as_ever(terminal: Terminal) -> None:
    for how in (
        lambda: terminal.watch("--check"),
        lambda: terminal.watch(env={"ST2_PROGRESS": "never"}, name=["one"]),
        lambda: terminal.watch(name=["one", "two"]),
        lambda: terminal.watch(env={"ANSIBLE_STDOUT_CALLBACK": "oneline"}),
        lambda: terminal.watch(state="absent"),
        lambda: terminal.watch(task={"no_log": True}),
    ):
        rc, text = how()
        assert rc == 0 and shown(text) == [], text
    assert terminal.pipe({}, state="absent").returncode == 0
    done = terminal.pipe({})
    assert done.returncode == 0 and "changed=1" in done.stdout and shown(done.stdout + done.stderr) == []
    assert not terminal.used_jobs


def test_always_is_on_standard_error(terminal: Terminal) -> None:
    done = terminal.pipe({"ST2_PROGRESS": "always", "ANSIBLE_STDOUT_CALLBACK": "oneline"}, name=["one"])
    assert done.returncode == 0 and shown(done.stderr) == ["one 1.0.0 fetched"] and shown(done.stdout) == []


def test_a_directory_of_the_controller_is_sent_as_well(terminal: Terminal, tmp_path: Path) -> None:
    names = [str(PackTree(ref, "2.0.0").write(tmp_path / "packs" / ref)) for ref in REFS]
    rc, text = terminal.watch(name=names, remote_src=False)
    assert rc == 0 and shown(text) == [f"{ref} 2.0.0 fetched" for ref in sorted(REFS)], text
    assert terminal.used_jobs and terminal.scene.host.pack_version("one") == "2.0.0"


def test_a_failure_says_the_same(terminal: Terminal) -> None:
    shutil.rmtree(terminal.scene.repositories[-1].path)
    texts = []
    for setting in ("always", "never"):
        rc, text = terminal.watch(env={"ST2_PROGRESS": setting})
        assert rc == 2 and "fatal: [localhost]: FAILED!" in text, text
        texts.append(text[text.index('"msg"') :].split("\n")[0])
    assert "three" in texts[0] and texts[0] == texts[1]
    assert not terminal.scene.host.pack_path("one").exists()


def test_without_a_place_for_jobs_nothing_is_shown(terminal: Terminal) -> None:
    terminal.jobs.write_text("")
    rc, text = terminal.watch()
    assert rc == 0 and "changed=1" in text and shown(text) == [], text
    assert terminal.scene.host.pack_version("one") == "1.0.0"


@pytest.mark.parametrize("keywords", [{}, {"timeout": 20}], ids=["interrupt", "timeout"])
def test_what_ends_the_play_ends_the_run(terminal: Terminal, tmp_path: Path, keywords: t.Dict[str, int]) -> None:
    started = tmp_path / "started"
    program = tmp_path / "programs" / "git"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *three*) echo $$ > {started}; exec sleep 1000;; esac\n'
        f'PATH={terminal.environment["PATH"]} exec git "$@"\n'
    )
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{terminal.environment['PATH']}"
    interrupt = None if keywords else lambda text: "fetched" in text and started.exists()
    rc, text = terminal.watch(env={"PATH": path}, at=interrupt, task=keywords)
    assert rc != 0 and len(shown(text)) >= 1 and started.exists(), text
    if keywords:
        assert "Timed out after 20 second(s)" in text
    # Some moments may pass until the last process has seen it.
    number = int(started.read_text())
    deadline = time.monotonic() + 60
    while Path(f"/proc/{number}").exists():
        assert time.monotonic() < deadline, text
        time.sleep(0.1)
    assert terminal.used_jobs
    assert not any(terminal.scene.host.pack_path(ref).exists() for ref in REFS)
    assert terminal.scene.keep("one", check=True, state="absent")
