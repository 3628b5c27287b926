# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Signatures of OpenSSH (ssh-keygen(1), C(-Y)): who of those that a task names has made one."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import typing as t

from .._errors import OptionError, St2Error
from .._process import Completed, last_lines, run

if t.TYPE_CHECKING:
    from .._deadline import Deadline

HEADER = b"-----BEGIN SSH SIGNATURE-----"
_PROGRAM = "ssh-keygen"
_KEPT = ("PATH", "HOME", "TMPDIR")
_FINGERPRINT = re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}\b")


class UntrustedError(Exception):
    """A signature that is not to be believed.

    :arg message: Why, in a sentence about the thing that is signed.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def ssh_keygen(option: str, environment: t.Mapping[str, str], error: t.Type[St2Error] = OptionError) -> str:
    """The path of the program C(ssh-keygen).

    :arg option: What needs it.
    :raises St2Error: of the kind C(error), when it is not on this host.
    """
    program = shutil.which(_PROGRAM, path=environment.get("PATH", os.defpath))
    if program is None:
        raise error(
            f"{option} needs the program {_PROGRAM}, which is not on this host: install OpenSSH's client "
            "(openssh-client, openssh-clients)."
        )
    return program


def private_key(option: str, path: str) -> str:
    """:raises OptionError: when C(path) is not a file, and can be no key."""
    if not os.path.isfile(path):
        raise OptionError(f"The {option} {path} is not a file on this host: give the path of an SSH private key.")
    return path


def named_signers(option: str, given: t.Sequence[str]) -> t.List[str]:
    """The lines of an allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS), of items of one line or more.

    :raises OptionError: when none of them names a signer.
    """
    lines = [line.strip() for item in given for line in item.splitlines()]
    if any(line and not line.startswith("#") for line in lines):
        return lines
    raise OptionError(
        f"{option} has no line that names a signer, so that nothing could be accepted. Give the lines of an "
        "allowed_signers file, or leave it out where nothing need be signed."
    )


class AllowedSigners:
    """Those whose signatures count.

    :arg option: The option that names them.
    :arg lines: As L(named_signers) gives them.
    :arg scratch: A private directory of the task.
    :arg environment: Of this process.
    :arg error: Raised when C(ssh-keygen) is not on this host.
    """

    def __init__(
        self,
        option: str,
        lines: t.Sequence[str],
        *,
        scratch: str,
        environment: t.Mapping[str, str],
        error: t.Type[St2Error] = OptionError,
    ) -> None:
        self._option = option
        self._program = ssh_keygen(option, environment, error)
        self._scratch = scratch
        self._environment = {**{name: environment[name] for name in _KEPT if name in environment}, "LC_ALL": "C"}
        self._signers = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")

    def signer(self, content: bytes, signature: bytes, namespace: str, deadline: Deadline) -> str:
        """Who signed some content, by the name that the task gives them.

        :arg namespace: What the signature is for; one of the same key for anything else does not count.
        :raises UntrustedError: when none of those whom the task names did.
        :raises DeadlineError: when it takes too long.
        """
        if not signature.lstrip().startswith(HEADER):
            raise UntrustedError("Its signature is not an OpenSSH signature.")
        with self._file(self._signers) as signers, self._file(signature) as signed, self._file(content) as message:
            files = ("-s", signed.name, "-f", signers.name)
            found = self._ask(deadline, "find-principals", *files)
            names = [line for line in found.stdout.splitlines() if line.strip()]
            if found.returncode or not names:
                key = self._ask(deadline, "check-novalidate", "-n", namespace, "-s", signed.name, stdin=message)
                raise UntrustedError(self._nobody(self._said(found, signers.name), key))
            for name in names:
                message.seek(0)
                verified = self._ask(deadline, "verify", "-n", namespace, *files, "-I", name, stdin=message)
                if not verified.returncode:
                    return name
            raise UntrustedError(
                f"Its signature is wrong: {names[0]} has not signed this content "
                f"({self._said(verified, signers.name)})."
            )

    def _file(self, content: bytes) -> t.IO[bytes]:
        """A file that is gone when it is closed."""
        stream = tempfile.NamedTemporaryFile(prefix="signed-", dir=self._scratch)  # noqa: SIM115  # The caller closes.
        stream.write(content)
        stream.flush()
        stream.seek(0)
        return t.cast(t.IO[bytes], stream)

    def _ask(self, deadline: Deadline, *arguments: str, stdin: t.Optional[t.IO[bytes]] = None) -> Completed:
        return run(
            [self._program, "-Y", *arguments],
            deadline=deadline,
            environment=self._environment,
            cwd=self._scratch,
            check=False,
            stdin=stdin,
        )

    def _said(self, completed: Completed, signers: str) -> str:
        """What the program said, in one line.

        :arg signers: How it calls the lines of the task.
        """
        lines = last_lines(completed.stderr or completed.stdout).replace(signers, self._option).splitlines()
        return "; ".join(filter(None, (line.strip().rstrip(".") for line in lines)))

    def _nobody(self, said: str, checked: Completed) -> str:
        if any(words in said for words in ("unknown option", "illegal option", "Unsupported operation")):
            return f"Its signature cannot be checked: the {_PROGRAM} of this host is older than OpenSSH 8.2."
        key = _FINGERPRINT.search(checked.stdout)
        if checked.returncode or not key:
            more = "" if said in ("", "No principal matched") else f" ({said})"
            return f"It is signed by somebody whom {self._option} does not name{more}."
        more = "" if said in ("", "No principal matched") else f" ({said.replace('; No principal matched', '')})"
        return f"It is signed by the key {key.group(0)}, which {self._option} does not name{more}."
