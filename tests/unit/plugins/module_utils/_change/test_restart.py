# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packs' sensors go on with what they had."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.restart import left_with_old
from ansible_collections.stackstorm.st2.plugins.module_utils._change.telling import Registration, Telling
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles


def telling(ref, *types, **others):
    return Telling(register=(Registration(PackFiles(ref, f"/packs/{ref}"), types),), **others)


@pytest.mark.parametrize(
    ("told", "left"),
    [
        (Telling(), ["sensu"]),
        (telling("sensu"), []),
        (telling("sensu", "action", "sensor"), []),
        (telling("sensu", "config"), ["sensu"]),
        (telling("sensu", "action", "rule"), ["sensu"]),
        (telling("other"), ["sensu"]),
        (telling("other", unload=("sensu",)), []),
        (Telling(closing=telling("sensu", "sensor").register), []),
        (Telling(first=telling("sensu", "sensor").register), ["sensu"]),
    ],
)
def test_sensors_are_started_anew_when_they_are_registered_and_end_when_they_are_unloaded(told, left):
    assert left_with_old(["sensu", "sensu"], told) == left
    assert left_with_old([], told) == []
