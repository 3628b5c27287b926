# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Packs from a bundle: what is needed of it is there before anything is done, and nobody else is asked."""

from __future__ import annotations

import os
import re
import tempfile
import typing as t

from .._bundle.cache import BlobCache, MissingBlobsError
from .._bundle.layout import Blob, refusal, source_name
from .._errors import OptionError, VirtualenvError
from .._layout import PacksDirectory
from .._source.git_bundle import BundledRepository
from .._source.repository import Repository
from .fetch import UPLOAD_STEP, Fetcher
from .locked_wheels import host_platform, is_for, pins_for

if t.TYPE_CHECKING:
    from .._lock.document import Lock, LockedPack
    from .bundle_options import Bundle
    from .candidate import Candidate, Wanted
    from .observation import Observation

_SIX = re.compile(r"six==")
_MOST_NAMED = 3


class Blobs:
    """The blobs of the bundle of a task, on this host.

    :arg scratch: A private directory.
    :arg python: Gives the version of the Python for virtualenvs; C(None) where none are made.
    :arg keeps: Whether the host may be written.
    """

    def __init__(
        self,
        bundle: Bundle,
        lock: Lock,
        place: str,
        *,
        scratch: str,
        python: t.Optional[t.Callable[[], str]],
        keeps: bool,
    ) -> None:
        self._bundle = bundle
        self._lock = lock
        # Of this object alone: a task may begin again, when it finds libraries that it lacks.
        self._scratch = tempfile.mkdtemp(prefix="bundle-", dir=scratch)
        self._cache = BlobCache(place, None if keeps else self._scratch)
        self._python = python
        self._keeps = keeps

    def expect(self, refs: t.Iterable[str]) -> None:
        """Have the blobs of packs that are to be fetched, and of what their virtualenvs get.

        :raises SourceError: when the bundle does not have them, or is not whole, or they were not sent.
        :raises VirtualenvError: when it has nothing for the Python of this host. Nothing has been written then.
        """
        packs = [self._lock.packs[ref] for ref in refs if ref in self._lock.packs]
        blobs = [blob for pack in packs for blob in self.of_pack(pack)]
        self._have([*blobs, *self._packages([pack for pack in packs if pack.requirements or pack.wheels])])

    def expect_packages(self, refs: t.Iterable[str]) -> None:
        """Have what virtualenvs get that are to be built.

        :raises St2Error: as L(expect).
        """
        self._have(self._packages([self._lock.packs[ref] for ref in refs if ref in self._lock.packs]))

    def of_pack(self, pack: LockedPack) -> t.List[Blob]:
        """What a pack is made of.

        :raises SourceError: when that is not in the bundle.
        """
        name = source_name(pack.source, pack.subdir, is_directory=pack.is_directory)
        found = self._bundle.manifest.of_pack(name, pack.commit or pack.content)
        if not any(blob.kind != "lfs" for blob in found):
            raise refusal(self._bundle.shown, f"it has nothing for {pack.ref} {pack.version}, which its lock names")
        return found

    def path(self, blob: Blob) -> str:
        """Where a blob is.

        :raises SourceError: when it is not there any more.
        """
        path = self._cache.find(blob)
        if path is None:
            raise self._lacking([blob])
        return path

    def wheels_directory(self) -> str:
        """A directory with all files of Python packages that are here, by their names."""
        directory = os.path.join(self._scratch, "packages")
        os.makedirs(directory, exist_ok=True)
        for blob in self._bundle.manifest.blobs:
            link = os.path.join(directory, blob.name)
            if blob.kind == "package" and not os.path.lexists(link):
                path = self._cache.find(blob)
                if path:
                    os.symlink(path, link)
        return directory

    def _packages(self, packs: t.Sequence[LockedPack]) -> t.List[Blob]:
        """The files that virtualenvs of packs get here."""
        if self._python is None or not packs:
            return []
        version, host = self._python(), host_platform()
        wanted = {pin for pin in self._lock.wheels if _SIX.match(pin)}
        for pack in packs:
            pins = pins_for(self._lock, pack, version, host)
            if pins.problem or (pack.requirements and not pins.lines):
                problem = pins.problem or "has no Python packages"
                raise VirtualenvError(
                    f"{pack.ref} {pack.version} needs a virtualenv, and the bundle {self._bundle.shown} {problem}. "
                    "Nothing was changed: add this platform to the platforms of the lock (st2_pack_info returns it as "
                    "python), and create a new bundle.",
                    ref=pack.ref,
                )
            wanted.update(line.partition(" ")[0] for line in pins.lines)
        return [blob for pin in sorted(wanted) for blob in self._files_of(pin, version, host)]

    def _files_of(self, pin: str, version: str, host: str) -> t.List[Blob]:
        files = self._lock.wheels[pin]
        wanted = [digest for file, digest in files.items() if is_for(file, version, host)]
        found = [blob for blob in map(self._bundle.manifest.package, wanted) if blob]
        if not found and not _SIX.match(pin):
            raise refusal(self._bundle.shown, f"it has no file of {pin} for Python {version} on {host}")
        return found

    def _have(self, blobs: t.Sequence[Blob]) -> None:
        missing = self._cache.missing(blobs)
        if missing and self._bundle.archive:
            self._cache.take(self._bundle.archive, self._bundle.shown, missing)
            missing = self._cache.missing(missing)
        if missing:
            raise self._lacking(missing)
        self._cache.remember({blob: self._holders(blob) for blob in blobs})

    def _holders(self, blob: Blob) -> t.List[str]:
        if blob.kind != "package":
            return blob.commits or list(blob.holds)
        pins = {pin for pin, files in self._lock.wheels.items() if blob.digest in files.values()}
        return [
            pack.commit or pack.content
            for pack in self._lock.packs.values()
            if any(pin in pins or _SIX.match(pin) for named in pack.wheels.values() for pin in named)
        ]

    def _lacking(self, blobs: t.Sequence[Blob]) -> MissingBlobsError:
        more = f" and {len(blobs) - _MOST_NAMED} more" if len(blobs) > _MOST_NAMED else ""
        named = ", ".join(f"{blob.name} ({blob.digest})" for blob in blobs[:_MOST_NAMED])
        problem = f"is not on this host, and was not sent: {named}{more}"
        step = UPLOAD_STEP if self._bundle.is_sent else None
        return MissingBlobsError(f"What is needed of the bundle {self._bundle.shown} {problem}.", blobs, step)


