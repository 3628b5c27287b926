# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks that ansible-test runs: sanity, units and integration, on the ansible-core releases that are supported."""

from __future__ import annotations

import configparser
import os
import re
import typing as t
from dataclasses import replace
from pathlib import Path

import collection_tree
import interpreters
from check_environment import HOMES, TRIPWIRES, Tripwires, environment
from checks import Check, Skip
from environments import CORES, ROOT, Core, core_environment, main_environment

PIP_SETTINGS = [Path("~/.pip/pip.conf").expanduser(), Path("~/.config/pip/pip.conf").expanduser()]

# ansible-test fetches get-pip.py from a web server to put pip into the virtual environments that it makes. Python
# brings pip along: this does the same and needs only the package index.
GET_PIP = """\
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
others = [argument for argument in sys.argv[1:] if not argument.startswith(("-", "pip=="))]
if others:
    subprocess.check_call([sys.executable, "-m", "pip", "install", *others])
"""


# The sanity tests whose answer depends on the release of ansible-core, and those for which it does on the Python.
BY_RELEASE = ("import", "validate-modules")
BY_PYTHON = ("compile", "import")

# Marks what only ansible-test can run on Pythons without ansible-core.
_NEEDS_ANSIBLE = "pytest.mark.needs_ansible"


def sanity() -> t.Iterator[Check | Skip]:
    """ansible-test sanity once for each release of ansible-core: all of it on the newest one that runs here.

    On the others what depends on the release, with the Python that runs it and the oldest one that no other release
    knows; the rest are the same linters in older editions.
    """
    versions = list(interpreters.find())
    for core, programs in _cores():
        if isinstance(programs, Skip):
            yield programs
        else:
            for python, options in sanity_runs(core, versions):
                less = ["--python", python] if python else []
                name = f"ansible-core {core.release}" + (f", Python {python}" if python else "")
                # The one that has all tests, and the one that has pylint.
                cost = 130 if "pylint" in less + options or not python else 30
                yield replace(_check(name, programs, "sanity", "--junit", *options, *less, tree=python), cost=cost)


def sanity_runs(core: Core, versions: t.Sequence[interpreters.Version]) -> list[tuple[str, list[str]]]:
    """The runs of a release that runs here, each by its Python (none stands for all) and the options for its tests."""
    able = [one for one in CORES if one.controller(versions)]
    newest, others = able[-1], able[:-1]
    if core is newest:
        return [("", [part for test in core.unavailable for part in ("--skip-test", test)])]
    major, minor = core.controller(versions) or max(versions)
    tests = [*BY_RELEASE, *(newest.unavailable if core is others[-1] else ())]
    runs = [(f"{major}.{minor}", _only(tests))]
    oldest = min(versions)
    if core is CORES[0] and core.oldest_target <= oldest < newest.oldest_target:
        runs.append((f"{oldest[0]}.{oldest[1]}", _only(BY_PYTHON)))
    return runs


def _only(tests: t.Iterable[str]) -> list[str]:
    return [part for test in tests for part in ("--test", test)]


def units() -> t.Iterator[Check | Skip]:
    """What needs Ansible, with every release of ansible-core but that of .venv, and on the oldest Python.

    ansible-test forks for each test, and makes an environment for another Python than its own, which takes longer than
    the tests, so `stages.units` has all the others.
    """
    chosen = [str(path.relative_to(ROOT)) for path in files_that_need_ansible(ROOT / "tests" / "unit")]
    shares = share_out(list(interpreters.find()))
    for core, programs in _cores():
        if isinstance(programs, Skip):
            yield programs
            continue
        for version in reversed(shares[core.release]):
            python = f"{version[0]}.{version[1]}"
            # Its own environment has what the units need; of another Python, ansible-test makes one.
            own = version == core.controller(interpreters.find())
            options = [*([] if own else ["--venv"]), "--python", python, "--num-workers", "1", *chosen]
            check = _check(f"ansible-core {core.release}, Python {python}", programs, "units", *options, tree=python)
            yield replace(check, cost=45)


