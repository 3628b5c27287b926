# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: the packs that are on a host, read from its files. Nothing here changes anything or starts a program."""

from __future__ import annotations

import os
import typing as t

from .._errors import InvalidPackError
from .._layout import SYSTEM_PACKS, Moved, PacksDirectory, entries
from .origin import Source
from .receipt import Receipt, read_receipt, stamp
from .working_copy import Head, WorkingCopy


class InstalledPack(t.NamedTuple):
    """A pack as it lies on the host.

    :arg ref: The name of its directory, which is what StackStorm keys everything by.
    :arg path: The pack directory as StackStorm sees it.
    :arg location: Where its files are just now; differs from C(path) only while an interrupted run waits to be undone.
    :arg version: From C(pack.yaml); C(None) when it says none that can be read.
    :arg head: Commit and branch of the working copy, C(None) without C(.git).
    :arg origin: URL of the working copy's remote.
    :arg receipt: How the collection installed it; C(None) when something else did, or changed it since.
    :arg link: The target when the pack directory is a symbolic link.
    """

    ref: str
    name: str
    path: str
    location: str
    base_path: str
    version: t.Optional[str]
    head: t.Optional[Head] = None
    origin: t.Optional[str] = None
    receipt: t.Optional[Receipt] = None
    link: t.Optional[str] = None
    problem: t.Optional[str] = None

    @property
    def is_there(self) -> bool:
        """Whether there is a pack; there is none behind a link that leads to nothing."""
        return os.path.isfile(os.path.join(self.location, "pack.yaml"))

    @property
    def is_system(self) -> bool:
        """Whether StackStorm ships it (st2common/constants/pack.py SYSTEM_PACK_NAMES)."""
        return self.ref in SYSTEM_PACKS

    @property
    def commit(self) -> t.Optional[str]:
        """The full commit it was made from, when one is known."""
        if self.head:
            return self.head.commit
        return self.receipt.commit or None if self.receipt else None

    @property
    def source(self) -> t.Optional[Source]:
        """Where it came from, from the receipt or else from the working copy's remote."""
        if self.receipt:
            return self.receipt.source
        return Source("git", self.origin) if self.origin else None

    @property
    def working_copy(self) -> WorkingCopy:
        """Its C(.git), which may not exist."""
        return WorkingCopy(self.location)


