# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Fetch a pack into a staging directory and prove that it may be installed. The running pack is not looked at."""

from __future__ import annotations

import os
import threading
import typing as t
from dataclasses import dataclass, replace

from .._content.boundary import check_boundary
from .._content.installed import InstalledPack
from .._content.metadata import PackMetadata, incompatibilities, load_metadata
from .._content.origin import Resolved, Source
from .._content.receipt import Contents
from .._content.resources import PackContent, check_config_schema, read_content
from .._content.versions import same_version
from .._content.working_copy import WorkingCopy
from .._errors import InvalidPackError, SourceError, St2Error
from .._file_changes import low_space
from .._file_tree import list_tree, tree_digest
from .._layout import SYSTEM_PACKS
from .._progress import begin, finished
from .._secrets import strip_urls
from .._source.directory import copy_directory, directory_digest, pack_path, unpack_directory
from .._source.git_program import Git
from .._source.object_store import restore_working_copy
from .._source.repository import Repository
from .._source.work_tree import differences
from .candidate import Candidate, Wanted

# The action plugin sends directories of the controller when a run fails at this step.
UPLOAD_STEP = "upload"


@dataclass(frozen=True)
class Rules:
    """What a pack is held against.

    :arg st2_version: Of the host's StackStorm; C(None) when unknown, then nothing is refused for it.
    :arg force: Accept a pack that refuses this StackStorm or Python.
    :arg runners: Gives the runners that the host's StackStorm has, C(None) when nobody knows; called once.
    :arg lenient: Accept a pack with resources or a config schema that StackStorm refuses: it leaves them out.
    """

    st2_version: t.Optional[str]
    force: bool = False
    runners: t.Callable[[], t.Optional[t.Container[str]]] = lambda: None
    lenient: bool = False


