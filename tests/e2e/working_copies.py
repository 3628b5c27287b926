# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A working copy of a pack and the bare repository that it is pushed to."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

from infrastructure.packs import PackTree
from infrastructure.repositories.git_repository import run_git

IDENTITY = ("-c", "user.name=A. Author", "-c", "user.email=author@example.com")


class PackWorkingCopy:
    """A pack that somebody works on.

    :arg folder: the working copy is ``folder/REF``; the remote is ``folder/git/REF.git``.
    :arg address: what the working copy says of its remote; by default the path.
    """

    def __init__(self, folder: Path, ref: str = "acme_dns", address: t.Optional[str] = None) -> None:
        self.ref = ref
        self.path = folder / ref
        self.remote = folder / "git" / f"{ref}.git"
        run_git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", self.remote)
        run_git("init", "--quiet", "--template=", "--initial-branch=main", self.path)
        self.git("remote", "add", "origin", address or str(self.remote))
        self.git("config", "user.name", "A. Author")
        self.git("config", "user.email", "author@example.com")

    def git(self, *arguments: str, check: bool = True) -> str:
        """Run git there."""
        return run_git("-C", self.path, *arguments, check=check)

    def commit(self, version: str, push: bool = True, tree: t.Optional[PackTree] = None, **pack: t.Any) -> str:
        """Make the pack of a version the whole content, commit it and return the commit."""
        for found in self.path.iterdir():
            if found.name != ".git":
                shutil.rmtree(found) if found.is_dir() and not found.is_symlink() else found.unlink()
        (tree or PackTree(self.ref, version, **pack)).write(self.path)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"Version {version}")
        if push:
            self.push()
        return self.head

    def push(self, *refs: str) -> None:
        """Push by the path, whatever the remote's address is."""
        self.git("push", "--quiet", str(self.remote), *(refs or ("HEAD:refs/heads/main",)))

    @property
    def head(self) -> str:
        """The commit of the working copy."""
        return self.git("rev-parse", "HEAD")

    def tags(self) -> t.Dict[str, str]:
        """The tags of the working copy, with their commits."""
        return _tags(self.path)

    def released(self) -> t.Dict[str, str]:
        """The tags of the remote, with their commits."""
        return _tags(self.remote)


def _tags(path: Path) -> t.Dict[str, str]:
    listing = run_git("-C", path, "for-each-ref", "--format=%(refname:short) %(objectname) %(*objectname)", "refs/tags")
    found = [line.split() for line in listing.splitlines()]
    return {name: ids[-1] for name, *ids in found}
