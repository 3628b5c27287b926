# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Publishing: a directory that becomes another one in a single step, by the link through which readers see it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import time
import typing as t

from .._deadline import Deadline
from .._errors import ApplyError, DeadlineError, OptionError
from .._file_changes import exchange, low_space, remove_tree, sync_directory, sync_trees
from .._file_tree import walk_tree
from .._files import read_regular_file
from .published_files import TOP

_NUMBER = re.compile(r"[0-9]{1,15}\Z")
_NEW = ".new"
_LARGEST = 64 << 20
_WAIT_SECONDS = 0.1


class Place:
    """Where an index is published.

    C(PATH) is a link to a release in C(.NAME.st2_index/releases) beside it, where the one before stays too.

    :arg path: Absolute and normal.
    :arg tops: What in it belongs to this module, by the first part of paths. All else stays.
    """

    def __init__(self, path: str, tops: t.Sequence[str] = (TOP,)) -> None:
        self.path = path
        self.tops = tuple(tops)
        self._parent, self._name = os.path.split(path)
        self._own_name = f".{self._name}.st2_index"
        self._own = os.path.join(self._parent, self._own_name)
        self._releases = os.path.join(self._own, "releases")
        self._link = os.path.join(self._own, "link")
        self.cache = os.path.join(self._own, "cache")

    def check(self) -> None:
        """:raises OptionError: when nothing can be published there."""
        if not os.path.isdir(self._parent):
            raise OptionError(f"The directory {self._parent}, in which {self._name} is to be, does not exist: make it.")
        if os.path.islink(self.path) and self._current() is None:
            raise OptionError(
                f"{self.path} is a link to {os.readlink(self.path)}, which this module did not create. Set path to "
                "its target, or remove the link."
            )
        if os.path.lexists(self.path) and not os.path.isdir(self.path) and not os.path.islink(self.path):
            raise OptionError(f"{self.path} is a file, but an index is a directory.")

    def read(self, path: str) -> t.Optional[bytes]:
        """The content of a published file, C(None) where there is none that can be read."""
        try:
            return read_regular_file(os.path.join(self.path, path), _LARGEST, follow=False)
        except OSError:
            return None

    def changes(self, files: t.Mapping[str, bytes]) -> t.List[str]:
        """How what is published differs from what is to be: C("+ PATH"), C("- PATH") and C("~ PATH") for what another
        content comes for; none when nothing is to be done."""
        found = set()
        changes = []
        for name, status in self._published():
            found.add(name)
            content = files.get(name)
            if content is None:
                changes.append(f"- {name}")
            elif not stat.S_ISREG(status.st_mode) or status.st_size != len(content) or self.read(name) != content:
                changes.append(f"~ {name}")
        return sorted(changes + [f"+ {name}" for name in files if name not in found])

    def _published(self) -> t.Iterator[t.Tuple[str, os.stat_result]]:
        """Each file that belongs to this module, by its path."""
        for top in self.tops:
            full = os.path.join(self.path, top)
            if os.path.lexists(full) and (os.path.islink(full) or not os.path.isdir(full)):
                yield top, os.lstat(full)
            for path, status in walk_tree(full, skip=()):
                yield f"{top}/{path}", status

    @contextlib.contextmanager
    def alone(self, deadline: Deadline) -> t.Iterator[None]:
        """Hold off other tasks that publish there.

        :raises DeadlineError: when one holds this off for too long.
        :raises ApplyError: when this account may not write there.
        """
        try:
            os.makedirs(self._releases, mode=0o755, exist_ok=True)
            # Clones of private repositories are not for everybody who may read the index.
            os.makedirs(self.cache, mode=0o700, exist_ok=True)
            opened = open(os.path.join(self._own, "lock"), "wb")  # noqa: SIM115  # closed below
        except OSError as error:
            raise ApplyError(self._failure(error)) from error
        with opened as stream:
            while True:
                try:
                    fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not deadline.remaining():
                        raise DeadlineError(
                            f"Another task was publishing {self.path} for {deadline.seconds:g} s."
                        ) from None
                    time.sleep(_WAIT_SECONDS)
                except OSError:
                    break  # Some network file systems have no locks.
            self._heal()
            yield

    def publish(self, files: t.Mapping[str, bytes]) -> None:
        """Let readers see other files. Until the last step they see the old ones, and then all of the new ones.

        What is not in L(tops) goes along.

        :raises ApplyError: when they cannot be written; then everything is what it was.
        """
        current = self._current()
        number = max([0, *self._numbers()]) + 2  # The one between is for a directory that is taken over.
        new = os.path.join(self._releases, f"{number}{_NEW}")
        try:
            os.mkdir(new)
            self._write(new, files)
            sync_trees([new])
            os.rename(new, new[: -len(_NEW)])
            sync_directory(self._releases)
            self._switch(number)
        except OSError as error:
            remove_tree(new)
            raise ApplyError(self._failure(error)) from error
        sync_directory(self._parent)
        self._remove_old({number, *([current] if current is not None else [number - 1])})

    def _failure(self, error: OSError) -> str:
        if error.errno in (errno.EBUSY, errno.EXDEV):
            return (
                f"{self.path} is a mount point and cannot become a link to a release. Publish in a directory below it."
            )
        return f"The index cannot be published in {self.path}: {error.strerror or error}.{low_space(self._parent)}"

    def _write(self, new: str, files: t.Mapping[str, bytes]) -> None:
        made = set()
        for path, content in sorted(files.items()):
            full = os.path.join(new, path)
            folder = os.path.dirname(full)
            if folder not in made:
                os.makedirs(folder, exist_ok=True)
                made.add(folder)
            with open(full, "xb") as stream:
                stream.write(content)
        if not os.path.isdir(self.path):
            return
        for name in sorted(os.listdir(self.path)):
            source, target = os.path.join(self.path, name), os.path.join(new, name)
            if name in self.tops:
                continue
            if os.path.isdir(source) and not os.path.islink(source):
                shutil.copytree(source, target, symlinks=True, copy_function=_link)
            else:
                _link(source, target)

    def _switch(self, number: int) -> None:
        """The step after which readers see the release."""
        remove_tree(self._link)
        os.symlink(os.path.join(self._own_name, "releases", str(number)), self._link)
        if os.path.islink(self.path) or not os.path.isdir(self.path):
            os.replace(self._link, self.path)
            return
        taken = os.path.join(self._releases, str(number - 1))
        if exchange(self._link, self.path):
            os.rename(self._link, taken)
            return
        os.rename(self.path, taken)  # This file system cannot do it in one step.
        os.replace(self._link, self.path)

    def _heal(self) -> None:
        """Put right what a killed run left."""
        current = self._current()
        if os.path.isdir(self._link) and not os.path.islink(self._link) and current is not None:
            os.rename(self._link, os.path.join(self._releases, str(current - 1)))
        # Where readers see none of them, it may be the only trace of a directory that was taken over.
        kept = set(self._numbers())
        if current is not None:
            kept = {current, max((number for number in kept if number < current), default=current)}
        self._remove_old(kept)

    def _remove_old(self, kept: t.Container[int]) -> None:
        for name in os.listdir(self._releases):
            if name.endswith(_NEW) or (_NUMBER.match(name) and int(name) not in kept):
                remove_tree(os.path.join(self._releases, name))

    def _numbers(self) -> t.List[int]:
        return [int(name) for name in os.listdir(self._releases) if _NUMBER.match(name)]

    def _current(self) -> t.Optional[int]:
        """The number of the release that readers see."""
        try:
            folder, number = os.path.split(os.readlink(self.path))
        except OSError:
            return None
        own = folder == os.path.join(self._own_name, "releases") and _NUMBER.match(number)
        return int(number) if own else None


def _link(source: str, target: str) -> str:
    """A further name for a file, or a copy of it where there can be none. What is no file or link stays behind."""
    mode = os.lstat(source).st_mode
    if stat.S_ISREG(mode):
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:
            shutil.copy2(source, target, follow_symlinks=False)
    elif stat.S_ISLNK(mode):
        os.symlink(os.readlink(source), target)
    return target
