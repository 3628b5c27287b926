# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs are found, checked and given up: what is the same for all rules."""

from __future__ import annotations

import os
import sys

import pytest
from infrastructure.packs import PackTree, well_kept
from infrastructure.repositories import run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import MissingLibraryError, OptionError, St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.bounded import NotFinishedError, bounded
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.check import find_packs
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.pack import Against
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lint.linting import check, lint, places

PLAIN = Against(pythons=())
MEMORY = 4 << 30


def test_packs_are_found_one_by_one_and_in_directories(tmp_path):
    for name in ("b", "a"):
        PackTree(name).write(tmp_path / "packs" / name)
    (tmp_path / "packs" / "docs").mkdir()
    (tmp_path / "none").mkdir()
    one, two = (str(tmp_path / "packs" / name) for name in ("a", "b"))
    packs = str(tmp_path / "packs")
    assert find_packs([packs]) == [(one, packs), (two, packs)]
    assert find_packs([two, packs]) == [(two, two), (one, packs)]
    assert find_packs([str(tmp_path / "none")]) == [(str(tmp_path / "none"), str(tmp_path / "none"))]
    with pytest.raises(OptionError, match=r"There is no directory .*/gone"):
        find_packs([str(tmp_path / "gone")])


def test_rules_are_chosen(tmp_path):
    tree = well_kept().remove("icon.png").remove("README.md")
    assert places(lint(tree, tmp_path, against=PLAIN, skip=("icon",))) == [("readme", ".", None)]
    assert places(check(tmp_path / "pack", against=PLAIN, rules=("icon",))) == [("icon", ".", None)]


def test_paths_begin_at_the_repository(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "packs").mkdir()
    report = lint(well_kept().remove("icon.png"), tmp_path / "packs", against=PLAIN)
    (finding,) = report.findings
    assert report.base == str(tmp_path)
    assert report.path_of(finding) == "packs/pack/pack.yaml"
    assert finding.pack == str(tmp_path / "packs" / "pack")


def test_what_tools_leave_is_no_part_of_a_pack(tmp_path):
    tree = well_kept()
    for directory in (".venv", "node_modules", "__pycache__", "own"):
        tree.add(f"{directory}/broken.yaml", "a: [\n").add(f"{directory}/broken.py", "(\n")
        tree.link(f"{directory}/python", "/usr/bin/python3")
    tree.add("own/pyvenv.cfg", "home = /usr/bin\n")
    assert lint(tree, tmp_path).findings == ()


def git(directory, *arguments):
    settings = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    return run_git("-C", directory, *settings, *arguments)


@pytest.fixture
def repository(tmp_path):
    directory = well_kept(version="1.2.0").write(tmp_path / "stackstorm-demo")
    git(directory, "init", "-q")
    git(directory, "add", ".")
    git(directory, "commit", "-qm", "One")
    return directory


def commit(directory):
    git(directory, "commit", "-q", "--allow-empty", "-m", "Another")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("annotated", [False, True])
def test_a_version_is_held_against_the_tags(repository, packed, annotated):
    def tag(name):
        git(repository, "tag", *(("-a", "-m", "Release") if annotated else ()), name)
        if packed:
            git(repository, "pack-refs", "--all")

    assert places(check(repository, against=PLAIN)) == []
    tag("v1.1.9")
    tag("v1.2.0")
    tag("v1.9.0-rc")
    tag("2.0.0")
    assert places(check(repository, against=PLAIN)) == [("version-behind", "pack.yaml", 7)]
    git(repository, "tag", "-d", "v1.9.0-rc")
    assert places(check(repository, against=PLAIN)) == []
    commit(repository)
    assert places(check(repository, against=PLAIN)) == [("version-unchanged", "pack.yaml", 7)]
    git(repository, "worktree", "add", "-q", "../stackstorm-other", "v1.2.0")
    other = repository.parent / "stackstorm-other"
    assert places(check(other, against=PLAIN)) == [("pack-directory", "pack.yaml", None)]


def test_the_python_that_compiles_is_named(tmp_path):
    tree = well_kept().add("etc/odd.py", "print 'a'\n").add("etc/new.py", "a: int = 1\n")
    report = lint(tree, tmp_path, against=Against(pythons=(sys.executable,), floor=(3, 5)))
    assert places(report) == [("python-too-new", "etc/new.py", 1), ("python-syntax-elsewhere", "etc/odd.py", 1)]
    name = f"{os.path.basename(sys.executable)} {sys.version_info[0]}.{sys.version_info[1]}"
    assert f"does not compile by {name}: " in report.findings[1].message


@pytest.mark.parametrize(
    "code",
    [
        "from lib.pulse import PulseSensor\n",
        "from lib.pulse import *\n",
        "import lib.pulse as PulseSensor\n",
        "PulseSensor = type('PulseSensor', (), {})\n",
        "try:\n    import a\nexcept ImportError:\n    class PulseSensor: pass\n",
        "if True:\n    pass\nelse:\n    class PulseSensor: pass\n",
    ],
)
def test_a_sensor_may_have_its_class_from_anywhere(tmp_path, code):
    assert lint(well_kept().add("sensors/pulse.py", code), tmp_path).findings == ()


def test_an_interpreter_that_is_none_is_an_error(tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho no python >&2\nexit 5\n")
    program.chmod(0o755)
    with pytest.raises(St2Error, match=r"cannot be compiled by .*/python: exit status 5 no python"):
        lint(well_kept(), tmp_path, against=Against(pythons=(str(program),)))


def test_code_for_python_2_is_not_compiled(tmp_path):
    tree = well_kept().set_metadata(python_versions=["2"]).add("actions/report.py", "print 'a'\n")
    assert places(lint(tree, tmp_path)) == [("pack-incompatible", "pack.yaml", 8)]


def fail(error):
    raise error


def test_bounded_work_gives_its_answer_or_its_error():
    assert bounded(lambda: {"a": [1, None]}, seconds=60, most_memory=MEMORY) == {"a": [1, None]}
    with pytest.raises(MissingLibraryError, match="PyYAML"):
        bounded(lambda: fail(MissingLibraryError("PyYAML")), seconds=60, most_memory=MEMORY)
    with pytest.raises(St2Error, match="no such thing"):
        bounded(lambda: fail(St2Error("no such thing")), seconds=60, most_memory=MEMORY)
    with pytest.raises(RuntimeError, match="KeyError: 'a'"):
        bounded(lambda: fail(KeyError("a")), seconds=60, most_memory=MEMORY)


def endless():
    while True:
        pass


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (endless, "longer than 1 seconds"),
        (lambda: os.kill(os.getpid(), 9), "ended by signal 9"),
        (lambda: os._exit(0), "the process ended"),
        (lambda: len(b"x" * (8 << 30)), "too much memory"),
    ],
)
def test_bounded_work_that_does_not_end_well_is_told(work, reason):
    with pytest.raises(NotFinishedError, match=reason):
        bounded(work, seconds=1 if work is endless else 60, most_memory=MEMORY)
