# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What the requests of a task come to: packs that are there, or that are fetched."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._content.installed import Installation, InstalledPack
from .._content.origin import Resolved, Source, source_of
from . import dependencies
from .candidate import Candidate, Wanted
from .own_source import digest_of, pack_at_source
from .request import PackRequest
from .satisfaction import is_commit, satisfied

TASK = "the task"


class Asked(t.NamedTuple):
    """A request with who made it: the task, or a pack that depends on it."""

    request: PackRequest
    asker: str = TASK
    latest: bool = False


class Proof(t.NamedTuple):
    """That an installed pack is what a wanted means now, and how it was found."""

    wanted: Wanted
    resolved: Resolved


@dataclass
class Resolution:
    """What the requests of a task came to.

    :arg packs: By ref, in the order of the requests, dependencies after them: an installed pack that stays, or a
        candidate that replaces or joins what is installed.
    :arg asked: By ref, the requests that came to it.
    :arg proven: By ref, what the remote said of installed packs that are the ones wanted.
    """

    packs: t.Dict[str, dependencies.Pack] = field(default_factory=dict)
    asked: t.Dict[str, t.List[Asked]] = field(default_factory=dict)
    proven: t.Dict[str, Proof] = field(default_factory=dict)
    warnings: t.List[str] = field(default_factory=list)

    def askers(self) -> t.Dict[str, t.Tuple[str, str]]:
        """By ref, who asks for a pack and as what; of several the one that is the most particular."""
        first = {ref: next(filter(particular, asked), asked[0]) for ref, asked in self.asked.items()}
        return {ref: (asked.asker, asked.request.requested) for ref, asked in first.items()}

    def candidates(self) -> t.Dict[str, Candidate]:
        """Those that have to be put in place."""
        return {ref: pack for ref, pack in self.packs.items() if isinstance(pack, Candidate)}


def particular(asked: Asked) -> bool:
    """Whether not just any version will do. The task that names a source means that source; a dependency without a
    version means the pack, wherever it comes from."""
    named = asked.request.kind != "index" and asked.asker == TASK
    return bool(asked.latest or asked.request.version or named)


def already_there(asked: Asked, installation: Installation) -> t.Optional[InstalledPack]:
    """The installed pack that satisfies a request as it is, found in files alone; C(None) when that cannot be said.

    The table is in the guide: docs/docsite/rst/guide_packs.rst.
    """
    request = asked.request
    own = pack_at_source(request, installation)
    if own:
        return own if _is_meant(own, request) else None
    if request.kind == "index":
        pack = installation.get(request.name or "")
    else:
        source = source_of(request.source or "", request.subdir or "")
        pack = installation.by_source(source.url, source.subdir)
        if pack and request.ref and pack.ref != request.ref:
            return None
        if pack and source.kind == "directory":
            digest = request.digest or digest_of(source)
            return pack if pack.receipt and pack.receipt.digest == digest else None
    if pack is None or (pack.link and (asked.latest or request.version or not pack.is_there)):
        return None
    if asked.latest and (not request.version or (_moves(pack) and not is_commit(request.version))):
        return pack if pack.is_system and not request.version else None
    return pack if satisfied(pack, request.version) else None


def _is_meant(own: InstalledPack, request: PackRequest) -> bool:
    """Whether a pack that is the request's own source is all that the request asks for."""
    if request.ref not in (None, own.ref):
        return False
    if request.digest and digest_of(Source("directory", own.location)) != request.digest:
        return False
    return not request.version or not own.head or (not own.link and satisfied(own, request.version))


def _moves(pack: InstalledPack) -> bool:
    return pack.receipt is None or pack.receipt.resolved.kind in ("branch", "default")
