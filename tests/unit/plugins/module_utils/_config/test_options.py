# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options, checked and typed."""

from __future__ import annotations

import grp
import os
import pwd

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._config.argspec import config_options
from ansible_collections.stackstorm.st2.plugins.module_utils._config.options import Attributes, options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError


def options(**given):
    spec = {name: option.get("default") for name, option in config_options().options.items()}
    return options_from({**spec, "pack": "sensu", "config": {}, "timeout": 600, **given})


def test_secrets_go_over_the_config():
    found = options(config={"a": {"b": 1, "c": 2}}, secrets={"a": {"b": 3}})
    assert found.given == {"a": {"b": 3, "c": 2}}
    assert "3" not in repr(found)


@pytest.mark.parametrize("mode, number", [("0640", 0o640), ("640", 0o640), (0o640, 0o640), ("0400", 0o400)])
def test_a_mode_is_octal_or_what_yaml_makes_of_it(mode, number):
    assert options(mode=mode).attributes.mode == number


@pytest.mark.parametrize("mode", ["u=rw", "0888", "01777", -1, True, "0040", ""])
def test_other_modes_are_refused(mode):
    with pytest.raises(OptionError):
        options(mode=mode)


def test_owner_and_group_are_names_or_numbers():
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    assert options(owner=user, group=group).attributes == Attributes(0o640, os.getuid(), os.getgid())
    assert options(owner="1", group="2").attributes == Attributes(0o640, 1, 2)


def test_stackstorms_account_owns_the_file_where_root_can_give_it(monkeypatch):
    account = pwd.struct_passwd(("st2", "x", 4711, 4711, "", "/", "/bin/false"))
    monkeypatch.setattr(pwd, "getpwnam", lambda name: account)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert options().attributes == Attributes(0o640, 4711, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert options().attributes == Attributes(0o640, -1, -1)


def test_absent_needs_no_values_and_present_does():
    assert options(config=None, state="absent").given == {}
    with pytest.raises(OptionError):
        options(config=None)


def test_absent_takes_away_the_keys_that_are_named():
    found = options(config={"a": 1, "n": {"x": None}}, secrets={"b": None}, state="absent")
    assert found.wanted({"a": 2, "b": 3, "c": 4, "n": {"x": 1, "y": 2}}) == {"c": 4, "n": {"y": 2}}
    assert found.names_keys and found.keeps_file
    whole = options(config=None, state="absent")
    assert not whole.names_keys and not whole.keeps_file
    assert options(config={}, state="absent").wanted({"a": 1}) == {"a": 1}
    assert options(config={"a": 1}).wanted({"b": 2}) == {"a": 1}
    assert options(config={"a": 1}, merge="merge").wanted({"b": 2}) == {"a": 1, "b": 2}