class Fetcher:
    """Fetches packs into one staging directory.

    :arg git: Gives the git program when a repository is needed; a task without one needs no git.
    """

    def __init__(self, staging: str, git: t.Callable[[], Git], rules: Rules) -> None:
        self._staging = staging
        self._git = git
        self._rules = rules
        self._asking = threading.Lock()
        self._runners: t.Optional[t.Tuple[t.Optional[t.Container[str]]]] = None

    def repository(self, source: Source) -> Repository:
        """The repository behind a source of kind C(git)."""
        return Repository(self._git(), source.url)

    def expect(self, wanted: t.Sequence[Wanted]) -> None:
        """Be told all that is going to be fetched, before any of it is.

        :raises St2Error: when it is known by then that some of it cannot be had.
        """

    def _repository_of(self, wanted: Wanted) -> Repository:
        """The repository of a pack."""
        return self.repository(wanted.source)

    def fetch(self, wanted: Wanted, number: int) -> Candidate:
        """Fetch one pack and validate it.

        :arg number: Different for every call of a task; names the staging directory.
        :raises SourceError: when it cannot be fetched.
        :raises InvalidPackError: when it must not be installed.
        """
        begin()
        place = os.path.join(self._staging, f"pack-{number}")
        try:
            if wanted.source.kind == "git":
                candidate = self._fetch_repository(wanted, place)
            else:
                candidate = self._fetch_directory(wanted, place)
        except St2Error as error:
            error.ref = error.ref or wanted.ref
            error.step = error.step or SourceError.default_step
            if error.step == SourceError.default_step:
                # Of a full disk git often says no more than that it could not write something.
                error.message += low_space(self._staging)
            raise
        finished(f"{candidate.ref} {candidate.metadata.version} fetched")
        return candidate

    def restore(self, kept: InstalledPack, wanted: Wanted, number: int) -> Candidate:
        """Take a pack from a kept release of it, as it was before anybody edited it, and validate it anew.

        :arg number: As for L(fetch).
        :raises SourceError: when it is not what it was.
        :raises InvalidPackError: when it must not be installed.
        """
        place = os.path.join(self._staging, f"pack-{number}")
        receipt = kept.receipt
        try:
            if kept.head:
                restore_working_copy(kept.location, kept.head.commit, place, self._git())
            else:
                copy_directory(kept.location, place)
        except OSError as error:
            raise SourceError(f"The release {kept.path} cannot be read: {error}.", ref=kept.ref) from error
        if receipt and receipt.digest and directory_digest(place) != receipt.digest:
            raise SourceError(f"The release {kept.path} is not what was installed.", ref=kept.ref)
        resolved = receipt.resolved if receipt else Resolved("commit", "", wanted.version or "")
        restored = self._validated(wanted, place, resolved, [], commit=kept.commit or "")
        return restored._replace(release=kept.path, signed=receipt.signed if receipt else {})

    def _fetch_repository(self, wanted: Wanted, place: str) -> Candidate:
        repository = self._repository_of(wanted)
        refs = repository.clone(place)
        if wanted.commit:
            found = repository.find_commit(
                place, refs, wanted.version, wanted.commit, known=wanted.resolved, by=wanted.by
            )
        else:
            found = repository.find(place, refs, wanted.version)
        repository.check_out(place, found)
        warnings = [*found.warnings, *repository.fetch_elsewhere(place, wanted.source.subdir)]
        if os.path.isabs(wanted.source.url) or wanted.source.url.startswith("file://"):
            warnings += _uncommitted(self._git, wanted.source)
        taken = self._take_subdir(wanted, place) if wanted.source.subdir else place
        fetched = self._validated(wanted, taken, found.resolved, warnings, commit=found.commit)
        return fetched._replace(repository=place)

    def _fetch_directory(self, wanted: Wanted, place: str) -> Candidate:
        if wanted.controller:
            _unpack_upload(wanted, place)
        else:
            copy_directory(pack_path(wanted.source.url, wanted.source.subdir), place)
        warnings = []
        if wanted.version:
            warnings.append(f"{wanted.source.url} is a plain directory without versions: {wanted.version} was ignored.")
        return self._validated(wanted, place, Resolved("content", "", wanted.version or ""), warnings)

    def _take_subdir(self, wanted: Wanted, place: str) -> str:
        path = os.path.join(place, wanted.source.subdir)
        real = os.path.realpath(path)
        if not os.path.isdir(path) or not real.startswith(os.path.realpath(place) + os.sep):
            raise SourceError(
                f"{strip_urls(wanted.source.url)} has no directory {wanted.source.subdir} at that version."
            )
        taken = f"{place}-subdir"
        os.rename(real, taken)
        return taken

    def _validated(
        self, wanted: Wanted, place: str, resolved: Resolved, warnings: t.List[str], *, commit: str = ""
    ) -> Candidate:
        entries = list_tree(place)
        content_digest = tree_digest(entries)
        _check_digest(wanted, content_digest, commit)
        warnings += check_boundary(place)
        metadata = self._identified(wanted, place)
        self._check_compatible(metadata)
        try:
            content = self._content(place, metadata.ref)
        except InvalidPackError as error:
            error.message = f"{metadata.ref} {metadata.version} cannot be installed: {error.message}"
            error.ref = metadata.ref
            raise
        warnings += content.warnings
        if resolved.kind == "tag" and not same_version(resolved.name, metadata.version):
            warnings.append(f"The tag {resolved.name} of {metadata.ref} holds version {metadata.version}.")
        has_git = os.path.isdir(os.path.join(place, ".git"))
        return Candidate(
            wanted=wanted,
            metadata=metadata,
            resolved=resolved,
            contents=Contents(content.by_type(), content.requirements, () if has_git else tuple(entries)),
            staged=place,
            python=content.needs_virtualenv,
            commit=commit,
            digest="" if has_git else content_digest,
            content=content_digest if has_git else "",
            warnings=tuple(warnings),
            left_out=content.left_out,
        )

    def _content(self, place: str, ref: str) -> PackContent:
        """What StackStorm takes of a pack.

        :raises InvalidPackError: for what it refuses, unless that is to be left out.
        """
        with self._asking:
            if self._runners is None:
                self._runners = (self._rules.runners(),)
        lenient = self._rules.lenient
        content = read_content(place, ref, strict=not lenient, safe=True, runners=self._runners[0])
        left_out = list(content.left_out)
        try:
            check_config_schema(place)
        except InvalidPackError as error:
            if not lenient:
                raise
            left_out.append(error.message.rstrip("."))
        told = [f"StackStorm leaves out what it refuses: {problem}." for problem in left_out]
        others = content.warnings[len(content.left_out) :]
        return replace(content, left_out=tuple(left_out), warnings=(*told, *others))

    def _identified(self, wanted: Wanted, place: str) -> PackMetadata:
        version = f" at {wanted.version}" if wanted.version else ""
        subdir = f" ({wanted.source.subdir})" if wanted.source.subdir else ""
        origin = f"{strip_urls(wanted.source.url)}{subdir}{version}"
        try:
            metadata = _metadata(wanted, place)
        except InvalidPackError as error:
            error.message = f"{wanted.ref or 'The pack'} in {origin} cannot be installed. {error.message}"
            raise
        if wanted.ref and metadata.ref != wanted.ref:
            raise InvalidPackError(
                f"{wanted.ref} was requested, but the pack in {origin} is {metadata.ref}. Request it by that name, or "
                "correct the source.",
                ref=wanted.ref,
            )
        if metadata.ref in SYSTEM_PACKS:
            raise InvalidPackError(
                f"The ref of the pack in {origin} is {metadata.ref}, which is one of StackStorm's own packs "
                f"({', '.join(SYSTEM_PACKS)}). Those are never replaced.",
                ref=metadata.ref,
            )
        return metadata

    def _check_compatible(self, metadata: PackMetadata) -> None:
        reasons = incompatibilities(metadata, st2_version=self._rules.st2_version)
        if reasons and not self._rules.force:
            raise InvalidPackError(
                f"{metadata.ref} {metadata.version} does not support this host: {'; '.join(reasons)}. Choose "
                "another version, "
                "or accept it with force.",
                ref=metadata.ref,
            )


