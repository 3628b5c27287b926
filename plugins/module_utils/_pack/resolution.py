# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What the requests of a task come to: packs that are there, or that are fetched."""

from __future__ import annotations

import typing as t

from .._content.installed import Installation, InstalledPack
from .._content.request import PackRequest
from .satisfaction import is_commit, satisfied

if t.TYPE_CHECKING:
    from .candidate import Candidate, Proof
    from .dependencies import Pack
    from .locked import Locked

TASK = "the task"


class Asked(t.NamedTuple):
    """A request with who made it: the task, or a pack that depends on it; and what a lock has for it."""

    request: PackRequest
    asker: str = TASK
    latest: bool = False
    locked: t.Optional[Locked] = None


class Resolution:
    """What the requests of a task came to.

    :ivar packs: By ref, in the order of the requests, dependencies after them: an installed pack that stays, or a
        candidate that replaces or joins what is installed.
    :ivar asked: By ref, the requests that came to it.
    :ivar proven: By ref, what the remote said of installed packs that are the ones wanted.
    :ivar provided: By address, the refs of the packs that were fetched for dependencies.
    """

    def __init__(self) -> None:
        self.packs: t.Dict[str, Pack] = {}
        self.asked: t.Dict[str, t.List[Asked]] = {}
        self.proven: t.Dict[str, Proof] = {}
        self.provided: t.Dict[str, str] = {}
        self.warnings: t.List[str] = []

    def askers(self) -> t.Dict[str, t.Tuple[str, str]]:
        """By ref, who asks for a pack and as what; of several the one that is the most particular."""
        first = {ref: next(filter(particular, asked), asked[0]) for ref, asked in self.asked.items()}
        return {ref: (asked.asker, asked.request.requested) for ref, asked in first.items()}

    def requested(self, ref: str) -> t.Tuple[str, ...]:
        """The requests that came to a pack, as they were written."""
        return tuple(dict.fromkeys(asked.request.requested for asked in self.asked[ref]))

    def candidates(self) -> t.Dict[str, Candidate]:
        """Those that have to be put in place."""
        from .candidate import Candidate

        return {ref: pack for ref, pack in self.packs.items() if isinstance(pack, Candidate)}


def particular(asked: Asked) -> bool:
    """Whether not just any version will do. The task that names a source means that source; a dependency without a
    version means the pack, wherever it comes from."""
    named = asked.request.kind != "index" and asked.asker == TASK
    return bool(asked.latest or asked.request.version or asked.request.digest or named)


def already_there(asked: Asked, installation: Installation) -> t.Optional[InstalledPack]:
    """The installed pack that satisfies a request as it is, found in files alone; C(None) when that cannot be said.

    The table is in the guide: docs/docsite/rst/guide_packs.rst.
    """
    request = asked.request
    if asked.locked:
        from .locked import installed_as_locked

        return installed_as_locked(asked.locked, installation)
    if request.kind != "index":
        return _already_there_from(asked, installation)
    pack = installation.get(request.name or "")
    return pack if pack and _serves(pack, asked) else None


def _already_there_from(asked: Asked, installation: Installation) -> t.Optional[InstalledPack]:
    """As L(already_there), for a request that names a source."""
    from .._content.origin import source_of
    from .own_source import digest_of, pack_at_source

    request = asked.request
    own = pack_at_source(request, installation)
    if own:
        return own if _is_meant(own, request) else None
    source = source_of(request.source or "", request.subdir or "")
    pack = installation.by_source(source.url, source.subdir)
    if pack is None or (request.ref and pack.ref != request.ref):
        return None
    if source.kind == "directory":
        digest = request.digest or digest_of(source)
        return pack if pack.receipt and pack.receipt.digest == digest else None
    return pack if _serves(pack, asked) else None


def _serves(pack: InstalledPack, asked: Asked) -> bool:
    """Whether a pack, known to be the one that is asked for, has the version asked for."""
    request = asked.request
    if pack.link and (asked.latest or request.version or not pack.is_there):
        return False
    if asked.latest and (not request.version or (_moves(pack) and not is_commit(request.version))):
        return pack.is_system and not request.version
    return satisfied(pack, request.version) and has_content(pack, request.digest)


def has_content(pack: InstalledPack, digest: t.Optional[str]) -> bool:
    """Whether a pack was installed with a content; C(None) is any."""
    return digest is None or bool(pack.receipt and digest in (pack.receipt.digest, pack.receipt.content))


def _is_meant(own: InstalledPack, request: PackRequest) -> bool:
    """Whether a pack that is the request's own source is all that the request asks for."""
    from .._content.origin import Source
    from .own_source import digest_of

    if request.ref not in (None, own.ref):
        return False
    if request.digest and digest_of(Source("directory", own.location)) != request.digest:
        return False
    return not request.version or not own.head or (not own.link and satisfied(own, request.version))


def _moves(pack: InstalledPack) -> bool:
    return pack.receipt is None or pack.receipt.resolved.kind in ("branch", "default")
