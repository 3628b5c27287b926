# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""An exchange host that is filled from a bundle: its packs become repositories that are served, its packages files."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import typing as t

from .._bundle.archive import Archive, manifest_of, open_archive
from .._bundle.layout import Blob, Manifest, source_name
from .._deadline import Deadline
from .._errors import LockError, SourceError, St2Error
from .._file_changes import low_space
from .._lock.document import Lock, LockedPack, read_lock
from .._source.git_program import Git
from .._source.remote_refs import HEADS
from .bundled_pack import BundledPack
from .findings import Mirrored
from .keeping import (
    Kept,
    alone,
    new_directory,
    put_in_place,
    read_kept,
    served_directory,
    write_kept,
)
from .package_resolver import PackageFile
from .ref_plan import RefPlan, plan_refs
from .renewal import is_another, publish_refs
from .served_repository import ServedRepository, is_repository

KIND = "bundle"
_BRANCH = f"{HEADS}main"


class OpenBundle:
    """A bundle whose list was read and compared with what is in it.

    :ivar refs: Its packs.
    """

    def __init__(self, path: str, archive: Archive, manifest: Manifest, lock: Lock) -> None:
        self.path = path
        self.archive = archive
        self.manifest = manifest
        self.lock = lock
        self.refs = tuple(sorted(lock.packs))

    @property
    def digest(self) -> str:
        """What bundles of equal content have in common."""
        return self.manifest.digest

    def versions(self, refs: t.Iterable[str]) -> t.Dict[str, str]:
        """What an index is to list of packs: a tag, a version or a commit of the repository that is served."""
        wanted = {ref: self.lock.packs[ref] for ref in refs}
        return {ref: self.pack(locked, "").listed for ref, locked in wanted.items()}

    def pack(
        self, locked: LockedPack, scratch: str, extract: t.Optional[t.Callable[[Blob], str]] = None
    ) -> BundledPack:
        """What it has of one pack; arguments as in L(BundledPack).

        :raises SourceError: when it has nothing of it.
        """
        kind = "directory" if locked.is_directory else "git"
        found = [blob for blob in self._blobs(locked) if blob.kind == kind]
        if not found:
            raise SourceError(
                f"The bundle {self.path} has nothing of {locked.ref}. Create it again (st2_bundle).", ref=locked.ref
            )
        return BundledPack(locked, found[0], extract=extract or (lambda blob: blob.member), scratch=scratch)

    def warnings(self, locked: LockedPack) -> t.Tuple[str, ...]:
        """What of a pack is in the bundle, and cannot be served."""
        if not any(blob.kind == "lfs" for blob in self._blobs(locked)):
            return ()
        return (
            f"{locked.ref} keeps files in Git LFS, which is not served here: hosts that install it get pointers. "
            "Install it from the bundle (bundle of st2_pack).",
        )

    def _blobs(self, locked: LockedPack) -> t.List[Blob]:
        name = source_name(locked.source, locked.subdir, is_directory=locked.is_directory)
        return self.manifest.of_pack(name, locked.commit or locked.content)


@contextlib.contextmanager
def open_bundle(path: str) -> t.Iterator[OpenBundle]:
    """Open a bundle.

    :raises SourceError: when it cannot be read, or is none.
    :raises OptionError: when its lock is wrong.
    """
    with open_archive(path) as archive:
        manifest = manifest_of(archive)
        yield OpenBundle(path, archive, manifest, read_lock(manifest.lock, f"the lock in {path}"))


def bundled_packages(bundle: OpenBundle, directory: str) -> t.Iterator[PackageFile]:
    """Write the files of Python packages of a bundle into a directory, one after the other.

    :arg directory: A private one, which exists.
    :raises SourceError: for one that is not what the bundle says of it.
    """
    for blob in sorted(bundle.manifest.blobs, key=lambda one: one.name):
        if blob.kind == "package":
            path = os.path.join(directory, blob.name)
            bundle.archive.copy(blob.member, path)
            yield PackageFile(blob.name, blob.digest[len("sha256:") :], path)


