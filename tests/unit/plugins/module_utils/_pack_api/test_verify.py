# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What StackStorm has against what the plan promised."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import VerifyError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import PackPlan, State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.observe import RegisteredPack
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.plan import Step
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.verify import verify_step


def step(version="1.0.2", action="install"):
    after = None if action == "remove" else State(version)
    return Step(PackPlan("sensu", "sensu", action, "unknown", "", None, after), "sensu=1.0.2")


def packs(**versions):
    return {ref: RegisteredPack(ref, ref, version) for ref, version in versions.items()}


def test_what_is_as_promised():
    verify_step(step(), ["sensu"], packs(sensu="1.0.2"))
    verify_step(step(""), ["sensu"], packs(sensu="7.0.0"))
    verify_step(step(action="remove"), [], packs(other="1.0.0"))


@pytest.mark.parametrize(
    ("what", "installed", "has", "said"),
    [
        (step(action="remove"), [], {"sensu": "1.0.2"}, "was removed, and still has it"),
        (step(), ["sensu"], {}, "does not have it"),
        (step(), ["sensu"], {"sensu": "1.0.1"}, "its pack.yaml calls it 1.0.1"),
        (step(), ["sensu"], {"sensu": ""}, "its pack.yaml calls it nothing"),
        (step(), ["other"], {"other": "1.0.2"}, "holds the pack other, not sensu"),
        (step(), ["core"], {"core": "1.0.2"}, "has replaced StackStorm's own pack core"),
    ],
)
def test_what_is_not(what, installed, has, said):
    with pytest.raises(VerifyError) as caught:
        verify_step(what, installed, packs(**has))
    assert said in caught.value.message and caught.value.ref == "sensu"
