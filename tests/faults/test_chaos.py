# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollouts in which something breaks at a random node and phase; ``ST2_ROLLOUTS`` says how many, ``ST2_SEED`` which."""

from __future__ import annotations

import os
from pathlib import Path

from fleet.chaos import SMALL, Trials

ROLLOUTS = int(os.environ.get("ST2_ROLLOUTS") or 5)
# In the last one of this seed, a swap is killed after the last file was moved, and before that is recorded.
SEED = int(os.environ.get("ST2_SEED") or 100)


def test_a_cluster_has_the_old_packs_or_the_new_ones_whatever_breaks(quick_path: Path) -> None:
    trials = Trials(quick_path, SEED, SMALL)
    try:
        for number in range(ROLLOUTS):
            # What one leaves behind, the next one meets.
            wrong = trials.attempt(number, then=number == ROLLOUTS - 1)
            assert wrong is None, wrong
    finally:
        trials.chaos.stop()
    assert sum(trials.results.values()) == ROLLOUTS
