# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""An index in memory: packs described, given entries, and what other indexes list, as one."""

from __future__ import annotations

import contextlib
import os
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .._content.address import normal_url
from .._content.guessed_ref import guessed_ref
from .._content.origin import Source
from .._content.request import PackRequest, source_for
from .._deadline import Deadline
from .._errors import Collected, IndexError_, InvalidPackError, OptionError, SourceError, St2Error
from .._file_changes import low_space, remove_tree
from .._file_tree import walk_tree
from .._secrets import Credentials, strip_urls
from .._source.directory import copy_directory
from .._source.git_program import Git
from .._source.index import Indexes
from .choice import Chosen, choose
from .describe import Description, describe
from .entry import Entry, make_entry
from .inspection import Findings, Inspection, Judge, Refused
from .merged import Merged, merge
from .options import IndexOptions
from .repository import IndexedRepository, cache_name

# Servers take more for an attack.
_PARALLEL = 4


class Shadowed(t.NamedTuple):
    """A pack of the task's own that another index lists from somewhere else.

    :arg repo_url: What the task lists; C(None) for a pack that is left out for now, whose name is kept free.
    """

    ref: str
    repo_url: t.Optional[str]
    index_url: str
    other_repo_url: str


class Skipped(t.NamedTuple):
    """A pack that is left out."""

    name: str
    ref: t.Optional[str]
    reason: str


@dataclass
class Built:
    """An index before it is published.

    :arg entries: By ref.
    :arg descriptions: Of the packs that were described, by ref.
    :arg sources: Of each entry: the source of the pack, C(entries), or the index that it was taken from.
    :arg findings: What was found in the files of packs that were inspected, by ref.
    :arg refused: Versions that are left out, while others of the same pack may be listed.
    """

    entries: t.Dict[str, Entry] = field(default_factory=dict)
    descriptions: t.Dict[str, Description] = field(default_factory=dict)
    sources: t.Dict[str, str] = field(default_factory=dict)
    skipped: t.List[Skipped] = field(default_factory=list)
    shadowed: t.List[Shadowed] = field(default_factory=list)
    findings: t.Dict[str, Findings] = field(default_factory=dict)
    refused: t.List[Refused] = field(default_factory=list)
    warnings: t.List[str] = field(default_factory=list)

    @property
    def newest(self) -> t.Optional[int]:
        """When the newest of what was described was made."""
        return max((one.time for one in self.descriptions.values() if one.time), default=None)


class _Found(t.NamedTuple):
    """A request that was looked at.

    :arg source: The clean address that the pack is read from.
    :arg repository: Where that is one.
    :arg copy: The directory with its files, where it was read from one.
    """

    request: PackRequest
    source: str
    chosen: t.Optional[Chosen] = None
    error: t.Optional[St2Error] = None
    known_ref: t.Optional[str] = None
    refused: t.Tuple[Refused, ...] = ()
    repository: t.Optional[IndexedRepository] = None
    copy: t.Optional[str] = None


