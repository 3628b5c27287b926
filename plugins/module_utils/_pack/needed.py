# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The installed packs that those of a task need, and that the task itself does not name: they stay, and are listed."""

from __future__ import annotations

import typing as t

from .._change.known import KnownPack
from .._content.installed import Installation, InstalledPack
from .dependencies import Pack, Providers, needs_of
from .plan import PackPlan, needs_virtualenv, state_of

Needed = t.Dict[str, t.Tuple[InstalledPack, t.Tuple[str, ...]]]


def needed_by(packs: t.Mapping[str, Pack], installation: Installation) -> Needed:
    """By ref, the installed packs that others need, directly or by way of each other, with what asks for them.

    StackStorm's own packs are left out.

    :arg packs: The packs that the task wants, none of which is among the result.
    """
    providers = Providers(packs, installation)
    asked: t.Dict[str, t.Dict[str, None]] = {}
    found: t.Dict[str, InstalledPack] = {}
    waiting: t.List[Pack] = list(packs.values())
    while waiting:
        for need in needs_of(waiting.pop(0)):
            pack = providers.find(need.request)
            if pack is None or pack.ref in packs or not isinstance(pack, InstalledPack) or pack.is_system:
                continue
            asked.setdefault(pack.ref, {})[need.request.requested] = None
            if pack.ref not in found:
                found[pack.ref] = pack
                waiting.append(pack)
    return {ref: (pack, tuple(asked[ref])) for ref, pack in found.items()}


def as_it_is(pack: InstalledPack, requested: t.Tuple[str, ...], known: KnownPack, policy: str) -> PackPlan:
    """A pack that nothing happens to."""
    virtualenv = "kept" if needs_virtualenv(policy, pack) else "none"
    return PackPlan(
        ref=pack.ref,
        name=pack.name,
        action="none",
        virtualenv="skipped" if policy == "never" else virtualenv,
        base_path=pack.base_path,
        before=state_of(pack),
        after=state_of(pack),
        requested=requested,
        known=known,
    )
