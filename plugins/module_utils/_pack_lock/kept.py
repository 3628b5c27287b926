# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What of a lock stays as it is: packs that are neither renewed nor asked for otherwise than before."""

from __future__ import annotations

import typing as t

from .._content.address import normal_url
from .._content.installed import Installation, InstalledPack
from .._content.origin import Source
from .._content.receipt import Receipt
from .._content.request import PackRequest, parse_spec
from .._errors import OptionError
from .._lock.document import Lock, LockedPack

_NOWHERE = "/nonexistent"


class KeptPacks(Installation):
    """The packs of a lock that stay, in place of what is installed: what they provide is not looked for again."""

    def __init__(self, packs: t.Iterable[LockedPack]) -> None:
        super().__init__(())
        self._kept = {pack.ref: _as_installed(pack) for pack in packs}

    def get(self, ref: str) -> t.Optional[InstalledPack]:
        """The pack with that ref."""
        return self._kept.get(ref)

    def refs(self) -> t.List[str]:
        """All refs, sorted."""
        return sorted(self._kept)


def kept_of(
    lock: Lock, requests: t.Sequence[PackRequest], update: t.FrozenSet[str]
) -> t.Tuple[t.Dict[str, LockedPack], t.List[PackRequest]]:
    """What stays, by ref, and the requests that have to be resolved.

    A request that the lock does not have as it is written is resolved, and so is every pack that it could mean.
    """
    by_request = {requested: pack for pack in lock.packs.values() for requested in pack.requested}
    kept = {ref: pack for ref, pack in lock.packs.items() if ref not in update}
    resolved = []
    for request in requests:
        pack = by_request.get(request.requested)
        if pack is None:
            resolved.append(request)
            for ref in [ref for ref, one in kept.items() if _could_be(request, one)]:
                del kept[ref]
        elif pack.ref in update:
            resolved.append(request)
    # Dropping one pack may have taken what another request was satisfied by.
    resolved += [
        request for request in requests if request not in resolved and by_request[request.requested].ref not in kept
    ]
    return kept, resolved


def reachable(packs: t.Mapping[str, LockedPack], refs: t.Iterable[str]) -> t.Dict[str, LockedPack]:
    """Packs with all that they depend on."""
    found: t.Dict[str, LockedPack] = {}
    waiting = list(refs)
    while waiting:
        ref = waiting.pop()
        if ref in packs and ref not in found:
            found[ref] = packs[ref]
            waiting += packs[ref].dependencies
    return found


def _could_be(request: PackRequest, pack: LockedPack) -> bool:
    if request.expected_ref:
        return request.expected_ref == pack.ref
    return normal_url(request.source or "") == normal_url(pack.source) and (request.subdir or "") == pack.subdir


def _as_installed(pack: LockedPack) -> InstalledPack:
    source = Source("directory" if pack.is_directory else "git", pack.source, pack.subdir)
    receipt = Receipt(
        pack.ref,
        pack.ref,
        pack.version,
        source,
        pack.resolved,
        commit=pack.commit,
        digest=pack.content if pack.is_directory else "",
        dependencies=tuple(pack.dependencies.values()),
        provided=dict(_provided(pack)),
    )
    return InstalledPack(pack.ref, pack.ref, _NOWHERE, _NOWHERE, _NOWHERE, pack.version, receipt=receipt)


def _provided(pack: LockedPack) -> t.Iterator[t.Tuple[str, str]]:
    """By address, what dependencies turned out to be."""
    for ref, asked in pack.dependencies.items():
        try:
            source = parse_spec(asked).source
        except OptionError:
            continue
        if source:
            yield normal_url(source), ref
