# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What C(make test) runs: the stages, in order, and the checks of each.

A stage whose directory is not in the checkout does not exist. Its checks are made when it is asked for, so an
environment is only built for stages that run.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

import ansible_test_runs
import collection_tree
import containers
import interpreters
import page_tools
import scratch
import system_packages
from check_environment import TRIPWIRES, Tripwires, environment
from checks import PROCESSORS, Check, Skip
from environments import (
    CACHE,
    ROOT,
    importer_environment,
    main_environment,
    molecule_environment,
    page_environment,
    stackstorm_environment,
    tools_environment,
)

REPORTS = CACHE / "reports"
UTILS = "tests/unit/plugins/module_utils"

# Words that codespell takes for misspelt: what it sees of "café", and what tests misspell on purpose.
MISSPELT = "nmae,befores,caf,fpr,requried,wnat,kubernets"

Checks = t.Iterator[t.Union[Check, Skip]]


@dataclass(frozen=True)
class Stage:
    """A part of C(make test); C(needs) is the path in the checkout without which it does not exist."""

    name: str
    purpose: str
    needs: str
    checks: t.Callable[[], Checks]

    def is_there(self) -> bool:
        """Whether this checkout has what the stage tests."""
        return (ROOT / self.needs).exists()


def lint() -> Checks:
    """Each tool is one check."""
    programs = tools_environment()
    surroundings = {**environment(programs), "ANSIBLE_COLLECTIONS_PATH": str(collection_tree.link())}
    files = sorted(str(name) for name in collection_tree.sources() if name.parts[0] != "LICENSES")
    package = "ansible_collections.stackstorm.st2.plugins.module_utils"
    for name, command in (
        ("ruff check", ["ruff", "check", "--no-cache", "."]),
        ("ruff format", ["ruff", "format", "--no-cache", "--check", "."]),
        ("mypy --strict", ["mypy", "--config-file", ".mypy.ini", "-p", package]),
        ("yamllint", ["yamllint", "--strict", "."]),
        ("ansible-lint", ["ansible-lint", "--offline", "--profile", "production", "--nocolor"]),
        ("antsibull-changelog", ["antsibull-changelog", "lint"]),
        ("antsibull-docs", ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."]),
        ("reuse", ["reuse", "lint", "--lines"]),
        ("codespell", ["codespell", "--ignore-words-list", MISSPELT, *files]),
    ):
        cost = 50 if name == "ansible-lint" else 20
        yield Check(name, [str(programs / command[0]), *command[1:]], ROOT, surroundings, seconds=300, cost=cost)


def units() -> Checks:
    """The newest libraries in .venv, and StackStorm's own on the oldest Python, less what is marked C(once) there.

    With those of StackStorm 3.8, what uses the libraries: that of schemas knows less than later releases.

    In .venv, they are several runs: what starts programs or is killed begins with a copy of all the memory of pytest.
    Those that need Ansible, and another Python, are for ansible-test.
    """
    programs = main_environment()
    _oldest, python = min(interpreters.find().items())
    stackstorm = stackstorm_environment(python)
    name = f"StackStorm's libraries, {python.name}"
    yield _pytest("units", name, stackstorm, UTILS, "-m", "not needs_ansible and not once", cost=250)
    older = stackstorm_environment(python, "stackstorm_3_8")
    validating = [f"{UTILS}/_config", f"{UTILS}/_content"]
    yield _pytest("units", "StackStorm 3.8's libraries", older, *validating, "-m", "not once", cost=20)
    parts = {"packs": [f"{UTILS}/_pack"], "changes": [f"{UTILS}/_change", f"{UTILS}/_override"]}
    for part, places in parts.items():
        yield _pytest("units", f"newest libraries, {part}", programs, *places, cost=150)
    others = [f"--ignore={place}" for places in parts.values() for place in places]
    yield _pytest("units", "newest libraries, the rest", programs, "tests/unit", *others, cost=280)
    yield _pytest("units", "the tests' own tools", programs, "tests/toolchain", "tests/infrastructure", cost=85)
    yield from ansible_test_runs.units()


def docs() -> Checks:
    """The module pages and the guide as a site without warnings, and the collection as Galaxy gets and checks it."""
    programs = tools_environment()
    surroundings = {**environment(programs), "ANSIBLE_COLLECTIONS_PATH": str(collection_tree.link())}
    python = [str(programs / "python"), "tests/toolchain/build_docs.py"]
    page = "The site is .cache/docs/html/index.html"
    yield Check("the documentation site", [*python, "site"], ROOT, surroundings, seconds=300, note=page)
    yield Check("the built collection", [*python, "collection"], ROOT, surroundings, seconds=300)
    galaxy = importer_environment()
    importer = [str(galaxy / "python"), "tests/toolchain/build_docs.py", "importer"]
    yield Check(
        "a release of a copy, and galaxy-importer",
        importer,
        ROOT,
        environment(galaxy, "importer"),
        seconds=600,
        cost=60,
    )


def e2e() -> Checks:
    """Whole runs against real servers on loopback, and the demo."""
    # The workers are those of the pytest.ini beside the tests, here and below.
    workers = min(PROCESSORS, 4)
    yield _pytest("e2e", "end to end", main_environment(), "tests/e2e", seconds=2400, cost=900, workers=workers)
    if (ROOT / "tests" / "demo").exists():
        yield _pytest("e2e", "the demo", main_environment(), "tests/demo", cost=70)


def molecule() -> Checks:
    """The scenarios in extensions/molecule, one after the other, on hosts that are containers."""
    programs = molecule_environment()
    try:
        variables = containers.prepare(programs / "python")
    except containers.NoContainers as reason:
        yield Skip("the scenarios", str(reason))
        return
    report = REPORTS / "molecule.xml"
    command = [str(programs / "python"), "tests/toolchain/run_molecule.py", str(report)]
    surroundings = {**environment(programs, "molecule", somebodys=True), **variables}
    tripped = Tripwires(TRIPWIRES / "molecule").log
    yield Check("the scenarios", command, ROOT, surroundings, report, seconds=2400, tripped=tripped, cost=900)


def page() -> Checks:
    """The pages that the collection makes, in Chromium without a window."""
    program = system_packages.browser()
    if program is None:
        yield Skip("in a browser", "there is no Chromium (Debian: apt-get install chromium)")
        return
    page_tools.install()
    yield _pytest("page", "in a browser", page_environment(), "tests/page")


def faults() -> Checks:
    """Killed at every step, which takes as long as all other faults together, and those."""
    kills = "tests/faults/test_kills.py"
    yield _pytest("faults", "kills", main_environment(), kills, seconds=2400, cost=330)
    others = ["tests/faults", f"--ignore={kills}"]
    yield _pytest("faults", "other faults", main_environment(), *others, seconds=2400, cost=330)


def pytest_stage(name: str, cost: int, workers: int = 1) -> t.Callable[[], Checks]:
    """A stage that is one pytest run over a directory of tests."""

    def checks() -> Checks:
        shared = min(PROCESSORS, workers)
        yield _pytest(name, "pytest", main_environment(), f"tests/{name}", seconds=2400, cost=cost, workers=shared)

    return checks


# In the order in which they are prepared. The first has a long check and needs no more than .venv, so that check runs
# while the others are prepared; and the second has the longest one that cannot be shared out.
STAGES = (
    Stage("e2e", "real git servers, real packs, from install to removal", "tests/e2e", e2e),
    Stage("molecule", "the built collection on whole hosts, by Molecule", "extensions/molecule", molecule),
    Stage("units", "the unit tests on every Python and with every set of libraries", "tests/unit", units),
    Stage("faults", "killed at every step, and what else may break", "tests/faults", faults),
    Stage("hostile", "packs and indexes that mean harm", "tests/hostile", pytest_stage("hostile", 75, workers=2)),
    Stage("sanity", "ansible-test sanity on every supported ansible-core", "plugins", ansible_test_runs.sanity),
    Stage(
        "secrets",
        "a canary in every credential, looked for everywhere",
        "tests/secrets",
        pytest_stage("secrets", 85, workers=2),
    ),
    Stage(
        "properties",
        "check mode against the run, over generated worlds",
        "tests/properties",
        pytest_stage("properties", 330),
    ),
    Stage(
        "integration", "modules run by Ansible, the state read back", "tests/integration", ansible_test_runs.integration
    ),
    Stage("benchmarks", "what it costs", "tests/benchmarks", pytest_stage("benchmarks", 110)),
    Stage("page", "what the collection shows in a browser", "tests/page", page),
    Stage("docs", "the documentation site, the built collection, and what Galaxy says of it", "docs", docs),
    Stage("lint", "ruff, mypy, yamllint, ansible-lint and the documentation linters", "plugins", lint),
)


def _pytest(
    stage: str, name: str, programs: Path, *arguments: str, seconds: int = 1800, cost: int = 20, workers: int = 1
) -> Check:
    place = f"{stage}-{''.join(c if c.isalnum() else '-' for c in name)}"
    report = REPORTS / f"{place}.xml"
    paths = [argument for argument in arguments if not argument.startswith("tests/") or (ROOT / argument).exists()]
    options = [
        "-q",
        "-ra",
        "--continue-on-collection-errors",
        # What tests leave would fill the memory.
        "-o",
        "tmp_path_retention_policy=failed",
        "-p",
        "no:cacheprovider",
        "-p",
        "infrastructure.current_test",
        "--import-mode=importlib",
        f"--rootdir={ROOT}",
    ]
    temporary = scratch.for_check(place)
    # Without more directories in between, as paths of sockets must be short.
    options += [f"--basetemp={temporary}/t"] if temporary else []
    command = [str(programs / "python"), "-m", "pytest", *options, f"--junit-xml={report}", *paths]
    surroundings = {
        **environment(programs, place, somebodys=True),
        "PYTHONPATH": f"{collection_tree.link()}:{ROOT / 'tests'}",
    }
    return Check(
        name,
        command,
        ROOT,
        surroundings,
        report,
        seconds,
        Tripwires(TRIPWIRES / place).log,
        cost=cost,
        scratch=temporary,
        workers=workers,
    )
