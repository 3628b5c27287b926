# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""All files of an index that is built, with its page and its signature, as they are to be published."""

from __future__ import annotations

import typing as t

from .build import Built
from .document import Document, listed_packs, make_document, read_document
from .published_files import COMPRESSED, INDEX, SIGNATURE, compressed, published_files
from .release import Place

if t.TYPE_CHECKING:
    from .signing import Signer

Packs = t.Mapping[str, t.Mapping[str, t.Any]]
_UNSIGNED = b"is signed when it is published"


class Publication(t.NamedTuple):
    """What is to be published.

    :arg files: The content of each file by its path.
    :arg before: The entries that are published until now.
    """

    files: t.Dict[str, bytes]
    document: Document
    before: Packs


def make_publication(
    place: Place,
    built: Built,
    *,
    epoch: t.Optional[str],
    page: t.Optional[t.Callable[[Document, Packs], t.Mapping[str, bytes]]] = None,
    signer: t.Optional[Signer] = None,
    check: bool = False,
) -> Publication:
    """Everything that is to be there.

    :arg epoch: C(SOURCE_DATE_EPOCH).
    :arg page: Makes the files of the page.
    :arg check: Whether nothing is to be signed, since nothing is published.
    :raises St2Error: when something of it cannot be made.
    """
    previous = read_document(place.read(INDEX))
    before = listed_packs(previous)
    document = make_document(built.entries, newest=built.newest, previous=previous, epoch=epoch)
    files = published_files(built.entries, built.descriptions, document.content)
    files[COMPRESSED] = compressed(document.content, place.read(COMPRESSED))
    if page:
        files.update(page(document, before))
    if signer:
        signature = place.read(SIGNATURE)
        if not signer.has_signed(document.content, signature):
            signature = _UNSIGNED if check else signer.sign(document.content)
        files[SIGNATURE] = signature or b""
    return Publication(files, document, before)
