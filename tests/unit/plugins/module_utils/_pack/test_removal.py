# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to a pack that is to go, as a pure function."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Contents
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Facts, State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.removal import plan_removal
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    ONE,
    PACKS,
    URL,
    installed,
)


@pytest.mark.parametrize(
    "there, facts, action, virtualenv",
    [
        (True, Facts(), "remove", "none"),
        (True, Facts("ok"), "remove", "kept"),
        (True, Facts("ok", leftovers=(("virtualenv", "/v"), ("config", "/c"))), "remove", "removed"),
        (True, Facts(leftovers=(("config", "/c"),)), "remove", "none"),
        (False, Facts(), "none", "none"),
        (False, Facts("foreign"), "none", "kept"),
        (False, Facts("broken", leftovers=(("virtualenv", "/v"),)), "purge", "removed"),
        (False, Facts(leftovers=(("overrides", "/o"),)), "purge", "none"),
    ],
)
def test_what_happens_to_a_pack_that_shall_not_be_there(there, facts, action, virtualenv):
    pack = installed(base_path="/other") if there else None
    made = plan_removal("sensu", pack, facts, requested=("sensu",), base_path=PACKS)
    assert (made.action, made.virtualenv, made.leftovers) == (action, virtualenv, facts.leftovers)
    assert made.after is None
    assert made.changed == (action != "none")
    assert not made.replaces_files
    assert made.before == (State("1.0.1", ONE, "", URL) if there else None)
    assert made.base_path == ("/other" if there else PACKS)


def test_its_contents_go_with_it():
    contents = Contents({"actions": ("old",)})
    facts = Facts("ok", True, contents=contents)
    gone = plan_removal("sensu", installed(), facts, requested=(), base_path=PACKS)
    assert (gone.contents_before, gone.contents_after) == (contents, Contents())
