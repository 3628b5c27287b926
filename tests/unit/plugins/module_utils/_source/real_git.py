# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests around git share: a git program that knows nothing of this machine, and repositories of packs."""

from __future__ import annotations

from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.fetch import Fetcher, Rules
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials, Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._source.git_program import Git, GitAccess
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy


def git_at(directory, *, credentials=lambda _url: Credentials(), proxy=None, seconds=30, environment=None, **access):
    """A `Git` with ``directory/scratch`` to itself.

    :arg credentials: a function, or credentials for every URL.
    :arg environment: variables over the clean ones.
    """
    scratch = directory / "scratch"
    scratch.mkdir(exist_ok=True)
    found = credentials if callable(credentials) else lambda _url: credentials
    redactor = Redactor([] if callable(credentials) else [credentials.password])
    return Git(
        GitAccess(str(scratch), proxy or Proxy(), found, **access),
        deadline=Deadline(seconds),
        redactor=redactor,
        base_environment={**clean_environment(directory), **(environment or {})},
    )


def fetcher_at(directory, *, git=None, st2_version="3.9.0", force=False):
    """A `Fetcher` that stages into ``directory/staging``; without ``git`` it has one of its own."""
    staging = directory / "staging"
    staging.mkdir(exist_ok=True)
    return Fetcher(str(staging), git or (lambda: git_at(directory)), Rules(st2_version, force))


def releases(path, ref, *versions, default_branch="main", **pack):
    """A built repository with a release for each version; the pack at each is small."""
    repository = GitRepository(path, default_branch)
    for version in versions:
        repository.release(PackTree(ref, version, minimal=True, **pack))
    return repository.build()
