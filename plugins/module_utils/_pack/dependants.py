# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Who depends on whom: installed packs on what a task changes, and packs on all that they need. Pure rules."""

from __future__ import annotations

import typing as t

from .._content.installed import Installation, InstalledPack
from .._errors import DependencyError
from .._layout import SYSTEM_PACKS
from .candidate import Candidate
from .dependencies import Pack, Providers, is_provided, label, needs_of


def check_dependants(wanted: t.Mapping[str, Pack], installation: Installation) -> None:
    """Look whether the new versions suit the installed packs that the task does not mention.

    :raises DependencyError: when one of those needs another version.
    """
    for pack in _others(installation, wanted):
        for need in needs_of(pack):
            provider = Providers(wanted, installation).find(need.request)
            if isinstance(provider, Candidate) and not is_provided(need, provider):
                raise DependencyError(
                    f"{need} (installed), but this task installs {label(provider)}. Nothing was changed: upgrade "
                    f"{pack.ref} too, or set dependencies to skip.",
                    ref=provider.ref,
                )


def needed_by(wanted: t.Mapping[str, Pack], installation: Installation) -> t.Set[str]:
    """The refs of packs and of all they depend on, whatever that depends on included."""
    providers = Providers(wanted, installation)
    found: t.Set[str] = set()
    waiting: t.List[Pack] = list(wanted.values())
    while waiting:
        pack = waiting.pop()
        if pack.ref not in found:
            found.add(pack.ref)
            waiting += [
                found_pack for need in needs_of(pack) for found_pack in (providers.find(need.request),) if found_pack
            ]
    return found


def check_removal(refs: t.Sequence[str], installation: Installation, wanted: t.Mapping[str, Pack]) -> None:
    """Look whether a pack that stays or comes needs one that is to go.

    :arg wanted: What the task asks for; it counts instead of what is installed.
    :raises DependencyError: naming every such pack.
    """
    broken = []
    providers = Providers(wanted, installation)
    others = (*_others(installation, {*refs, *wanted}), *wanted.values())
    for pack in (one for one in others if one.ref not in SYSTEM_PACKS):
        for need in needs_of(pack):
            provider = providers.find(need.request)
            if provider and provider.ref in refs:
                broken.append(f"{label(pack)} needs {provider.ref}")
    if broken:
        raise DependencyError(
            f"Remaining packs depend on packs that would be removed: {'; '.join(sorted(set(broken)))}. Nothing was "
            "changed: remove those too, or set dependencies to skip."
        )


def _others(installation: Installation, refs: t.Container[str]) -> t.Iterator[InstalledPack]:
    return (pack for pack in installation.all() if pack.ref not in refs and not pack.is_system)
