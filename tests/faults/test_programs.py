# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that fail, hang, die or lie: git, uv, virtualenv and pip, each replaced by a script of that kind."""

from __future__ import annotations

import os
import random
import shutil
import socket
import typing as t
from pathlib import Path

import pytest
from e2e.scene import Scene
from infrastructure.ansible_run import ModuleResult
from infrastructure.packs import PackTree

TIMEOUT = 6
"""Seconds for a run that would wait for ever. What gets an answer has time for it, on a busy machine too."""

FAILS = "echo 'error: the moon is in the wrong house' >&2; exit 3"
HANGS = "trap '' TERM INT HUP; sleep {sleep} & wait; sleep {sleep}"
DIES = "kill -9 $$"
LIES = "exit 0"
BABBLES = "yes 'error: over and over again' | head -c 30000000 >&2; exit 3"


class Impostor:
    """A program in front of the true one of that name; it misbehaves when its arguments match.

    :arg when: a shell pattern for the arguments, joined by blanks; all by default.
    """

    def __init__(self, scene: Scene, name: str, behaviour: str, when: str = "*") -> None:
        self._scene = scene
        folder = scene.root / "impostors"
        folder.mkdir(exist_ok=True)
        path = scene.environment["PATH"]
        self._path = path
        self.sleep = f"{random.randrange(10_000, 90_000)}.5"
        self.program = program = folder / name
        true = shutil.which(name, path=path)
        body = behaviour.format(sleep=self.sleep) if "{sleep}" in behaviour else behaviour
        program.write_text(f'#!/bin/sh\ncase "$*" in\n{when}) {body} ;;\nesac\nexec {true} "$@"\n')
        program.chmod(0o755)
        scene.environment["PATH"] = os.pathsep.join([str(folder), path])

    def leave(self) -> None:
        """Let the true program do it again."""
        self._scene.environment["PATH"] = self._path

    def survivors(self) -> t.List[str]:
        """Return the process ids of what it started and nobody ended."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if self.sleep.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                    found.append(name)
            except OSError:
                continue
        return found


@pytest.fixture
def upgrade(scene: Scene) -> Scene:
    """Alpha 1.0.0 is installed with tinydep 1.0.0; release 2.0.0 wants tinydep 2.0.0."""
    repository = scene.repository("alpha")
    for version in ("1.0.0", "2.0.0"):
        needs = {"requirements": [f"tinydep=={version}"], "imports": ["tinydep"]}
        repository.release(PackTree("alpha", version, minimal=True, **needs))
    scene.publish()
    scene.change("alpha=1.0.0", virtualenv="auto")
    return scene


def refused(scene: Scene, **arguments: t.Any) -> ModuleResult:
    """The upgrade fails, the old pack still runs; return the result."""
    result = scene.refuse("alpha=2.0.0", **{"virtualenv": "auto", "timeout": 60, **arguments})
    answer = scene.host.run_action("alpha", "report")
    assert (answer["version"], answer["imports"]) == ("1.0.0", {"tinydep": "1.0.0"})
    return result


def patience(behaviour: str) -> int:
    """The timeout for a run that meets a program of this kind."""
    return TIMEOUT if behaviour is HANGS else 60


def goes_on(scene: Scene, **arguments: t.Any) -> None:
    """With the true program the same request is fulfilled."""
    scene.change("alpha=2.0.0", virtualenv="auto", **arguments)
    answer = scene.host.run_action("alpha", "report")
    assert (answer["version"], answer["imports"]) == ("2.0.0", {"tinydep": "2.0.0"})
    assert scene.debris() == []


@pytest.mark.parametrize(
    "behaviour, step, words",
    [
        (FAILS, "virtualenv", "wrong house"),
        (HANGS, "timeout", f"timeout of {TIMEOUT} s"),
        (DIES, "virtualenv", "-9"),
        (BABBLES, "virtualenv", "over and over again"),
    ],
    ids=["fails", "hangs", "dies", "babbles"],
)
def test_a_uv_that_cannot_install_requirements(upgrade: Scene, behaviour: str, step: str, words: str) -> None:
    impostor = Impostor(upgrade, "uv", behaviour, when="pip*requirements.txt*")
    result = refused(upgrade, virtualenv_backend="uv", timeout=patience(behaviour))
    impostor.leave()
    assert result["step"] == step and words in result["msg"], result.everything
    assert len(result["msg"]) < 5000 and impostor.survivors() == []
    goes_on(upgrade)


@pytest.mark.parametrize("behaviour", [FAILS, HANGS, LIES], ids=["fails", "hangs", "lies"])
def test_a_uv_that_cannot_make_the_first_virtualenv(scene: Scene, behaviour: str) -> None:
    scene.release("alpha", "1.0.0")
    impostor = Impostor(scene, "uv", behaviour, when="venv*")
    result = scene.refuse("alpha", virtualenv="auto", virtualenv_backend="uv", timeout=patience(behaviour))
    impostor.leave()
    assert result["step"] in ("virtualenv", "timeout") and scene.host.installed() == []
    assert impostor.survivors() == [] and not list(scene.host.virtualenvs.glob(".stackstorm.st2/bases/*"))
    scene.change("alpha", virtualenv="auto")
    assert scene.host.run_action("alpha", "report")["version"] == "1.0.0"


@pytest.mark.parametrize(
    "behaviour, step, words",
    [
        (FAILS, "virtualenv", "wrong house"),
        (HANGS, "timeout", f"timeout of {TIMEOUT} s"),
        (DIES, "virtualenv", "-9"),
        (LIES, "virtualenv", "cannot be created with virtualenv"),
    ],
    ids=["fails", "hangs", "dies", "lies"],
)
def test_a_virtualenv_program_that_cannot_make_the_first_virtualenv(
    scene: Scene, behaviour: str, step: str, words: str
) -> None:
    scene.release("alpha", "1.0.0")
    impostor = Impostor(scene, "virtualenv", behaviour)
    # Without this option the program beside StackStorm's own Python goes before those on the PATH.
    scene.host.configure("actionrunner", virtualenv_binary=str(impostor.program))
    arguments = {"virtualenv": "auto", "virtualenv_backend": "virtualenv"}
    result = scene.refuse("alpha", timeout=patience(behaviour), **arguments)
    impostor.leave()
    scene.host.configure("actionrunner", virtualenv_binary=None)
    assert result["step"] == step and words in result["msg"], result.everything
    assert impostor.survivors() == [] and scene.host.installed() == []
    assert not list(scene.host.virtualenvs.glob(".stackstorm.st2/bases/*"))
    scene.change("alpha", **arguments)
    assert scene.host.run_action("alpha", "report")["version"] == "1.0.0"


def test_a_pip_that_fails_and_one_that_hangs(scene: Scene) -> None:
    scene.host.configure("actionrunner", virtualenv_binary=None)
    arguments = {"virtualenv": "auto", "virtualenv_backend": "virtualenv"}
    scene.release("alpha", "1.0.0")
    scene.change("alpha", **arguments)
    scene.release("beta", "1.0.0", requirements=["nosuchdep"])
    result = scene.refuse("alpha", "beta", **arguments)
    assert result["step"] == "virtualenv" and "nosuchdep" in result["msg"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple/"
        result = scene.refuse("beta", timeout=TIMEOUT, env={"PIP_INDEX_URL": url}, **arguments)
    assert result["step"] == "timeout"
    assert scene.host.run_action("alpha", "report")["version"] == "1.0.0"


def test_a_package_index_that_says_nothing(upgrade: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple/"
        result = refused(upgrade, env={"UV_INDEX_URL": url, "PIP_INDEX_URL": url}, timeout=TIMEOUT)
    assert result["step"] == "timeout"
    goes_on(upgrade)


def test_a_requirement_that_does_not_exist(upgrade: Scene) -> None:
    upgrade.release("beta", "1.0.0", requirements=["nosuchdep"])
    result = upgrade.refuse("alpha=2.0.0", "beta", virtualenv="auto")
    assert result["step"] == "virtualenv" and "nosuchdep" in result["msg"]
    assert {row["ref"]: row["step"] for row in result["packs"]} == {"alpha": None, "beta": "virtualenv"}
    assert upgrade.host.run_action("alpha", "report")["version"] == "1.0.0"


@pytest.mark.parametrize(
    "behaviour, when",
    [(FAILS, "*clone*"), (FAILS, "*checkout*"), (HANGS, "*clone*"), (DIES, "*checkout*")],
    ids=["clone fails", "checkout fails", "clone hangs", "checkout dies"],
)
def test_a_git_that_fails(upgrade: Scene, behaviour: str, when: str) -> None:
    impostor = Impostor(upgrade, "git", behaviour, when)
    result = refused(upgrade, timeout=patience(behaviour))
    impostor.leave()
    assert result["step"] == ("timeout" if behaviour is HANGS else "fetch"), result.everything
    assert impostor.survivors() == []


def test_no_git_at_all(upgrade: Scene) -> None:
    empty = upgrade.root / "nothing"
    empty.mkdir()
    result = refused(upgrade, env={"PATH": str(empty)})
    assert result["step"] == "fetch" and "git" in result["msg"]
    goes_on(upgrade)
