# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The installed packs that those of a task need, and that the task itself does not name: they stay, and are listed."""

from __future__ import annotations

import typing as t

from .._change.database import Database
from .._content.installed import Installation, InstalledPack
from .dependencies import Pack, Providers, needs_of
from .plan import PackPlan, needs_virtualenv, state_of


class Needed:
    """The installed packs that others need, directly or by way of each other. StackStorm's own packs are left out.

    :arg packs: The packs that the task wants, none of which is among these.
    """

    def __init__(self, packs: t.Mapping[str, Pack], installation: Installation) -> None:
        providers = Providers(packs, installation)
        self._packs: t.Dict[str, InstalledPack] = {}
        self._asked: t.Dict[str, t.Dict[str, None]] = {}
        waiting: t.List[Pack] = list(packs.values())
        while waiting:
            for need in needs_of(waiting.pop(0)):
                pack = providers.find(need.request)
                if pack is None or pack.ref in packs or not isinstance(pack, InstalledPack) or pack.is_system:
                    continue
                self._asked.setdefault(pack.ref, {})[need.request.requested] = None
                if pack.ref not in self._packs:
                    self._packs[pack.ref] = pack
                    waiting.append(pack)

    def __iter__(self) -> t.Iterator[str]:
        """Their refs."""
        return iter(self._packs)

    def plans(self, database: Database, policy: str) -> t.Tuple[PackPlan, ...]:
        """The plans of packs that nothing happens to.

        :arg policy: The option C(virtualenv).
        """
        return tuple(
            PackPlan(
                ref=pack.ref,
                name=pack.name,
                action="none",
                virtualenv="skipped" if policy == "never" else "kept" if needs_virtualenv(policy, pack) else "none",
                base_path=pack.base_path,
                before=state_of(pack),
                after=state_of(pack),
                requested=tuple(self._asked[pack.ref]),
                known=database.pack(pack.ref, pack),
            )
            for pack in self._packs.values()
        )
