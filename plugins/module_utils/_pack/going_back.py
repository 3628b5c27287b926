# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Going back: which kept release is what a request asks for, so that no network is needed."""

from __future__ import annotations

import typing as t

from .._content.installed import Installation, InstalledPack
from .._content.origin import source_of
from .._content.request import PackRequest
from .._layout import SYSTEM_PACKS, PacksDirectory, entries
from .releases import kept_packs
from .resolution import has_content
from .satisfaction import pinned, same_source


def kept_for(request: PackRequest, installation: Installation) -> t.Iterator[InstalledPack]:
    """The kept releases that are what a request asks for, newest first: tags and commits, which nothing upstream can
    change, and directories by their digest.

    A name means the source that the pack has now; of a pack that is not there, the one that it had.
    """
    for directory in installation.directories:
        for ref in _refs(request, directory, installation):
            for kept in reversed(kept_packs(directory, ref)):
                if _is_meant(request, kept) and _is_from_there(request, kept, installation):
                    yield kept


def _refs(request: PackRequest, directory: PacksDirectory, installation: Installation) -> t.List[str]:
    ref = request.expected_ref
    if ref is None and request.source and request.kind != "path":
        source = source_of(request.source, request.subdir or "")
        installed = installation.by_source(source.url, source.subdir)
        ref = installed.ref if installed else None
    found = [ref] if ref else entries(directory.releases)
    return [one for one in found if one not in SYSTEM_PACKS]


def _is_meant(request: PackRequest, kept: InstalledPack) -> bool:
    if request.digest and request.kind == "path":
        return kept.receipt is not None and kept.receipt.digest == request.digest and not kept.receipt.commit
    return pinned(kept, request.version) and has_content(kept, request.digest)


def _is_from_there(request: PackRequest, kept: InstalledPack, installation: Installation) -> bool:
    if request.digest and request.kind == "path":
        return True
    if request.kind != "index":
        return same_source(kept, source_of(request.source or "", request.subdir or ""))
    installed = installation.get(kept.ref)
    if kept.source is None or kept.source.subdir != (request.subdir or ""):
        return False
    return installed is None or installed.source is None or same_source(kept, installed.source)
