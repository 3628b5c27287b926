# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run all scenarios of Molecule, write what came of each action as JUnit XML, and leave nothing running.

C(run_molecule.py REPORT). Which engine makes the containers is in ST2_CONTAINER_ENGINE.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import typing as t
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".cache" / "molecule"
# Not in Molecule's directory, which it tidies.
MODULES = STATE.with_name("molecule-modules")
CALLBACKS = ("extensions/molecule/plugins/callback", "tests/infrastructure/callback_plugins")
RUNTIME = ROOT / "extensions" / "molecule" / "inventory" / "runtime.yml"
LABEL = f"label=stackstorm.st2.molecule={ROOT}"
# Molecule's own lines: what it begins, and what came of it.
BEGUN = re.compile(r"\[(?P<scenario>\S+) > (?P<action>\S+)\]\s+Executing")
DONE = re.compile(r"\[(?P<scenario>\S+) > (?P<action>\S+)\]\s.*Executed: (?P<outcome>.*)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Instead of a result: what a sequence names and no scenario has, or what shared hosts make needless.
NOTHING = ("Missing playbook", "Skipped")


def main(report: Path) -> int:
    """Run them. Returns Molecule's exit status."""
    for place in (STATE, MODULES):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    variables = {
        "MOLECULE_EPHEMERAL_DIRECTORY": str(STATE),
        "MOLECULE_COMMAND_BORDERS": "false",
        "ANSIBLE_HOME": str(STATE / "ansible"),
        # Those of config.yml, and one with which all runs build a module only once.
        "ANSIBLE_CALLBACK_PLUGINS": ":".join(str(ROOT / place) for place in CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "record_runs,shared_modules",
        "ST2_TEST_MODULES": str(MODULES),
        "COLUMNS": "200",
    }
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lines: list[str] = []
    status = None
    molecule = subprocess.Popen(
        [str(Path(sys.executable).parent / "molecule"), "test", "--all"],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert molecule.stdout
    try:
        for line in molecule.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            lines.append(line.decode(errors="replace"))
        status = molecule.wait()
    finally:
        if status is None:
            # What is still making hosts would go on with it after they have been removed.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.killpg(os.getpgrp(), signal.SIGTERM)
        tidy(os.environ["ST2_CONTAINER_ENGINE"])
    report.parent.mkdir(parents=True, exist_ok=True)
    junit(lines, status).write(report)
    return status


def junit(lines: t.Iterable[str], status: int) -> ElementTree.ElementTree:
    """What Molecule has said, as a test case for each action of each scenario.

    An action that was begun and has no outcome has failed; so has the whole when Molecule says so and no action does.
    """
    suite = ElementTree.Element("testsuite", name="molecule")
    running: ElementTree.Element | None = None
    for line in (COLOUR.sub("", line) for line in lines):
        begun, done = BEGUN.search(line), DONE.search(line)
        if begun:
            number = len(suite) + 1
            name = f"{number:03} {begun['action']}"
            running = ElementTree.SubElement(suite, "testcase", classname=begun["scenario"], name=name)
            ElementTree.SubElement(running, "failure", message="It did not end.")
        elif done and running is not None:
            outcome = done["outcome"].strip()
            if "Successful" in outcome:
                running.remove(running[0])
            elif outcome.startswith(NOTHING):
                suite.remove(running)
            else:
                running[0].set("message", outcome)
            running = None
    if status and suite.find("testcase/failure") is None:
        case = ElementTree.SubElement(suite, "testcase", classname="molecule", name="exit status")
        ElementTree.SubElement(case, "failure", message=str(status))
    return ElementTree.ElementTree(suite)


def tidy(engine: str) -> None:
    """Remove the containers, networks and volumes that this checkout has made; after a whole run there are none."""
    RUNTIME.unlink(missing_ok=True)
    for listing, removing in (
        (["ps", "--all", "--quiet", "--filter", LABEL], ["rm", "--force", "--volumes"]),
        (["network", "ls", "--quiet", "--filter", LABEL], ["network", "rm"]),
        (["volume", "ls", "--quiet", "--filter", LABEL], ["volume", "rm"]),
    ):
        listed = subprocess.run([engine, *listing], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        names = listed.stdout.decode().split()
        if names:
            subprocess.run([engine, *removing, *names], stdin=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
