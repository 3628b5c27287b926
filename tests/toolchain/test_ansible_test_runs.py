# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ansible-core tests which Python, on the machines that people have; and which files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_test_runs import files_that_need_ansible, sanity_runs, share_out
from environments import CORES, ROOT


@pytest.mark.parametrize(
    ("minors", "expected"),
    [
        # Debian 12 as it comes.
        ([11], {"2.19": [11], "2.20": [], "2.21": [], "2.22": []}),
        # Ubuntu 24.04 as it comes: one Python has to do for all.
        ([12], {"2.19": [12], "2.20": [12], "2.21": [], "2.22": []}),
        # A developer's machine. While 2.22 is not out, .venv has 2.21.
        ([8, 9, 10, 11, 12, 13], {"2.19": [8, 11], "2.20": [12], "2.21": [], "2.22": [13]}),
        ([8, 11], {"2.19": [8], "2.20": [], "2.21": [], "2.22": []}),
        # Nothing that can run Ansible.
        ([8, 9], {"2.19": [], "2.20": [], "2.21": [], "2.22": []}),
    ],
)
def test_each_release_is_tested_once_and_the_oldest_python_too(
    minors: list[int], expected: dict[str, list[int]]
) -> None:
    shares = share_out([(3, minor) for minor in minors])
    assert {release: [minor for _major, minor in share] for release, share in shares.items()} == expected


@pytest.mark.parametrize(
    ("minors", "expected"),
    [
        # The newest that runs here takes all; what it lacks is for the one before.
        ([11], {"2.19": [("", "all")]}),
        ([8, 11], {"2.19": [("", "all")]}),
        ([12], {"2.19": [("3.12", "release")], "2.20": [("3.12", "release")], "2.21": [("", "all")]}),
        (
            [8, 12, 13],
            {
                "2.19": [("3.12", "release"), ("3.8", "compile import")],
                "2.20": [("3.12", "release")],
                "2.21": [("3.12", "release pylint")],
                "2.22": [("", "all but pylint")],
            },
        ),
    ],
)
def test_every_sanity_test_is_run_once(minors: list[int], expected: dict[str, list[tuple[str, str]]]) -> None:
    versions = [(3, minor) for minor in minors]
    found = {}
    for core in CORES:
        if core.controller(versions):
            runs = sanity_runs(core, versions)
            found[core.release] = [(python, _words(options)) for python, options in runs]
    assert found == expected


def _words(options: list[str]) -> str:
    text = " ".join(options).replace("--test ", "") if "--skip-test" not in options else ""
    return text.replace("import validate-modules", "release") or " ".join(
        ["all", *(f"but {test}" for test in options[1::2])]
    )


def test_a_candidate_is_taken_only_where_one_is_named() -> None:
    requirements = {core.release: core.requirement for core in CORES}
    assert requirements["2.21"] == "ansible-core>=2.21,==2.21.*"
    assert requirements["2.22"] == "ansible-core>=2.22.0rc1,==2.22.*"


def test_the_documents_say_what_is_supported_and_what_was_run() -> None:
    """README and runtime.yml are what people and Ansible go by."""
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={CORES[0].release}.0"
    lint = yaml.safe_load((ROOT / ".ansible-lint").read_text(encoding="utf-8"))
    assert lint["supported_ansible_also"] == [core.release for core in CORES]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (2\.\d+) \|.*\| ([^|]+) \|$", readme)
    assert dict(rows) == {core.release: core.candidate or "yes" for core in CORES}


def test_what_needs_ansible_is_told_by_its_marker(tmp_path: Path) -> None:
    """Were that renamed, or written otherwise, tests would run everywhere or nowhere, and only the time would tell."""
    (tmp_path / "test_it.py").write_text("import pytest\n\npytestmark = pytest.mark.needs_ansible\n")
    (tmp_path / "test_pure.py").write_text("import pytest\n")
    assert files_that_need_ansible(tmp_path) == [tmp_path / "test_it.py"]
    unit = ROOT / "tests" / "unit"
    found = files_that_need_ansible(unit)
    assert unit / "plugins" / "module_utils" / "test__runner.py" in found
    assert len(found) < len(list(unit.rglob("test_*.py"))) / 10
