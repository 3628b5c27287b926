# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The Python packages that packs require, kept for hosts that reach nothing else.

StackStorm makes the virtualenv of a pack with the C(pip) that virtualenv brings along, installs six and then the pack's
requirements.txt (st2common/util/virtualenvs.py setup_pack_virtualenv). So six is here in any case; and pip, setuptools
and wheel, which uv installs, and which building from source takes.
"""

from __future__ import annotations

import os
import typing as t
from concurrent.futures import ThreadPoolExecutor, as_completed

from .._deadline import Deadline
from .._errors import DeadlineError, St2Error
from .._file_changes import remove_tree
from .._files import file_digest
from .._pack.virtualenv import BASE_REQUIREMENT
from .._pack.virtualenv_failure import reason
from .._process import ProgramError
from .._secrets import Credentials, Redactor
from .._st2.proxy import Proxy
from .package_places import PackagePlaces
from .package_resolver import PackageFile, PackageResolver, Resolved
from .package_store import PackageStore, SetRecord, set_key
from .pip_download import Target, is_unreached
from .problem import Problem
from .requirement_sets import PackRequirements, RequirementSet, clean_requirement, requirement_sets
from .simple_index import publish

_PARALLEL = 2
# The glibc of Red Hat 8, the oldest system that StackStorm 3.9 has packages for.
_OLDEST_PLATFORM = "manylinux_2_28_x86_64"
_BASE = RequirementSet((clean_requirement(BASE_REQUIREMENT) or "",))
_SEEDS = RequirementSet(("pip", "setuptools", "wheel"))
_ALWAYS = (_BASE, _SEEDS)
# The index may be there, and a server of files that one package is on be not.
_MOST_UNREACHED = 3
_MOST_LEVELS = 5
# For all sets together: the index is published after them, and pushes wait meanwhile.
_UPDATE_SECONDS, _BUILD_SECONDS = 2 * 3600.0, 900.0
_KEPT = "What is served is what it was."

_Job = t.Tuple[RequirementSet, Target]


class Wheels(t.NamedTuple):
    """What became of the packages.

    :arg files: How many are listed.
    :arg changed: Whether the tree is another than before.
    :arg compiled: Source distributions that need a compiler, with the packs that require them.
    """

    files: int = 0
    changed: bool = False
    problems: t.Tuple[Problem, ...] = ()
    compiled: t.Mapping[str, t.Tuple[str, ...]] = {}


def provide_wheels(
    requirements: t.Sequence[PackRequirements],
    *,
    root: str,
    pythons: t.Sequence[str],
    platforms: t.Sequence[str],
    package_index: t.Optional[str],
    bundled: t.Optional[t.Sequence[PackageFile]],
    offline: bool,
    credentials: t.Callable[[str], Credentials],
    proxy: Proxy,
    environment: t.Mapping[str, str],
    timeout: float,
    retry: bool,
    redactor: Redactor,
    now: float,
) -> Wheels:
    """Get the packages that packs require, and list them in C(ROOT/simple).

    What was resolved before is taken from C(ROOT/wheels), so an unchanged run asks nobody.

    :arg requirements: Of every pack that is listed and has some.
    :arg pythons: Such as C(3.8); without any, only the files of the bundle are listed.
    :arg platforms: Tags such as C(manylinux_2_28_x86_64); wheels for older ones are taken, too. Without
        any, the one of the oldest systems that StackStorm supports.
    :arg package_index: A simple index, without credentials; C(None) for what the host's pip uses.
    :arg bundled: The files of a bundle, which are moved; C(None) for those of the last run.
    :arg offline: Whether there is nothing but these.
    :arg credentials: What may be sent for a URL.
    :arg timeout: Seconds, for each set of requirements.
    :arg retry: Whether to try again what could not be resolved.
    :raises OSError: as the file system gives it.
    """
    if not pythons and not bundled and not os.path.isdir(os.path.join(root, "wheels")):
        return Wheels()
    store = PackageStore(root)
    places = PackagePlaces(package_index, store.files if offline else None, credentials, proxy, environment, redactor)
    run = _Run(store, places, timeout=timeout, retry=retry, offline=offline)
    run.take_bundle(bundled)
    targets, problems = _targets(pythons, platforms or (_OLDEST_PLATFORM,))
    sets, unfit = requirement_sets(requirements if targets else ())
    run.resolve(sets, targets)
    files = [store.file(name, sha256) for name, sha256 in sorted(run.files.items())]
    published = publish(os.path.join(root, "simple"), files, state=store.root, now=now)
    compiled = run.compiled()
    problems += [*unfit, *run.problems, *_notices(compiled)]
    problems += [
        Problem("", "wheels", f"{name} is no file of a package, so it is not listed.") for name in published.refused
    ]
    store.keep(run.keys, run.files)
    return Wheels(published.files, published.changed, tuple(sorted(set(problems))), compiled)


class _Attempt(t.NamedTuple):
    """What came of resolving a set.

    :arg resolved: C(None) where nothing did.
    :arg problem: Why, as a clause.
    :arg unreached: Whether no index answered, or not in time.
    """

    resolved: t.Optional[Resolved]
    problem: str = ""
    unreached: bool = False


class _Run:
    """One run: what is resolved, and what came of it."""

    def __init__(
        self, store: PackageStore, places: PackagePlaces, *, timeout: float, retry: bool, offline: bool
    ) -> None:
        self._store = store
        self._places = places
        self._timeout = timeout
        self._retry = retry
        self._offline = offline
        self._scratch = ""
        self._stopped = ""
        self._all_in = Deadline(_UPDATE_SECONDS if retry else _BUILD_SECONDS)
        self._skipped = self._unreached = 0
        self._only: t.Optional[t.List[str]] = None
        self._compiled: t.Dict[str, t.Set[str]] = {}
        self.files: t.Dict[str, str] = {}
        self.keys: t.Set[str] = set()
        self.problems: t.List[Problem] = []

    def take_bundle(self, bundled: t.Optional[t.Sequence[PackageFile]]) -> None:
        """Let the files of a bundle be here, or those of the last one."""
        if bundled is not None:
            for file in bundled:
                self._store.take(file, replace=True)
            self._store.write_bundled({file.name: file.sha256 for file in bundled})
        self.files.update(self._store.bundled())
        # What is resolved from nothing else is another thing with another bundle.
        self._only = sorted(self.files) if self._offline else None

    def resolve(self, sets: t.Mapping[RequirementSet, t.Sequence[str]], targets: t.Sequence[Target]) -> None:
        """Resolve all sets, and what source distributions in them are built with.

        :arg sets: Each with the packs that it is for.
        """
        for always in _ALWAYS:
            self._resolve({(always, target): () for target in targets})
        wanted: t.Mapping[_Job, t.Sequence[str]] = {(one, target): sets[one] for one in sets for target in targets}
        done: t.Set[_Job] = set()
        for _level in range(_MOST_LEVELS):
            done.update(wanted)
            wanted = {job: refs for job, refs in self._resolve(wanted).items() if job not in done}
        if self._skipped:
            why = self._stopped or self._out_of_reach
            known = f"{self._skipped} sets of requirements were not resolved; what was known before is listed"
            self.problems.append(Problem("", "wheels", f"{why} {known}."))

    def compiled(self) -> t.Dict[str, t.Tuple[str, ...]]:
        """Source distributions that need a compiler, with the packs that require them."""
        return {name: tuple(sorted(refs)) for name, refs in sorted(self._compiled.items())}

    def _resolve(self, jobs: t.Mapping[_Job, t.Sequence[str]]) -> t.Dict[_Job, t.List[str]]:
        """Resolve some sets, each for some packs.

        :returns: What source distributions in them are built with, for the same packs.
        """
        further: t.Dict[_Job, t.Set[str]] = {}
        for job, record in self._records(jobs):
            self._count(job, record, jobs[job])
            for sdist in record.sdists.values():
                if sdist.builds_with:
                    further.setdefault((RequirementSet(sdist.builds_with), job[1]), set()).update(jobs[job])
        return {job: sorted(refs) for job, refs in further.items()}

    def _count(self, job: _Job, record: SetRecord, refs: t.Sequence[str]) -> None:
        """List the files of a set, and say what is to be said of it."""
        wanted, target = job
        for name, sha256 in record.files.items():
            self.files.setdefault(name, sha256)
        if record.problem and not (self._offline and wanted == _SEEDS):
            for ref in refs or ("",):
                what = f"What {ref or 'every virtualenv'} requires"
                said = f"{what} cannot be had for {target.key}: {record.problem}."
                self.problems.append(Problem(ref, "wheels", said))
        for name, sdist in record.sdists.items():
            if sdist.compiled:
                self._compiled.setdefault(name, set()).update(refs)

    def _records(self, jobs: t.Iterable[_Job]) -> t.List[t.Tuple[_Job, SetRecord]]:
        """What sets come to: as it is known, else as it is resolved now."""
        found: t.List[t.Tuple[_Job, SetRecord]] = []
        unknown: t.List[t.Tuple[bool, _Job]] = []
        for job in jobs:
            key = self._key(job)
            self.keys.add(key)
            record = self._store.read(key)
            if record and not (record.problem and self._retry):
                found.append((job, record))
            else:
                unknown.append((record is not None, job))
        if unknown and self._is_ready():
            # What was never tried first: what fails takes its time at each update.
            unknown.sort(key=lambda one: one[0])
            with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
                futures = {pool.submit(self._attempt, job): job for _tried, job in unknown}
                for future in as_completed(futures):
                    # At once, so that a run that is killed has it.
                    record = self._taken(futures[future], future.result())
                    found += [(futures[future], record)] if record else []
        else:
            self._skipped += len(unknown)
        return found

    def _key(self, job: _Job) -> str:
        return set_key(*job[0], *job[1], self._places.name, self._only)

    @property
    def _out_of_reach(self) -> str:
        return f"The package index {self._places.shown} cannot be reached."

    def _is_ready(self) -> bool:
        """Whether anything can be resolved: there is pip, and an index has answered, or was not asked yet."""
        if not self._stopped and not self._scratch:
            self._scratch = self._store.scratch()
            os.mkdir(os.path.join(self._scratch, "cache"))
            try:
                self._places.pip().check(Deadline(self._timeout))
            except St2Error as error:
                self._stopped = error.message
        return not self._stopped

    def _attempt(self, job: _Job) -> _Attempt:
        """Resolve a set. It runs in a thread of its own."""
        if not self._stopped and not self._all_in.remaining():
            self._stopped = f"Getting packages has taken {self._all_in.seconds / 60:g} minutes already."
        if self._stopped:
            return _Attempt(None, unreached=True)
        wanted, target = job
        deadline = Deadline(min(self._timeout, self._all_in.remaining()))
        scratch = os.path.join(self._scratch, self._key(job))
        os.mkdir(scratch)
        try:
            resolver = PackageResolver(
                self._places.pip(),
                self._places.indexes(deadline),
                target,
                scratch=scratch,
                cache=os.path.join(self._scratch, "cache"),
                deadline=deadline,
            )
            return _Attempt(resolver.resolve(wanted))
        except ProgramError as error:
            said = error.completed.told
            problem = reason(error.completed.stderr, error.completed.stdout, error.completed.returncode)
            return _Attempt(None, problem, is_unreached(said))
        except St2Error as error:
            late = isinstance(error, DeadlineError) and wanted in _ALWAYS
            return _Attempt(None, error.message.rstrip("."), late)
        except OSError as error:
            return _Attempt(None, f"the file system refused something: {error.strerror or error}")

    def _taken(self, job: _Job, attempt: _Attempt) -> t.Optional[SetRecord]:
        """What a set came to, with its files in the store; C(None) where that may be another thing in a moment."""
        if attempt.unreached:
            self._skipped += 1
            self._unreached += 1
            if not self._stopped and (job[0] in _ALWAYS or self._unreached == _MOST_UNREACHED):
                self._stopped = self._out_of_reach
            return None
        files: t.Dict[str, str] = {}
        for file in attempt.resolved.files if attempt.resolved else ():
            files[file.name] = file.sha256
            if not self._store.take(file):
                files[file.name] = file_digest(self._store.file(file.name, "").path)
                said = f"{file.name} has another content in {self._places.shown} than before. {_KEPT}"
                self.problems.append(Problem("", "wheels", said))
        sdists = attempt.resolved.sdists if attempt.resolved else {}
        record = SetRecord(files, sdists, attempt.problem)
        self._store.write(self._key(job), record)
        remove_tree(os.path.join(self._scratch, self._key(job)))
        return record


def _targets(pythons: t.Sequence[str], platforms: t.Sequence[str]) -> t.Tuple[t.List[Target], t.List[Problem]]:
    """The hosts that packages are for."""
    found, problems = [], []
    for target in (Target(python, platform) for platform in platforms for python in pythons):
        try:
            target.options()
            found.append(target)
        except ValueError as error:
            problems.append(Problem("", "wheels", f"There are no packages for {target.key}: {error}."))
    return found, problems


def _notices(compiled: t.Mapping[str, t.Sequence[str]]) -> t.Iterator[Problem]:
    for name, refs in compiled.items():
        for ref in refs:
            said = f"{name}, which {ref} requires, is no wheel: hosts that install it need a compiler."
            yield Problem(ref, "notice", said)
