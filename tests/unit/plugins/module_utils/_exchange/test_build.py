# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an Exchange says of versions and packs that it does not list."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.build import _problems
from ansible_collections.stackstorm.st2.plugins.module_utils._index.build import Built, Skipped
from ansible_collections.stackstorm.st2.plugins.module_utils._index.inspection import Refused


@pytest.mark.parametrize("hosted", [True, False])
@pytest.mark.parametrize("others", [True, False])
def test_a_pack_of_which_nothing_is_listed_is_a_problem(hosted, others):
    built = Built(refused=[Refused("demo", "2.0.0", "a" * 40, "It is broken.")])
    if not others:
        built.skipped = [Skipped("demo", "demo", "It is broken.")]
    found = list(_problems(built, ["demo"] if hosted else []))
    # A version that upstream has released is nobody's here; a pack that is missing is.
    assert any(not one.is_notice for one in found) is (hosted or not others)