def blobs_of(observation: Observation, scratch: str) -> Blobs:
    """The blobs of the bundle of a task.

    :arg scratch: A private directory of the task.
    """
    options, view = observation.options, observation.view
    if options.bundle is None or options.lock is None:
        raise OptionError("The task names no bundle.")

    def python() -> str:
        return observation.interpreters.look(observation.settings.python).version

    # Trees are staged, and virtualenvs built, in a scratch directory where the host is not to be written.
    needed = options.virtualenv != "never" and not view.staging.elsewhere
    return Blobs(
        options.bundle,
        options.lock,
        PacksDirectory(view.host.system_packs_path).blobs,
        scratch=scratch,
        python=python if needed else None,
        keeps=not view.staging.elsewhere,
    )


class BundledFetcher(Fetcher):
    """Fetches packs from a bundle; others, where locks are only to be preferred, from where they are.

    :arg blobs: Those of the bundle.
    """

    def __init__(self, staging: str, git: t.Any, rules: t.Any, blobs: Blobs, lock: Lock) -> None:
        super().__init__(staging, git, rules)
        self._blobs = blobs
        self._lock = lock

    def expect(self, wanted: t.Sequence[Wanted]) -> None:
        """As L(Fetcher.expect)."""
        self._blobs.expect(one.ref for one in wanted if one.ref and self._locked(one))

    def _repository_of(self, wanted: Wanted) -> Repository:
        pack = self._locked(wanted)
        if pack is None:
            return super()._repository_of(wanted)
        blobs = self._blobs.of_pack(pack)
        (blob,) = [blob for blob in blobs if blob.kind == "git"][:1]
        default = pack.resolved.name if pack.resolved.kind == "default" else ""
        contents = {blob.digest.partition(":")[2]: self._blobs.path(blob) for blob in blobs if blob.kind == "lfs"}
        return BundledRepository(
            self._git(), pack.source, self._blobs.path(blob), blob.refs, default=default, contents=contents
        )

    def _fetch_directory(self, wanted: Wanted, place: str) -> Candidate:
        pack = self._locked(wanted)
        if pack:
            (blob,) = self._blobs.of_pack(pack)[:1]
            wanted = wanted._replace(upload=self._blobs.path(blob))
        return super()._fetch_directory(wanted, place)

    def _locked(self, wanted: Wanted) -> t.Optional[LockedPack]:
        """The pack of the lock that is wanted."""
        pack = self._lock.packs.get(wanted.ref or "")
        return pack if pack and wanted.listed_digest == pack.content and (wanted.commit or "") == pack.commit else None
