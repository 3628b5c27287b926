# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Sources that are the place of an installed pack itself: nothing is to be installed from there."""

from __future__ import annotations

import os
import typing as t

from .._content.installed import Installation, InstalledPack
from .._content.origin import Source
from .._content.request import PackRequest


def pack_at_source(request: PackRequest, installation: Installation) -> t.Optional[InstalledPack]:
    """The installed pack whose own directory is what a request names as its source, by whatever spelling, link or bind
    mount: there is nothing to install from there.

    What a request on behalf of the controller names is a directory of another machine, unless its content is the same.
    """
    path = local_path(request.source or "", request.subdir or "")
    if path is None or not os.path.isdir(path):
        return None
    found = next((pack for pack in installation.all() if is_same_directory(path, pack.location)), None)
    if found and request.controller:
        return found if digest_of(Source("directory", path)) == request.digest else None
    return found


def local_path(url: str, subdir: str) -> t.Optional[str]:
    """The directory of this host that a source is; C(None) for one elsewhere."""
    path = url[len("file://") :] if url.startswith("file://") else url
    return os.path.join(path, subdir) if os.path.isabs(path) else None


def is_same_directory(path: str, location: str) -> bool:
    """Whether a path leads to a directory, or to its git repository."""
    places = (path, os.path.dirname(os.path.realpath(path))) if path.rstrip("/").endswith(".git") else (path,)
    try:
        there = os.stat(location)
        return any(os.path.samestat(os.stat(one), there) for one in places)
    except OSError:
        return False


def digest_of(source: Source) -> str:
    """The digest of what a directory holds.

    :raises SourceError: when it cannot be read.
    """
    from .._source.directory import directory_digest, pack_path

    return directory_digest(pack_path(source.url, source.subdir))
