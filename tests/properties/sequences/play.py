# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One sequence from its first step to its last, with all that must hold; and a shorter one that fails alike."""

from __future__ import annotations

import dataclasses
import tempfile
import traceback
import typing as t
from pathlib import Path

from infrastructure.snapshot import Snapshot

from .catalogue import REFS, Upstream
from .children import Broken
from .properties import (
    Moment,
    Violation,
    check_again,
    check_by_hand,
    check_healed,
    check_prediction,
    check_put_back,
    concerned,
)
from .results import Change, check_restored, check_truth
from .steps import ByHand, Run, Sequence, Step
from .truth import Truth, look
from .world import Said, World

_MOST_TRIES = 60


@dataclasses.dataclass(frozen=True)
class Failure:
    """A sequence that does not hold.

    :arg number: Of the step, from 1.
    :arg letter: Of the property; empty for an exception.
    """

    sequence: Sequence
    number: int
    letter: str
    text: str
    said: str

    def __str__(self) -> str:
        return f"{self.sequence.script()}\n\nafter step {self.number}: {self.text}\n\nit said: {self.said}"

    @property
    def likeness(self) -> t.Tuple[str, str]:
        """By what it is told from another."""
        return self.letter, self.text.split(":")[0][:60]


def play(
    sequence: Sequence, upstream: Upstream, count: t.Callable[[str], None] = lambda _what: None
) -> t.Optional[Failure]:
    """Play a sequence; return how it failed, if it did.

    :arg count: Is told of everything that happened, for statistics.
    """
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), upstream)
        player = _Player(world, count)
        try:
            for number, step in enumerate(sequence.steps, 1):
                try:
                    player.take(step)
                except Violation as violation:
                    return Failure(sequence, number, violation.letter, str(violation), player.words())
                except Broken as error:
                    return Failure(sequence, number, "", f"an exception in a child: {error}", player.words())
                except Exception:
                    return Failure(sequence, number, "", f"an exception: {traceback.format_exc()}", player.words())
        finally:
            world.close()
    return None


class _Player:
    def __init__(self, world: World, count: t.Callable[[str], None]) -> None:
        self._world = world
        self._count = count
        self._made: t.Dict[t.Tuple[str, str], t.Any] = {}
        self._pasts: t.List[Truth] = []
        self._truth = look(world)
        self._agreed: t.Set[t.Tuple[str, str]] = set(self._truth.agreeing)
        self._said: t.Optional[Said] = None
        self._meddled = False
        self._excused: t.Set[str] = set()
        self._silent: t.List[t.Tuple[t.Collection[str], Snapshot]] = []
        self._changes: t.Dict[str, Change] = {}

    def words(self) -> str:
        """What the last task said."""
        said = self._said
        return said.summary() if said else "nothing"

    def take(self, step: Step) -> None:
        """Take a step, and look whether all holds."""
        if isinstance(step, ByHand):
            self._by_hand(step)
        else:
            self._run(step)

    def _by_hand(self, step: ByHand) -> None:
        resource = self._world.do(step)
        self._count(f"by hand: {step.what}")
        self._truth = look(self._world)
        if resource is not None:
            key = f"{resource['pack']}.{resource['name']}"
            self._made[step.kind, key] = self._truth.database[step.kind][key]
        if step.path:
            self._meddled = self._meddled or step.path.startswith("overrides/")
            # Whatever the database has of it is another thing now.
            self._agreed = {one for one in self._agreed if one in self._truth.agreeing}

    def _run(self, step: Run) -> None:
        world, before = self._world, self._truth
        untouched, database = world.files(identity=True), world.stackstorm.database.everything()
        predicted = world.play(step, check=True)
        assert predicted is not None
        self._said = predicted
        if world.files(identity=True) != untouched or world.stackstorm.database.everything() != database:
            raise Violation("b", "check mode changes something")
        said = world.play(step)
        self._truth = after = look(world)
        if said is None:
            self._count("killed")
            self._pasts.append(before)
            if step.register == "none":
                self._silent.append((concerned(step), before.files))
            return
        self._said = said
        if "keeps" in said.message:
            self._excused |= set(REFS)
        moment = Moment(world, step, before, predicted, said, after, tuple(self._pasts), self._excused, self._silent)
        self._count(f"{step.register} {step.module}{step.phase and f' {step.phase}'} {_word(said)}")
        check_truth(moment)
        check_prediction(moment)
        check_by_hand(moment, self._made)
        if step.module == "st2_rollback":
            check_restored(moment, self._changes)
        if "change" in said.returned and not self._pasts:
            self._changes[said.returned["change"]] = (before.files, after.files)
        if moment.failed:
            check_put_back(moment)
        if self._pasts:
            check_healed(moment, self._agreed)
        self._settle(moment)
        if not moment.failed and not moment.puts_off:
            self._again(moment)

    def _settle(self, moment: Moment) -> None:
        """Note whether all is in order now."""
        if moment.step.register == "none":
            # What was changed behind StackStorm's back agrees no more, and rightly so.
            touched = moment.touched
            self._agreed = {one for one in self._agreed if one in moment.after.agreeing or one[0] not in touched}
        if moment.puts_off:
            self._pasts.append(moment.before)
        elif not self._pasts or moment.step.register != "none":
            self._pasts.clear()
            self._silent.clear()
            self._agreed = set(moment.after.agreeing)

    def _again(self, moment: Moment) -> None:
        step = dataclasses.replace(moment.step, trouble=None)
        left = self._world.files(identity=True)
        again = self._world.play(step)
        assert again is not None
        self._said = again
        self._truth = look(self._world)
        check_again(moment, again, left, self._world.files(identity=True), self._truth, self._meddled)


