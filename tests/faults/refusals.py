# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials in which the system refuses a change, once or from then on: what the result says has to be what is there."""

from __future__ import annotations

import errno
import typing as t

import yaml

from . import inspection
from .boundaries import BULK, STEP
from .module_runs import Execution, Refusal
from .trials import Trials

ERRORS = (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES)
STEPS = 0.8
"""Part of the refusals that are at steps."""


class RefusalTrials(Trials[Refusal]):
    """The trials of one scenario."""

    def attempt(self, moment: Refusal) -> None:
        """Make one trial."""
        self._restore()
        done = self._world.runs.run(self._arguments, refusal=moment, exchange=self._scenario.exchange)
        number = self.findings.trials.total()
        self.findings.trials["refused" if done.failed else "coped"] += 1
        self._note(moment, [*self._problems_of_result(done), *self._problems(number)])

    def _choose(self, count: int) -> t.List[Refusal]:
        steps = min(len(self._steps), round(count * STEPS))
        chosen = [(STEP, number) for number in self._random.sample(range(len(self._steps)), steps)]
        bulk = min(len(self._bulk), count - steps)
        chosen += [(BULK, number) for number in self._random.sample(range(len(self._bulk)), bulk)]
        return [
            Refusal(kind, number, self._random.choice(ERRORS), self._random.random() < 0.5) for kind, number in chosen
        ]

    def _problems_of_result(self, done: Execution) -> t.Iterator[str]:
        """Hold what the result says of each pack against the host."""
        if not done or "Traceback" in done.everything or bool(done.rc) != done.failed:
            yield f"the run did not give a result: {done.everything}"
            return
        if done.failed and not (done.get("msg") and done.get("step")):
            yield f"the failure has no step: {done.get('msg')}"
        now = inspection.normal_content(self._world.host)
        for row in done.get("packs", []):
            if row["ref"]:
                said = row["after"] and (row["after"]["version"], row["after"].get("commit"))
                there = self._identity(row["ref"])
                if said != there:
                    yield f"the result says that {row['ref']} is {said}, but it is {there}: {done.get('msg')}"
        old = self._sides["old"]
        same = all(
            inspection.below(now, path) == inspection.below(old, path)
            for path in inspection.packs_and_virtualenvs(now, old)
        )
        if same and not self._scenario.settled and done.get("changed"):
            yield f"the result says that something changed, but nothing has: {done.get('msg')}"
        if not same and not done.get("changed") and not self._scenario.settled:
            yield f"the result says that nothing changed, but something has: {done.get('msg')}"

    def _identity(self, ref: str) -> t.Optional[t.Tuple[str, t.Optional[str]]]:
        host = self._world.host
        pack = host.packs / ref
        if not (pack / "pack.yaml").exists():
            return None
        return str(yaml.safe_load((pack / "pack.yaml").read_text())["version"]), host.head(ref)
