# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Prove that packs are signed as a task demands it, before anything is touched."""

from __future__ import annotations

import os
import typing as t

from .._content.installed import Installation, InstalledPack
from .._content.origin import Resolved, Source
from .._errors import Collected, SourceError, St2Error
from .._secrets import strip_urls
from .._source.signatures import STEP, Signatures
from .candidate import Candidate, Wanted
from .dependencies import Pack, label
from .signed import Demands, known_signers, unsigned_directory

if t.TYPE_CHECKING:
    from .._deadline import Deadline
    from .._source.git_program import Git
    from .._source.signature_policy import Policy
    from .fetch import Fetcher
    from .resolution import Resolution

# Of what is fetched for its signatures alone, behind everything that is fetched to be installed.
_FIRST_NUMBER = 20_000


class Prover:
    """Proves the signatures of one task.

    :arg fetcher: For packs of which the host has not enough to tell who signed them.
    """

    def __init__(
        self, demands: Demands, fetcher: Fetcher, git: Git, *, deadline: Deadline, environment: t.Mapping[str, str]
    ) -> None:
        self._demands = demands
        self._fetcher = fetcher
        self._git = git
        self._deadline = deadline
        self._environment = environment
        self._checks: t.Dict[Policy, Signatures] = {}
        self._number = _FIRST_NUMBER

    def prove(self, resolution: Resolution, installation: Installation) -> None:
        """Find out who vouches for the packs of a resolution, and for what they need, and let the demands know.

        :raises St2Error: for all for which nobody does.
        """
        self._demands.signed.clear()
        collected = Collected()
        try:
            for ref, demand in self._demands.of(resolution, installation).items():
                with collected.one(ref):
                    self._demands.signed[ref] = {
                        policy.digest: self._signer(demand.pack, policy, resolution) for policy in demand.policies
                    }
        finally:
            for check in self._checks.values():
                check.close()
        collected.raise_them()

    def _signer(self, pack: Pack, policy: Policy, resolution: Resolution) -> str:
        known = known_signers(pack).get(policy.digest)
        if known:
            return known
        resolved = self._resolved(pack, resolution)
        source = pack.wanted.source if isinstance(pack, Candidate) else pack.source
        if source is None or source.kind == "directory" or not pack.commit:
            raise unsigned_directory(label(pack), pack.ref, STEP)
        check = self._check(policy)
        what = f"{label(pack)} from {strip_urls(source.url)}"
        what += ", which is installed," if isinstance(pack, InstalledPack) else ""
        place = (pack.repository or pack.staged) if isinstance(pack, Candidate) else pack.location
        here: t.Optional[St2Error] = None
        if os.path.isdir(os.path.join(place, ".git")):
            try:
                return check.check(place, pack.commit, resolved, what)
            except SourceError as error:
                if isinstance(pack, Candidate) and not pack.release:
                    raise
                here = error
        # It may have been signed since, or the host has the files alone.
        fetched = self._fetch(source, pack.commit, pack.ref, here)
        return check.check(fetched.repository, pack.commit, resolved, what)

    def _fetch(self, source: Source, commit: str, ref: str, here: t.Optional[St2Error]) -> Candidate:
        """The pack as its source has it now.

        :arg here: What is wrong with what the host has, which is said where that is all that can be had.
        """
        self._number += 1
        try:
            return self._fetcher.fetch(Wanted(source, commit, ref), self._number)
        except St2Error as error:
            raise here or error from error

    def _check(self, policy: Policy) -> Signatures:
        if policy not in self._checks:
            self._checks[policy] = Signatures(policy, self._git, deadline=self._deadline, environment=self._environment)
        return self._checks[policy]

    @staticmethod
    def _resolved(pack: Pack, resolution: Resolution) -> Resolved:
        """What the version of a pack came to. One that was installed from a branch, and is asked for by another name of
        its commit, is that commit."""
        if isinstance(pack, Candidate):
            return pack.resolved
        proof = resolution.proven.get(pack.ref)
        if proof:
            return proof.resolved
        resolved = pack.receipt.resolved if pack.receipt else Resolved("commit", "")
        asked = {one.request.version for one in resolution.asked.get(pack.ref, ())}
        names = asked - {None, resolved.name, resolved.asked}
        return Resolved("commit", "") if names and resolved.kind in ("default", "branch") else resolved
