# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Verify: whether StackStorm has what the plan promised, asked of its list of packs and not of the execution."""

from __future__ import annotations

import typing as t

from .._content.versions import same_version
from .._errors import VerifyError
from .._layout import SYSTEM_PACKS
from .observe import Packs
from .plan import Step


def verify_step(step: Step, installed: t.Sequence[str], packs: Packs) -> None:
    """Look whether a step came out as planned.

    :arg installed: The refs that StackStorm says it has installed.
    :arg packs: What it has now.
    :raises VerifyError: naming what is different.
    """
    if step.removes:
        if step.ref in packs:
            raise _difference(step, f"StackStorm reports that {step.ref} was removed, and still has it")
        return
    if step.ref not in installed:
        raise _wrong_pack(step, installed)
    wanted = step.pack.after.version if step.pack.after else ""
    pack = packs.get(step.ref)
    if pack is None:
        raise _difference(step, f"StackStorm reports that {step.spec} was installed, and does not have it")
    if wanted and not same_version(wanted, pack.version):
        raise _difference(
            step,
            f"{step.spec} was installed, but its pack.yaml calls it {pack.version or 'nothing'}. StackStorm's API "
            "knows a pack by that version only, so this request would never be satisfied. Ask for the version that "
            "pack.yaml has, or have the release mended",
        )


def _wrong_pack(step: Step, installed: t.Sequence[str]) -> VerifyError:
    refs = ", ".join(installed)
    if set(installed) & set(SYSTEM_PACKS):
        return _difference(step, f"{step.spec} has replaced StackStorm's own pack {refs}. Reinstall StackStorm's packs")
    return _difference(
        step,
        f"{step.spec} holds the pack {refs}, not {step.ref}. It is installed as {refs} now. If it is the one that you "
        f"want, give it in packs with this source and name={refs}; else remove it",
    )


def _difference(step: Step, what: str) -> VerifyError:
    return VerifyError(f"{what}.", ref=step.ref)
