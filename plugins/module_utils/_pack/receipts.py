# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is remembered of packs that a plan puts in place, or finds to be the ones wanted."""

from __future__ import annotations

import typing as t

from .._content.address import normal_url, split_version
from .._content.installed import InstalledPack
from .._content.origin import Resolved, Source
from .._content.receipt import Receipt
from .candidate import Candidate


def receipt_of(candidate: Candidate, provided: t.Optional[t.Mapping[str, str]] = None) -> Receipt:
    """The receipt of a candidate; its stamp is filled in when it is written.

    :arg provided: As in L(Receipt).
    """
    return Receipt(
        ref=candidate.ref,
        name=candidate.metadata.name,
        version=candidate.metadata.version,
        source=candidate.wanted.source,
        resolved=candidate.resolved._replace(asked=candidate.wanted.version or ""),
        commit=candidate.commit,
        digest=candidate.digest,
        dependencies=candidate.metadata.dependencies,
        python=candidate.python,
        provided=provided or {},
        content=candidate.content,
    )


def adopted(pack: InstalledPack, source: Source, resolved: Resolved, dependencies: t.Tuple[str, ...]) -> Receipt:
    """The receipt of a pack that is there and was proven to be the one wanted: a working copy that something else
    installed, or one that was installed under another name of its commit."""
    if pack.receipt:
        return pack.receipt._replace(resolved=resolved)
    return Receipt(
        ref=pack.ref,
        name=pack.name,
        version=pack.version or "",
        source=source,
        resolved=resolved,
        commit=pack.commit or "",
        dependencies=dependencies,
        adopted=True,
    )


def provided(dependencies: t.Iterable[str], found: t.Mapping[str, str]) -> t.Dict[str, str]:
    """What a receipt keeps of the refs that were found at addresses: those of its own pack's dependencies, so that they
    are not fetched again to see what they are."""
    addresses = {normal_url(split_version(text)[0]) for text in dependencies}
    return {address: found[address] for address in sorted(addresses) if address in found}
