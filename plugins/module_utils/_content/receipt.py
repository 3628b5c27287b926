# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Receipts: what the collection remembers of an installation, and when it may still be believed.

A receipt never overrules the disk. It is believed only while the pack's C(pack.yaml) and commit are the ones it was
written for; otherwise the pack is read as if nobody had written anything.
"""

from __future__ import annotations

import json
import os
import typing as t

from .._layout import PacksDirectory
from .origin import Resolved, Source

if t.TYPE_CHECKING:
    from .._file_tree import TreeEntry

_FORMAT = 1
# With the files of the largest pack that may be installed.
_MOST_BYTES = 64 << 20


class Receipt(t.NamedTuple):
    """How a pack was installed.

    :arg stamp: Size and time of C(pack.yaml) as installed, by which the receipt is recognised as current.
    :arg digest: C(sha256:...) of the files of a pack without C(.git); empty for a working copy.
    :arg content: The same of the files of a working copy, as its commit has them.
    :arg python: Whether the pack needs a virtualenv: it has Python actions, sensors or requirements.
    :arg adopted: Whether something else installed the pack; then its virtualenv is what that made.
    :arg provided: By address (L(normal_url)), the refs that dependencies turned out to mean whose address does not
        tell.
    :arg signed: By policy (L(signature_policy.Policy.digest)), who vouched for it.
    """

    ref: str
    name: str
    version: str
    source: Source
    resolved: Resolved
    commit: str = ""
    digest: str = ""
    dependencies: t.Tuple[str, ...] = ()
    python: bool = True
    stamp: t.Tuple[int, int] = (0, 0)
    adopted: bool = False
    provided: t.Mapping[str, str] = {}
    content: str = ""
    signed: t.Mapping[str, str] = {}

    def matches(self, commit: str) -> bool:
        """Whether it is about a working copy at C(commit); with an empty one, about files without C(.git)."""
        return not commit if self.digest else self.commit == commit


class Contents(t.NamedTuple):
    """What is in a pack: resource names by type, requirement lines, and for packs without C(.git) every file."""

    resources: t.Mapping[str, t.Tuple[str, ...]] = {}
    requirements: t.Tuple[str, ...] = ()
    files: t.Tuple[TreeEntry, ...] = ()


def stamp(pack_directory: str) -> t.Tuple[int, int]:
    """Size and modification time (ns) of a pack's C(pack.yaml).

    :raises OSError: when there is none.
    """
    status = os.stat(os.path.join(pack_directory, "pack.yaml"))
    return status.st_size, status.st_mtime_ns


def read_receipt(directory: PacksDirectory, ref: str, release: str = "") -> t.Optional[Receipt]:
    """The receipt of a pack, whether current or not; nothing when there is none that can be read.

    :arg release: The directory of a kept release of it, to read the one that it had then.
    :raises HostError: when what has the name of the directory of receipts is not the collection's own.
    """
    path = os.path.join(release, "receipt.json") if release else directory.receipt(ref)
    document = _read_json(directory, path)
    if document.pop("format", None) != _FORMAT:
        return None
    try:
        return Receipt(
            **{
                **document,
                "source": Source(**document["source"]),
                "resolved": Resolved(**document["resolved"]),
                "dependencies": tuple(document["dependencies"]),
                "stamp": tuple(document["stamp"]),
            }
        )
    except (KeyError, TypeError):
        return None


def read_contents(directory: PacksDirectory, ref: str) -> t.Optional[Contents]:
    """What was in a pack when it was installed; nothing when that cannot be read.

    :raises HostError: as L(read_receipt).
    """
    from .._file_tree import TreeEntry

    document = _read_json(directory, directory.contents(ref))
    if document.get("format") != _FORMAT:
        return None
    try:
        return Contents(
            resources={kind: tuple(names) for kind, names in document["resources"].items()},
            requirements=tuple(document["requirements"]),
            files=tuple(TreeEntry(*entry) for entry in document["files"]),
        )
    except (AttributeError, KeyError, TypeError):
        return None


def receipt_document(receipt: Receipt, pack_directory: str) -> bytes:
    """The bytes of a receipt for a pack that now lies in C(pack_directory)."""
    document = receipt._replace(stamp=stamp(pack_directory))._asdict()
    document.update(source=receipt.source._asdict(), resolved=receipt.resolved._asdict())
    return _json({"format": _FORMAT, **document})


def contents_document(contents: Contents) -> bytes:
    """The bytes of a contents file."""
    return _json(
        {
            "format": _FORMAT,
            "resources": contents.resources,
            "requirements": contents.requirements,
            "files": [(entry.path, entry.kind, entry.executable, entry.digest) for entry in contents.files],
        }
    )


def _json(document: t.Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogateescape")


def _read_json(directory: PacksDirectory, path: str) -> t.Dict[str, t.Any]:
    try:
        document = json.loads(directory.read(path, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
