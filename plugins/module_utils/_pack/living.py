# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which packs are there, or kept as earlier releases; and what stays as long as these: blobs of bundles, and plans that
were staged."""

from __future__ import annotations

import os
import typing as t

from .._bundle.cache import BlobCache
from .._content.receipt import read_receipt
from .._layout import PacksDirectory, entries
from .releases import kept_packs

if t.TYPE_CHECKING:
    from .._change.session import View

_RECEIPT = ".json"
_CONTENTS = ".contents.json"


def clean(view: View, directory: PacksDirectory) -> None:
    """Remove what nobody can want once a plan is carried out: blobs, and plans that were staged long ago.

    :arg directory: Where blobs are.
    :raises OSError: as the file system gives it.
    """
    clean_blobs(directory.blobs, view.host.packs_base_paths)
    if os.path.isdir(directory.plans):
        from .._change.kept_plans import KeptPlans
        from .._change.own_places import OwnPlaces

        KeptPlans(OwnPlaces(view.host), view.now).clean(())


def clean_blobs(place: str, packs_base_paths: t.Iterable[str]) -> None:
    """Remove the blobs that no pack needs any more.

    :arg place: Where blobs are.
    :raises OSError: as the file system gives it.
    """
    if os.path.isdir(place):
        BlobCache(place).clean({held for path in packs_base_paths for held in _held(PacksDirectory(path))})


def _held(directory: PacksDirectory) -> t.Iterator[str]:
    """The commits, and digests of content, of packs that are installed in a directory or kept beside."""
    for name in entries(directory.receipts):
        if name.endswith(_RECEIPT) and not name.endswith(_CONTENTS):
            receipt = read_receipt(directory, name[: -len(_RECEIPT)])
            yield from (receipt.commit, receipt.digest) if receipt else ()
    for ref in entries(directory.releases):
        for kept in kept_packs(directory, ref):
            yield kept.commit or ""
            yield from (kept.receipt.commit, kept.receipt.digest) if kept.receipt else ()
