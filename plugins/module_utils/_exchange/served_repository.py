# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A bare repository that is served as files: its refs are changed together, and no step leaves it unusable."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
import typing as t

from .._file_changes import remove_tree
from .._files import TEMPORARY_PREFIX
from .._source.git_bundle import CHECKED
from .._source.git_program import Git
from .._source.remote_refs import HEADS, TAGS
from .._source.repository import MOST_FETCHED
from .ref_plan import MOVED, RefPlan
from .served_packs import write_if_other, write_pack_list

# What was fetched, before it is decided what becomes of it.
STAGED = "refs/upstream/"
_LONGEST_HEAD = 4096
_USUAL_BRANCHES = (f"{HEADS}main", f"{HEADS}master")
# Housekeeping of git would take packs away from clones that are reading them. Who is served over smart HTTP sees
# branches and tags only, and gets every commit by its id, as from public hosts.
_CONFIG = """\
[gc]
\tauto = 0
[transfer]
\thideRefs = refs/moved
\thideRefs = refs/upstream
[uploadpack]
\tallowAnySHA1InWant = true
"""


class ServedRepository:
    """One repository.

    :arg directory: Where it is.
    """

    def __init__(self, git: Git, directory: str) -> None:
        self._git = git
        self.directory = directory

    def create(self, object_name: str, branch: str) -> None:
        """Make an empty one.

        :arg object_name: Some object of those that will be in it, which tells their format.
        :arg branch: The full name of what HEAD is to be; empty for git's own.
        :raises ProgramError: when git cannot.
        """
        form = ("--object-format=sha256",) if len(object_name) == 64 else ()
        first = (f"--initial-branch={branch[len(HEADS) :]}",) if branch.startswith(HEADS) else ()
        self._git("init", "--quiet", "--bare", "--template=", *form, *first, "--", self.directory)
        with open(os.path.join(self.directory, "config"), "a", encoding="ascii") as stream:
            stream.write(_CONFIG)

    def recover(self) -> None:
        """Remove what a run that was killed has left: nobody else writes here, so no lock is anybody's."""
        directory = glob.escape(self.directory)
        left = [path for name in ("*.lock", f"info/{TEMPORARY_PREFIX}*") for path in glob.glob(f"{directory}/{name}")]
        for name in (f"info/{TEMPORARY_PREFIX}*", "pack/tmp_*", "pack/.tmp-*", "pack/*.keep", "tmp_*", "incoming-*"):
            left += glob.glob(f"{directory}/objects/{name}")
        for folder, _names, files in os.walk(os.path.join(self.directory, "refs")):
            left += [os.path.join(folder, name) for name in files if name.endswith(".lock")]
        for path in left:
            remove_tree(path)
        staged = self.refs(STAGED)
        if staged:
            self._transact([f"delete {name}" for name in staged])

    def refs(self, *prefixes: str) -> t.Dict[str, str]:
        """The refs below some prefixes, by default those that are served and those that are kept aside."""
        listing = self._git(
            *("for-each-ref", "--format=%(objectname) %(refname)", *(prefixes or (HEADS, TAGS, MOVED))),
            cwd=self.directory,
        ).stdout
        pairs = (line.partition(" ") for line in listing.split("\n") if line)
        return {name: at for at, _blank, name in pairs}

    def head(self) -> str:
        """The full name of the branch that HEAD is; it may not exist."""
        with open(os.path.join(self.directory, "HEAD"), encoding="utf-8", errors="replace") as stream:
            found = stream.read(_LONGEST_HEAD).strip()
        return found[len("ref: ") :] if found.startswith("ref: ") else ""

    def fetch(
        self,
        source: str,
        names: t.Iterable[str],
        *,
        url: str = "",
        environment: t.Optional[t.Mapping[str, str]] = None,
        checked: bool = False,
    ) -> t.Dict[str, str]:
        """Bring some refs here, below L(STAGED).

        :arg source: An address or a file.
        :arg names: Their full names there.
        :arg url: The address, if it is one.
        :arg checked: Whether objects that mean harm to other versions of git are refused.
        :returns: What each is by now.
        :raises ProgramError: when git cannot; then nothing is here.
        """
        wanted = "".join(f"+{name}:{STAGED}{name[len('refs/') :]}\n" for name in sorted(names))
        options = ("--quiet", "--atomic", "--no-tags", "--no-write-fetch-head", "--stdin")
        with _input(wanted) as stream:
            self._git(
                *("-c", "fetch.unpackLimit=1", *(CHECKED if checked else ()), "fetch", *options, "--", source),
                cwd=self.directory,
                url=url,
                environment=environment,
                stdin=stream,
                most_written=MOST_FETCHED,
            )
        return {f"refs/{name[len(STAGED) :]}": at for name, at in self.refs(STAGED).items()}

    def apply(self, plan: RefPlan, default: str) -> bool:
        """Let the refs be what a plan says, and HEAD the default branch, where that exists then.

        :arg default: Its full name; empty where nobody knows.
        :returns: Whether HEAD became another.
        :raises ProgramError: when git cannot.
        """
        if not plan.changes and default in ("", self.head()):
            return False
        before = self.refs()
        first = plan.in_the_way()
        if first:
            self._transact([f"delete {name}" for name in first])
        self._transact(
            [
                f"update {name} {at} {before[name]}" if name in before else f"create {name} {at}"
                for name, at in plan.written.items()
            ]
        )
        left = {*before, *plan.written} - set(plan.removed)
        changed = self._set_head({name for name in left if name.startswith(HEADS)}, default)
        last = [name for name in plan.removed if name not in first]
        self._transact([f"delete {name}" for name in (*last, *self.refs(STAGED))])
        return changed

    def write_server_info(self, superseded: t.Container[str] = ()) -> bool:
        """Write what clones over plain HTTP read first, as C(git update-server-info) does: branches, tags and packs.

        :arg superseded: Packs that are not listed.
        :returns: Whether it was another.
        """
        # It fails where there is nothing.
        listing = self._git("show-ref", "--heads", "--tags", "--dereference", cwd=self.directory, check=False).stdout
        content = "".join(f"{line.replace(' ', chr(9), 1)}\n" for line in listing.split("\n") if line)
        # Packs first: whoever reads a ref finds the pack with it.
        packs = write_pack_list(self.directory, superseded)
        return write_if_other(os.path.join(self.directory, "info", "refs"), content.encode()) or packs

    def _set_head(self, branches: t.Collection[str], default: str) -> bool:
        current = self.head()
        choice = (default, current, *_USUAL_BRANCHES, *sorted(branches))
        wanted = next((name for name in choice if name in branches), current)
        if not wanted or wanted == current:
            return False
        self._git("symbolic-ref", "HEAD", wanted, cwd=self.directory)
        return True

    def _transact(self, commands: t.Sequence[str]) -> None:
        if commands:
            with _input("".join(f"{command}\n" for command in commands)) as stream:
                self._git("update-ref", "--stdin", cwd=self.directory, stdin=stream)


def is_repository(directory: str) -> bool:
    """Whether there is a bare repository, itself and not by a link."""
    return os.path.isfile(os.path.join(directory, "HEAD")) and not os.path.islink(directory)


@contextlib.contextmanager
def _input(text: str) -> t.Iterator[t.IO[bytes]]:
    with tempfile.TemporaryFile() as stream:
        stream.write(text.encode())
        stream.seek(0)
        yield stream
