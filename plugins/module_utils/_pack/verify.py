# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Verify: read the host again, independently of what apply did, and compare with the plan."""

from __future__ import annotations

import os
import typing as t

from .._content.installed import Installation
from .._errors import VerifyError
from .._layout import VirtualenvsDirectory
from .._source.directory import directory_digest
from .plan import PackPlan, Plan, state_of
from .virtualenv import observe_virtualenv


def verify(plan: Plan, base_paths: t.Sequence[str], virtualenvs_path: str) -> None:
    """Look whether the host is what the plan says.

    :raises VerifyError: for the first pack that is not, naming what was expected and what is there.
    """
    installation = Installation(base_paths)
    virtualenvs = VirtualenvsDirectory(virtualenvs_path)
    for pack in plan.packs:
        if pack.changed:
            _verify_pack(pack, installation)
            _verify_virtualenv(pack, virtualenvs)


def _verify_pack(pack: PackPlan, installation: Installation) -> None:
    path = installation.directory(pack.base_path).pack(pack.ref)
    if pack.after is None:
        if os.path.lexists(path):
            raise VerifyError(f"{pack.ref} was removed, but {path} exists.", ref=pack.ref)
        for kind, leftover in pack.leftovers:
            if os.path.lexists(leftover):
                raise VerifyError(f"The {kind} of {pack.ref} was removed, but {leftover} exists.", ref=pack.ref)
        return
    installed = installation.get(pack.ref)
    if installed is None:
        raise VerifyError(f"{pack.ref} {pack.after.short} was installed, but {path} has no pack.", ref=pack.ref)
    found = state_of(installed)
    if pack.after.digest:
        found = found._replace(digest=directory_digest(path))
    if (found.version, found.commit, found.digest) != (pack.after.version, pack.after.commit, pack.after.digest):
        raise VerifyError(
            f"{pack.ref} {pack.after.short} was installed at {path}, but {found.short or 'nothing known'} was read back"
            f"{' from ' + installed.path if installed.path != path else ''}.",
            ref=pack.ref,
        )


def _verify_virtualenv(pack: PackPlan, virtualenvs: VirtualenvsDirectory) -> None:
    if pack.builds_virtualenv:
        virtualenv = observe_virtualenv(virtualenvs, pack.ref)
        if virtualenv.health != "ok":
            raise VerifyError(
                f"The virtualenv of {pack.ref} was built, but what is at {virtualenv.path} is {virtualenv.health}.",
                ref=pack.ref,
            )
