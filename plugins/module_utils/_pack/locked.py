# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a lock makes of the requests of a task: which packs, at which commit, with which content."""

from __future__ import annotations

import os
import typing as t

from .._content.installed import Installation, InstalledPack
from .._content.origin import Resolved, Source
from .._content.request import ALL, PackRequest
from .._errors import Collected, DependencyError, OptionError
from .resolution import Asked

if t.TYPE_CHECKING:
    from .._lock.document import LockedPack
    from .candidate import Candidate, Wanted
    from .options import Options

_NOTHING = "Nothing was changed"


class Locked(t.NamedTuple):
    """What the lock has for a request.

    :arg lockfile: The name of the lock, for messages.
    :arg controller: Whether the source is a directory of the controller.
    :arg upload: Archive on this host with its content.
    """

    ref: str
    source: Source
    commit: str
    content: str
    resolved: Resolved
    lockfile: str
    controller: bool = False
    upload: t.Optional[str] = None


class Locking:
    """Finds requests in the lock of a task.

    :arg warnings: Is told what was not in it.
    """

    def __init__(self, options: Options, warnings: t.List[str]) -> None:
        self._warnings = warnings
        self._options = options
        self._packs = options.lock.packs if options.lock else {}
        self._strict = options.locked != "prefer"

    def of_task(self, requests: t.Sequence[Asked]) -> t.List[Asked]:
        """The requests, each with what the lock has for it, and one for each pack that these depend on.

        :raises OptionError: for all that are not in the lock, or are asked for otherwise, unless locks are only to be
            preferred.
        """
        collected = Collected()
        found: t.Dict[str, Asked] = {}
        asked: t.List[Asked] = []
        for one in requests:
            with collected.one(one.request.expected_ref):
                pack = self._of_task(one.request)
                asked.append(one if pack is None else one._replace(locked=self._locked(pack), latest=False))
                if pack:
                    found.setdefault(pack.ref, asked[-1])
        collected.raise_them()
        if self._options.dependencies == "install":
            asked += self._depended_on(found)
        return asked

    def of_dependency(self, asked: Asked) -> Asked:
        """What a pack depends on that is only known now, with what the lock has for it.

        :raises DependencyError: when it is not in the lock, unless locks are only to be preferred.
        """
        pack = self._dependency(asked.request)
        if pack:
            return asked._replace(locked=self._locked(pack))
        said = f"{asked.asker} needs {asked.request.requested}, which is not in the lock {self._options.lockfile}"
        if self._strict:
            raise DependencyError(f"{said}. {_NOTHING}: create the lock again with st2_pack_lock.")
        self._warnings.append(f"{said}: it was resolved without the lock.")
        return asked

    def _of_task(self, request: PackRequest) -> t.Optional[LockedPack]:
        name = self._options.lockfile
        if request.name == ALL:
            raise OptionError(
                f'The name "{ALL}" means all installed packs, but the lock {name} says which packs to install. '
                "Leave out name and packs to install all locked packs."
            )
        pack, problem = self._find(request)
        if problem and self._strict:
            raise OptionError(
                f"{problem}. {_NOTHING}: create the lock again with st2_pack_lock, or request what is in it.",
                ref=request.expected_ref,
            )
        if problem:
            self._warnings.append(f"{problem}: it was resolved without the lock.")
            return None
        return pack

    def _find(self, request: PackRequest) -> t.Tuple[t.Optional[LockedPack], str]:
        """The pack that the lock has for a request, and what is wrong with that."""
        name, requested = self._options.lockfile, request.requested
        found = [
            pack
            for pack in self._packs.values()
            if request.expected_ref in (None, pack.ref) and self._is_asked_as(pack, request)
        ]
        if not found:
            other = self._packs.get(request.expected_ref or "")
            if other is None:
                return None, f"{requested} is asked for, and is not in the lock {name}"
            return None, f"{requested} is asked for, and the lock {name} has {other.ref} {_asked_as(other)}"
        pack = found[0]
        if request.digest and request.digest != pack.content:
            problem = f"{requested} has the digest {request.digest}, and {pack.content} in the lock {name}"
            return None, problem
        return pack, ""

    def _is_asked_as(self, pack: LockedPack, request: PackRequest) -> bool:
        if self._options.lock_is_asked_for:
            return True
        if request.kind == "path":
            directory = self._options.lock_directories.get(pack.ref)
            here = request.controller == self._options.lock_on_controller
            return here and directory is not None and directory.path == _path(request)
        return request.requested in pack.requested and (request.subdir or "") == pack.subdir

    def _depended_on(self, found: t.Mapping[str, Asked]) -> t.Iterator[Asked]:
        """What packs of the lock depend on, by the lock."""
        known, waiting = set(found), list(found)
        while waiting:
            pack = self._packs[waiting.pop(0)]
            for ref, text in pack.dependencies.items():
                if ref not in known:
                    known.add(ref)
                    waiting.append(ref)
                    request = PackRequest(text, name=ref)
                    yield Asked(request, f"{pack.ref} {pack.version}", locked=self._locked(self._packs[ref]))

    def _dependency(self, request: PackRequest) -> t.Optional[LockedPack]:
        if request.name:
            return self._packs.get(request.name)
        from .._content.address import normal_url
        from .dependencies import guess_ref

        url = normal_url(request.source or "")
        same = (pack for pack in self._packs.values() if not pack.is_directory and normal_url(pack.source) == url)
        return next(same, None) or self._packs.get(guess_ref(request.source or ""))

    def _locked(self, pack: LockedPack) -> Locked:
        directory = self._options.lock_directories.get(pack.ref)
        return Locked(
            ref=pack.ref,
            source=Source("directory", directory.path) if directory else Source("git", pack.source, pack.subdir),
            commit=pack.commit,
            content=pack.content,
            resolved=pack.resolved,
            lockfile=self._options.lockfile,
            controller=directory is not None and self._options.lock_on_controller,
            upload=directory.upload if directory else None,
        )


