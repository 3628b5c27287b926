# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What has a pack's place without being one that may be replaced: refused, or kept and named, never destroyed."""

from __future__ import annotations

import os
import typing as t

from .._content.installed import Installation, InstalledPack
from .._content.obstacle import obstacle
from .._content.origin import source_of
from .._errors import HostError
from .._layout import PacksDirectory
from . import releases
from .candidate import Candidate
from .own_source import is_same_directory, local_path, pack_at_source
from .resolution import Asked

_REMEDIES = {
    "mount": "change the pack where it is mounted from, or unmount it first",
    "link": "remove the link first (state=absent does, without touching its target)",
    "file": "check what it is, and move it away",
}


class Displaced(t.NamedTuple):
    """A directory that is no pack and makes room for one.

    :arg text: What it is.
    :arg kept: Where it is kept, for good: no run removes it.
    """

    text: str
    kept: str


def displaced_by(directory: PacksDirectory, ref: str, label: str) -> t.Optional[Displaced]:
    """What makes room for a pack that comes new or is replaced; C(None) for nothing, or for a pack.

    :arg label: The pack that comes, for messages.
    :raises HostError: for what is never moved away.
    """
    place = directory.pack(ref)
    found = obstacle(directory.now(place))
    if found is None:
        return None
    if found.kind == "directory":
        return Displaced(found.text, os.path.join(releases.next_release(directory, ref, releases.NO_PACK), "pack"))
    raise HostError(
        f"{place} is {found.text}, and not replaced by {label}. Nothing was changed: {_REMEDIES[found.kind]}.", ref=ref
    )


def check_removal(directory: PacksDirectory, ref: str) -> None:
    """:raises HostError: when a pack cannot be removed since it is a mount point."""
    place = directory.pack(ref)
    found = obstacle(directory.now(place))
    if found and found.kind == "mount":
        raise HostError(
            f"{place} is {found.text}, and not removed. Nothing was changed: {_REMEDIES['mount']}, or take {ref} off "
            "the list.",
            ref=ref,
        )


def linked(pack: InstalledPack, label: str) -> HostError:
    """Why a pack that is a symbolic link is not replaced.

    :arg label: What is asked for.
    """
    return HostError(
        f"{pack.path} is a symbolic link to {pack.link}, as developers use them, and not replaced by {label}: "
        f"{_REMEDIES['link']}, or request {pack.ref} in any version.",
        ref=pack.ref,
    )


def own_source(pack: InstalledPack, label: str) -> HostError:
    """Why a pack is not installed from its own directory, in another version than it has there."""
    return HostError(
        f"{label} names {pack.path} as its source, which is the place of the installed pack {pack.ref} itself: a pack "
        "is never put on itself. Nothing was changed: check out there what is wanted, or name another source.",
        ref=pack.ref,
    )


def check_asked(asked: Asked, installation: Installation) -> None:
    """Refuse what is known to end in replacing a pack that must not be, before anything is fetched for it.

    :raises HostError: naming what is there.
    """
    request, locked = asked.request, asked.locked
    own = None if locked else pack_at_source(request, installation)
    if own:
        raise own_source(own, request.requested)
    ref = locked.ref if locked else request.expected_ref
    installed = installation.get(ref) if ref else None
    if installed is None and request.source and not request.controller and not locked:
        source = source_of(request.source, request.subdir or "")
        installed = installation.by_source(source.url, source.subdir)
    if installed and installed.link:
        raise linked(installed, request.requested + (" with state=latest" if asked.latest else ""))


def check_replaceable(candidate: Candidate, installation: Installation) -> None:
    """Refuse to replace a pack by one that was fetched, where it must not be.

    :raises HostError: naming what is there.
    """
    installed = installation.get(candidate.ref)
    if installed is None:
        return
    label = f"{candidate.ref} {candidate.metadata.version}"
    source = candidate.wanted.source
    path = None if candidate.wanted.controller else local_path(source.url, source.subdir)
    if path and is_same_directory(path, installed.location):
        raise own_source(installed, label)
    if installed.link:
        raise linked(installed, label)
