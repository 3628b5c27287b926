# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a session wants of a planner, and of the plans that it makes."""

from __future__ import annotations

import typing as t

from .telling import Telling

if t.TYPE_CHECKING:
    from .journal import Move


class Plan(t.Protocol):
    """What a task is going to change: a pure value, from which check mode and the diff are told as well."""

    @property
    def changed(self) -> bool:
        """Whether anything will be different."""

    @property
    def acts(self) -> bool:
        """Whether there is anything to do, if only to remember something."""

    @property
    def parts(self) -> t.Mapping[str, t.Sequence[str]]:
        """By ref, the parts whose files change, as L(records.PARTS)."""


P = t.TypeVar("P", bound=Plan)


class Planner(t.Protocol[P]):
    """Makes a plan from one view of the host."""

    @property
    def warnings(self) -> t.Sequence[str]:
        """What the person who wrote the task should know."""

    def at_rest(self) -> t.Optional[P]:
        """The plan when there is nothing to do, found without network and programs; C(None) when there may be."""

    def make(self) -> P:
        """The plan, with what it needs fetched into staging.

        :raises St2Error: when what is asked cannot be had; nothing has been changed then.
        """

    def stage(self, plan: P) -> Staged:
        """Prepare all files of a plan aside."""

    def verify(self, plan: P) -> None:
        """Read the host again, and compare its files with the plan.

        :raises VerifyError: naming what is different.
        """

    def verify_database(self, plan: P) -> None:
        """Read StackStorm's database, and compare what was registered with the plan.

        :raises VerifyError: naming what is different.
        """


class Staged(t.NamedTuple):
    """What was prepared for one change.

    :arg moves: Put the files in place.
    :arg closing: Are made once StackStorm was told.
    :arg telling: What StackStorm is told.
    :arg forgets: Packs of which nothing is kept that goes.
    :arg undoes: The change set that this goes back on; empty for none.
    """

    moves: t.Sequence[Move] = ()
    closing: t.Sequence[Move] = ()
    telling: Telling = Telling()
    forgets: t.Tuple[str, ...] = ()
    undoes: str = ""

    def join(self, other: Staged) -> Staged:
        """Both as one change."""
        return Staged(
            (*self.moves, *other.moves),
            (*self.closing, *other.closing),
            self.telling.join(other.telling),
            (*self.forgets, *other.forgets),
            self.undoes or other.undoes,
        )
