# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual environments for the tests: made when missing or outdated, left alone otherwise.

C(environments.py venv) makes C(.venv), which C(make demo) and most tests run in.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import typing as t
from dataclasses import dataclass
from pathlib import Path

import interpreters
import package_installers

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
REQUIREMENTS = ROOT / "tests" / "requirements"
STAMP = "made-from"

_making = threading.RLock()


@dataclass(frozen=True)
class Core:
    """A release of ansible-core that is supported, and the Pythons that it supports (its "support matrix").

    :arg candidate: The candidate to begin with while the release is not out; the newest version there is gets tested.
    :arg unavailable: Sanity tests whose requirements are not in the package index.
    """

    release: str
    oldest_controller: interpreters.Version
    newest_controller: interpreters.Version
    oldest_target: interpreters.Version
    candidate: str = ""
    unavailable: t.Tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """What pip and uv are asked for. They take a candidate only where one is named."""
        return f"ansible-core>={self.candidate or self.release},=={self.release}.*"

    def controller(self, versions: t.Iterable[interpreters.Version]) -> interpreters.Version | None:
        """Which of the Pythons there are runs it: the newest for the newest release, the oldest for those before."""
        fitting = sorted(version for version in versions if self.oldest_controller <= version <= self.newest_controller)
        if not fitting:
            return None
        return fitting[-1] if self is CORES[-1] else fitting[0]


CORES = (
    Core("2.19", (3, 11), (3, 13), (3, 8)),
    Core("2.20", (3, 12), (3, 14), (3, 9)),
    Core("2.21", (3, 12), (3, 14), (3, 9)),
    # Its pylint needs a commit of "dill", which is on GitHub only.
    Core("2.22", (3, 13), (3, 15), (3, 9), candidate="2.22.0rc1", unavailable=("pylint",)),
)


# ansible_test/_data/requirements/units.txt
FOR_UNITS = ("mock", "pytest", "pytest-mock", "pytest-xdist")


class CannotPrepare(Exception):
    """Something that the tests need cannot be made on this machine; the message says what and why."""


def ensure(name: str, python: Path, requirements: t.Sequence[str], place: Path | None = None) -> Path:
    """Make a virtual environment, unless it is there and was made from the same interpreter and requirements.

    Takes its name, the interpreter, and arguments for C(pip install) (packages, or C(-r file)); returns the directory
    of its programs. Raises CannotPrepare with pip's own words.
    """
    home = place or CACHE / "venvs" / name
    # Stages that are prepared at the same time may want the same one.
    with _making:
        return _ensure(name, python, requirements, home)


def _ensure(name: str, python: Path, requirements: t.Sequence[str], home: Path) -> Path:
    fingerprint = _fingerprint(python, requirements)
    stamp = home / STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8") == fingerprint and (home / "bin" / "python").exists():
        return home / "bin"
    _say(f"making {home.relative_to(ROOT)} with {python} (once)")
    shutil.rmtree(home, ignore_errors=True)
    _run([str(python), "-m", "venv", str(home)], f"the virtual environment {name}")
    if not package_installers.install_by_uv(home / "bin" / "python", requirements, _uv_for(home)):
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *package_installers.PIP_OPTIONS]
        _run([*pip, *requirements], f"the packages of the virtual environment {name}")
    stamp.write_text(fingerprint, encoding="utf-8")
    return home / "bin"


def _uv_for(home: Path) -> Path:
    """The program uv, which is in .venv; there it is needed before all the others."""
    if home == ROOT / ".venv":
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *package_installers.PIP_OPTIONS]
        _run([*pip, "uv>=0.5"], "the program uv, which installs the rest of .venv")
        return home / "bin" / "uv"
    return main_environment() / "uv"


def main_environment() -> Path:
    """The programs of C(.venv): the newest ansible-core that is out and runs here, pytest, the four libraries."""
    return ensure("main", controller_python(), ["-r", str(REQUIREMENTS / "venv.txt")], place=ROOT / ".venv")


def tools_environment() -> Path:
    """The programs of the environment with the linters and documentation tools."""
    return ensure("tools", controller_python(), ["-r", str(REQUIREMENTS / "tools.txt")])


def importer_environment() -> Path:
    """The programs of the environment with what Galaxy runs on a collection that is uploaded."""
    return ensure("importer", controller_python(), ["-r", str(REQUIREMENTS / "importer.txt")])


def page_environment() -> Path:
    """The programs of the environment with what leads a browser, and no Ansible."""
    return ensure("page", controller_python(), ["-r", str(REQUIREMENTS / "page.txt")])


def molecule_environment() -> Path:
    """The programs of the environment with Molecule, and Ansible for it."""
    return ensure("molecule", controller_python(), ["-r", str(REQUIREMENTS / "molecule.txt")])


def stackstorm_environment(python: Path, libraries: str = "stackstorm") -> Path:
    """The programs of an environment with StackStorm's own library versions, for one target interpreter.

    :arg libraries: Name of the file of requirements; by default, that of the newest StackStorm.
    """
    return ensure(f"{libraries}-{python.name}", python, ["-r", str(REQUIREMENTS / f"{libraries}.txt")])


def core_environment(core: Core) -> Path | None:
    """The programs of an environment with one release of ansible-core, and what the units need to be run there.

    None when no Python here can run it.
    """
    version = core.controller(interpreters.find())
    if version is None:
        return None
    units = [*FOR_UNITS, "-r", str(ROOT / "tests" / "unit" / "requirements.txt")]
    return ensure(f"core-{core.release}", interpreters.find()[version], [core.requirement, *units])


def controller_python() -> Path:
    """The newest Python of this machine that runs Ansible, which .venv is made with. Raises CannotPrepare."""
    newest = max(core.newest_controller for core in CORES if not core.candidate)
    python = interpreters.newest(CORES[0].oldest_controller, newest)
    if python is None:
        seen = ", ".join(f"{major}.{minor}" for major, minor in interpreters.find()) or "none with the venv module"
        raise CannotPrepare(
            f"Ansible needs Python 3.11 or later on this machine, but the interpreters found are: {seen}. "
            "Install one, with its venv module (Debian and Ubuntu: apt-get install python3-venv), and run make again."
        )
    return python


def _fingerprint(python: Path, requirements: t.Sequence[str]) -> str:
    digest = hashlib.sha256()
    for argument in requirements:
        digest.update(Path(argument).read_bytes() if argument.endswith(".txt") else argument.encode())
    return f"{python.resolve()}\n{digest.hexdigest()}\n"


def _run(command: list[str], what: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        check=False,
    )
    if done.returncode:
        output = done.stdout.decode(errors="replace").rstrip()
        raise CannotPrepare(f"Could not make {what}: {' '.join(command)}\n{output}")


def _say(text: str) -> None:
    sys.stderr.write(f"   {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        main_environment()
    except CannotPrepare as problem:
        sys.exit(str(problem))
