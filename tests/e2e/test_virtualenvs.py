# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtualenvs: what makes them, what is in them, when they are kept and when made anew."""

from __future__ import annotations

import shutil
import subprocess
import sys
import typing as t

import pytest
from e2e.scene import STATE, Scene, only
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository


def inode(scene: Scene, ref: str) -> int:
    return (scene.host.virtualenvs / ref).stat().st_ino


def releases(scene: Scene, ref: str, **requirements: t.Sequence[str]) -> GitRepository:
    """Publish releases of a pack: ``v1=[...]`` is 1.0.0 with these requirements, and so on."""
    repository = scene.repository(ref)
    for version, lines in requirements.items():
        imports = sorted({line.split("=")[0] for line in lines})
        repository.release(PackTree(ref, f"{version[1:]}.0.0", requirements=lines, imports=imports))
    scene.publish()
    return repository


@pytest.mark.parametrize("backend", ["auto", "uv", "virtualenv", "venv"])
def test_every_backend_makes_what_stackstorm_needs(scene: Scene, backend: str) -> None:
    releases(scene, "demo", v1=["tinydep==1.0.0"])
    row = only(scene.change("demo", virtualenv="auto", virtualenv_backend=backend))
    assert row["virtualenv"] == "built"
    report = scene.host.run_action("demo", "report")
    assert report["imports"] == {"tinydep": "1.0.0"} and report["prefix"] == str(scene.host.virtualenvs / "demo")
    found = {name: scene.host.virtualenv_imports("demo", name) for name in ("six", "st2common", "pip")}
    assert found["six"] == "1.16.0" and found["st2common"] == "3.9.0" and found["pip"]
    pip = [str(scene.host.virtualenvs / "demo" / "bin" / "pip"), "--version"]
    assert (
        str(scene.host.virtualenvs / "demo") in subprocess.run(pip, capture_output=True, text=True, check=True).stdout
    )
    scene.satisfied("demo", virtualenv="auto", virtualenv_backend=backend)
    used = {"auto": "uv" if shutil.which("uv", path=scene.environment["PATH"]) else "virtualenv"}.get(backend, backend)
    scene.change("demo", state="absent", purge=True)
    scene.forget()
    scene.change("demo", virtualenv="auto", virtualenv_backend=backend)
    assert any(line.startswith(f"{used} ") for line in scene.programs) == (used == "uv"), "the base is made once"
    stray = str(scene.host.virtualenvs / STATE).encode()
    scripts = [path for path in (scene.host.virtualenvs / "demo" / "bin").iterdir() if not path.is_symlink()]
    assert not [path for path in scripts if stray in path.read_bytes()], "nothing points to where it was made"


def test_who_gets_one(scene: Scene) -> None:
    shell = PackTree("shell", "1.0.0", actions=())
    for path in [path for path in shell.files if path.startswith("sensors/")]:
        shell.remove(path)
    scene.repository("shell").release(shell)
    scene.release("python", "1.0.0")
    scene.publish()
    rows = scene.change("shell", "python", virtualenv="auto")["packs"]
    assert {row["ref"]: row["virtualenv"] for row in rows} == {"shell": "none", "python": "built"}
    assert scene.host.run_action("shell", "greet", who="you") == "hello you"
    assert not (scene.host.virtualenvs / "shell").exists()
    scene.satisfied("shell", "python", virtualenv="auto")
    assert only(scene.change("shell", virtualenv="always"))["virtualenv"] == "built"
    scene.satisfied("shell", "python", virtualenv="always")
    scene.change("python", state="absent", purge=True)
    assert only(scene.change("python", virtualenv="never"))["virtualenv"] == "skipped"
    assert not (scene.host.virtualenvs / "python").exists()
    row = only(scene.change("python", virtualenv="auto"))
    assert (row["action"], row["virtualenv"]) == ("virtualenv", "built")


def test_one_is_kept_while_nothing_it_depends_on_changes(scene: Scene) -> None:
    releases(scene, "demo", v1=["tinydep==1.0.0"], v2=["tinydep==1.0.0"], v3=["tinydep==2.0.0"])
    scene.change("demo=1.0.0", virtualenv="auto")
    first = inode(scene, "demo")
    assert only(scene.change("demo=2.0.0", virtualenv="auto"))["virtualenv"] == "kept"
    assert inode(scene, "demo") == first and scene.host.run_action("demo", "report")["version"] == "2.0.0"
    assert only(scene.change("demo=3.0.0", virtualenv="auto"))["virtualenv"] == "rebuilt"
    assert inode(scene, "demo") != first
    assert scene.host.run_action("demo", "report")["imports"] == {"tinydep": "2.0.0"}
    row = only(scene.change("demo=3.0.0", virtualenv="auto", pip_args=["--no-deps"]))
    assert (row["action"], row["virtualenv"]) == ("virtualenv", "rebuilt")
    assert only(scene.change("demo=3.0.0", virtualenv="auto"))["action"] == "virtualenv"
    scene.host.configure("actionrunner", virtualenv_opts="--system-site-packages")
    assert only(scene.change("demo=3.0.0", virtualenv="auto"))["virtualenv"] == "rebuilt"
    scene.satisfied("demo=3.0.0", virtualenv="auto")


def test_what_st2_made_is_kept_until_the_pack_changes(scene: Scene) -> None:
    repository = releases(scene, "demo", v1=[], v2=[])
    scene.host.install_like_st2(repository, "demo", "v1.0.0", scene.url(repository))
    command = [str(scene.host.service / "bin" / "python"), "-m", "venv", "--without-pip"]
    subprocess.run([*command, str(scene.host.virtualenvs / "demo")], check=True, capture_output=True)
    theirs = inode(scene, "demo")
    scene.satisfied("demo=1.0.0", virtualenv="auto")
    assert only(scene.change("demo=2.0.0", virtualenv="auto"))["virtualenv"] == "rebuilt"
    assert inode(scene, "demo") != theirs and scene.host.run_action("demo", "report")["version"] == "2.0.0"


def other_python() -> str:
    """Return an interpreter of another version than this one."""
    for minor in (12, 11, 10, 9, 13):
        found = shutil.which(f"python3.{minor}")
        if found and sys.version_info[:2] != (3, minor):
            # What is on PATH may be a script that starts it.
            command = [found, "-I", "-c", "import sys; print(sys.executable)"]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    pytest.skip("another Python is missing: install one of python3.9 to python3.13")


def test_another_interpreter_makes_it_anew(scene: Scene) -> None:
    python = other_python()
    releases(scene, "demo", v1=["tinydep==1.0.0"])
    scene.change("demo", virtualenv="auto")
    assert scene.host.run_action("demo", "report")["python"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    # The same version in another place of the disk, as after a patch release: nothing to do but to look.
    link = scene.host.service / "bin" / "python"
    original = link.resolve()
    link.unlink()
    shutil.copy(original, link)
    scene.keep("demo", virtualenv="auto")
    link.unlink()
    link.symlink_to(python)
    foretold = only(scene.run("demo", virtualenv="auto", check=True))
    row = only(scene.change("demo", virtualenv="auto"))
    assert row == foretold and (row["action"], row["virtualenv"]) == ("virtualenv", "rebuilt")
    assert scene.host.run_action("demo", "report")["python"] in python
    scene.satisfied("demo", virtualenv="auto")


def test_an_interpreter_that_is_not_there_is_said(scene: Scene) -> None:
    releases(scene, "demo", v1=[])
    scene.host.configure("actionrunner", python_binary="/no/python")
    refused = scene.refuse("demo", virtualenv="auto")
    assert refused["step"] == "virtualenv" and "/no/python" in refused["msg"]