class Installation:
    """The installed packs of a host, each read when it is first asked for.

    :arg base_paths: The host's packs base paths; the first that has a pack wins, as for StackStorm's content
        (st2common/st2common/content/loader.py get_content).
    :arg moved: Pack directories whose true files lie elsewhere until an interrupted run is undone; C(None) where the
        undoing leaves no pack.
    """

    def __init__(self, base_paths: t.Sequence[str], moved: t.Optional[Moved] = None) -> None:
        self.directories = [PacksDirectory(path, moved) for path in base_paths]
        self._moved = moved or {}
        self._packs: t.Dict[str, t.Optional[InstalledPack]] = {}
        self._by_url: t.Optional[t.Dict[t.Tuple[str, str], InstalledPack]] = None
        self._provided: t.Optional[t.Dict[str, str]] = None

    def get(self, ref: str) -> t.Optional[InstalledPack]:
        """The pack with that ref, from the first base path that has it."""
        if ref not in self._packs:
            self._packs[ref] = next((pack for pack in self._read_all(ref)), None)
        return self._packs[ref]

    def shadowed(self, ref: str) -> t.List[InstalledPack]:
        """The copies of a pack in later base paths, which StackStorm half ignores."""
        return list(self._read_all(ref))[1:]

    def refs(self) -> t.List[str]:
        """The refs of all packs in all base paths, sorted."""
        found: t.Set[str] = set()
        for directory in self.directories:
            for name in entries(directory.path):
                if not name.startswith(".") and self._location(directory, name):
                    found.add(name)
        places = {directory.path for directory in self.directories}
        found.update(os.path.basename(path) for path in self._moved if os.path.dirname(path) in places)
        return sorted(ref for ref in found if self.get(ref))

    def all(self) -> t.List[InstalledPack]:
        """All packs, sorted by ref."""
        return [pack for pack in map(self.get, self.refs()) if pack]

    def directory(self, base_path: str) -> PacksDirectory:
        """The packs base path with that path."""
        return next(directory for directory in self.directories if directory.path == base_path)

    def by_source(self, url: str, subdir: str = "") -> t.Optional[InstalledPack]:
        """The pack that came from a source, whatever spelling of its URL is used."""
        from .address import normal_url

        if self._by_url is None:
            self._by_url = {}
            for pack in self.all():
                source = pack.source
                if source and not pack.is_system:
                    self._by_url.setdefault((normal_url(source.url), source.subdir), pack)
        return self._by_url.get((normal_url(url), subdir))

    def provided(self, url: str) -> t.Optional[str]:
        """The ref of the pack at an address, as it was found when a dependency of an installed pack was looked up.

        :arg url: As L(normal_url) gives it.
        """
        if self._provided is None:
            self._provided = {}
            for pack in self.all():
                self._provided.update(pack.receipt.provided if pack.receipt else {})
        return self._provided.get(url)

    def by_digest(self, digest: str) -> t.Optional[InstalledPack]:
        """The pack without C(.git) that has this content."""
        return next((pack for pack in self.all() if pack.receipt and pack.receipt.digest == digest), None)

    def _read_all(self, ref: str) -> t.Iterator[InstalledPack]:
        for directory in self.directories:
            location = self._location(directory, ref)
            if location:
                yield _read(directory, ref, location)

    def _location(self, directory: PacksDirectory, ref: str) -> t.Optional[str]:
        location = directory.now(directory.pack(ref))
        if os.path.isfile(os.path.join(location, "pack.yaml")) or os.path.islink(location):
            return location
        return None


def _read(directory: PacksDirectory, ref: str, location: str) -> InstalledPack:
    working_copy = WorkingCopy(location)
    head = working_copy.head() if working_copy.exists() else None
    path = directory.pack(ref)
    link = os.readlink(location) if os.path.islink(location) else None
    # What is known of a pack that was installed says nothing of the link that took its place.
    receipt = None if link else read_receipt(directory, ref)
    if receipt and _is_current(receipt, location, head):
        return InstalledPack(
            ref, receipt.name, path, location, directory.path, receipt.version, head, receipt.source.url, receipt, link
        )
    origin = working_copy.origin() if head else None
    try:
        from .metadata import read_identity

        _ref, name, version = read_identity(location, ref)
        problem = None
    except InvalidPackError as error:
        name, version, problem = ref, None, error.message
    return InstalledPack(ref, name, path, location, directory.path, version, head, origin, None, link, problem)


def _is_current(receipt: Receipt, location: str, head: t.Optional[Head]) -> bool:
    try:
        if tuple(stamp(location)) != receipt.stamp:
            return False
    except OSError:
        return False
    if receipt.digest:
        return head is None
    return head is not None and head.commit == receipt.commit


def dependencies_of(pack: InstalledPack) -> t.Tuple[str, ...]:
    """The dependencies that an installed pack declares; those of a pack that cannot be read are none."""
    if pack.receipt:
        return pack.receipt.dependencies
    from .._yaml_file import load_yaml

    try:
        document = load_yaml(os.path.join(pack.location, "pack.yaml"))
    except InvalidPackError:
        return ()
    declared = document.get("dependencies") if isinstance(document, dict) else None
    return tuple(item for item in declared if isinstance(item, str)) if isinstance(declared, list) else ()


def identity_of(pack: InstalledPack) -> str:
    """By what a pack's content is told from another: its commit, its digest, or size and time of its C(pack.yaml)."""
    digest = pack.receipt.digest if pack.receipt else ""
    if pack.commit or digest:
        return pack.commit or digest
    try:
        size, time = stamp(pack.location)
    except OSError:
        return "unknown"
    return f"{size} {time}"
