# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Verify: the override file and the database read back, and compared with the plan."""

from __future__ import annotations

import typing as t

from .._content.boundary import listed
from .._errors import VerifyError
from .document import KINDS, SINGULAR
from .observe import read_database
from .plan import Plan

if t.TYPE_CHECKING:
    from .._st2.registrar import Registrar


def verify_database(plan: Plan, registrar: Registrar) -> None:
    """Compare what StackStorm has of the packs that were registered with what the plan promised.

    :raises VerifyError: naming every difference.
    """
    if registrar.reads:
        for pack in plan.registers:
            _verify_pack(plan, pack.ref, registrar)


def verify_file(plan: Plan) -> None:
    """Compare the override file that is there now with what was planned.

    :raises VerifyError: when it is another.
    """
    content: t.Optional[bytes] = None
    try:
        with open(plan.path, "rb") as stream:
            content = stream.read()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise VerifyError(f"{plan.path} cannot be read back: {error.strerror}.") from error
    if content != plan.after:
        raise VerifyError(f"{plan.path} is not what was just written. Does something else write it as well?")


def _verify_pack(plan: Plan, ref: str, registrar: Registrar) -> None:
    expected = plan.expected[ref]
    kinds = [kind for kind in KINDS if any(of == kind for of, _name in expected)]
    found = read_database(registrar, ref, kinds)
    wrong = [
        f"{SINGULAR[kind]} {name} ({'enabled' if found[kind, name] else 'disabled'})"
        for kind, name in sorted(expected)
        if (kind, name) in found and found[kind, name] != expected[kind, name]
    ]
    if wrong:
        raise VerifyError(
            f"StackStorm registered the pack {ref}, but its database does not match the overrides: "
            f"{listed(wrong)}. Does its API run on another host, with other overrides?",
            ref=ref,
        )
