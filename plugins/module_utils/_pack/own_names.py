# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""No two packs have one C(name): StackStorm's database refuses the second (st2common/models/db/pack.py PackDB)."""

from __future__ import annotations

import typing as t

from .._content.installed import Installation
from .._errors import InvalidPackError
from .._printable import printable
from .plan import PackPlan

_SHOWN = 60


def require_own_names(plans: t.Sequence[PackPlan], installation: Installation) -> None:
    """See that each pack that comes has a name of its own, among those that will be there then.

    :raises InvalidPackError: naming both packs.
    """
    coming = [plan for plan in plans if plan.candidate]
    if not coming:
        return
    planned = {plan.ref for plan in plans}
    owners = {pack.name: pack.ref for pack in installation.all() if pack.ref not in planned and not pack.problem}
    owners.update({plan.name: plan.ref for plan in plans if plan.after and not plan.candidate})
    for plan in coming:
        owner = owners.setdefault(plan.name, plan.ref)
        if owner != plan.ref:
            version = plan.after.version if plan.after else ""
            raise InvalidPackError(
                f"{plan.ref} {version} cannot be installed: its pack.yaml has the name "
                f"{printable(plan.name[:_SHOWN])}, which is that of the pack {owner}. StackStorm takes only one pack "
                f"of a name: change one of them, or remove {owner}.",
                ref=plan.ref,
            )