def _word(said: Said) -> str:
    if said.failure:
        return f"failed: {said.failure[0]}"
    return "changed" if said.changed else "ok"


def shorter(failure: Failure, upstream: Upstream) -> Failure:
    """The failure of a shorter sequence that fails alike, if there is one."""
    tries = 0
    found = failure
    progress = True
    while progress and tries < _MOST_TRIES:
        progress = False
        for steps in _shorter_steps(found):
            tries += 1
            again = play(Sequence(found.sequence.seed, steps), upstream)
            if again is not None and again.likeness == failure.likeness:
                found, progress = again, True
                break
            if tries >= _MOST_TRIES:
                break
    return found


def _shorter_steps(failure: Failure) -> t.Iterator[t.Tuple[Step, ...]]:
    steps = failure.sequence.steps[: failure.number]
    if len(steps) < len(failure.sequence.steps):
        yield steps
    for number in range(len(steps) - 1):
        yield (*steps[:number], *steps[number + 1 :])
    for number, step in enumerate(steps):
        for simpler in _simpler(step):
            yield (*steps[:number], simpler, *steps[number + 1 :])


def _simpler(step: Step) -> t.Iterator[Step]:
    if not isinstance(step, Run):
        return
    if step.trouble is not None:
        yield dataclasses.replace(step, trouble=None)
    if step.host != "a":
        yield dataclasses.replace(step, host="a")
    for name in step.arguments:
        if name not in ("packs", "pack"):
            arguments = {key: value for key, value in step.arguments.items() if key != name}
            yield dataclasses.replace(step, arguments=arguments)
    items = step.items
    for number, item in enumerate(items):
        yield _with_items(step, [*items[:number], *items[number + 1 :]])
        for name in item:
            if name not in ("name", "source", "state"):
                fewer = {key: value for key, value in item.items() if key != name}
                yield _with_items(step, [*items[:number], fewer, *items[number + 1 :]])


def _with_items(step: Run, items: t.Sequence[t.Any]) -> Run:
    return dataclasses.replace(step, arguments={**step.arguments, "packs": list(items)})
