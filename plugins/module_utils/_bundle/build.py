# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Building: what a lock names is fetched anew, proven to be what it says, and brought into the form of a bundle."""

from __future__ import annotations

import os
import typing as t
from concurrent.futures import ThreadPoolExecutor

from .._content.origin import Resolved
from .._errors import Collected, InvalidPackError, SourceError
from .._index.describe import describe
from .._index.entry import Entry, make_entry
from .._lfs import Pointer
from .._libraries import require
from .._secrets import strip_urls
from .._source.authority import lock_file
from .._source.directory import directory_digest, pack_directory, pack_path
from .._source.git_bundle import BundledRepository, write_git_bundle
from .._source.git_program import Git
from .._source.lfs import kept_content, pointers
from .._source.refs import Found
from .._source.repository import Repository
from .archive import Archive
from .layout import (
    INDEX,
    MANIFEST,
    Blob,
    Manifest,
    blob_of_file,
    content_digest,
    manifest_text,
    plain_json,
    source_name,
)

if t.TYPE_CHECKING:
    from .._lock.document import Lock, LockedPack
    from .._source.package_index import PackageIndexes

_PARALLEL = 4
_REMEDY = "Create the lock again with st2_pack_lock if this was intended"


class Built(t.NamedTuple):
    """What a bundle is to be.

    :arg files: By name in the archive, the content or the path of a file with it.
    """

    manifest: Manifest
    files: t.Dict[str, t.Union[bytes, str]]
    warnings: t.Tuple[str, ...]


class _Part(t.NamedTuple):
    """What became of one source, or of one file of a Python package."""

    blobs: t.Dict[Blob, str]
    entries: t.Mapping[str, Entry] = {}
    warnings: t.Tuple[str, ...] = ()


class Builder:
    """Builds the bundle of one lock.

    :arg text: The lock as it is written.
    :arg path: Where it lies; its directories are relative to that.
    :arg git: Gives the git program, where there are repositories.
    :arg packages: Gives the indexes, where there are files of Python packages.
    :arg scratch: A private directory, in which all is prepared.
    :arg known: A bundle from which files of Python packages are taken that it has.
    """

    def __init__(
        self,
        lock: Lock,
        text: str,
        path: str,
        *,
        git: t.Callable[[], Git],
        packages: t.Callable[[], PackageIndexes],
        scratch: str,
        known: t.Optional[Archive],
    ) -> None:
        self._lock = lock
        self._text = text
        self._directory, self._name = os.path.split(path)
        self._git = git
        self._packages = packages
        self._scratch = scratch
        self._known = known

    def build(self) -> Built:
        """Fetch and prove everything.

        :raises St2Error: for all that cannot be had or is not what was locked.
        """
        for library in ("PyYAML", "jsonschema", "semver"):
            require(library)  # Not only when everything is fetched.
        parts = self._work([*self._sources(), *self._files()])
        blobs = {blob: path for part in parts for blob, path in part.blobs.items()}
        entries = {ref: entry for part in parts for ref, entry in part.entries.items()}
        index = plain_json({"packs": {ref: entries[ref] for ref in sorted(entries)}})
        manifest = Manifest(self._text, tuple(sorted(blobs)), content_digest(index))
        files: t.Dict[str, t.Union[bytes, str]] = {blob.member: path for blob, path in blobs.items()}
        files.update({MANIFEST: manifest_text(manifest), INDEX: index})
        return Built(manifest, files, tuple(warning for part in parts for warning in part.warnings))

    def _work(self, jobs: t.Sequence[t.Callable[[], _Part]]) -> t.List[_Part]:
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            futures = [pool.submit(job) for job in jobs]
        collected = Collected()
        parts = []
        for future in futures:
            with collected.one():
                parts.append(future.result())
        collected.raise_them()
        return parts

    def _sources(self) -> t.Iterator[t.Callable[[], _Part]]:
        repositories: t.Dict[str, t.List[LockedPack]] = {}
        number = 0
        for _ref, pack in sorted(self._lock.packs.items()):
            if pack.is_directory:
                number += 1
                yield _Job(self._directory_part, pack, self._place("directory", number))
            else:
                repositories.setdefault(pack.source, []).append(pack)
        for number, (url, packs) in enumerate(repositories.items()):
            yield _Job(self._repository_part, url, packs, self._git(), self._place("git", number))

    def _files(self) -> t.Iterator[t.Callable[[], _Part]]:
        number = 0
        known = set(self._known.members) if self._known else set()
        for pin, files in sorted(self._lock.wheels.items()):
            for file, digest in sorted(files.items()):
                number += 1
                place = self._place("package", number)
                blob = Blob(digest, 0, "package", file)
                if self._known and blob.member in known:
                    # One after the other, as the archive is one stream.
                    self._known.copy(blob.member, place)
                    yield _Job(_file_part, blob, place)
                else:
                    yield _Job(self._package_part, pin, blob, place, self._packages())

    def _place(self, kind: str, number: int) -> str:
        return os.path.join(self._scratch, f"{kind}-{number}")

    def _repository_part(self, url: str, packs: t.Sequence[LockedPack], git: Git, place: str) -> _Part:
        repository = Repository(git, url)
        refs = repository.clone(f"{place}.clone")
        held: t.Dict[str, t.Tuple[str, str]] = {}
        for pack in packs:
            found = repository.find_commit(
                f"{place}.clone",
                refs,
                pack.resolved.name or pack.commit,
                pack.commit,
                known=pack.resolved,
                by=lock_file(self._name),
            )
            name = _ref_name(pack)
            if name.startswith("refs/tags/") and found.resolved.kind != "tag":
                raise SourceError(
                    f"The repository {strip_urls(url)} has no tag {pack.resolved.name} any more, which the lock has "
                    f"for {pack.ref}. {_REMEDY}.",
                    ref=pack.ref,
                )
            at = git("rev-parse", name, cwd=f"{place}.clone").stdout.strip() if found.resolved.kind == "tag" else ""
            if held.setdefault(name, (at or pack.commit, pack.commit))[1] != pack.commit:
                # Of a branch at two times, one commit has its name.
                held[f"refs/locked/{pack.commit}"] = (pack.commit, pack.commit)
        written = {name: at for name, (at, _commit) in held.items()}
        write_git_bundle(git, f"{place}.clone", written, place)
        blob = blob_of_file(place, "git", url, [f"{name} {at} {commit}" for name, (at, commit) in held.items()])
        part = _Part({blob: place}, {}, ())
        # What hosts will do with it.
        bundled = BundledRepository(git, url, place, written)
        bundled.clone(f"{place}.proof")
        for pack in packs:
            at_commit = Found(Resolved("commit", "", ""), pack.commit)
            bundled.check_out(f"{place}.proof", at_commit)
            part = self._proven(pack, pack_path(f"{place}.proof", pack.subdir), part)
            kept_elsewhere = pointers(pack_path(f"{place}.proof", pack.subdir))
            if kept_elsewhere:
                repository.check_out(f"{place}.clone", at_commit)
                part = _with_content(part, repository, f"{place}.clone", pack, kept_elsewhere)
        return part

    def _directory_part(self, pack: LockedPack, place: str) -> _Part:
        path = pack_path(os.path.normpath(os.path.join(self._directory, pack.source)), pack.subdir)
        part = self._proven(pack, path, _Part({}))
        pack_directory(path, place)
        name = source_name(pack.source, pack.subdir, is_directory=True)
        return part._replace(blobs={blob_of_file(place, "directory", name, [pack.content]): place})

    def _proven(self, pack: LockedPack, path: str, part: _Part) -> _Part:
        """The part with what an index says of a pack, once its files are what was locked."""
        found = directory_digest(path)
        if found != pack.content:
            where = path if pack.is_directory else f"{strip_urls(pack.source)} at {pack.commit}"
            raise SourceError(
                f"The files of {pack.ref} {pack.version} in {where} do not match the lock: their digest is "
                f"{found}, but {pack.content} in the lock. {_REMEDY}.",
                ref=pack.ref,
            )
        if pack.is_directory or pack.subdir:
            return part  # An index names repositories, and packs at the top of them.
        description = describe(path, pack.ref, time=0, digest=found)
        if description.problem:
            raise InvalidPackError(
                f"{pack.ref} {pack.version} cannot be installed. {description.problem}", ref=pack.ref
            )
        entry = make_entry(
            description.pack,
            pack.source,
            None,
            commit=pack.commit,
            digest=found,
            requires_config=description.requires_config or None,
        )
        return part._replace(entries={**part.entries, pack.ref: entry})

    def _package_part(self, pin: str, blob: Blob, place: str, packages: PackageIndexes) -> _Part:
        packages.save(pin.partition("==")[0], blob.name, place)
        return _file_part(blob, place)


