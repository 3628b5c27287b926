# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Whether an index is from whom it has to be, and no older than the one before: its signature and its serial.

The signature is one of OpenSSH's (ssh-keygen(1), C(-Y sign -n st2-index)), of the bytes of the index. The serial is
believed of signed indexes only: a high one that nobody signed would lock a host out of the true index.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t

from .._deadline import Deadline
from .._errors import IndexError_, OptionError
from .._process import Completed, last_lines, run
from .index_serials import IndexSerials

NAMESPACE = "st2-index"
LARGEST_SIGNATURE = 1 << 16
_HEADER = b"-----BEGIN SSH SIGNATURE-----"
_PROGRAM = "ssh-keygen"
_KEPT = ("PATH", "HOME", "TMPDIR")


class UntrustedIndexError(Exception):
    """An index that is not to be believed.

    :arg message: Why, in a sentence.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class IndexTrust:
    """What indexes have to prove.

    :arg signers: Lines of an allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS).
    :arg scratch: A private directory of the task.
    :arg environment: Of this process.
    :arg serials: What this host has of each index; C(None) for a host that keeps nothing.
    :raises OptionError: when there is no signer.
    :raises IndexError_: when signatures cannot be checked on this host.
    """

    def __init__(
        self,
        signers: t.Sequence[str],
        *,
        scratch: str,
        environment: t.Mapping[str, str],
        serials: t.Optional[IndexSerials] = None,
    ) -> None:
        lines = [line.strip() for item in signers for line in item.splitlines()]
        if not any(line and not line.startswith("#") for line in lines):
            raise OptionError(
                "index_allowed_signers has no line that names a signer, so that no index could be read. Give the lines "
                "of an allowed_signers file, or leave it out where indexes need not be signed."
            )
        program = shutil.which(_PROGRAM, path=environment.get("PATH", os.defpath))
        if program is None:
            raise IndexError_(
                f"index_allowed_signers is given, but the program {_PROGRAM}, which checks signatures, is not on this "
                "host: install OpenSSH's client (openssh-client, openssh-clients)."
            )
        self._program = program
        self._scratch = scratch
        self._environment = {**{name: environment[name] for name in _KEPT if name in environment}, "LC_ALL": "C"}
        self._serials = serials
        self._taken: t.Dict[str, t.Optional[int]] = {}
        self._signers = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")

    def signer(self, content: bytes, signature: bytes, deadline: Deadline) -> str:
        """Who signed an index, by the name that the task gives them.

        :raises UntrustedIndexError: when none of those whom the task names did.
        :raises DeadlineError: when it takes too long.
        """
        if not signature.lstrip().startswith(_HEADER):
            raise UntrustedIndexError("What is in the place of its signature is none of OpenSSH's.")
        with self._file(self._signers) as signers, self._file(signature) as signed, self._file(content) as message:
            files = ("-s", signed.name, "-f", signers.name)
            found = self._ask(deadline, "find-principals", *files)
            names = [line for line in found.stdout.splitlines() if line.strip()]
            if found.returncode or not names:
                raise UntrustedIndexError(_nobody(_said(found, signers.name)))
            for name in names:
                message.seek(0)
                verified = self._ask(deadline, "verify", "-n", NAMESPACE, *files, "-I", name, stdin=message)
                if not verified.returncode:
                    return name
            raise UntrustedIndexError(
                f"Its signature is wrong: {names[0]} has not signed what it holds ({_said(verified, signers.name)})."
            )

    def _file(self, content: bytes) -> t.IO[bytes]:
        """A file that is gone when it is closed."""
        stream = tempfile.NamedTemporaryFile(prefix="index-", dir=self._scratch)  # noqa: SIM115  # Closed by the caller.
        stream.write(content)
        stream.flush()
        return t.cast(t.IO[bytes], stream)

    def check_serial(self, url: str, serial: t.Optional[int]) -> None:
        """Take an index that is signed.

        :arg url: Without userinfo.
        :raises UntrustedIndexError: when it is older than the one that this host took before from there.
        """
        known = self._serials.known(url) if self._serials else None
        if self._serials and known is not None and (serial is None or serial < known):
            now = f"serial gone back from {known} to {serial}" if serial is not None else f"serial {known} is gone"
            raise UntrustedIndexError(
                f"It is older than the one that was last taken from there: {now}. If it was begun anew on purpose, "
                f"remove {self._serials.path(url)}."
            )
        self._taken[url] = serial

    def remember(self) -> t.List[str]:
        """Write down the serials of the indexes that were taken, so that older ones are refused from now on.

        :returns: Warnings about what cannot be written.
        :raises HostError: when what has the name of their directory is not the collection's own.
        """
        return self._serials.remember(dict(self._taken)) if self._serials else []

    def _ask(self, deadline: Deadline, *arguments: str, stdin: t.Optional[t.IO[bytes]] = None) -> Completed:
        return run(
            [self._program, "-Y", *arguments],
            deadline=deadline,
            environment=self._environment,
            cwd=self._scratch,
            check=False,
            stdin=stdin,
        )


def _said(completed: Completed, signers: str) -> str:
    """What the program said, in one line.

    :arg signers: How it calls the lines of the task.
    """
    lines = last_lines(completed.stderr or completed.stdout).replace(signers, "index_allowed_signers").splitlines()
    return "; ".join(filter(None, (line.strip().rstrip(".") for line in lines)))


def _nobody(said: str) -> str:
    if any(words in said for words in ("unknown option", "illegal option", "Unsupported operation")):
        return f"Its signature cannot be checked: the {_PROGRAM} of this host is older than that of OpenSSH 8.2."
    more = "" if said in ("", "No principal matched") else f" ({said})"
    return f"It is signed by somebody whom index_allowed_signers does not name{more}."
