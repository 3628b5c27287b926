# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks get nothing of the machine that they run on, and fail when they come near it all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import check_environment
import checks
import pretended_machine
import pytest
from checks import Check
from environments import ROOT

# What starts StackStorm's, git's, uv's, virtualenv's and pip's programs, or reads what is said to them.
SELECTION = (
    "tests/unit/plugins/module_utils/_st2/test_choose_registrar.py",
    "tests/unit/plugins/module_utils/_st2/test_local_registrar.py",
    "tests/unit/plugins/module_utils/_pack/test_virtualenv_backend.py",
    "tests/unit/plugins/module_utils/_pack/test_virtualenv_build.py::test_what_is_built_works_in_its_place_with_what_the_pack_requires[uv]",
    "tests/unit/plugins/module_utils/_pack/test_virtualenv_build.py::test_what_is_built_works_in_its_place_with_what_the_pack_requires[virtualenv]",
    "tests/infrastructure/test_repositories.py::test_commit_ids_are_the_same_every_time",
    "tests/e2e/test_virtualenvs.py::test_who_gets_one",
    "tests/e2e/test_registration.py::test_without_any_way_to_tell_it_says_so",
    "tests/hostile/test_repositories.py::test_hooks_of_the_source",
)
RUN = """\
import os, sys
from pathlib import Path
import check_environment
place, *arguments = sys.argv[1:]
for name in ("HOMES", "PROGRAMS", "TRIPWIRES"):
    setattr(check_environment, name, Path(place, name))
environment = check_environment.environment(Path(sys.executable).parent, "guard", somebodys=True)
environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", *arguments]
os.execve(sys.executable, command, environment)
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOMES", "PROGRAMS", "TRIPWIRES"):
        monkeypatch.setattr(check_environment, name, tmp_path / name)
    return tmp_path


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    path = tmp_path / "own"
    path.mkdir()
    return path


def write_somebodys(folder: Path, *names: str) -> str:
    for name in names:
        check_environment.write_program(folder / name, "#!/bin/sh\nexit 97\n")
    return str(folder)


def test_variables_of_the_machine_are_left_out(places: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**pretended_machine.VARIABLES, "ST2_SEED": "7", "CI": "true"}.items():
        monkeypatch.setenv(name, value)
    found = check_environment.environment(programs)
    assert set(found) - {"TERM", "TMPDIR", "LD_LIBRARY_PATH"} <= {
        *("CI", "ST2_SEED", "HOME", "PATH", "GIT_CONFIG_NOSYSTEM", "PIP_CONFIG_FILE", "PIP_DISABLE_PIP_VERSION_CHECK"),
        *("UV_NO_CONFIG", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "NO_COLOR", "ST2_TEST_DATA"),
    }
    assert (found["CI"], found["ST2_SEED"]) == ("true", "7")
    assert found["HOME"].startswith(str(places))


def test_programs_of_the_machine_are_those_of_the_system(
    places: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = ("uv", "virtualenv", "pip3", "st2-register-content", "python3", "ansible-test")
    (places / "somebodys").mkdir()
    monkeypatch.setenv("PATH", write_somebodys(places / "somebodys", *hidden, "mine") + os.pathsep + os.environ["PATH"])
    check_environment.system_programs.cache_clear()
    found = check_environment.environment(programs)
    own, system, wired = found["PATH"].split(os.pathsep)
    assert own == str(programs), "its own programs go first"
    assert [name for name in hidden if shutil.which(name, path=system)] == []
    assert os.path.realpath(str(shutil.which("mine", path=system))) == f"{places}/somebodys/mine"
    version = f"python3.{sys.version_info[1]}"
    real = subprocess.run(
        [str(shutil.which(version, path=system)), "-I", "-c", "import sys; print(sys.executable)"],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert os.path.basename(real.stdout.strip()) == version and system not in real.stdout
    assert shutil.which("st2-register-content", path=wired)
    # What was there yesterday and is gone today goes.
    monkeypatch.setenv("PATH", os.defpath)
    check_environment.system_programs.cache_clear()
    check_environment.environment(programs)
    assert not shutil.which("mine", path=system) and shutil.which("git", path=system)


def test_git_does_not_hear_what_the_system_says(places: Path, programs: Path) -> None:
    settings = places / "gitconfig"
    settings.write_text("[user]\n\tname = Somebody\n")
    found = check_environment.environment(programs)
    variables = {"PATH": found["PATH"], "GIT_CONFIG_SYSTEM": str(settings), "HOME": os.devnull}
    done = subprocess.run(["git", "config", "user.name"], env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("somebodys", [False, True])
def test_a_check_that_starts_what_it_must_not_has_failed(places: Path, programs: Path, somebodys: bool) -> None:
    environment = check_environment.environment(programs, "one", somebodys=somebodys)
    log = check_environment.Tripwires(places / "TRIPWIRES" / "one").log
    repository = "git init -q . && git -c user.name=a -c user.email=b commit -q --allow-empty -m c"
    for command, trips in (("true", False), ("st2-register-content --flag || true", True), (repository, somebodys)):
        (places / "work").mkdir(exist_ok=True)
        check = Check("one", ["sh", "-c", f"{command} || true"], places / "work", environment, tripped=log)
        outcome = checks.run(check, places / "log")
        assert (outcome.passed, bool(outcome.failed)) == (1, trips), outcome.failures
        assert all(failure.startswith("tripwire: ") for failure in outcome.failures)


def test_tests_stand_alone_on_a_machine_that_has_everything(tmp_path: Path) -> None:
    """With StackStorm's, uv's and pip's programs in all places where one looks, and hostile settings for each."""
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(here)])}
    command = [sys.executable, str(here / "pretended_machine.py"), sys.executable, "-c", RUN, str(tmp_path)]
    basis = [f"--rootdir={ROOT}", f"--basetemp={tmp_path / 'tests'}"]
    selection = [str(ROOT / name) for name in SELECTION]
    done = subprocess.run(
        [*command, *basis, *selection], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == pretended_machine.CANNOT:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert not check_environment.Tripwires(tmp_path / "TRIPWIRES" / "guard").log.exists()
