# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The packages that a set of requirements comes to on one kind of hosts: wheels, and source distributions of what has
none."""

from __future__ import annotations

import os
import typing as t

from .._deadline import Deadline
from .._errors import SourceError
from .._file_changes import remove_tree
from .._files import file_digest
from .._process import ProgramError
from .._source.package_index import Listed, PackageIndexes
from .pip_download import Pip, Target, is_unreached, unmet
from .requirement_sets import RequirementSet
from .sdists import Sdist, read_sdist, stand_in_name, write_stand_in

_MOST_ROUNDS = 60


class PackageFile(t.NamedTuple):
    """A file of a Python package.

    :arg sha256: In hex.
    :arg path: Where it lies.
    """

    name: str
    sha256: str
    path: str


class Resolved(t.NamedTuple):
    """What a set of requirements comes to.

    :arg sdists: By the names of files those that are no wheels.
    """

    files: t.Tuple[PackageFile, ...]
    sdists: t.Mapping[str, Sdist]


class _StandIn(t.NamedTuple):
    """A wheel that stands for a source distribution that nobody has read yet."""

    package: str
    file: str
    listed: Listed


class PackageResolver:
    """Resolves one set.

    :arg indexes: Where source distributions come from.
    :arg scratch: A private directory, in which the files are afterwards.
    :arg cache: A directory for what pip has got from the network.
    """

    def __init__(
        self, pip: Pip, indexes: PackageIndexes, target: Target, *, scratch: str, cache: str, deadline: Deadline
    ) -> None:
        self._pip = pip
        self._indexes = indexes
        self._target = target
        self._scratch = scratch
        self._cache = cache
        self._deadline = deadline
        self._links = os.path.join(scratch, "links")
        self._sources = os.path.join(scratch, "sources")
        self._stand_ins: t.Dict[str, _StandIn] = {}
        self._read: t.Dict[str, Sdist] = {}
        self._offered: t.Dict[str, bool] = {}

    def resolve(self, wanted: RequirementSet) -> Resolved:
        """Get the packages.

        :raises ProgramError: when pip finds none that fit together.
        :raises SourceError: when a source distribution cannot be had, or is none.
        :raises DeadlineError: when time is over.
        """
        os.mkdir(self._links)
        os.mkdir(self._sources)
        for number in range(_MOST_ROUNDS):
            into = os.path.join(self._scratch, f"wheels{number}")
            os.mkdir(into)
            try:
                self._download(wanted, into)
            except ProgramError as error:
                remove_tree(into)
                if not self._can_go_on(error):
                    raise
                continue
            chosen = sorted(os.listdir(into))
            unread = [name for name in chosen if name in self._stand_ins and name not in self._read]
            if not unread:
                return self._result(into, chosen)
            remove_tree(into)
            for name in unread:
                self._get(name)
        raise SourceError(f"They were not resolved within {_MOST_ROUNDS} steps.")

    def _download(self, wanted: RequirementSet, into: str) -> None:
        self._pip.download(
            wanted, self._target, into=into, find_links=self._links, cache=self._cache, deadline=self._deadline
        )

    def _can_go_on(self, error: ProgramError) -> bool:
        """Whether there are source distributions of what pip has found no wheels of."""
        said = error.completed.told
        try:
            return self._offer(unmet(said, error.completed.stdout))
        except SourceError:
            if is_unreached(said):
                return False
            raise

    def _offer(self, packages: t.Mapping[str, bool]) -> bool:
        """Let stand-ins be taken for packages without wheels that fit, also yanked ones where one version is named.

        :returns: Whether there are any that there were not before.
        """
        before = len(self._stand_ins)
        for package, exact in packages.items():
            if self._offered.get(package) in (True, exact):
                continue
            self._offered[package] = exact
            for file, listed in self._indexes.sdists(package).items():
                name = stand_in_name(package, file)
                if name not in self._stand_ins and (exact or not listed.yanked):
                    self._stand_ins[name] = _StandIn(package, file, listed)
                    self._write(name, Sdist(requires_python=listed.requires_python))
        return len(self._stand_ins) > before

    def _get(self, name: str) -> None:
        """Get the source distribution that pip chose, and let its stand-in say what it requires."""
        package, file, listed = self._stand_ins[name]
        path = os.path.join(self._sources, file)
        self._indexes.save(package, file, path)
        if listed.sha256 and file_digest(path) != listed.sha256:
            raise SourceError(f"{file} is not what its index says: its SHA-256 is another one.")
        sdist = read_sdist(path)
        self._read[name] = sdist
        self._write(name, sdist._replace(requires_python=sdist.requires_python or listed.requires_python))

    def _write(self, name: str, sdist: Sdist) -> None:
        stand_in = self._stand_ins[name]
        write_stand_in(os.path.join(self._links, name), stand_in.package, stand_in.file, sdist)

    def _result(self, into: str, chosen: t.Iterable[str]) -> Resolved:
        files, sdists = [], {}
        for name in chosen:
            path = os.path.join(into, name)
            if name in self._stand_ins:
                name, sdist = self._stand_ins[name].file, self._read[name]
                path, sdists[name] = os.path.join(self._sources, name), sdist
            files.append(PackageFile(name, file_digest(path), path))
        return Resolved(tuple(files), sdists)
