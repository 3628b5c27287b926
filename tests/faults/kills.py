# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials in which the run is killed."""

from __future__ import annotations

import typing as t

from .boundaries import BULK, STEP
from .module_runs import Instant
from .trials import Findings, Trials

STEPS, RANDOM = 0.6, 0.25
"""Parts of the kills at steps and at random instants; the rest goes amid the filling and emptying of staged trees."""


class KillTrials(Trials[Instant]):
    """The trials of one scenario."""

    def make(self, count: int) -> Findings:
        """Make ``count`` kills; a run that ended before its instant does not count."""
        super().make(count)
        for _attempt in range(2 * count):
            if self.findings.trials.total() >= count:
                break
            self.attempt(self._any_time())
        return self.findings

    def attempt(self, moment: Instant) -> None:
        """Make one trial."""
        self._restore()
        killed = self._world.runs.run(self._arguments, at=moment, exchange=self._scenario.exchange)
        if killed.killed:
            number = self.findings.trials.total()
            self.findings.trials[moment.kind or "random"] += 1
            self._note(moment, list(self._problems(number)))

    def _choose(self, count: int) -> t.List[Instant]:
        steps = min(len(self._steps), round(count * STEPS))
        times = round(count * RANDOM)
        chosen = [self._at(STEP, number) for number in sorted(self._random.sample(range(len(self._steps)), steps))]
        bulk = min(len(self._bulk), count - steps - times)
        chosen += [self._at(BULK, number) for number in sorted(self._random.sample(range(len(self._bulk)), bulk))]
        return chosen + [self._any_time() for _number in range(count - len(chosen))]

    def _at(self, kind: str, number: int) -> Instant:
        return Instant(kind, number, children=self._random.random() < 0.5)

    def _any_time(self) -> Instant:
        return Instant(after=self._random.uniform(0, self._duration), children=self._random.random() < 0.5)
