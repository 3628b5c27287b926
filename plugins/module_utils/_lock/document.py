# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The document C(packs.lock.yml): exactly which packs, and which files of Python packages, hosts get.

Nothing in it tells when, where or by whom it was made, so that equal content has equal bytes.
"""

from __future__ import annotations

import typing as t

from .._content.origin import Resolved

FORMAT = 1
_HEADER = "# Made by stackstorm.st2.st2_pack_lock, which writes it anew: comments and other changes are not kept.\n"


class Platform(t.NamedTuple):
    """The Python for which wheels are locked, as M(stackstorm.st2.st2_pack_info) returns it.

    :arg python: Such as C(3.11).
    :arg abi: Such as C(cp311).
    :arg platform: The newest platform tag that it takes, such as C(manylinux_2_36_x86_64).
    """

    python: str
    abi: str
    platform: str

    @property
    def key(self) -> str:
        """What it is called in a lock."""
        return f"{self.abi}-{self.platform}"


class LockedPack(t.NamedTuple):
    """One pack of a lock.

    :arg source: The URL of a repository, without credentials; or a directory of the controller, relative to the lock,
        which begins with a dot.
    :arg subdir: The directory of the pack in the source; empty for its top.
    :arg requested: How tasks ask for it, as written, but a directory as in C(source); empty for what is only there as
        others depend on it.
    :arg resolved: What the version that was asked for came to, without C(asked).
    :arg commit: Empty for a directory.
    :arg title: The first line of the commit's message.
    :arg content: C(sha256:...) of the files, as L(tree_digest) gives it.
    :arg requirements: C(sha256:...) of C(requirements.txt); C(None) where there is none.
    :arg dependencies: The refs of the packs of this lock that it depends on, each with how C(pack.yaml) asks for it.
    :arg counts: How many resources it has of each type, such as C(actions).
    :arg signer: Who signed it, where that was asked for.
    :arg index_url: The URL of the index that named the repository, without credentials.
    :arg wheels: By L(Platform.key) what its virtualenv gets there, each as C(NAME==VERSION). A platform is missing
        where not all of it can be had by digest.
    """

    ref: str
    version: str
    source: str
    resolved: Resolved
    content: str
    requested: t.Tuple[str, ...] = ()
    subdir: str = ""
    commit: str = ""
    title: str = ""
    requirements: t.Optional[str] = None
    dependencies: t.Mapping[str, str] = {}
    counts: t.Mapping[str, int] = {}
    signer: t.Optional[str] = None
    index_url: t.Optional[str] = None
    wheels: t.Mapping[str, t.Tuple[str, ...]] = {}

    @property
    def is_directory(self) -> bool:
        """Whether the source is a directory of the controller."""
        return not self.commit


class Lock(t.NamedTuple):
    """All that is locked.

    :arg packs: By ref.
    :arg wheels: By C(NAME==VERSION) the digests (C(sha256:...)) of the files that fit a platform, by their names.
    :arg platforms: By L(Platform.key).
    """

    packs: t.Mapping[str, LockedPack]
    wheels: t.Mapping[str, t.Mapping[str, str]] = {}
    platforms: t.Mapping[str, Platform] = {}


def read_lock(text: str, name: str) -> Lock:
    """The lock that a text is.

    :arg name: What to call the file in messages.
    :raises OptionError: naming everything that is wrong in it, with the lines.
    :raises MissingLibraryError: without PyYAML.
    """
    from .reading import parse_text

    return parse_text(text, name)


def lock_of(document: t.Any, name: str) -> Lock:
    """The lock that a document is, such as L(lock_document) makes: for where no YAML can be read.

    Takes and raises what L(read_lock) does, and names no lines.
    """
    from .reading import parse_document

    return parse_document(document, name)


def lock_text(lock: Lock) -> str:
    """The text of a lock: sorted, a key a line, the same for the same.

    :raises MissingLibraryError: without PyYAML.
    """
    from .._yaml_text import block

    return _HEADER + block(lock_document(lock))


def lock_document(lock: Lock) -> t.Dict[str, t.Any]:
    """A lock as plain values, in the order in which they are written. What is empty is left out."""
    document: t.Dict[str, t.Any] = {"format": FORMAT}
    document["packs"] = {ref: _pack_document(lock.packs[ref]) for ref in sorted(lock.packs)}
    platforms = {key: dict(lock.platforms[key]._asdict()) for key in sorted(lock.platforms)}
    if platforms:
        document["platforms"] = platforms
        document["wheels"] = {pin: _sorted(lock.wheels[pin]) for pin in sorted(lock.wheels)}
    return document


def _pack_document(pack: LockedPack) -> t.Dict[str, t.Any]:
    resolved = {key: value for key, value in (("kind", pack.resolved.kind), ("name", pack.resolved.name)) if value}
    document = {
        "version": pack.version,
        "source": pack.source,
        "subdir": pack.subdir,
        "requested": sorted(set(pack.requested)),
        "resolved": resolved,
        "commit": pack.commit,
        "title": pack.title,
        "content": pack.content,
        "requirements": pack.requirements,
        "dependencies": _sorted(pack.dependencies),
        "counts": _sorted(pack.counts),
        "signer": pack.signer,
        "index_url": pack.index_url,
        "wheels": {key: sorted(set(pack.wheels[key])) for key in sorted(pack.wheels)},
    }
    return {key: value for key, value in document.items() if value}


def _sorted(values: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {key: values[key] for key in sorted(values)}