class _Job:
    """One call for later."""

    def __init__(self, work: t.Callable[..., _Part], *arguments: t.Any) -> None:
        self._work = work
        self._arguments = arguments

    def __call__(self) -> _Part:
        return self._work(*self._arguments)


def _file_part(blob: Blob, place: str) -> _Part:
    found = blob_of_file(place, blob.kind, blob.name, ())
    if found.digest != blob.digest:
        raise SourceError(
            f"{blob.name} does not match the lock: its digest is {found.digest}, but {blob.digest} in the lock. "
            "Ask the maintainer of the package index."
        )
    return _Part({found: place})


def _with_content(
    part: _Part, repository: Repository, clone: str, pack: LockedPack, found: t.Mapping[str, Pointer]
) -> _Part:
    """The part with what a pack keeps in Git LFS."""
    warnings = tuple(repository.fetch_elsewhere(clone, pack.subdir))
    blobs = dict(part.blobs)
    for pointer in found.values():
        path = kept_content(clone, pointer)
        if os.path.isfile(path):
            before = [blob for blob in blobs if blob.kind == "lfs" and blob.digest == f"sha256:{pointer.oid}"]
            commits = {pack.commit, *(commit for blob in before for commit in blob.holds)}
            for blob in before:
                del blobs[blob]
            blobs[blob_of_file(path, "lfs", pack.source, sorted(commits))] = path
    return part._replace(blobs=blobs, warnings=(*part.warnings, *(f"{pack.ref}: {one}" for one in warnings)))


def _ref_name(pack: LockedPack) -> str:
    """The name in a bundle by which a pack is found."""
    kind, name = pack.resolved.kind, pack.resolved.name
    if kind == "tag":
        return f"refs/tags/{name}"
    return f"refs/heads/{name}" if kind in ("default", "branch") and name else f"refs/locked/{pack.commit}"
