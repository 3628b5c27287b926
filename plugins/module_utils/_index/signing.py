# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The signature of an index, made and looked at by C(ssh-keygen)."""

from __future__ import annotations

import os
import re
import typing as t

from .._deadline import Deadline
from .._errors import OptionError, St2Error
from .._process import Completed, run
from .._secrets import Redactor
from .._source.index_trust import NAMESPACE
from .._source.ssh_signatures import private_key, ssh_keygen

_FINGERPRINT = re.compile(r"\b[A-Z0-9]+:[A-Za-z0-9+/=:]{20,}")


class Signer:
    """Signs with one key.

    :arg key: The file of a private key without a passphrase, or of the public key to one that an agent has.
    :arg scratch: A directory of this run alone.
    :arg environment: For C(ssh-keygen), with C(SSH_AUTH_SOCK) where an agent has the key.
    :raises OptionError: when there is no such file or no C(ssh-keygen).
    """

    def __init__(
        self,
        key: str,
        *,
        scratch: str,
        deadline: Deadline,
        environment: t.Mapping[str, str],
        redactor: t.Optional[Redactor] = None,
    ) -> None:
        self._program = ssh_keygen("sign_key", environment)
        self._key = private_key("sign_key", key)
        self._scratch = scratch
        self._deadline = deadline
        self._redactor = redactor
        # Nobody is there to be asked for a passphrase.
        self._environment = {**environment, "LC_ALL": "C", "SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "never"}

    def has_signed(self, content: bytes, signature: t.Optional[bytes]) -> bool:
        """Whether a signature is one of this content by this key."""
        if not signature:
            return False
        said = self._run("-Y", "check-novalidate", "-n", NAMESPACE, "-s", self._file("seen.sig", signature), on=content)
        own = self._run("-l", "-f", self._key)
        prints = _FINGERPRINT.search(own.stdout)
        found = _FINGERPRINT.search(said.stdout + said.stderr)
        return bool(said.returncode == 0 and prints and found and found.group(0) == prints.group(0))

    def sign(self, content: bytes) -> bytes:
        """The signature of some content.

        :raises OptionError: when the key cannot sign.
        """
        path = self._file("index.json", content)
        done = self._run("-Y", "sign", "-n", NAMESPACE, "-f", self._key, path)
        try:
            with open(f"{path}.sig", "rb") as stream:
                signature = stream.read()
        except FileNotFoundError:
            said = " ".join(done.stderr.split()) or "it said nothing"
            raise OptionError(
                f"The index cannot be signed with {self._key}: {said}. The key must have no passphrase, unless an "
                "agent has it."
            ) from None
        if not self.has_signed(content, signature):
            raise St2Error(f"The signature that ssh-keygen made with {self._key} is not one of that key.", step="sign")
        return signature

    def _file(self, name: str, content: bytes) -> str:
        path = os.path.join(self._scratch, name)
        for old in (path, f"{path}.sig"):
            if os.path.lexists(old):
                os.unlink(old)
        with open(path, "xb") as stream:
            stream.write(content)
        return path

    def _run(self, *arguments: str, on: t.Optional[bytes] = None) -> Completed:
        options: t.Dict[str, t.Any] = {
            "deadline": self._deadline,
            "environment": self._environment,
            "cwd": self._scratch,
            "redactor": self._redactor,
            "check": False,
        }
        if on is None:
            return run([self._program, *arguments], **options)
        with open(self._file("signed", on), "rb") as stream:
            return run([self._program, *arguments], stdin=stream, **options)
