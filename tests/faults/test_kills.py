# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at the boundaries of steps and at random instants; ``ST2_KILLS`` says how many, ``ST2_SEED`` which."""

from __future__ import annotations

import os
from pathlib import Path

from faults.kill import CI_COUNT, make_trials, report

KILLS = int(os.environ.get("ST2_KILLS") or CI_COUNT)
SEED = int(os.environ.get("ST2_SEED") or 1)
WORKERS = int(os.environ.get("ST2_WORKERS") or 1)


def test_whatever_is_killed_leaves_whole_packs_and_the_next_run_heals(quick_path: Path) -> None:
    findings = make_trials("kill", quick_path, KILLS, SEED, WORKERS)
    print(report(findings))
    assert sum(found.trials.total() for found in findings) == KILLS
    assert not any(found.violations for found in findings), report(findings)


def test_what_a_result_says_is_there_also_when_any_change_is_refused(quick_path: Path) -> None:
    findings = make_trials("refuse", quick_path, KILLS // 4, SEED, WORKERS)
    print(report(findings))
    assert sum(found.trials["refused"] for found in findings) > KILLS // 8
    assert not any(found.violations for found in findings), report(findings)
