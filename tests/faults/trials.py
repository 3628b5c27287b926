# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials: disturb a run, look at the host, let the next run predict and then do the rest, look again."""

from __future__ import annotations

import collections
import dataclasses
import random
import time
import typing as t

from infrastructure.st2_host import ActionFailed

from . import inspection
from .boundaries import BULK, STEP, working_below
from .module_runs import Execution
from .scenarios import Scenario
from .world import World

SAMPLE = 4
"""Of so many trials one also runs actions, compares the inodes of a check run, and runs once more to change nothing."""


@dataclasses.dataclass
class Findings:
    """What came of the trials of one scenario."""

    scenario: str
    trials: t.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    violations: t.Dict[str, t.List[str]] = dataclasses.field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    actions: int = 0


Moment = t.TypeVar("Moment")


class Trials(t.Generic[Moment]):
    """The trials of one scenario. First it is run to its end, which says what is right.

    :arg seed: what the choice of moments depends on.
    """

    def __init__(self, world: World, scenario: Scenario, seed: int) -> None:
        self.findings = Findings(scenario.name)
        self._world = world
        self._scenario = scenario
        self._arguments = scenario.request(world)
        self._random = random.Random(f"{seed} {scenario.name}")
        self._sides = self._observe_sides()
        self._steps, self._bulk = world.record(self._arguments, exchange=scenario.exchange)
        self._new = self._sides["new"] = inspection.normal_content(world.host)
        self._refs = {path.split("/")[-1] for path in inspection.packs_and_virtualenvs(*self._sides.values())}
        wrong = list(self._problems_of_actions(self._new))
        assert not wrong, wrong
        self._restore()
        self._duration = world.runs.run(self._arguments, exchange=scenario.exchange).seconds
        wrong = inspection.differences(self._new, inspection.normal_content(world.host))
        assert not wrong, f"{scenario.name} does not come to the same each time: {wrong}"
        self.findings.steps = len(self._steps)

    def _observe_sides(self) -> t.Dict[str, inspection.Content]:
        """Return what packs and virtualenvs may be like, but for the new ones; the host is in its first state then."""
        world, scenario = self._world, self._scenario
        sides = {}
        for name, state in (("third", scenario.third), ("old", scenario.settled or scenario.state)):
            if state:
                world.restore(state, layered=scenario.layered)
                sides[name] = inspection.normal_content(world.host)
        self._restore()
        return sides

    def _restore(self) -> None:
        self._world.restore(self._scenario.state, layered=self._scenario.layered)

    def make(self, count: int) -> Findings:
        """Make ``count`` trials, or as many as there are moments to choose from."""
        started = time.monotonic()
        for moment in self._choose(count):
            self.attempt(moment)
        self.findings.seconds = time.monotonic() - started
        return self.findings

    def attempt(self, moment: Moment) -> None:
        """Make one trial."""
        raise NotImplementedError

    def _choose(self, count: int) -> t.List[Moment]:
        raise NotImplementedError

    def _note(self, moment: t.Any, problems: t.List[str]) -> None:
        labels = {STEP: self._steps, BULK: self._bulk}.get(moment.kind, [])
        label = f"before: {labels[moment.number]}" if moment.number < len(labels) else "between steps"
        if problems:
            self.findings.violations[str(moment)] = [label, *problems]

    # What is looked at

    def _problems(self, number: int) -> t.Iterator[str]:
        host, runs = self._world.host, self._world.runs
        yield from self._problems_now(number)
        before = {}
        if number % SAMPLE == 0:
            self._wait_for_programs()
            before = host.snapshot(identity=True)
        predicted = runs.run(self._arguments, check=True)
        if before:
            touched = inspection.touched(before, host.snapshot(identity=True))
            if touched:
                yield f"the check run changed {touched[:5]}"
        done = runs.run(self._arguments, exchange=self._scenario.exchange)
        if done.failed:
            yield f"the next run failed: {done.everything}"
            return
        yield from _broken_promises(predicted, done)
        left = inspection.debris(host)
        if left:
            yield f"the next run left debris: {left}"
        wrong = inspection.differences(self._new, inspection.normal_content(host))
        if wrong:
            yield f"the next run did not come to what a run comes to: {wrong}"
        if number % SAMPLE == 0:
            again = runs.run(self._arguments)
            if again.failed or again.get("changed"):
                yield f"the run after that was not satisfied: {again.everything}"

    def _wait_for_programs(self) -> None:
        """Wait, for a minute at most, until programs have ended that a kill has left alone: they write meanwhile."""
        deadline = time.monotonic() + 60
        while working_below(str(self._world.host.root)) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _problems_now(self, number: int) -> t.Iterator[str]:
        host = self._world.host
        now = inspection.normal_content(host)
        torn = inspection.torn(now, self._sides)
        if not self._scenario.exchange:
            torn = [line for line in torn if not line.endswith(" is missing")]
        if not self._scenario.layered:
            yield from torn
        found = inspection.strangers(host, self._refs)
        if found:
            yield f"StackStorm would see {found}"
        if number % SAMPLE == 0:
            yield from self._problems_of_actions(now)

    def _problems_of_actions(self, now: inspection.Content) -> t.Iterator[str]:
        """Run an action of each pack whose virtualenv is of the same side as the pack, as one of them is too."""
        for ref in sorted(self._refs):
            pack, virtualenv = f"opt/stackstorm/packs/{ref}", f"opt/stackstorm/virtualenvs/{ref}"
            if f"{pack}/actions/report.py" not in now or f"{virtualenv}/bin/python" not in now:
                continue
            both = inspection.side(now, self._sides, pack) & inspection.side(now, self._sides, virtualenv)
            if not both or (self._scenario.broken and "old" in both):
                continue
            try:
                answer = self._world.host.run_action(ref, "report")
            except ActionFailed as error:
                yield f"the action of {ref} does not run: {error}"
            else:
                self.findings.actions += 1
                if answer["version"] != self._world.host.pack_version(ref):
                    yield f"the action of {ref} answers {answer}"


def _broken_promises(predicted: Execution, done: Execution) -> t.Iterator[str]:
    """Compare all that a check run has to predict with what the run did."""
    for name in ("changed", "msg", "failed"):
        if predicted.get(name) != done.get(name):
            yield f"the check run said {name} {predicted.get(name)}, the run {done.get(name)}"
    for name in ("packs", "diff"):
        said, did = predicted.get(name) or [], done.get(name) or []
        if len(said) != len(did):
            yield f"the check run said {name} {said}, the run {did}"
        for one, other in zip(said, did):
            differing = [key for key in {*one, *other} if one.get(key) != other.get(key)]
            if differing:
                yield f"{name}: {[(key, one.get(key), other.get(key)) for key in differing]} of {one}"
