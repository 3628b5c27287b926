# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a task asks to what the file is to say."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._override.document import Overrides, Section
from ansible_collections.stackstorm.st2.plugins.module_utils._override.options import Asked, Options
from ansible_collections.stackstorm.st2.plugins.module_utils._override.pack_resources import PackResource, PackResources
from ansible_collections.stackstorm.st2.plugins.module_utils._override.resolve import resolve

PACK = PackResources(
    "sensu",
    "/packs/sensu",
    (
        PackResource("actions", "check", "actions/check.yaml"),
        PackResource("actions", "list", "actions/list_all.yaml", None, ("list_all",)),
        PackResource("sensors", "PulseSensor", "sensors/pulse.yaml", None, ("pulse",)),
    ),
)
NOW = Overrides({"actions": Section(False, {"check": True, "gone": False}), "sensors": Section(None, {"Old": True})})


def wanted(now=NOW, resources=PACK, state="present", merge="merge", allow_missing=False, default=None, **sections):
    asked = {
        kind: Asked(default, names, dict.fromkeys(names, f"{kind}.option"), default is not None)
        for kind, names in sections.items()
    }
    return resolve(Options("sensu", asked, state, merge, allow_missing), now, resources)


def test_what_is_asked_is_put_over_what_is_there():
    found = wanted(actions={"check": False, "list": True}, default=True)
    assert found.overrides.of("actions") == Section(True, {"check": False, "gone": False, "list": True})
    assert found.overrides.of("sensors") == NOW.of("sensors")
    assert found.named == {("actions", "check"), ("actions", "list"), ("actions", None)}
    assert found.warnings == ()


def test_replacing_leaves_nothing_else():
    found = wanted(merge="replace", actions={"check": False})
    assert found.overrides.document() == {"actions": {"exceptions": {"check": {"enabled": False}}}}


@pytest.mark.parametrize("kind, text, name", [("sensors", "pulse", "PulseSensor"), ("actions", "sensu.check", "check")])
def test_a_name_is_translated_with_a_note(kind, text, name):
    found = wanted(now=Overrides(), **{kind: {text: False}})
    assert found.overrides.of(kind).exceptions == {name: False}
    (warning,) = found.warnings
    assert f"{kind}.option: {text} is taken for {name}" in warning


def test_two_names_of_one_resource_must_agree():
    assert wanted(now=Overrides(), actions={"list": True, "list_all": True}).overrides.of("actions").exceptions == {
        "list": True
    }
    with pytest.raises(OptionError, match="list and list_all are both the action list"):
        wanted(actions={"list": True, "list_all": False})


def test_unknown_names_are_refused_together():
    with pytest.raises(OptionError) as refused:
        wanted(actions={"checks": True, "zzz": True}, sensors={"check": True})
    assert "has no action checks. Did you mean check?" in refused.value.message
    assert "has no action zzz. It has check, list." in refused.value.message
    assert "allow_missing" in refused.value.message
    with pytest.raises(OptionError, match="It has no rules"):
        wanted(rules={"r": True})


def test_unknown_names_can_be_allowed():
    found = wanted(now=Overrides(), allow_missing=True, actions={"checks": True})
    assert found.overrides.of("actions").exceptions == {"checks": True}
    assert "Did you mean check?" in found.warnings[0]


def test_without_a_pack_names_are_taken_as_they_are():
    assert wanted(now=Overrides(), resources=None, actions={"sensu.x": True}).overrides.of("actions").exceptions == {
        "sensu.x": True
    }


def test_single_names_are_removed_also_those_that_the_pack_has_no_more():
    found = wanted(state="absent", actions={"gone": None, "sensu.check": None, "nowhere": None})
    assert found.overrides.of("actions") == Section(False, {})
    assert found.overrides.of("sensors") == NOW.of("sensors") and found.warnings == ()


def test_defaults_sections_and_files_are_removed():
    assert wanted(state="absent", actions={}, default=False).overrides.of("actions") == Section(
        None, {"check": True, "gone": False}
    )
    assert not wanted(state="absent", actions={}).overrides.of("actions")
    assert wanted(state="absent", actions={}).named == {("actions", None)}
    assert not wanted(state="absent").overrides
