# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The files of an index, in the places where the Exchange has them."""

from __future__ import annotations

import base64
import gzip
import io
import typing as t
import zlib

from .describe import Description, yaml_text
from .entry import Entry, pack_of

TOP = "v1"
INDEX = f"{TOP}/index.json"
COMPRESSED = f"{INDEX}.gz"
SIGNATURE = f"{INDEX}.sig"
# By it the page beside the index is known as one of this module, see _index_page/changes.py.
HISTORY = "page/changes.json"


def published_files(
    entries: t.Mapping[str, Entry], descriptions: t.Mapping[str, Description], index: bytes
) -> t.Dict[str, bytes]:
    """The content of every file by its path, but for the compressed index and the signature.

    Of a pack that was taken over from another index there is nothing but its pack.yaml.
    """
    files = {INDEX: index}
    for ref, entry in entries.items():
        folder = f"{TOP}/packs/{ref}"
        described = descriptions.get(ref)
        if described is None:
            files[f"{folder}/pack.yaml"] = yaml_text(pack_of(entry)).encode()
            continue
        for path, text in described.files.items():
            files[f"{folder}/{path}"] = text.encode("utf-8", "surrogatepass")
        if described.icon:
            files[f"{TOP}/icons/{ref}.png"] = base64.b64decode(described.icon)
    return files


def compressed(index: bytes, before: t.Optional[bytes]) -> bytes:
    """The index for servers that send it compressed. What was there stays if it is the same index: another zlib writes
    other bytes."""
    if before is not None:
        unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            if unpacking.decompress(before, len(index) + 1) == index and unpacking.eof:
                return before
        except zlib.error:
            pass
    written = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=written, mtime=0) as stream:
        stream.write(index)
    return written.getvalue()
