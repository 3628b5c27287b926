# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The directory where the repositories of single packs are put."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import typing as t

from .._errors import ApplyError, LockError, OptionError
from .._file_changes import exchange, remove_tree, sync_trees, write_atomically
from .bare import Bare

if t.TYPE_CHECKING:
    from .._source.git_program import Git

SPLIT_FILE = "SPLIT.txt"


class Existing(t.NamedTuple):
    """What the directory has of one pack.

    :arg bare: Its repository, C(None) for none.
    :arg mapping: The content of the file with the identifiers of commits, C(None) for none.
    :arg foreign: Whether something else is in the place of the repository.
    """

    bare: t.Optional[Bare] = None
    mapping: t.Optional[bytes] = None
    foreign: bool = False


class Destination:
    """The directory.

    :arg directory: Need not be there yet.
    :raises OptionError: when something else is there.
    """

    def __init__(self, git: Git, directory: str) -> None:
        if os.path.lexists(directory) and not os.path.isdir(directory):
            raise OptionError(f"The dest {directory} is not a directory.")
        self._git = git
        self.directory = directory

    def repository(self, ref: str) -> str:
        """Where the repository of a pack is."""
        return os.path.join(self.directory, f"{ref}.git")

    def mapping(self, ref: str) -> str:
        """Where the identifiers of its commits are. They stand beside the repository, as a commit with them would be
        one that the other repository has not."""
        return os.path.join(self.directory, f"{ref}.{SPLIT_FILE}")

    def look(self, ref: str) -> Existing:
        """What is there of a pack."""
        mapping: t.Optional[bytes] = None
        with contextlib.suppress(OSError), open(self.mapping(ref), "rb") as stream:
            mapping = stream.read()
        path = self.repository(ref)
        if not os.path.lexists(path):
            return Existing(mapping=mapping)
        if os.path.islink(path) or not os.path.isdir(path):
            return Existing(mapping=mapping, foreign=True)
        done = self._git("rev-parse", "--is-bare-repository", "--git-dir", cwd=path, check=False)
        if done.stdout.split() != ["true", "."]:
            return Existing(mapping=mapping, foreign=True)
        bare = Bare(self._git, path)
        bare.read()
        return Existing(bare, mapping)

    @contextlib.contextmanager
    def alone(self) -> t.Iterator[None]:
        """Keep a second run out.

        :raises LockError: when there is one.
        :raises ApplyError: when the directory cannot be made.
        """
        try:
            os.makedirs(self.directory, exist_ok=True)
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise ApplyError(f"The directory {self.directory} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise LockError(f"Another run is writing to {self.directory}: wait for it to finish.") from error
        finally:
            os.close(descriptor)

    def publish(self, ref: str, bare: Bare, mapping: bytes) -> None:
        """Put the repository of a pack there, in one step, and beside it the identifiers of its commits.

        :raises ApplyError: when it cannot be written.
        """
        path = self.repository(ref)
        fresh, old = (os.path.join(self.directory, f".{ref}.git.{name}") for name in ("new", "old"))
        try:
            for left in (fresh, old):  # By a run that was killed.
                remove_tree(left)
            shutil.copytree(bare.directory, fresh, symlinks=True)
            sync_trees([fresh])
            if not (os.path.lexists(path) and exchange(fresh, path)):
                with contextlib.suppress(FileNotFoundError):
                    os.rename(path, old)
                os.rename(fresh, path)
            for left in (fresh, old):
                remove_tree(left)
            write_atomically(self.mapping(ref), mapping)
        except OSError as error:
            raise ApplyError(f"The repository {path} cannot be written: {error.strerror}.", ref=ref) from error
