# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Mirroring: many repositories elsewhere are brought here, several at a time, and none holds up or spoils another.

A tag that is served stays what it is, whatever upstream does with it: who could move a tag there could else give
another content to everybody who installs that version.
"""

from __future__ import annotations

import os
import random
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from .._deadline import Deadline
from .._errors import InvalidPackError, LockError, OptionError, St2Error
from .._file_changes import low_space
from .._index.repository import cache_name
from .._secrets import strip_urls
from .._source.git_program import Git
from .._source.remote_refs import TAGS, RemoteRefs
from .findings import Mirrored
from .keeping import (
    Kept,
    alone,
    clean_up,
    new_directory,
    put_in_place,
    read_kept,
    served_directory,
    write_kept,
)
from .pack_ref import pack_ref
from .patience import Patience
from .ref_plan import MOVED, RefPlan, plan_refs
from .renewal import is_another, publish_refs
from .served_repository import ServedRepository, is_repository
from .sources import PackSource, ref_of_source
from .upstream import Upstream

# Servers take more for an attack.
PARALLEL = 4
# Of the six hours that the unit gives to an update; an index may list any number of servers that hang.
_ALL_SECONDS = 2 * 3600.0


class Mirror:
    """The repositories that are brought to one exchange host.

    :arg root: The directory of all of it. What is written is for everybody to read, if the umask allows.
    :arg git: Gives the git program, for as long as it may take. Called in several threads.
    :arg anonymous_git: The same without credentials, for what only an index elsewhere names.
    :arg timeout: Seconds for one repository.
    :arg within: Seconds for all. What is not reached by then stays what it was, and what is here can be published.
    :arg follow_moved_tags: Whether tags become what upstream makes of them, and go with those of upstream.
    :arg patience: Gives what is known of servers in one run.
    :arg now: Gives the seconds since 1970.
    """

    def __init__(
        self,
        root: str,
        *,
        git: t.Callable[[Deadline], Git],
        timeout: float,
        anonymous_git: t.Optional[t.Callable[[Deadline], Git]] = None,
        within: float = _ALL_SECONDS,
        follow_moved_tags: bool = False,
        patience: t.Callable[[], Patience] = Patience,
        now: t.Callable[[], float] = time.time,
    ) -> None:
        self._way = _Way(root, git, anonymous_git or git, timeout, follow_moved_tags, now)
        self._within = within
        self._make_patience = patience

    def update(self, sources: t.Sequence[PackSource], taken: t.Collection[str] = ()) -> t.List[Mirrored]:
        """Bring what upstream has now.

        :arg taken: Refs that are served from elsewhere, for sources whose ref only the repository tells.
        :returns: What was found of each source, in their order. A source that fails is no error here.
        """
        clean_up(self._way.root)
        own = {source.ref for source in sources if source.ref and source.kind == "packs"}
        names = _Names({*taken, *own})
        patience = self._make_patience()
        jobs = list(enumerate(sources))
        # Not all repositories of one server after each other, and not in the same order every night.
        random.shuffle(jobs)
        found: t.Dict[int, Mirrored] = {}
        deadline = Deadline(self._within)

        def work(job: t.Tuple[int, PackSource]) -> None:
            number, source = job
            if source.kind != "packs" and source.ref and not names.take(source.ref):
                found[number] = _shadowed(source)
            else:
                found[number] = _Update(self._way, source, names, patience, deadline).run()

        # The names of the settings' own packs come first, also those that only a clone tells.
        unnamed = [job for job in jobs if job[1].ref is None]
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            for some in (unnamed, [job for job in jobs if job not in unnamed]):
                list(pool.map(work, some))
        return [found[number] for number in range(len(sources))]


class _Names:
    """The refs that are taken, for several threads."""

    def __init__(self, taken: t.Set[str]) -> None:
        self._taken = taken
        self._lock = threading.Lock()

    def take(self, ref: str) -> bool:
        """Take a ref, if it is free."""
        with self._lock:
            free = ref not in self._taken
            self._taken.add(ref)
        return free


class _Way(t.NamedTuple):
    """How repositories are brought; as in L(Mirror)."""

    root: str
    git: t.Callable[[Deadline], Git]
    anonymous_git: t.Callable[[Deadline], Git]
    timeout: float
    follow_moved_tags: bool
    now: t.Callable[[], float]


class _Update:
    """One repository, once."""

    def __init__(self, way: _Way, source: PackSource, names: _Names, patience: Patience, all_in: Deadline) -> None:
        self._root = way.root
        self._follow = way.follow_moved_tags
        self._now = way.now()
        self._source = source
        self._names = names
        self._all_in = all_in
        self._deadline = Deadline(min(way.timeout, all_in.remaining()))
        self._git = way.git(self._deadline)
        git = way.git if source.may_have_credentials else way.anonymous_git
        self._upstream = Upstream(source.url, git=git, deadline=self._deadline, patience=patience)
        self._ref = source.ref or ref_of_source(self._root, source.url) or ""

    def run(self) -> Mirrored:
        """Bring it here, or say why not."""
        if not self._all_in.remaining():
            hours = f"{self._all_in.seconds / 3600:g}"
            return self._failed(
                f"{strip_urls(self._source.url)} was not asked in this run, since the others have taken {hours} hours "
                "already."
            )
        try:
            with alone(self._root, self._ref or f"url-{cache_name(self._source.url)}"):
                return self._run()
        except LockError as error:
            return self._failed(error.message)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            return self._failed(
                f"{strip_urls(self._source.url)} cannot be kept in {self._root}: {reason}.{low_space(self._root)}"
            )

    def _run(self) -> Mirrored:
        try:
            remote = self._upstream.list_refs()
            if self._ref and not _may_have(self._source, self._ref, self._names):
                raise _twice(self._source.url, self._ref)
            kept = read_kept(self._root, self._ref) if self._ref else Kept()
            directory = served_directory(self._root, self._ref)
            if (
                self._ref
                and is_repository(directory)
                and not is_another(kept.mirrored, self._source.url, self._source.kind)
            ):
                return self._renew(directory, remote, kept)
            return self._begin(remote)
        except St2Error as error:
            failed = self._failed(error.message)
            if self._ref and not isinstance(error, LockError):
                write_kept(self._root, self._ref, read_kept(self._root, self._ref)._replace(mirrored=failed))
            return failed

    def _renew(self, directory: str, remote: RemoteRefs, kept: Kept) -> Mirrored:
        """Bring a repository up to date that is served already."""
        repository = ServedRepository(self._git, directory)
        repository.recover()
        plan, changed = self._bring(repository, remote)
        changed, superseded = publish_refs(self._git, repository, kept, changed=changed, now=self._now)
        found = self._found(plan)._replace(fetched=changed, warnings=self._warnings(plan, repository, changed))
        write_kept(self._root, self._ref, Kept(found, superseded))
        return found

    def _begin(self, remote: RemoteRefs) -> Mirrored:
        """Make a repository that is not served yet, or whose name was that of another one."""
        key = self._ref or f"url-{cache_name(self._source.url)}"
        directory = new_directory(self._root, key)
        repository = ServedRepository(self._git, directory)
        repository.create(next(iter(remote.objects.values())), remote.default)
        plan, _changed = self._bring(repository, remote)
        repository.write_server_info()
        if self._ref:
            return self._place(key, self._ref, plan)
        ref = pack_ref(self._git, directory, repository.refs(), repository.head(), self._source.url)
        if not self._names.take(ref):
            raise _twice(self._source.url, ref)
        self._ref = ref
        with alone(self._root, ref):
            return self._place(key, ref, plan)

    def _place(self, key: str, ref: str, plan: RefPlan) -> Mirrored:
        put_in_place(self._root, key, ref)
        found = self._found(plan)._replace(fetched=True)
        write_kept(self._root, ref, Kept(found))
        return found

    def _bring(self, repository: ServedRepository, remote: RemoteRefs) -> t.Tuple[RefPlan, bool]:
        served = repository.refs()
        plan = plan_refs(served, remote.objects, follow_moved_tags=self._follow)
        if plan.written:
            names = {_name_upstream(name) for name in plan.written}
            staged = self._upstream.fetch(repository.directory, names)
            # Upstream may have gone on since it was asked what it has.
            plan = plan_refs(served, {**remote.objects, **staged}, follow_moved_tags=self._follow)
        return plan, repository.apply(plan, remote.default) or plan.changes

    def _warnings(self, plan: RefPlan, repository: ServedRepository, changed: bool) -> t.Tuple[str, ...]:
        url = strip_urls(self._source.url)
        warnings = [
            f"{self._ref}: the tag {name} of {url} is not served, as there is no room for it beside a tag that is kept."
            for name in plan.blocked
        ]
        if self._source.ref is None and changed:
            try:
                ref = pack_ref(self._git, repository.directory, repository.refs(), repository.head(), url)
            except InvalidPackError:
                ref = self._ref  # The index says what is wrong with it.
            if ref != self._ref:
                warnings.append(
                    f"{self._ref}: the pack in {url} is called {ref} now, and is served as {self._ref} still. Give the "
                    "name beside the source to serve it as that."
                )
        return tuple(warnings)

    def _found(self, plan: RefPlan) -> Mirrored:
        source = self._source
        return Mirrored(self._ref, strip_urls(source.url), source.kind, source.origin, plan.moved, plan.deleted)

    def _failed(self, message: str) -> Mirrored:
        """What is known of a repository that cannot be brought here."""
        before = read_kept(self._root, self._ref).mirrored if self._ref else None
        source = self._source
        found = Mirrored(self._ref, strip_urls(source.url), source.kind, source.origin)
        if before and not is_another(before, source.url, source.kind):
            found = found._replace(moved_tags=before.moved_tags, deleted_tags=before.deleted_tags)
        served = bool(self._ref) and os.path.isdir(served_directory(self._root, self._ref))
        return found._replace(error=message, served=served)


def _name_upstream(name: str) -> str:
    """The name that a ref has upstream."""
    return f"{TAGS}{name[len(MOVED) :].rpartition('/')[0]}" if name.startswith(MOVED) else name


def _may_have(source: PackSource, ref: str, names: _Names) -> bool:
    """Whether a source may have its ref: one that was named has, one that was found out must not be another's."""
    return source.ref is not None or names.take(ref)


def _twice(url: str, ref: str) -> OptionError:
    return OptionError(
        f"{strip_urls(url)} has the pack {ref}, which is served from elsewhere already: name only one of them.", ref=ref
    )


def _shadowed(source: PackSource) -> Mirrored:
    """What is found of a pack of an index whose name turned out to be that of the settings' own."""
    warning = (
        f"{source.ref} is not served from {strip_urls(source.url)} ({source.origin}), since a source of the settings "
        "has the pack of that name."
    )
    return Mirrored(
        source.ref or "", strip_urls(source.url), source.kind, source.origin, warnings=(warning,), served=False
    )
