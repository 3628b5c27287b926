# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The plan of a registration: for each pack, what StackStorm's database lacks, and what it gets."""

from __future__ import annotations

import typing as t

from .._change.known import CURRENT, KnownPack
from .._change.telling import Registration, Telling
from .._st2.registration import PackFiles

if t.TYPE_CHECKING:
    from .._config.opening import Opening


class PackPlan(t.NamedTuple):
    """What happens to one pack.

    :arg known: What the database has of it, held against its files.
    :arg differences: What it does not have as the files say.
    :arg left_out: What StackStorm refuses of it, and leaves out.
    """

    files: PackFiles
    version: str
    known: KnownPack
    differences: t.Tuple[str, ...] = ()
    left_out: t.Tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """The ref of the pack."""
        return self.files.ref

    @property
    def registers(self) -> bool:
        """Whether the pack is registered."""
        return not self.known.settled

    @property
    def changed(self) -> bool:
        """Whether the database has something else of the pack afterwards."""
        return self.registers or bool(self.known.surplus)

    @property
    def database_state(self) -> str:
        """What the database has of the pack once this is done."""
        return self.known.becomes if self.registers else self.known.state


class Plan(t.NamedTuple):
    """What happens to all of them.

    :arg restarts: The services that go on with old configs afterwards.
    :arg elsewhere: The packs of which it is recorded on this host that another one has registered them.
    :arg openings: The config schemas that the database has of packs that have none any more.
    """

    packs: t.Tuple[PackPlan, ...] = ()
    types: t.Tuple[str, ...] = ()
    restarts: t.Tuple[str, ...] = ()
    elsewhere: t.Tuple[str, ...] = ()
    openings: t.Tuple[Opening, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the database is different afterwards."""
        return any(pack.changed for pack in self.packs)

    @property
    def acts(self) -> bool:
        """Whether there is anything to do."""
        return self.changed or bool(self.elsewhere)

    @property
    def parts(self) -> t.Mapping[str, t.Sequence[str]]:
        """No file changes."""
        return {}

    @property
    def registered(self) -> t.Tuple[PackFiles, ...]:
        """The packs that are registered."""
        return tuple(pack.files for pack in self.packs if pack.registers)

    @property
    def telling(self) -> Telling:
        """What StackStorm is told."""
        return Telling(
            register=tuple(Registration(files, self.types) for files in self.registered),
            delete=tuple(resource for pack in self.packs for resource in pack.known.surplus),
            known=tuple(pack.ref for pack in self.packs if not pack.registers and pack.known.state == CURRENT),
            elsewhere=self.elsewhere,
        )
