# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""All installed packs as requests: C(name: "*") with C(state: latest) upgrades each from where it came."""

from __future__ import annotations

import typing as t

from .._content.address import normal_url
from .._content.installed import Installation, InstalledPack
from .._content.request import ALL, PackRequest
from .._errors import OptionError
from .resolution import Asked

if t.TYPE_CHECKING:
    from .._source.index import IndexEntry

_MOVING = ("branch", "default")


def request_for_all(params: t.Mapping[str, t.Any]) -> PackRequest:
    """The request that stands for all.

    :raises OptionError: for a task that it does not go with.
    """
    if params["state"] != "latest" or params["exclusive"]:
        raise OptionError(f'The name "{ALL}" means all installed packs, and requires state=latest without exclusive.')
    return PackRequest(ALL, name=ALL)


def latest_of_all(installation: Installation, listed: t.Callable[[str], t.Optional[IndexEntry]]) -> t.Iterator[Asked]:
    """What is to be the latest of each installed pack, but StackStorm's own.

    A pack of the index is asked for by its name, one that follows a branch or is a directory by its source. Others stay
    as they are: links of developers, and those of a tag or commit of a repository that is in no index.

    :arg listed: The entry of a ref in the indexes, C(None) for none.
    """
    for pack in installation.all():
        if pack.is_system:
            continue
        if pack.link:
            yield _asked(pack, latest=False)
            continue
        entry = listed(pack.ref)
        source, receipt = pack.source, pack.receipt
        if entry and (source is None or normal_url(source.url) == normal_url(entry.repo_url)):
            yield _asked(pack)
        elif receipt and (receipt.resolved.kind in _MOVING or receipt.source.kind == "directory"):
            version = receipt.resolved.name if receipt.resolved.kind == "branch" else None
            yield _asked(pack, source=receipt.source.url, version=version, subdir=receipt.source.subdir or None)
        else:
            yield _asked(pack, latest=False)


def _asked(pack: InstalledPack, *, latest: bool = True, source: t.Optional[str] = None, **more: t.Any) -> Asked:
    request = PackRequest(ALL, name=None if source else pack.ref, source=source, ref=pack.ref, state="latest", **more)
    return Asked(request, latest=latest)
