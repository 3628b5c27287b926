# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Verify: the config read back, from the disk and from the database, and held against the plan."""

from __future__ import annotations

from .._change.known import CURRENT, KnownConfig
from .._errors import VerifyError
from .._yaml_text import same
from .document import read_config
from .options import Attributes
from .plan import ConfigPlan
from .values import agrees


def verify_file(plan: ConfigPlan) -> None:
    """Compare the file that is there now with what was planned.

    :raises VerifyError: that names the difference, and no value.
    """
    file = read_config(plan.before.path)
    if plan.values is None:
        if file.exists:
            raise VerifyError(f"{file.path} was removed, but exists again: something else writes it.", ref=plan.ref)
        return
    if not file.exists or file.problem or not same(file.values, plan.values):
        raise VerifyError(f"{file.path} does not contain what was written: something else writes it.", ref=plan.ref)
    wanted, found = plan.attributes, Attributes(file.mode, file.uid, file.gid)
    differs = [name for name in ("mode", "uid", "gid") if getattr(wanted, name) not in (-1, getattr(found, name))]
    if differs:
        raise VerifyError(f"{file.path} has another {' and '.join(differs)} than was set.", ref=plan.ref)


def verify_database(plan: ConfigPlan, database: KnownConfig) -> None:
    """Compare what StackStorm has now with what was planned.

    :raises VerifyError: that names the difference, and no value.
    """
    if not database.reads:
        return
    if plan.clear and database.values:
        raise VerifyError(f"StackStorm's database still has a config of {plan.ref}.", ref=plan.ref)
    if plan.values is not None and plan.state == CURRENT and not agrees(dict(database.values or {}), plan.values):
        raise VerifyError(
            f"StackStorm's database does not have the config of {plan.ref} that was registered. Does it run on this "
            "host, with these files?",
            ref=plan.ref,
        )
