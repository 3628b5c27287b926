# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Signatures of tags by an ssh key (git's gpg.format=ssh, from git 2.34 on)."""

from __future__ import annotations

import typing as t

from .._content.working_copy import WorkingCopy
from .._errors import OptionError
from .._process import ProgramError, last_lines, run
from .._source.signature_policy import Policy
from .._source.signatures import Signatures
from .._source.ssh_signatures import private_key, ssh_keygen

if t.TYPE_CHECKING:
    from .._deadline import Deadline
    from .._source.git_program import Git


class Signer:
    """Signs tags with one private key, and verifies them by its public one.

    :arg key: Path of the private key, which has no passphrase.
    :arg git: Whose scratch directory is private to the task.
    :raises OptionError: for a key that cannot be used, so that this is known before anything is done.
    """

    def __init__(self, key: str, git: Git, *, deadline: Deadline, environment: t.Mapping[str, str]) -> None:
        program = ssh_keygen("signing_key", environment)
        private_key("signing_key", key)
        environment = {**environment, "SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force"}
        try:
            public = run([program, "-y", "-f", key], deadline=deadline, environment=environment).stdout.strip()
        except ProgramError as error:
            raise OptionError(
                f"The signing_key {key} cannot be used: {last_lines(error.completed.stderr, 300).rstrip('.')}. It "
                "must be an SSH private key without a passphrase, readable only by its owner.",
                stderr=error.stderr,
            ) from error
        policy = Policy((f'release namespaces="git" {public}',), require="tag")
        self._signatures = Signatures(policy, git, deadline=deadline, environment=environment, option="signing_key")
        self._settings = (
            *("-c", "gpg.format=ssh", "-c", f"gpg.ssh.program={program}", "-c", f"user.signingKey={key}"),
            *("-c", "gpg.ssh.defaultKeyCommand="),
        )

    @property
    def settings(self) -> t.Tuple[str, ...]:
        """Arguments for git in front of its command."""
        return self._settings

    def verify(self, directory: str, name: str, commit: str) -> t.Optional[str]:
        """What is wrong with the signature of a tag, C(None) when it is by this key and of this commit.

        :arg directory: A bare repository.
        """
        repository = WorkingCopy(directory)
        repository.git_directory = directory
        signer, reason = self._signatures.tag(repository, name, commit)
        return None if signer else reason
