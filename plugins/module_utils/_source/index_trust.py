# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Whether an index is from whom it has to be, and no older than the one before: its signature and its serial.

The signature is one of OpenSSH's (ssh-keygen(1), C(-Y sign -n st2-index)), of the bytes of the index. The serial is
believed of signed indexes only: a high one that nobody signed would lock a host out of the true index.
"""

from __future__ import annotations

import typing as t

from .._deadline import Deadline
from .._errors import IndexError_
from .index_serials import IndexSerials
from .ssh_signatures import AllowedSigners, UntrustedError, named_signers

NAMESPACE = "st2-index"
LARGEST_SIGNATURE = 1 << 16


class UntrustedIndexError(UntrustedError):
    """An index that is not to be believed."""


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
        option = "index_allowed_signers"
        self._signers = AllowedSigners(
            option, named_signers(option, signers), scratch=scratch, environment=environment, error=IndexError_
        )
        self._serials = serials
        self._taken: t.Dict[str, t.Optional[int]] = {}

    def signer(self, content: bytes, signature: bytes, deadline: Deadline) -> str:
        """Who signed an index, by the name that the task gives them.

        :raises UntrustedIndexError: when none of those whom the task names did.
        :raises DeadlineError: when it takes too long.
        """
        try:
            return self._signers.signer(content, signature, NAMESPACE, deadline)
        except UntrustedError as error:
            raise UntrustedIndexError(error.message) from error

    def check_serial(self, url: str, serial: t.Optional[int]) -> None:
        """Take an index that is signed.

        :arg url: Without userinfo.
        :raises UntrustedIndexError: when it is older than the one that this host took before from there.
        """
        known = self._serials.known(url) if self._serials else None
        if self._serials and known is not None and (serial is None or serial < known):
            now = f"serial gone back from {known} to {serial}" if serial is not None else f"serial {known} is gone"
            raise UntrustedIndexError(
                f"It is older than the last one from there: {now}. If it was recreated on purpose, remove "
                f"{self._serials.path(url)}."
            )
        self._taken[url] = serial

    def remember(self) -> t.List[str]:
        """Write down the serials of the indexes that were taken, so that older ones are refused from now on.

        :returns: Warnings about what cannot be written.
        :raises HostError: when what has the name of their directory is not the collection's own.
        """
        return self._serials.remember(dict(self._taken)) if self._serials else []
