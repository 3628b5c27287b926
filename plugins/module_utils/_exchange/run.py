# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a run of the program of an Exchange has: settings, credentials, a place of its own, and git."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from .._deadline import Deadline
from .._errors import ApplyError
from .._file_changes import low_space, remove_tree
from .._secrets import Credentials, Redactor
from .._source.git_program import Git, GitAccess
from .._st2.proxy import Proxy, resolve_proxy
from .credentials import CredentialFile, read_credentials
from .settings import Settings


class Run:
    """One run.

    :arg scratch: A directory of this run alone.
    :arg environment: Of this process.
    :arg tell: Tells a sentence to whoever reads the journal.
    :raises OptionError: when the credentials cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        scratch: str,
        environment: t.Mapping[str, str],
        tell: t.Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self.settings = settings
        self.scratch = scratch
        self.environment = environment
        self.tell = tell
        self.credentials: CredentialFile = read_credentials(environment)
        self.proxy: Proxy = resolve_proxy(settings.proxy, {}, environment)
        self.redactor = Redactor([*self.credentials.secrets(), *self.proxy.secrets()])
        known_hosts = self.credentials.known_hosts_file
        self._access = GitAccess(scratch, self.proxy, self.credentials.find, self.credentials.ssh_key_file, known_hosts)
        self._anonymous = GitAccess(
            scratch, self.proxy, lambda _url: Credentials(), None, known_hosts, withholds=bool(self.credentials.scopes)
        )

    def git(self, deadline: Deadline) -> Git:
        """The git program."""
        return self._git(self._access, deadline)

    def anonymous_git(self, deadline: Deadline) -> Git:
        """The git program without any credentials, for repositories that only somebody else has named."""
        return self._git(self._anonymous, deadline)

    def _git(self, access: GitAccess, deadline: Deadline) -> Git:
        return Git(access, deadline=deadline, redactor=self.redactor, base_environment=self.environment)

    @property
    def sign_key(self) -> t.Optional[str]:
        """The path of the key that signs the index."""
        key = self.settings.sign_key
        return os.path.join(self.environment.get("CREDENTIALS_DIRECTORY", "/"), key) if key else None


@contextlib.contextmanager
def alone(settings: Settings, name: str) -> t.Iterator[str]:
    """Wait until no other run of the same kind is left, and hold further ones off.

    :arg name: The kind.
    :returns: An empty directory of this run alone, which is removed afterwards, or by the next one.
    :raises ApplyError: when this account may not write there.
    """
    scratch = os.path.join(settings.state_dir, f"scratch-{name}")
    try:
        os.makedirs(settings.state_dir, mode=0o700, exist_ok=True)
        opened = open(os.path.join(settings.state_dir, f"{name}.lock"), "wb")  # noqa: SIM115  # closed below
    except OSError as error:
        raise ApplyError(
            f"This account cannot write in {settings.state_dir}: {error.strerror}.{low_space(settings.root)} "
            "Run the program as the account that owns the data of the Exchange."
        ) from error
    with opened as stream:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
        remove_tree(scratch)
        os.mkdir(scratch, 0o700)
        try:
            yield scratch
        finally:
            remove_tree(scratch)
