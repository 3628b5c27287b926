# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ansible-core tests which Python, on the machines that people have; and which files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_test_runs import share_out, without_programs
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


def test_files_that_start_programs_are_left_out(tmp_path: Path) -> None:
    unit = tmp_path / "tests" / "unit"
    unit.mkdir(parents=True)
    (unit / "test_git.py").write_text("import pytest\n\npytestmark = pytest.mark.starts_programs\n")
    (unit / "test_pure.py").write_text("import pytest\n")
    assert without_programs(tmp_path) == ["--exclude", "tests/unit/test_git.py"]


def test_the_marker_is_in_use() -> None:
    """Were it renamed, or written otherwise, everything would run everywhere and only the time would tell."""
    left_out = without_programs(ROOT)
    assert "tests/unit/plugins/module_utils/_pack/test_run.py" in left_out
    assert len(left_out) < len(list((ROOT / "tests" / "unit").rglob("test_*.py")))
