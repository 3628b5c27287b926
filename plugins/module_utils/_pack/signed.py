# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Who has to have signed which packs of a task, and who has, as far as receipts tell."""

from __future__ import annotations

import os
import typing as t

from .._content.installed import Installation, InstalledPack
from .._content.origin import source_of
from .._content.request import PackRequest
from .._errors import Collected, OptionError
from .._source.signature_policy import Policy, policy_from
from .dependencies import Pack, Providers, needs_of
from .plan import PackPlan, Plan
from .resolution import TASK, Resolution


class Demand(t.NamedTuple):
    """A pack, and the policies that its signature has to fulfil."""

    pack: Pack
    policies: t.Tuple[Policy, ...]


class Demands:
    """What one task demands of the signatures of packs.

    :arg policy: That of the task; C(None) for items that have none of their own.
    :arg own: Those of items, by the C(id) of the request.
    :arg follow: Whether it holds for what packs depend on, too.
    :ivar signed: By ref, who has vouched for a pack, as L(Receipt) has it.
    """

    def __init__(self, policy: t.Optional[Policy], own: t.Mapping[int, Policy], *, follow: bool) -> None:
        self._policy = policy
        self._own = own
        self._follow = follow
        self.signed: t.Dict[str, t.Dict[str, str]] = {}

    def of(self, resolution: Resolution, installation: Installation) -> t.Dict[str, Demand]:
        """By ref, the packs whose signatures count: those of the task, and what they depend on by the policy of what
        needs it. StackStorm's own packs are signed by nobody; they come with it."""
        found: t.Dict[str, t.Tuple[Pack, t.Dict[Policy, None]]] = {}
        providers = Providers(resolution.packs, installation, provided=resolution.provided)
        waiting: t.List[t.Tuple[Pack, t.List[Policy]]] = []
        for ref, pack in resolution.packs.items():
            asked = [one.request for one in resolution.asked[ref] if one.asker == TASK]
            waiting.append((pack, list(filter(None, map(self._policy_for, asked)))))
        while waiting:
            pack, policies = waiting.pop(0)
            if isinstance(pack, InstalledPack) and pack.is_system:
                continue
            known = found.setdefault(pack.ref, (pack, {}))[1]
            new = [policy for policy in policies if policy not in known]
            known.update(dict.fromkeys(new))
            if new and self._follow:
                for need in needs_of(pack):
                    provider = providers.find(need.request)
                    waiting += [(provider, new)] if provider else []
        return {ref: Demand(pack, tuple(policies)) for ref, (pack, policies) in found.items() if policies}

    def shown(self, resolution: Resolution, installation: Installation) -> bool:
        """Whether the receipts of all these packs show that somebody vouched for them, so that nothing is to be done.

        A receipt shows it for the very policy by which it was found: one that names others, or asks for more, is
        another policy.
        """
        self.signed.clear()
        for ref, demand in self.of(resolution, installation).items():
            known = known_signers(demand.pack)
            if any(policy.digest not in known for policy in demand.policies):
                return False
            self.signed[ref] = {policy.digest: known[policy.digest] for policy in demand.policies}
        return True

    def signer(self, ref: str) -> str:
        """Who vouched for a pack; empty for nobody, or where nobody was asked for."""
        return ", ".join(dict.fromkeys(self.signed.get(ref, {}).values()))

    def named(self, made: Plan) -> Plan:
        """A plan that says who vouched for its packs."""
        return made._replace(packs=tuple(map(self._named, made.packs)), needed=tuple(map(self._named, made.needed)))

    def _named(self, pack: PackPlan) -> PackPlan:
        return pack._replace(signer=self.signer(pack.ref) if pack.after else "")

    def _policy_for(self, request: PackRequest) -> t.Optional[Policy]:
        return self._own.get(id(request), self._policy)


def known_signers(pack: Pack) -> t.Mapping[str, str]:
    """Who vouched for a pack by what is remembered of it, by policy."""
    if isinstance(pack, InstalledPack):
        return pack.receipt.signed if pack.receipt else {}
    return pack.signed


def demands_of(params: t.Mapping[str, t.Any], requests: t.Sequence[PackRequest]) -> t.Optional[Demands]:
    """What a task demands of signatures; C(None) for nothing.

    :arg requests: As L(options.requests_from) gives them, those of C(packs) last.
    :raises OptionError: naming every policy that cannot be used, and every directory, which nobody can have signed.
    """
    collected = Collected()
    policy: t.Optional[Policy] = None
    own: t.Dict[int, Policy] = {}
    with collected.one():
        policy = policy_from(params["verify_signature"])
    items = params["packs"] or ()
    for request, item in zip(requests[len(requests) - len(items) :], items):
        with collected.one(request.expected_ref):
            found = policy_from(item.get("verify_signature"))
            if found:
                own[id(request)] = found
    for request in requests:
        with collected.one(request.expected_ref):
            if request.state != "absent" and own.get(id(request), policy):
                refuse_directory(request)
    collected.raise_them()
    return Demands(policy, own, follow=params["dependencies"] != "skip") if policy or own else None


def refuse_directory(request: PackRequest) -> None:
    """:raises OptionError: for a request that names a directory, which nobody can have signed."""
    if request.kind != "path":
        return
    path = request.source or ""
    if request.controller or (os.path.isdir(path) and source_of(path).kind == "directory"):
        raise unsigned_directory(request.requested, request.expected_ref)


def unsigned_directory(what: str, ref: t.Optional[str], step: t.Optional[str] = None) -> OptionError:
    """The error for a pack without a repository."""
    return OptionError(
        f"{what} is a directory, which cannot be signed, but verify_signature requires a signature. "
        "Use a digest and a task without verify_signature, or install it from a git repository.",
        ref=ref,
        step=step,
    )
