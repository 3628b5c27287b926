# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Plan of a pack that comes new, or in another version. Pure, as L(plan)."""

from __future__ import annotations

import typing as t

from .._content.installed import InstalledPack
from .._content.versions import same_version, sort_versions
from .candidate import Candidate
from .plan import Facts, PackPlan, State, registration_for, state_of, virtualenv_for
from .receipts import receipt_of


def plan_candidate(
    candidate: Candidate,
    installed: t.Optional[InstalledPack],
    facts: Facts,
    *,
    policy: str,
    requested: t.Tuple[str, ...],
    base_path: str,
    provided: t.Optional[t.Mapping[str, str]] = None,
) -> PackPlan:
    """What happens to a pack that comes new, or in another version.

    :arg provided: As in L(Receipt).
    """
    needed = policy == "always" or (policy == "auto" and candidate.python)
    return PackPlan(
        ref=candidate.ref,
        name=candidate.metadata.name,
        action=_direction(installed, candidate),
        virtualenv=virtualenv_for(policy, needed, facts),
        base_path=base_path,
        before=state_of(installed) if installed else None,
        after=state_after(candidate),
        requested=requested,
        edits=facts.edits,
        contents_before=facts.contents,
        contents_after=candidate.contents,
        candidate=candidate,
        installed=installed,
        remembered=receipt_of(candidate, provided),
        registration=registration_for(facts.known, new=True),
        known=facts.known,
        displaced=facts.displaced,
        pins=facts.pins,
    )


def state_after(candidate: Candidate) -> State:
    """A candidate as the state it makes."""
    digest = "" if candidate.commit else candidate.digest
    return State(candidate.metadata.version, candidate.commit, digest, candidate.wanted.source.url)


def _direction(installed: t.Optional[InstalledPack], candidate: Candidate) -> str:
    if installed is None:
        return "install"
    new, old = candidate.metadata.version, installed.version or ""
    if same_version(new, old):
        return "replace"
    return "upgrade" if sort_versions([new, old])[0] == new else "downgrade"
