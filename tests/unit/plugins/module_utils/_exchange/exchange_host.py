# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of an exchange host share: its directory, git for it, and readers of what is served."""

from __future__ import annotations

from infrastructure.repositories import run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.mirror import Mirror
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.patience import Patience
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.sources import PackSource
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at


def git_for(directory, **more):
    """Gives git for some time, as the program does."""
    return lambda deadline: git_at(directory, seconds=deadline.remaining(), **more)


class Pauses(list):
    """A clock that stands still but for waiting, which is noted."""

    def __init__(self):
        super().__init__()
        self.now = 1000.0

    def sleep(self, seconds):
        self.append(seconds)
        self.now += seconds

    def patience(self):
        return Patience(self.sleep, lambda: self.now)


def mirror_at(root, *, timeout=60, pauses=None, git=None, **more):
    """A mirror whose waiting for servers only is noted in ``pauses``."""
    noted = Pauses() if pauses is None else pauses
    git = git or git_for(root.parent)
    return Mirror(str(root), git=git, timeout=timeout, patience=noted.patience, **more)


def source(repository, ref="demo", kind="packs", origin=None):
    url = repository if isinstance(repository, str) else f"file://{repository.path}"
    return PackSource(url, ref, kind, origin or kind)


def served(root, ref="demo"):
    return root / "git" / f"{ref}.git"


def refs(repository):
    """All refs of a repository."""
    listing = run_git("-C", repository, "for-each-ref", "--format=%(refname) %(objectname)")
    return dict(line.split(" ") for line in listing.splitlines())


def listed(repository):
    """What a clone over plain HTTP is told, by name."""
    lines = (repository / "info" / "refs").read_text().splitlines()
    return {name: at for at, name in (line.split("\t") for line in lines)}


def check(repository):
    """Fail unless all objects of a repository are there."""
    run_git("-C", repository, "fsck", "--full", "--strict", "--connectivity-only")
