# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a task: what they come to, and what is refused by the path of the option."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._override.document import KINDS
from ansible_collections.stackstorm.st2.plugins.module_utils._override.options import options_from

NOTHING = {"defaults": None, "exceptions": None, "enabled": None, "disabled": None}


def options(**given):
    params = {"pack": "sensu", "state": "present", "merge": "merge", "allow_missing": False, **dict.fromkeys(KINDS)}
    params.update({key: {**NOTHING, **value} if key in KINDS else value for key, value in given.items()})
    return options_from(params)


def test_long_and_short_forms_are_one():
    long = options(
        actions={"defaults": {"enabled": False}, "exceptions": {"a": {"enabled": True}, "b": {"enabled": False}}}
    ).sections["actions"]
    short = options(actions={"enabled": ["a"], "disabled": ["b"], "defaults": {"enabled": False}}).sections["actions"]
    assert (long.default, dict(long.names)) == (short.default, dict(short.names)) == (False, {"a": True, "b": False})
    assert options(aliases={"enabled": False}).sections["aliases"].default is False
    mixed = options(rules={"exceptions": {"a": {"enabled": True}}, "enabled": ["a", "b"]}).sections["rules"]
    assert mixed.names == {"a": True, "b": True}
    assert mixed.options == {"a": "rules.exceptions.a", "b": "rules.enabled"}


def test_only_sections_that_are_named_are_there():
    found = options(rules={"enabled": True})
    assert list(found.sections) == ["rules"] and not found.removes_file and not found.for_all
    assert options(state="absent").removes_file
    assert options(pack="_global", rules={"enabled": True}).for_all


REFUSED = {
    "quoted default": ({"actions": {"defaults": {"enabled": "no"}}}, 'actions.defaults.enabled is the text "no"'),
    "quoted exception": (
        {"rules": {"exceptions": {"r": {"enabled": "yes"}}}}, 'rules.exceptions.r.enabled is the text "yes"'),
    "number": ({"actions": {"defaults": {"enabled": 0}}}, "actions.defaults.enabled is 0"),
    "null": ({"actions": {"defaults": {"enabled": None}}}, "actions.defaults.enabled is empty (null)"),
    "other key": ({"sensors": {"defaults": {"enable": True}}}, "sensors.defaults.enable cannot be overridden"),
    "other key of one": ({"rules": {"exceptions": {"r": {"x": 1}}}}, "rules.exceptions.r.x cannot be overridden"),
    "empty defaults": ({"actions": {"defaults": {}}}, "actions.defaults is empty"),
    "empty exception": ({"actions": {"exceptions": {"a": {}}}}, "actions.exceptions.a is empty"),
    "null exception": ({"actions": {"exceptions": {"a": None}}}, "actions.exceptions.a is empty (null)"),
    "bare exception": ({"actions": {"exceptions": {"a": False}}}, "write actions.exceptions.a: {enabled: true}"),
    "nothing in it": ({"actions": {}}, "actions is empty"),
    "no exceptions in it": ({"actions": {"exceptions": {}}}, "actions is empty"),
    "empty list": ({"actions": {"enabled": []}}, "actions.enabled is an empty list"),
    "text for a list": ({"actions": {"disabled": "a,b"}}, "actions.disabled is the text"),
    "text for a truth": ({"actions": {"enabled": "no"}}, 'actions.enabled is the text "no"'),
    "number in a list": ({"actions": {"enabled": [1]}}, "actions.enabled is the list [1]"),
    "empty name": ({"actions": {"enabled": [""]}}, "actions.enabled is the list"),
    "empty name of one": ({"actions": {"exceptions": {"": {"enabled": True}}}}, "has an empty name"),
    "control character": ({"actions": {"enabled": ["a\x1b[2J"]}}, "has the name a\\x1b[2J"),
    "disabled: true": ({"actions": {"disabled": True}}, "use actions.enabled: true or false"),
    "two defaults": ({"actions": {"enabled": True, "defaults": {"enabled": True}}}, "are both for all actions"),
    "both lists": ({"actions": {"enabled": ["a"], "disabled": ["a"]}}, "a is to be enabled by one of actions.enabled"),
    "list against exception": (
        {"actions": {"exceptions": {"a": {"enabled": True}}, "disabled": ["a"]}}, "actions.exceptions.a and"),
    "exceptions of all": (
        {"pack": "_global", "actions": {"exceptions": {"a": {"enabled": True}}}}, "actions.exceptions names single"),
    "names of all": ({"pack": "_global", "rules": {"disabled": ["a"]}}, "StackStorm ignores in _global.yaml"),
    "nothing at all": ({}, "There is nothing to do for sensu"),
    "absent and replace": ({"state": "absent", "merge": "replace"}, "requires state=present"),
    "a pack's path": ({"pack": "../core", "rules": {"enabled": True}}, "pack"),
    "a pack's name": ({"pack": "Sensu", "rules": {"enabled": True}}, "Did you mean sensu?"),
}  # fmt: skip


@pytest.mark.parametrize("given, told", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(given, told):
    with pytest.raises(OptionError) as refused:
        options(**given)
    assert told in refused.value.message and refused.value.message.endswith((".", "?"))


@pytest.mark.parametrize("value", [{}, None, {"enabled": True}], ids=str)
def test_what_is_to_be_removed_needs_no_value(value):
    found = options(state="absent", actions={"exceptions": {"a": value}, "disabled": ["b"]})
    assert set(found.sections["actions"].names) == {"a", "b"}
    assert not found.removes_file


def test_a_whole_section_can_be_removed():
    found = options(state="absent", actions={}, rules={"defaults": {}}, aliases={"enabled": True})
    assert not found.sections["actions"] and not found.removes_file
    assert found.sections["rules"].default_named and found.sections["aliases"].default_named


def test_what_is_to_be_removed_is_checked_as_well():
    with pytest.raises(OptionError, match="cannot be overridden"):
        options(state="absent", actions={"exceptions": {"a": {"enable": True}}})