def serve_bundle(
    root: str,
    bundle: OpenBundle,
    refs: t.Iterable[str],
    *,
    git: t.Callable[[Deadline], Git],
    timeout: float,
    scratch: str,
    follow_moved_tags: bool = False,
    now: t.Callable[[], float] = time.time,
) -> t.List[Mirrored]:
    """Let packs of a bundle be served. What was served of them before stays: older versions, and tags as they were.

    :arg timeout: Seconds for one pack.
    :arg scratch: A private directory on this host.
    :returns: What was found of each. One that fails is no error here.
    """
    found = []
    with tempfile.TemporaryDirectory(prefix="bundle-", dir=scratch) as directory:
        blobs = _Extracted(bundle.archive, directory)
        for number, ref in enumerate(refs):
            place = os.path.join(directory, f"pack-{number}")
            os.mkdir(place)
            deadline = Deadline(timeout)
            serving = _Serving(root, bundle, ref, git(deadline), follow_moved_tags, now())
            found.append(serving.run(blobs, place))
    return found


class _Extracted:
    """Blobs as files, each once: a repository may have several packs."""

    def __init__(self, archive: Archive, directory: str) -> None:
        self._archive = archive
        self._directory = directory

    def __call__(self, blob: Blob) -> str:
        path = os.path.join(self._directory, os.path.basename(blob.member))
        if not os.path.exists(path):
            try:
                self._archive.copy(blob.member, path)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                raise
        return path


class _Serving:
    """One pack of a bundle, once."""

    def __init__(self, root: str, bundle: OpenBundle, ref: str, git: Git, follow: bool, now: float) -> None:
        self._root = root
        self._bundle = bundle
        self._ref = ref
        self._git = git
        self._follow = follow
        self._now = now
        self._locked = bundle.lock.packs[ref]
        self._url = "" if self._locked.is_directory else self._locked.source

    def run(self, blobs: t.Callable[[Blob], str], scratch: str) -> Mirrored:
        """Let it be served, or say why not."""
        try:
            with alone(self._root, self._ref):
                try:
                    return self._run(self._bundle.pack(self._locked, scratch, blobs))
                except St2Error as error:
                    failed = self._failed(error.message)
                    write_kept(self._root, self._ref, read_kept(self._root, self._ref)._replace(mirrored=failed))
                    return failed
        except LockError as error:
            return self._failed(error.message)
        except OSError as error:
            return self._failed(
                f"{self._ref} cannot be kept in {self._root}: {error.strerror or error}.{low_space(self._root)}"
            )

    def _run(self, pack: BundledPack) -> Mirrored:
        kept = read_kept(self._root, self._ref)
        directory = served_directory(self._root, self._ref)
        if is_repository(directory) and not is_another(kept.mirrored, self._url, KIND):
            repository = ServedRepository(self._git, directory)
            repository.recover()
            plan, changed = self._bring(pack, repository)
            changed, superseded = publish_refs(self._git, repository, kept, changed=changed, now=self._now)
        else:
            repository = ServedRepository(self._git, new_directory(self._root, self._ref))
            repository.create(pack.any_object, pack.branch(_BRANCH))
            plan, _changed = self._bring(pack, repository)
            repository.write_server_info()
            put_in_place(self._root, self._ref, self._ref)
            changed, superseded = True, {}
        found = self._found()._replace(
            moved_tags=plan.moved, fetched=changed, warnings=(*self._bundle.warnings(self._locked), *self._left(plan))
        )
        write_kept(self._root, self._ref, Kept(found, superseded))
        return found

    def _bring(self, pack: BundledPack, repository: ServedRepository) -> t.Tuple[RefPlan, bool]:
        served = repository.refs()
        branch = pack.branch(repository.head() or _BRANCH)
        wanted = pack.refs(repository, branch)
        plan = self._plan(served, wanted) if wanted is not None else None
        if plan is None or plan.written:
            plan = self._plan(served, pack.bring(self._git, repository, branch))
        return plan, repository.apply(plan, branch) or plan.changes

    def _plan(self, served: t.Mapping[str, str], wanted: t.Mapping[str, str]) -> RefPlan:
        return plan_refs(served, wanted, follow_moved_tags=self._follow, whole=False)

    def _left(self, plan: RefPlan) -> t.Iterator[str]:
        for name in plan.blocked:
            yield f"{self._ref}: there is no room for the tag {name} of the bundle beside a tag that is kept."

    def _found(self) -> Mirrored:
        return Mirrored(self._ref, self._url, KIND, self._bundle.path)

    def _failed(self, message: str) -> Mirrored:
        return self._found()._replace(error=message, served=os.path.isdir(served_directory(self._root, self._ref)))
