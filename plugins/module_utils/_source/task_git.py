# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The git program of a task that is about repositories and needs no StackStorm host."""

from __future__ import annotations

import contextlib
import tempfile
import typing as t

from .._deadline import Deadline
from .._secrets import Credentials
from .._st2.proxy import resolve_proxy
from .credentials import CredentialBook
from .git_program import Git, GitAccess

if t.TYPE_CHECKING:
    from .._content.address import Address
    from .._task import Task

# The options of which a proxy is made.
PROXY_OPTIONS = ("http_proxy", "https_proxy", "no_proxy", "ca_bundle")


class TaskGit(t.NamedTuple):
    """The git program, and whom it may show the credentials of the task.

    :arg deadline: By which all has to be done.
    """

    git: Git
    book: CredentialBook
    deadline: Deadline


@contextlib.contextmanager
def git_of(task: Task) -> t.Iterator[TaskGit]:
    """The git program of a task with L(repository_options.repository_options).

    Its scratch directory is empty at first, and removed in the end with all that was put there.

    :raises SourceError: when there is no git.
    """
    params = task.params
    proxy = resolve_proxy({name: params[name] for name in PROXY_OPTIONS}, {}, task.environment)
    for secret in proxy.secrets():
        task.redactor.add(secret)
    book = CredentialBook(Credentials(params["username"] or "", params["password"] or params["token"] or ""))
    deadline = Deadline(params["timeout"])
    with tempfile.TemporaryDirectory(prefix="git-", dir=task.scratch) as scratch:
        access = GitAccess(scratch, proxy, book.find, params["ssh_key_file"], params["known_hosts_file"])
        git = Git(access, deadline=deadline, redactor=task.redactor, base_environment=task.environment)
        yield TaskGit(git, book, deadline)


def trust(task: Task, book: CredentialBook, address: Address) -> None:
    """Let the server of an address have the task's credentials, or its own, which are then looked for in all text."""
    own = address.credentials
    book.trust(address.url, own)
    task.redactor.add(own.password or own.username)
