# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The digest of a plan: of what the host has when it is carried out, whatever it had before, so that hosts can be held
against each other."""

from __future__ import annotations

import hashlib
import json
import typing as t

from .._content.installed import Installation
from .._errors import St2Error
from .._pack.plan import PackPlan
from .._pack.virtualenv import requirements_digest
from .._source.directory import directory_digest

if t.TYPE_CHECKING:
    from .._config.planner import ConfigPlanner
    from .pack_plan import TaskPlan


class Digests(t.NamedTuple):
    """What a plan, and what each pack of it, is known by.

    :arg plan: C(sha256:...).
    :arg contents: By ref, the digest of the files, as a lock has it.
    """

    plan: str
    contents: t.Mapping[str, str]


def digests_of(plan: TaskPlan, installation: Installation, configs: t.Sequence[ConfigPlanner]) -> Digests:
    """The digests of a plan whose packs are not moved yet.

    :arg installation: The packs as they are before it.
    :arg configs: The planners of its configs, which mask their secrets: a digest of a short one would give it away.
    """
    packs: t.List[t.Tuple[str, ...]] = []
    contents: t.Dict[str, str] = {}
    for pack in (*plan.packs.packs, *plan.packs.needed):
        if pack.after is not None:
            place = _location(pack, installation)
            contents[pack.ref] = _content(pack, place)
            requirements = requirements_digest(place) if place else ""
            packs.append((pack.ref, pack.after.version, pack.after.commit, contents[pack.ref], requirements))
    document = {
        "packs": sorted(packs),
        "configs": {
            config.ref: planner.redaction.mask(config.values or {}) for planner, config in zip(configs, plan.configs)
        },
        "overrides": {
            one.pack: hashlib.sha256(one.after).hexdigest() if one.after is not None else None for one in plan.overrides
        },
    }
    text = json.dumps(document, sort_keys=True, default=str)
    return Digests(
        f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", {ref: one for ref, one in contents.items() if one}
    )


def _location(pack: PackPlan, installation: Installation) -> str:
    if pack.candidate:
        return pack.candidate.staged
    installed = pack.installed or installation.get(pack.ref)
    return installed.location if installed else ""


def _content(pack: PackPlan, place: str) -> str:
    """The digest of the files of a pack; empty where nobody can tell: of one that will be repaired, or holds what no
    pack may."""
    if pack.action == "repair" and not pack.candidate:
        return pack.remembered.content if pack.remembered else ""
    try:
        return directory_digest(place)
    except St2Error:
        return ""
