# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A bare repository of one pack: its refs, and what there is to say about it."""

from __future__ import annotations

import re
import typing as t

from .._file_tree import walk_tree

if t.TYPE_CHECKING:
    from .._source.git_program import Git

_COUNTED = re.compile(r"\s*(?P<commits>[0-9]+)\t(?P<author>.*)")
_SHOWN_AUTHORS = 200


class Bare:
    """A bare repository.

    :ivar refs: Branches and tags with the identifier of what they name.
    :ivar head: The branch that HEAD is.
    :ivar commits: Of each commit the identifier in the repository with many packs, and the one here; sorted.
    :ivar dropped_branches: Names of branches without a commit of their own.
    """

    def __init__(self, git: Git, directory: str) -> None:
        self._git = git
        self.directory = directory
        self.refs: t.Dict[str, str] = {}
        self.head = ""
        self.commits: t.List[t.Tuple[str, str]] = []
        self.dropped_branches: t.List[str] = []

    def read(self) -> None:
        """Read the refs."""
        listing = self._git("for-each-ref", "--format=%(objectname) %(refname)", cwd=self.directory).stdout
        pairs = [line.partition(" ") for line in listing.splitlines()]
        self.refs = {name: identifier for identifier, _blank, name in pairs}
        self.head = self._git("symbolic-ref", "--quiet", "HEAD", cwd=self.directory, check=False).stdout.strip()

    def tree(self, revision: str) -> str:
        """The identifier of the tree of a revision."""
        return self._git("rev-parse", "--verify", f"{revision}^{{tree}}", cwd=self.directory).stdout.strip()

    def commit(self, revision: str) -> str:
        """The commit of a revision."""
        return self._git("rev-parse", "--verify", f"{revision}^{{commit}}", cwd=self.directory).stdout.strip()

    def drop_branches_without_commits(self, default: str) -> None:
        """Take away the branches that are part of the default one: those of other packs, which say nothing of this."""
        own = f"refs/heads/{default}"
        for name in [name for name in self.refs if name.startswith("refs/heads/") and name != own]:
            inside = self._git("merge-base", "--is-ancestor", name, own, cwd=self.directory, check=False)
            if inside.returncode == 0:
                self._git("update-ref", "-d", name, cwd=self.directory)
                self.dropped_branches.append(name[len("refs/heads/") :])
        self.read()

    def count(self) -> int:
        """How many commits there are."""
        return int(self._git("rev-list", "--count", "--branches", "--tags", cwd=self.directory).stdout)

    def authors(self) -> t.List[t.Dict[str, t.Any]]:
        """Who made commits, those with most first."""
        listing = self._git(
            "shortlog", "--summary", "--numbered", "--email", "--branches", "--tags", cwd=self.directory
        ).stdout
        found = filter(None, map(_COUNTED.match, listing.splitlines()))
        rows = [{"author": one.group("author"), "commits": int(one.group("commits"))} for one in found]
        return rows[:_SHOWN_AUTHORS]

    def size(self) -> int:
        """Bytes of its files."""
        return sum(status.st_size for _path, status in walk_tree(self.directory, skip=()))

    def mapping(self, header: str) -> bytes:
        """The text of C(SPLIT.txt): of each commit the old identifier and the new one."""
        lines = [f"# {header}\n", "# old new\n", *(f"{old} {new}\n" for old, new in self.commits)]
        return "".join(lines).encode("utf-8", "backslashreplace")

    def extends(self, other: Bare) -> t.List[str]:
        """The refs of another repository that this one has not, or not as a later state of them.

        Branches may grow, tags may not change.
        """
        missing = []
        for name, identifier in other.refs.items():
            if self.refs.get(name) == identifier:
                continue
            grown = name.startswith("refs/heads/") and name in self.refs and self._contains(identifier, name)
            if not grown:
                missing.append(name)
        return missing

    def _contains(self, commit: str, name: str) -> bool:
        done = self._git("merge-base", "--is-ancestor", commit, name, cwd=self.directory, check=False)
        return done.returncode == 0
