# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a registration did, counted."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Registered


def test_counts_of_packs_add_up_and_what_is_the_hosts_counts_once():
    one = Registered({"actions": 2, "runners": 14, "rule_types": 2}, {"actions": 1})
    other = Registered({"actions": 3, "sensors": 1, "runners": 14, "policy_types": 3}, {"actions": 2, "rules": 1})
    both = one.add(other)
    assert both.counts == {"actions": 5, "sensors": 1, "runners": 14, "rule_types": 2, "policy_types": 3}
    assert both.overridden == {"actions": 3, "rules": 1}
    assert one.add(Registered()) == one


def test_overrides_that_nobody_counted_stay_unknown():
    unknown = Registered({"actions": 2}, None)
    assert unknown.add(Registered({"actions": 1}, {"actions": 1})) == Registered({"actions": 3}, None)
    assert Registered().add(unknown).overridden is None