def files_that_need_ansible(directory: Path) -> list[Path]:
    """The files of tests below a directory that have the marker."""
    return [path for path in sorted(directory.rglob("test_*.py")) if _NEEDS_ANSIBLE in path.read_text(encoding="utf-8")]


def share_out(versions: t.Sequence[interpreters.Version]) -> dict[str, list[interpreters.Version]]:
    """Which release of ansible-core tests which Pythons.

    Each tests the Python that it is run by, but for the one of .venv (the newest that is out), where these tests run
    with all others. What Ansible has on a target differs between Pythons only in what the oldest one lacks, so that is
    tested as well, and `sanity` has those between.
    """
    shares = {core.release: [python] if (python := core.controller(versions)) else [] for core in CORES}
    able = [core for core in CORES if shares[core.release]]
    oldest = min(versions)
    if able and able[0].oldest_target <= oldest and oldest not in shares[able[0].release]:
        shares[able[0].release].append(oldest)
    out = [core for core in able if not core.candidate]
    if out and sum(map(len, shares.values())) > 1:  # Something has to show that ansible-test can do it.
        del shares[out[-1].release][0]
    return {release: sorted(share) for release, share in shares.items()}


def integration() -> t.Iterator[Check | Skip]:
    """Each target in a run of its own, on the ansible-core of .venv."""
    programs = main_environment()
    targets = ROOT / "tests" / "integration" / "targets"
    for target in sorted(path.name for path in targets.iterdir() if not path.name.startswith("setup_")):
        check = _check(target, programs, "integration", "--local", target, tree=target)
        yield replace(check, junit=None)


def _check(name: str, programs: Path, *arguments: str, tree: str = "") -> Check:
    """A run of ansible-test, in a copy of the tree and with a home that no check that may run at the same time has."""
    place = "-".join(filter(None, [programs.parent.name.lstrip("."), arguments[0], tree]))
    root = collection_tree.copy(place)
    command = [str(programs / "ansible-test"), arguments[0], "--color", "no", *arguments[1:]]
    surroundings = environment(programs, place)
    _furnish(programs, HOMES / place)
    junit = root / "tests" / "output" / "junit"
    return Check(name, command, root, surroundings, junit, seconds=1800, tripped=Tripwires(TRIPWIRES / place).log)


def _cores() -> t.Iterator[tuple[Core, Path | Skip]]:
    for core in CORES:
        programs = core_environment(core)
        if programs is None:
            needed = f"{core.oldest_controller[0]}.{core.oldest_controller[1]}"
            reason = f"it needs Python {needed} or later, and this machine has none"
            yield core, Skip(f"ansible-core {core.release}", reason)
        else:
            yield core, programs


def _furnish(programs: Path, home: Path) -> None:
    """Let ansible-test find pip's settings in its home, as it drops PIP_* variables; and it need not fetch get-pip.py.

    Only pip itself is to read them, when ansible-test makes its environments: tests that start pip say what it reads.
    """
    settings = configparser.RawConfigParser()
    settings.read([*PIP_SETTINGS, os.environ.get("PIP_CONFIG_FILE", os.devnull)])
    if not settings.has_section("global"):
        settings.add_section("global")
    for name, value in os.environ.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE" and value:
            settings.set("global", name[4:].lower().replace("_", "-"), value)
    settings.set(
        "global", "cache-dir", os.path.expanduser(settings.get("global", "cache-dir", fallback="~/.cache/pip"))
    )
    settings.set("global", "quiet", "2")
    (home / ".config" / "pip").mkdir(parents=True, exist_ok=True)
    with (home / ".config" / "pip" / "pip.conf").open("w", encoding="utf-8") as file:
        settings.write(file)
    _provide_pip(programs, home / ".ansible" / "test" / "cache")


def _provide_pip(programs: Path, place: Path) -> None:
    """Put the stand-in for get-pip.py where ansible-test looks before it fetches one; the name has pip's version."""
    place.mkdir(parents=True, exist_ok=True)
    for source in programs.parent.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"):
        for version in re.findall(r"pip='([0-9.]+)'", source.read_text(encoding="utf-8")):
            (place / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP, encoding="utf-8")
