# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task about st2.conf may say; all that is wrong is said at once."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.options import Wanted, options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, SeveralErrors

ITEM = {"section": "content", "option": "a", "value": None, "values": None, "list": "set", "separator": None,
        "secret": False, "state": None}  # fmt: skip
TASK = {**ITEM, "state": "present", "options": None, "backup": False, "owner": None, "group": None, "mode": None,
        "st2_conf": "/etc/st2/st2.conf"}  # fmt: skip


def options(**given):
    return options_from({**TASK, **given})


def refused(**given):
    with pytest.raises((OptionError, SeveralErrors)) as caught:
        options(**given)
    return caught.value.message


def test_one_option():
    found = options(value="x", secret=True)
    assert found.wanted == (Wanted("content", "a", value="x", secret=True),)
    assert (found.uid, found.gid, found.mode, found.backup) == (None, None, None, False)
    assert options(values=["x", "y"], option="packs_base_paths").wanted[0].separator == ":"
    assert options(values=["x", "y"]).wanted[0].separator == ","
    assert options(values=["x", "y"], separator=";", list="add").wanted[0] == Wanted(
        "content", "a", items=("x", "y"), how="add", separator=";"
    )
    assert options(values=[]).wanted[0].items == ()
    assert options(state="absent").wanted[0].state == "absent"


def test_several_options_take_the_state_of_the_task():
    items = [{**ITEM, "state": "present", "value": "x"}, {**ITEM, "option": "b"}]
    assert [one.state for one in options(options=items, state="absent").wanted] == ["present", "absent"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, r"set value, or values for a list, or state=absent; none is"),
        ({"value": "x", "values": []}, "both are given"),
        ({"value": "x", "state": "absent"}, "cannot be combined with value"),
        ({"values": ["x"], "state": "absent"}, "list=remove"),
        ({"value": "x", "list": "add", "separator": ","}, "list and separator can only be used with values"),
        ({"state": "absent", "list": "remove"}, "list can only be used with values"),
        ({"value": "x", "section": "a]"}, 'section is "a]"'),
        ({"value": "x", "option": "a=b"}, 'option is "a=b"'),
        ({"value": "x", "option": ""}, 'option is ""'),
        ({"value": "hunter2\n"}, "reads it back, as it has an empty line"),
        ({"values": ["a", ""]}, "item 2 of values is empty"),
        ({"values": [" a"]}, "item 1 of values"),
        ({"values": ["a\nb"]}, "item 1 of values"),
        ({"values": ["a,b"]}, 'item 1 of values has a "," in it'),
        ({"values": ["/a:b"], "option": "packs_base_paths"}, 'has a ":" in it'),
        ({"values": ["a"], "separator": " "}, "separator must contain"),
        ({"options": []}, "options is empty"),
        ({"options": [{**ITEM, "value": "x"}], "value": "y", "separator": ","}, "value and separator cannot be beside"),
        ({"options": [{**ITEM, "value": "x"}, {**ITEM, "section": "Content", "value": "x"}]}, "more than once"),
        ({"value": "x", "owner": "no-such"}, "The owner no-such does not exist"),
        ({"value": "x", "mode": "u"}, "mode must be octal"),
    ],
)
def test_what_cannot_be_used(given, why):
    message = refused(**given)
    assert why in message and "hunter2" not in message


def test_all_that_is_wrong_is_said_at_once():
    message = refused(
        options=[{**ITEM}, {**ITEM, "option": "b", "values": [""]}], owner="no-such", mode="x", separator="."
    )
    assert message.startswith("5 things are wrong: ")


def test_a_value_is_in_no_representation():
    assert "hunter2" not in repr(options(value="hunter2")) + repr(options(values=["hunter2"]))
