# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Reading a git working copy from its files, without starting git: HEAD, tags, origin."""

from __future__ import annotations

import os
import re
import stat
import typing as t

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_SECTION = re.compile(r'\[\s*remote\s+"origin"\s*\]\s*\Z')
# Of packed refs, which a hundred thousand tags do not fill.
_MOST_BYTES = 16 << 20
_URL = re.compile(r"\s*url\s*=\s*(?P<url>.*?)\s*\Z")


class Head(t.NamedTuple):
    """What a working copy has checked out: the commit, and the local branch unless HEAD is detached."""

    commit: str
    branch: t.Optional[str]


class WorkingCopy:
    """A pack directory with a C(.git) directory of its own.

    :arg path: The directory that holds C(.git).
    """

    def __init__(self, path: str) -> None:
        self.git_directory = os.path.join(path, ".git")
        self._packed: t.Optional[t.Dict[str, str]] = None

    def exists(self) -> bool:
        """Whether there is a C(.git) directory; a C(.git) file (worktree, submodule) does not count, as in
        st2common/st2common/util/pack_management.py download_pack."""
        return os.path.isdir(self.git_directory)

    def head(self) -> t.Optional[Head]:
        """What is checked out, or nothing when it cannot be read this way."""
        text = self.read("HEAD").strip()
        if _COMMIT.match(text):
            return Head(text, None)
        if not text.startswith("ref: refs/heads/"):
            return None
        name = text[len("ref: ") :]
        commit = self._resolve(name)
        return Head(commit, name[len("refs/heads/") :]) if commit else None

    def tag(self, name: str) -> t.Optional[str]:
        """The commit of a tag, when the files tell it: packed refs do, also for annotated tags."""
        packed = self.packed_refs().get(f"refs/tags/{name}")
        loose = self.read(f"refs/tags/{name}").strip()
        if loose and loose != packed:
            return None  # A loose tag may be an annotated one, whose commit only git can tell.
        return packed

    def tags_at(self, commit: str) -> t.List[str]:
        """Names of the packed tags that point at a commit."""
        prefix = "refs/tags/"
        return [
            name[len(prefix) :] for name, at in self.packed_refs().items() if at == commit and name.startswith(prefix)
        ]

    def remote_branch(self, name: str) -> t.Optional[str]:
        """The commit that C(origin/NAME) had when it was last fetched."""
        return self._resolve(f"refs/remotes/origin/{name}")

    def origin(self) -> t.Optional[str]:
        """The URL of the remote C(origin), as it stands in C(.git/config)."""
        inside = False
        for line in self.read("config").splitlines():
            if line.lstrip().startswith("["):
                inside = bool(_SECTION.match(line.strip()))
            elif inside:
                match = _URL.match(line)
                if match:
                    return match.group("url").strip('"')
        return None

    def _resolve(self, name: str) -> t.Optional[str]:
        text = self.read(name).strip() or self.packed_refs().get(name, "")
        return text if _COMMIT.match(text) else None

    def packed_refs(self) -> t.Dict[str, str]:
        """What packed refs point at, behind annotated tags too."""
        if self._packed is None:
            refs: t.Dict[str, str] = {}
            last = ""
            for line in self.read("packed-refs").splitlines():
                if line.startswith("^") and last:
                    refs[last] = line[1:].strip()
                elif line and line[0] not in "#^":
                    commit, _space, last = line.partition(" ")
                    refs[last] = commit
            self._packed = refs
        return self._packed

    def read(self, name: str) -> str:
        """The text of a file of C(.git); empty for none."""
        path = os.path.join(self.git_directory, name)
        try:
            # Opening a pipe must not wait for somebody to write into it.
            with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
                if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    return ""
                return stream.read(_MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""