class Builder:
    """Builds one index.

    :arg git: Gives the git program when a repository is needed.
    :arg trust: Lets the server of a URL have credentials, see L(CredentialBook.trust).
    :arg cache: What earlier runs found out of repositories; existing or not.
    :arg scratch: A directory of this run alone.
    :arg keep: Whether the cache may be written.
    :arg inspection: How packs are looked at; C(None) for not at all.
    """

    def __init__(
        self,
        options: IndexOptions,
        *,
        git: t.Callable[[], Git],
        trust: t.Callable[[t.Optional[str], t.Optional[Credentials]], None],
        cache: str,
        scratch: str,
        keep: bool,
        deadline: Deadline,
        inspection: t.Optional[Inspection] = None,
    ) -> None:
        self._options = options
        self._git = git
        self._trust = trust
        self._cache = cache
        self._scratch = scratch
        self._keep = keep
        self._deadline = deadline
        self._inspection = inspection

    def build(self, indexes: Indexes) -> Built:
        """All that is to be in the index.

        :arg indexes: What was read of C(index_url).
        :raises St2Error: when something cannot be read, or cannot be listed and C(on_invalid) is C(fail).
        """
        built = Built()
        self._check_read(indexes, built)
        found = self._look(indexes)
        merged = merge(indexes, self._options.include, self._options.exclude)
        built.warnings += merged.warnings
        collected = Collected()
        for one in found:
            with collected.one():
                self._list(built, one)
                self._inspect(built, one)
        for ref, entry in self._options.entries.items():
            with collected.one():
                self._add(built, ref, entry, "entries")
        collected.raise_them()
        self._take_over(built, merged, found)
        if not built.entries and built.skipped and not self._options.skip_refused:
            reasons = " ".join(one.reason for one in built.skipped)
            raise InvalidPackError(f"There are no packs to list, and an empty index is not published. {reasons}")
        self._forget_others(found)
        return built

    def _forget_others(self, found: t.Sequence[_Found]) -> None:
        """Remove what the cache has of repositories that the task no longer names."""
        if self._keep and os.path.isdir(self._cache):
            used = {cache_name(one.source) for one in found}
            for name in os.listdir(self._cache):
                if name not in used:
                    with contextlib.suppress(OSError):
                        remove_tree(os.path.join(self._cache, name))

    def _check_read(self, indexes: Indexes, built: Built) -> None:
        unread = [status for status in indexes.statuses if status.error]
        if not unread:
            return
        what = "; ".join(f"{one.url} is {one.error} ({(one.message or '').rstrip('.')})" for one in unread)
        if self._options.index_strict:
            raise IndexError_(
                f"An index to be merged cannot be used: {what}. Nothing is published, since its packs would be "
                "removed from the index. Set index_strict to false to allow this."
            )
        built.warnings.append(f"Packs of an unusable index are left out: {what}.")

    def _look(self, indexes: Indexes) -> t.List[_Found]:
        """What all requests come to, several at a time."""
        requests = [self._addressed(request, indexes) for request in self._options.requests]
        if not requests:
            return []
        judged = [bool(self._inspection and self._inspection.judged(request)) for request in requests]
        found: t.Dict[int, _Found] = {}
        collected = Collected()
        with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(requests))) as pool:
            futures = {
                number: pool.submit(self._look_at, request, number)
                for number, request in enumerate(requests)
                if not judged[number]
            }
            try:
                for number, future in futures.items():
                    with collected.one():
                        found[number] = future.result()
                    self._deadline.check("the packs were read")
            except BaseException:
                for future in futures.values():
                    future.cancel()
                raise
        for number, request in enumerate(requests):
            if judged[number]:  # An inspection forks, so no other thread may be there.
                with collected.one():
                    found[number] = self._look_at(request, number, self._inspection)
        collected.raise_them()
        return [found[number] for number in sorted(found)]

    def _addressed(self, request: PackRequest, indexes: Indexes) -> PackRequest:
        """The request with its source; a name is looked up."""
        if not request.is_name:
            self._trust(request.source, request.credentials)
            return request
        entry = indexes.lookup(request.name or "", strict=self._options.index_strict)
        self._trust(entry.repo_url, entry.credentials)
        return request._replace(source=entry.repo_url, name=None, ref=request.name)

    def _look_at(self, request: PackRequest, number: int, by: t.Optional[Inspection] = None) -> _Found:
        source = source_for(request)
        try:
            return self._look_at_source(request, source, number, by)
        except OSError as error:
            raise SourceError(
                f"What {strip_urls(source.url)} has cannot be kept in {self._cache}: {error.strerror or error}."
                f"{low_space(self._cache)}"
            ) from error

    def _look_at_source(self, request: PackRequest, source: Source, number: int, by: t.Optional[Inspection]) -> _Found:
        self._deadline.check(f"{strip_urls(source.url)} was about to be read")
        if source.kind == "directory":
            return self._look_at_directory(request, source.url, number)
        scratch = os.path.join(self._scratch, f"pack-{number}")
        os.makedirs(scratch)
        cache = os.path.join(self._cache, cache_name(source.url))
        path = source.url[len("file://") :] if source.url.startswith("file://") else None
        place = path if self._options.in_place else None
        repository = IndexedRepository(self._git(), source.url, cache, scratch, keep=self._keep, place=place)
        judge = Judge(repository, by) if by or self._options.skip_refused else None
        try:
            chosen = choose(repository, self._options.revision, asked=request.version, name=request.ref, judge=judge)
        except InvalidPackError as error:
            refused = tuple(judge.refused.values()) if judge else ()
            known = repository.known_ref()
            return _Found(request, source.url, None, error, known, refused, repository)
        refused = tuple(judge.refused.values()) if judge else ()
        return _Found(request, source.url, chosen, refused=refused, repository=repository)

    def _look_at_directory(self, request: PackRequest, path: str, number: int) -> _Found:
        copy = os.path.join(self._scratch, f"pack-{number}")
        try:
            copy_directory(path, copy)
            newest = max((int(status.st_mtime) for _name, status in walk_tree(path)), default=0)
            description = describe(copy, request.ref, time=newest, digest=None)
        except InvalidPackError as error:
            return _Found(request, path, error=error)
        problem = description.problem or description.content_problem
        if problem:
            refused = InvalidPackError(f"{path} cannot be listed: {problem}", ref=description.ref)
            return _Found(request, path, error=refused)
        version = description.version
        warnings = (f"{path} is a plain directory, which has no versions: {request.version} was ignored.",)
        chosen = Chosen(description, version, None, (version,), warnings if request.version else ())
        return _Found(request, path, chosen, copy=copy)

    def _inspect(self, built: Built, found: _Found) -> None:
        """Look at a pack that is listed, and keep what is known of its repository."""
        ref = found.chosen.description.ref or "" if found.chosen else ""
        if found.chosen and self._inspection:
            self._deadline.check(f"{ref} was about to be checked")
            if found.copy:
                built.findings[ref] = self._inspection.look(found.copy)
            elif found.repository and found.chosen.described:
                built.findings[ref] = found.repository.inspect(found.chosen.described, ref, self._inspection)
        if found.repository:
            found.repository.finish(ref or None)

    def _list(self, built: Built, found: _Found) -> None:
        """Add one pack, or leave it out."""
        built.refused += [one._replace(ref=one.ref or found.request.ref or "") for one in found.refused]
        if found.chosen is None:
            error = found.error or InvalidPackError(f"{found.source} cannot be listed.")
            if self._options.on_invalid == "fail":
                raise error
            ref = error.ref or found.request.ref or found.known_ref
            built.skipped.append(Skipped(found.request.requested, ref, error.message))
            return
        chosen = found.chosen
        description = chosen.description
        ref = description.ref or ""
        entry = make_entry(
            description.pack,
            self._options.published_url(ref, found.source),
            chosen.versions,
            version=chosen.version,
            commit=chosen.commit,
            digest=description.digest if chosen.commit else None,
            requires_config=description.requires_config,
        )
        self._add(built, ref, entry, strip_urls(found.source))
        built.descriptions[ref] = description
        built.warnings += found.request.warnings + chosen.warnings

    def _add(self, built: Built, ref: str, entry: Entry, source: str) -> None:
        if ref in built.entries:
            raise OptionError(
                f"The task lists {ref} twice: from {built.sources[ref]} and from {source}. List only one of them.",
                ref=ref,
            )
        built.entries[ref] = entry
        built.sources[ref] = source

    def _take_over(self, built: Built, merged: Merged, found: t.Sequence[_Found]) -> None:
        """Add what other indexes list, but under no name of the task's own."""
        own = {ref: {normal_url(entry["repo_url"])} for ref, entry in built.entries.items()}
        for one in found:
            if one.chosen:
                own[one.chosen.description.ref or ""].add(normal_url(one.source))
        # The name of a pack that is left out stays its own: that pack comes back, another under its name would stay.
        left_out = {ref: one for one in found if one.chosen is None for ref in _possible_refs(one)}
        for ref, entry in merged.entries.items():
            if ref not in own and ref not in left_out:
                self._add(built, ref, entry, merged.sources[ref])
                continue
            if ref in left_out and ref not in own:
                if normal_url(entry["repo_url"]) == normal_url(left_out[ref].source):
                    continue
            elif normal_url(entry["repo_url"]) in own[ref]:
                continue
            listed = built.entries[ref]["repo_url"] if ref in own else None
            built.shadowed.append(Shadowed(ref, listed, merged.sources[ref], entry["repo_url"]))


def _possible_refs(found: _Found) -> t.Set[str]:
    """The refs that a pack may have that could not be read: what it said, had, was asked for by, or is called."""
    said = found.error.ref if found.error else None
    return set(filter(None, (said, found.request.ref, found.known_ref, guessed_ref(found.source))))
