# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ansible-core tests which Python, on the machines that people have; and which files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_test_runs import NEEDS_ANSIBLE, STARTS_PROGRAMS, files_with, share_out
from environments import ROOT


@pytest.mark.parametrize(
    ("minors", "expected"),
    [
        # Debian 12 as it comes.
        ([11], {"2.19": [11], "2.20": [], "2.21": []}),
        # Ubuntu 24.04 as it comes: one Python has to do for all.
        ([12], {"2.19": [12], "2.20": [12], "2.21": [12]}),
        # A developer's machine: every one once; .venv has tested 3.13 with 2.21.
        ([8, 9, 10, 11, 12, 13], {"2.19": [8, 11], "2.20": [12], "2.21": [9, 10]}),
        ([8, 11], {"2.19": [8, 11], "2.20": [], "2.21": []}),
        # Nothing that can run Ansible.
        ([8, 9], {"2.19": [], "2.20": [], "2.21": []}),
    ],
)
def test_each_python_is_tested_once(minors: list[int], expected: dict[str, list[int]]) -> None:
    shares = share_out([(3, minor) for minor in minors])
    assert {release: [minor for _major, minor in share] for release, share in shares.items()} == expected


def test_files_are_told_by_their_markers(tmp_path: Path) -> None:
    (tmp_path / "test_git.py").write_text("import pytest\n\npytestmark = pytest.mark.starts_programs\n")
    (tmp_path / "test_pure.py").write_text("import pytest\n")
    assert files_with(STARTS_PROGRAMS, tmp_path) == [tmp_path / "test_git.py"]


@pytest.mark.parametrize(
    ("marker", "name"), [(STARTS_PROGRAMS, "_pack/test_run.py"), (NEEDS_ANSIBLE, "test__runner.py")]
)
def test_the_markers_are_in_use(marker: str, name: str) -> None:
    """Were one renamed, or written otherwise, tests would run everywhere or nowhere, and only the time would tell."""
    unit = ROOT / "tests" / "unit"
    found = files_with(marker, unit)
    assert unit / "plugins" / "module_utils" / name in found
    assert len(found) < len(list(unit.rglob("test_*.py"))) / 2
