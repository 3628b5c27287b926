# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs checked by one ad hoc line and by the playbook stackstorm.st2.lint, as their authors do it."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from infrastructure.ansible_run import ansible_command, collections_path
from infrastructure.environment import clean_environment
from infrastructure.packs import well_kept


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return well_kept().write(tmp_path / "stackstorm-demo")


def run(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Ansible in a directory, as a shell does."""
    home = directory.parent / "home"
    home.mkdir(exist_ok=True)
    environment = {
        **clean_environment(home),
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
        "ANSIBLE_HOME": str(home / "ansible"),
        "PWD": str(directory),
    }
    return subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True, check=False)


def ad_hoc(directory: Path, arguments: str) -> t.Tuple[int, t.Dict[str, t.Any]]:
    """Run the module by `ansible`, and return the exit status and the result."""
    program = str(Path(sys.executable).parent / "ansible")
    done = run(directory, program, "localhost", "-m", "stackstorm.st2.st2_pack_lint", "-a", arguments)
    _host, _arrow, text = done.stdout.partition(" => ")
    return done.returncode, json.loads(text)


def play(directory: Path, **variables: t.Any) -> subprocess.CompletedProcess[str]:
    """Run the playbook."""
    command = ansible_command("stackstorm.st2.lint", "-e", json.dumps(variables))
    return run(directory, *command)


def test_one_line_checks_the_pack_of_the_directory(pack: Path) -> None:
    status, result = ad_hoc(pack, "path=.")
    assert (status, result["msg"], result["findings"]) == (0, "demo: nothing found", [])
    (pack / "actions" / "report.py").unlink()
    status, result = ad_hoc(pack, "path=.")
    assert status != 0
    assert [(one["rule"], one["line"]) for one in result["findings"]] == [("entry-point-missing", 5)]


def test_the_playbook_shows_findings_and_runs_the_tests(pack: Path) -> None:
    (pack / "icon.png").unlink()
    done = play(pack, st2_lint_tests=["touch tested"], st2_lint_output=[{"format": "sarif", "path": "lint.sarif"}])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "info icon: there is no icon.png" in done.stdout
    assert (pack / "tested").exists()
    assert json.loads((pack / "lint.sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "icon"


def test_the_playbook_fails_by_errors_after_the_tests(pack: Path) -> None:
    (pack / "actions" / "report.py").unlink()
    done = play(pack.parent, pack_path="stackstorm-demo", st2_lint_tests=["touch tested"])
    assert done.returncode != 0
    assert "stackstorm-demo/actions/report.yaml:5: error entry-point-missing" in done.stdout
    assert (pack / "tested").exists()
    assert play(pack, st2_lint_fail_on="never").returncode == 0


def test_the_playbook_fails_by_the_tests_of_the_pack(pack: Path) -> None:
    assert play(pack, st2_lint_tests=["false"]).returncode != 0
