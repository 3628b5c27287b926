# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Over sequences of tasks: what a result says is so, check mode predicts it, twice is once, nothing is left behind.

`SEQUENCES=2000 make properties` plays more, `ST2_SEED` says the number of the first. What fails is sorted by what it
violates; the first of each sort is made shorter, and printed so that a person can read and repeat it.
"""

from __future__ import annotations

import collections
import os
import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ansible_collections.stackstorm.st2.plugins.module_utils import _file_changes
from properties.sequences.catalogue import Upstream
from properties.sequences.generate import sequence
from properties.sequences.play import Failure, play, shorter

SEQUENCES = int(os.environ.get("SEQUENCES", "200"))
FIRST = int(os.environ.get("ST2_SEED", "1"))


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    return Upstream(tmp_path_factory.mktemp("upstream")).build()


@pytest.fixture(autouse=True)
def without_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is killed loses nothing that the kernel has; power cuts are not played."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    monkeypatch.setattr(_file_changes, "_sync_file_system", lambda _directory: True)


def test_whatever_tasks_follow_one_another(upstream: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    happened: t.Counter[str] = collections.Counter()
    failures: t.Dict[t.Any, t.List[Failure]] = {}
    for seed in range(FIRST, FIRST + SEQUENCES):
        failure = play(sequence(seed), upstream, lambda what: happened.update([what]))
        if failure is not None:
            failures.setdefault(failure.likeness, []).append(failure)
    with capsys.disabled():
        print("".join(f"\n{number:6} {what}" for what, number in sorted(happened.items())))
    if failures:
        texts = [
            f"{len(alike)} of {SEQUENCES} (ST2_SEED {', '.join(str(one.sequence.seed) for one in alike[:9])}):\n"
            f"{shorter(alike[0], upstream)}"
            for alike in failures.values()
        ]
        pytest.fail("\n\n\n".join(texts), pytrace=False)