def _metadata(wanted: Wanted, place: str) -> PackMetadata:
    try:
        return load_metadata(place)
    except InvalidPackError:
        if not wanted.ref:
            raise
        # Without a usable ref or name of its own, a pack takes the name of its directory, which is the ref asked for.
        return load_metadata(place, directory_name=wanted.ref)


def _check_digest(wanted: Wanted, digest: str, commit: str) -> None:
    """:raises SourceError: for other files than the task, an index or a lock says, naming which of them does."""
    url = strip_urls(wanted.source.url)
    place = f"The files of {url} at {commit}" if commit else f"The files of the directory {url}"
    if wanted.listed_digest not in (None, digest):
        raise SourceError(
            f"{place} are not those that {wanted.by.name} has listed: they have the digest {digest}, and not "
            f"{wanted.listed_digest}. {wanted.by.remedy}."
        )
    if wanted.digest in (None, digest):
        return
    raise SourceError(
        f"{place} are not those that the task asks for: they have the digest {digest}, and not {wanted.digest}. "
        "Nothing was changed: see what is different there, and correct digest if that was meant."
    )


def _unpack_upload(wanted: Wanted, place: str) -> None:
    if wanted.upload is None:
        raise SourceError(
            f"{wanted.source.url} on the controller has content that is not installed here, and it was not sent.",
            step=UPLOAD_STEP,
        )
    unpack_directory(wanted.upload, place)


def _uncommitted(git: t.Callable[[], Git], source: Source) -> t.List[str]:
    path = source.url[len("file://") :] if source.url.startswith("file://") else source.url
    head = WorkingCopy(path).head()
    if head is None:
        return []
    # What is not committed differs from what is checked out there, whatever version is asked for.
    changes = differences(git(), os.path.join(path, ".git"), path, head.commit, modes=False)
    if not changes:
        return []
    shown = ", ".join(changes[:5]) + (f" and {len(changes) - 5} more" if len(changes) > 5 else "")
    return [f"{path} is a git repository. Uncommitted changes were left out, as StackStorm does: {shown}."]
