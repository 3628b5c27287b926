# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile input by chance. ``ST2_HOSTILE_CASES`` makes it more, ``ST2_SEED`` other: the number of the first case."""

from __future__ import annotations

import os

import pytest
from hostile.arena import VICTIM, Arena, unsafe_files
from hostile.mutation import REF, Mutation

CASES = int(os.environ.get("ST2_HOSTILE_CASES") or 120)
FIRST = int(os.environ.get("ST2_SEED") or 0)
AT_ONCE = 20


@pytest.mark.parametrize("first", range(FIRST, FIRST + CASES, AT_ONCE))
def test_whatever_comes_is_refused_or_installed_safely(arena: Arena, first: int) -> None:
    outcomes = []
    for number in range(first, min(first + AT_ONCE, FIRST + CASES)):
        arguments = Mutation(number).arguments(arena)
        try:
            execution = arena.run(arguments, allowed=[f"packs/{REF}"], check=number % 3 == 0)
            installed = arena.host.installed()
            assert installed == ([VICTIM] if execution.failed or number % 3 == 0 else [REF, VICTIM]), installed
            assert unsafe_files(arena.host.packs / REF) == []
        except AssertionError as error:
            raise AssertionError(f"case {number}, {arguments!r}: {error}") from error
        outcomes.append(execution.failed)
        arena.clear()
    assert any(outcomes), "some of so many are refused"