def _path(request: PackRequest) -> str:
    return os.path.normpath(os.path.join(request.source or "", request.subdir or ""))


def _asked_as(pack: LockedPack) -> str:
    if not pack.requested:
        return "only as others depend on it"
    subdir = f" (subdir {pack.subdir})" if pack.subdir else ""
    return f"as {' and '.join(pack.requested)}{subdir}"


def installed_as_locked(locked: Locked, installation: Installation) -> t.Optional[InstalledPack]:
    """The installed pack, where it is the one that is locked; found in files alone."""
    pack = installation.get(locked.ref)
    if pack is None or pack.link:
        return None
    digest = pack.receipt.digest if pack.receipt else ""
    if locked.commit and pack.commit != locked.commit:
        return None
    return pack if digest == locked.content or (locked.commit and pack.head) else None


def locked_wanted(locked: Locked, request: PackRequest) -> Wanted:
    """What to fetch for a request.

    :raises OptionError: for a source that no request could name.
    """
    from .._content.address import check_source
    from .._source.authority import lock_file
    from .candidate import Wanted

    if locked.commit:
        check_source(f"source of {locked.ref} in the lock {locked.lockfile}", locked.source.url)
    version = request.version or locked.resolved.name or locked.commit
    return Wanted(
        locked.source,
        version if locked.commit else None,
        locked.ref,
        listed_digest=locked.content,
        upload=locked.upload or request.upload,
        controller=locked.controller,
        commit=locked.commit or None,
        resolved=locked.resolved,
        by=lock_file(locked.lockfile),
    )


def request_for(locked: Locked, request: PackRequest) -> PackRequest:
    """A request that nothing but what is locked satisfies, for looking among kept releases."""
    if locked.commit:
        subdir = locked.source.subdir or None
        return PackRequest(
            request.requested, source=locked.source.url, subdir=subdir, version=locked.commit, ref=locked.ref
        )
    return PackRequest(request.requested, source=locked.source.url, ref=locked.ref, digest=locked.content)


def is_locked(candidate: Candidate, locked: Locked) -> bool:
    """Whether what was taken from a kept release has the content that is locked."""
    from .._source.directory import directory_digest

    return directory_digest(candidate.staged) == locked.content
