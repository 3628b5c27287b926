# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Molecule says becomes a report that loses no failure; its hosts are made by options that engines have."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import containers
import pytest
import yaml
from checks import count_junit
from environments import ROOT
from run_molecule import junit

PLAYBOOKS = ROOT / "extensions" / "molecule" / "default"

SAID = """\
INFO     [default > create] Executing
INFO     [default > create] Executed: Successful
INFO     [packs > prepare] Executing
WARNING  [packs > prepare] Executed: Missing playbook (Remove from test_sequence to suppress)
INFO     [packs > converge] Executing
INFO     [packs > converge] Executed: Successful
INFO     [packs > verify] Executing
TASK [Hold what is there against what was declared]
"""
COLOURED = "ERROR    [packs > verify] \x1b[31mExecuted: Failed\x1b[0m\n"


def counted(tmp_path: Path, said: str, status: int) -> tuple[int, int, list[str]]:
    report = tmp_path / "report.xml"
    junit(said.splitlines(keepends=True), status).write(report)
    outcome = count_junit([report])
    return outcome.passed, outcome.failed, outcome.failures


def test_each_action_is_a_test(tmp_path: Path) -> None:
    said = SAID + "INFO     [packs > verify] Executed: Successful\n"
    assert counted(tmp_path, said, 0) == (3, 0, [])


def test_a_failed_action_is_a_failure(tmp_path: Path) -> None:
    passed, failed, failures = counted(tmp_path, SAID + COLOURED, 2)
    assert (passed, failed) == (2, 1)
    assert failures[0].startswith("packs::") and failures[0].endswith(" verify")


def test_an_action_that_did_not_end_is_a_failure(tmp_path: Path) -> None:
    assert counted(tmp_path, SAID, 1)[:2] == (2, 1)


@pytest.mark.parametrize("said", ["", SAID.rpartition("INFO     [packs > verify]")[0]])
def test_a_failure_that_no_action_had_is_not_lost(tmp_path: Path, said: str) -> None:
    assert counted(tmp_path, said, 4)[1] == 1


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_an_engine_has_the_options_that_hosts_are_started_with(engine: str) -> None:
    """Only what the program says of itself is needed for that, and no engine that runs."""
    if shutil.which(engine) is None:
        pytest.skip(f"there is no {engine}")
    plays = yaml.safe_load((PLAYBOOKS / "create.yml").read_text())
    (start,) = [task for play in plays for task in play["tasks"] if task["name"] == "Start the hosts"]
    own = yaml.safe_load((PLAYBOOKS / "vars" / f"{engine}.yml").read_text())["molecule_engine_options"]
    some = yaml.safe_load((PLAYBOOKS / "vars" / "common.yml").read_text())["molecule_options"].values()
    words = [*start["vars"]["molecule_run"], *own, *(word for words in some for word in words)]
    options = [word for word in words if word.startswith("--")]
    done = subprocess.run([engine, "run", "--help"], capture_output=True, text=True, check=True)
    assert [word for word in options if f"{word.partition('=')[0]} " not in done.stdout] == []


def test_a_machine_without_an_engine_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(containers.CHOICE, raising=False)
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)
    with pytest.raises(containers.NoContainers, match="no podman and no docker"):
        containers.prepare(Path("python"))


def test_containers_get_nothing_of_the_settings_of_podman(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What holds for making the images holds for the run, which does not get them."""
    monkeypatch.setenv("CONTAINERS_CONF", "/somebodys")
    monkeypatch.setenv(containers.CHOICE, "engine")
    seen = tmp_path / "seen"
    engine = tmp_path / "engine"
    engine.write_text(f'#!/bin/sh\necho "${{CONTAINERS_CONF-none}}" >> {seen}\necho \'"base"\'\n')
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert containers.prepare(engine)[containers.CHOICE] == "engine"
    assert set(seen.read_text().split()) == {"none"}


def test_what_a_killed_run_left_goes_with_the_settings_it_was_started_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its network is only found by these."""
    monkeypatch.setenv(containers.CHOICE, "podman")
    monkeypatch.setattr(containers, "STORE", tmp_path / "store")
    (tmp_path / "store").mkdir()
    settings = tmp_path / "store" / "containers.conf"
    settings.write_text("[network]\n")
    engine = tmp_path / "podman"
    engine.write_text(f'#!/bin/sh\necho "$1 ${{CONTAINERS_CONF-none}}" >> {tmp_path}/seen\necho \'"base"\'\n')
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    containers.prepare(engine)
    assert (tmp_path / "seen").read_text().splitlines()[0] == f"rm {settings}"
