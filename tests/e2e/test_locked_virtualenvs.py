# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtualenvs by a lock: exactly the wheels that it has, by digest, from the package index or a directory."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from e2e.locks import LockFile
from e2e.scene import Scene, only, warnings
from infrastructure.locks import this_platform
from infrastructure.packs import PackTree

PINS = ("middledep==1.0.0", "six==1.16.0", "tinydep==1.0.0")
OTHER = {"python": "3.7", "abi": "cp37", "platform": "manylinux_2_17_x86_64"}


@pytest.fixture
def lock(scene: Scene) -> LockFile:
    """A lock of a pack whose requirements would be tinydep 2.0.0 by now."""
    repository = scene.repository("demo")
    lines = ["middledep", "tinydep"]
    repository.release(PackTree("demo", "1.0.0", requirements=lines, imports=lines))
    scene.publish()
    return LockFile(scene).add(repository, "1.0.0", "demo")


def imports(scene: Scene) -> t.Any:
    return scene.host.run_action("demo", "report")["imports"]


@pytest.mark.parametrize("backend", ["uv", "venv"])
def test_exactly_what_is_locked_is_installed(scene: Scene, lock: LockFile, backend: str) -> None:
    lock.wheels("demo", *PINS)
    how = {"virtualenv": "auto", "virtualenv_backend": backend}
    foretold = scene.run("demo", check=True, **how, **lock.options())
    result = scene.change("demo", **how, **lock.options())
    assert result["packs"] == foretold["packs"]
    assert imports(scene) == {"middledep": "1.0.0", "tinydep": "1.0.0"}
    scene.satisfied("demo", **how, **lock.options())
    scene.satisfied("demo", **how)
    # Other wheels, and nothing else: the virtualenv is made anew.
    lock.wheels("demo", *PINS[:2], "tinydep==2.0.0")
    row = only(scene.change("demo", **how, **lock.options()))
    assert (row["action"], row["virtualenv"]) == ("virtualenv", "rebuilt")
    assert imports(scene) == {"middledep": "1.0.0", "tinydep": "2.0.0"}


@pytest.mark.parametrize("backend", ["uv", "venv"])
def test_a_constraint_in_the_configuration_of_pip(scene: Scene, lock: LockFile, tmp_path: Path, backend: str) -> None:
    """It has no digest, which uv refuses beside those of a lock."""
    lock.wheels("demo", *PINS)
    (tmp_path / "constraints.txt").write_text("tinydep<3\n")
    scene.environment["PIP_CONSTRAINT"] = str(tmp_path / "constraints.txt")
    result = scene.change("demo", virtualenv="auto", virtualenv_backend=backend, **lock.options())
    assert not warnings(result) and imports(scene)["tinydep"] == "1.0.0"


@pytest.mark.parametrize("backend", ["uv", "venv"])
def test_a_wheel_with_another_digest_is_refused(scene: Scene, lock: LockFile, backend: str) -> None:
    lock.wheels("demo", *PINS)
    lock.document["wheels"]["tinydep==1.0.0"] = {"tinydep-1.0.0-py3-none-any.whl": f"sha256:{'0' * 64}"}
    refused = scene.refuse("demo", virtualenv="auto", virtualenv_backend=backend, **lock.options())
    assert refused["step"] == "virtualenv" and "tinydep" in refused["msg"], refused["msg"]


def test_a_virtualenv_that_was_made_otherwise_is_made_anew(scene: Scene, lock: LockFile) -> None:
    scene.change("demo", virtualenv="auto")
    assert imports(scene)["tinydep"] == "2.0.0"
    scene.satisfied("demo", virtualenv="auto", **lock.options())
    lock.wheels("demo", *PINS)
    row = only(scene.change("demo", virtualenv="auto", **lock.options()))
    assert row["virtualenv"] == "rebuilt" and imports(scene)["tinydep"] == "1.0.0"


def test_one_that_st2_made_is_made_anew(scene: Scene, lock: LockFile) -> None:
    scene.host.install_like_st2(scene.repositories[0], "demo", "v1.0.0", scene.url(scene.repositories[0]))
    command = [str(scene.host.service / "bin" / "python"), "-m", "venv", "--without-pip"]
    subprocess.run([*command, str(scene.host.virtualenvs / "demo")], check=True, capture_output=True)
    scene.satisfied("demo", virtualenv="auto", **lock.options())
    lock.wheels("demo", *PINS)
    assert only(scene.change("demo", virtualenv="auto", **lock.options()))["virtualenv"] == "rebuilt"
    assert imports(scene)["tinydep"] == "1.0.0"


def test_a_lock_for_another_platform(scene: Scene, lock: LockFile) -> None:
    lock.wheels("demo", *PINS, platform=OTHER)
    for check in (True, False):
        refused = scene.run("demo", virtualenv="auto", check=check, **lock.options())
        assert (
            refused.failed
            and f"has no wheels for Python {sys.version_info[0]}.{sys.version_info[1]} on" in refused["msg"]
        )
        assert "only for cp37-manylinux_2_17_x86_64" in refused["msg"] and refused["step"] == "virtualenv"
    assert scene.host.installed() == []
    result = scene.change("demo", virtualenv="auto", locked="prefer", **lock.options())
    assert "its requirements were resolved without the lock" in " ".join(warnings(result))
    assert imports(scene)["tinydep"] == "2.0.0"
    scene.satisfied("demo", virtualenv="auto", **lock.options())


def test_requirements_without_digests_are_installed_as_without_a_lock(scene: Scene, lock: LockFile) -> None:
    lock.wheels("demo", *PINS)
    lock.document["packs"]["demo"]["wheels"] = {}
    result = scene.change("demo", virtualenv="auto", **lock.options())
    assert "does not have the digests of all that demo requires" in " ".join(warnings(result))
    assert imports(scene)["tinydep"] == "2.0.0"


def test_an_older_platform_of_the_same_python_will_do(scene: Scene, lock: LockFile) -> None:
    platform = this_platform()
    machine = platform["platform"].split("_", 3)[3]
    lock.wheels("demo", *PINS, platform={**platform, "platform": f"manylinux_2_17_{machine}"})
    scene.change("demo", virtualenv="auto", **lock.options())
    assert imports(scene)["tinydep"] == "1.0.0"
