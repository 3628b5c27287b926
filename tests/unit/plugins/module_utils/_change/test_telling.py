# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What StackStorm is told by one change: of which parts of which packs, and of two changes as one."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.telling import Registration, Telling
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Resource

WHOLE = ("pack", "config", "overrides")


def registration(ref, *types):
    return Registration(PackFiles(ref, f"/packs/{ref}"), types)


@pytest.mark.parametrize(
    ("types", "parts"),
    [
        ((), WHOLE),
        (("config",), ("pack", "config")),  # the pack's row is written with whatever is registered
        (("action",), ("pack", "overrides")),
        (("trigger", "policy"), ("pack",)),
        (("sensor", "config"), WHOLE),
    ],
)
def test_the_parts_that_a_registration_changes(types, parts):
    assert registration("sensu", *types).parts == parts


def test_the_parts_of_all_that_is_told():
    told = Telling(
        unload=("gone", "again"),
        first=(registration("carried", "config"),),
        register=(registration("sensu", "config"), registration("again", "policy")),
        closing=(registration("sensu", "action"),),
    )
    assert told.parts() == {"gone": WHOLE, "again": WHOLE, "carried": ("pack", "config"), "sensu": WHOLE}
    assert told.types() == {"gone": (), "again": (), "carried": ("config",), "sensu": ("config", "action")}
    assert Telling(known=("x",), agreeing=("y",), without_config=("z",)).parts() == {}


def test_two_as_one_register_a_pack_once_and_nothing_in_part_that_is_registered_whole():
    rule, action = (Resource("rules", name, f"sensu.{name}") for name in ("a", "b"))
    one = Telling(
        unload=("gone",),
        first=(registration("sensu", "config"),),
        register=(registration("sensu"), registration("jira", "config")),
        closing=(registration("jira"),),
        without_config=("gone",),
        agreeing=("jira",),
        delete=(rule,),
        known=("old",),
    )
    other = Telling(
        unload=("gone", "more"),
        register=(registration("sensu", "config"), registration("jira", "action", "config")),
        without_config=("gone", "more"),
        agreeing=("jira", "sensu"),
        delete=(action,),
        known=("old", "new"),
    )
    assert one.join(other) == Telling(
        unload=("gone", "more"),
        first=(registration("sensu", "config"),),
        register=(registration("sensu"),),
        closing=(registration("jira"),),
        without_config=("gone", "more"),
        agreeing=("jira", "sensu"),
        delete=(rule, action),
        known=("old", "new"),
    )
    assert other.join(one).register[0] == registration("sensu"), "in either order"
    alone = one._replace(register=(registration("sensu"),))
    assert Telling().join(one) == one.join(Telling()) == alone
