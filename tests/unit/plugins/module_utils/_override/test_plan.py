# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a pure function of what is observed and wanted; whole runs are in test_run.py."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._override.document import (
    KINDS,
    Overrides,
    Problem,
    Section,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._override.observe import Observed, PackView
from ansible_collections.stackstorm.st2.plugins.module_utils._override.options import Asked, Options
from ansible_collections.stackstorm.st2.plugins.module_utils._override.override_file import OverrideFile
from ansible_collections.stackstorm.st2.plugins.module_utils._override.pack_resources import PackResource, PackResources
from ansible_collections.stackstorm.st2.plugins.module_utils._override.plan import make_plan, scope

RESOURCES = (
    PackResource("actions", "check", "actions/check.yaml"),
    PackResource("actions", "list", "actions/list.yaml", False),
    PackResource("rules", "beat", "rules/beat.yaml"),
)
FILES = {("actions", "check"): True, ("actions", "list"): False, ("rules", "beat"): False}
OFF = {"actions": Asked(None, {"check": False}, {"check": "actions.disabled"})}
IS_OFF = Overrides({"actions": Section(None, {"check": False})})
ALL_OFF = {"actions": Asked(False, default_named=True)}


def render(overrides):
    """A file that says this and nothing else."""
    return f"---\n{yaml.safe_dump(overrides.document(), sort_keys=False)}".encode()


def file_of(pack, overrides=None, problems=(), **more):
    path = f"/o/{pack}.yaml"
    if overrides is None and not problems:
        return OverrideFile(pack, path, **more)
    content = render(overrides) if overrides else b"?"
    complaints = tuple(f"{path}:1: {problem.text}." for problem in problems)
    return OverrideFile(pack, path, content, True, None, None, overrides or Overrides(), problems, complaints, **more)


def pack_view(ref="sensu", own=None, database=None, recorded=None, healed=()):
    resources = PackResources(ref, f"/packs/{ref}", RESOURCES)
    return PackView(f"/packs/{ref}", resources, own or file_of(ref), database, recorded, healed)


def plan(sections, target=None, packs=None, for_all=None, registers=True, pack="sensu", **options):
    target = target or file_of(pack)
    for_all = target if pack == "_global" else for_all or file_of("_global")
    packs = (pack_view(),) if packs is None else packs
    return make_plan(Options(pack, sections, **options), Observed(target, for_all, packs, registers))


def rows(found):
    return [(one.kind, one.name, one.before, one.after, one.origin) for one in found.switches]


def test_a_file_that_is_to_be_written():
    found = plan(OFF, packs=(pack_view(recorded=True),))
    assert (found.before, found.after, found.writes, found.changed) == (None, render(IS_OFF), True, True)
    assert rows(found) == [("actions", "check", True, False, "exception")]
    assert [pack.ref for pack in found.registers] == ["sensu"] and found.types == ("action",)
    assert found.overridden == {"sensors": 0, "actions": 1, "rules": 0, "aliases": 0}
    assert found.warnings == ()


def test_the_record_decides_where_the_database_cannot_be_read():
    target = file_of("sensu", IS_OFF)
    assert plan(OFF, target, (pack_view(recorded=True),)).changed is False
    for recorded in (False, None):
        found = plan(OFF, target, (pack_view(recorded=recorded),))
        assert not found.writes and found.types == ("action", "rule") and found.agreeing == ("sensu",)
    nothing = plan({}, packs=(pack_view(recorded=None),), state="absent")
    assert not nothing.changed, "where nothing is overridden, nothing needs to be known"
    assert plan({}, packs=(pack_view(recorded=False),), state="absent").registers


def test_the_database_decides_where_it_can_be_read():
    target = file_of("sensu", IS_OFF)
    right = {**FILES, ("actions", "check"): False}
    assert not plan(OFF, target, (pack_view(database=right, recorded=False),)).changed
    found = plan(OFF, target, (pack_view(database=FILES, recorded=True),))
    assert not found.writes and found.types == ("action",)
    assert rows(found) == [("actions", "check", True, False, "exception")]
    assert found.expected["sensu"] == {("actions", "check"): False, ("actions", "list"): False}


def test_a_database_that_has_it_already_needs_no_registration():
    found = plan(OFF, packs=(pack_view(database={**FILES, ("actions", "check"): False}),))
    assert found.writes and not found.registers
    assert rows(found) == [("actions", "check", False, False, "exception")]


def test_what_was_switched_by_hand_is_seen_only_where_the_task_looks():
    by_hand = {**FILES, ("rules", "beat"): True}
    beat = [("rules", "beat", True, False, "metadata")]
    assert rows(plan({}, packs=(pack_view(database=by_hand),), state="absent")) == beat
    named = plan({"rules": Asked(None, {"beat": None})}, packs=(pack_view(database=by_hand),), state="absent")
    assert rows(named) == beat
    other = plan(OFF, file_of("sensu", IS_OFF), (pack_view(database={**by_hand, ("actions", "check"): False}),))
    assert not other.changed


def test_without_registration_only_the_file_counts():
    found = plan(OFF, registers=False)
    assert found.writes and not found.registers and rows(found) == [("actions", "check", True, False, "exception")]
    assert not plan(OFF, file_of("sensu", IS_OFF), registers=False).changed


def test_for_all_packs_each_is_taken_by_itself():
    on = file_of("other", Overrides({"actions": Section(True)}))
    packs = (pack_view("other", on, recorded=True), pack_view("sensu", recorded=True))
    found = plan(ALL_OFF, pack="_global", packs=packs)
    assert [pack.ref for pack in found.registers] == ["sensu"]
    assert {(one.pack, one.name, one.before, one.after) for one in found.switches} == {
        ("sensu", "check", True, False), ("sensu", "list", False, False),
    }  # fmt: skip
    assert found.overridden["actions"] == 2, "StackStorm counts both packs: check of sensu and list of other"
    assert found.agreeing == ("other", "sensu")


BROKEN = Problem(("rules",), "rules is empty (null)", ("rules",))


def test_a_broken_file_for_all():
    broken = file_of("_global", problems=(BROKEN,))
    with pytest.raises(HostError, match=r"/o/_global.yaml:1: rules is empty .null.*pack=_global and merge=replace"):
        plan(OFF, for_all=broken)
    found = plan(OFF, for_all=broken, registers=False)
    assert found.writes and "The effect on its resources is not known" in found.warnings[0]


def test_a_broken_pack_is_left_out_when_it_is_about_all():
    packs = (pack_view("other", file_of("other", problems=(BROKEN,))), pack_view("sensu"))
    found = plan(ALL_OFF, pack="_global", packs=packs)
    assert [pack.ref for pack in found.registers] == ["sensu"]
    assert "cannot register the pack other: /o/other.yaml:1" in found.warnings[0]


def test_a_pack_that_is_not_in_the_database_is_left_out_for_anything_that_is_broken_in_its_file():
    sensors = Problem(("sensors",), "sensors.defaults.enabled is text", ("sensors",))
    packs = (pack_view("other", file_of("other", problems=(sensors,)), database={}),)
    found = plan(ALL_OFF, pack="_global", packs=packs)
    assert not found.registers and "cannot register the pack other: /o/other.yaml:1" in found.warnings[0]
    packs = (pack_view("other", packs[0].file, database=dict(FILES)),)
    assert plan(ALL_OFF, pack="_global", packs=packs).registers


def test_a_broken_target_is_replaced_only_when_asked():
    broken = file_of("sensu", problems=(BROKEN,))
    with pytest.raises(HostError, match=r"/o/sensu\.yaml:1: rules is empty"):
        plan(OFF, broken, merge="merge")
    found = plan(OFF, broken, merge="replace")
    assert (found.before, found.after) == (b"?", render(IS_OFF))
    assert plan({}, broken, state="absent").after is None


def test_the_last_entry_takes_the_file_along():
    removing = {"actions": Asked(None, {"check": None}, {"check": "actions.exceptions.check"})}
    found = plan(removing, file_of("sensu", IS_OFF), state="absent")
    assert found.writes and found.after is None


def test_a_file_that_says_nothing_is_removed():
    empty = OverrideFile("sensu", "/o/sensu.yaml", b"actions: {}\n", True)
    assert plan({"actions": Asked()}, empty, state="absent").writes


def test_a_pack_that_is_not_there():
    with pytest.raises(OptionError, match="The pack sensu is not installed"):
        plan(OFF, packs=())
    assert plan(OFF, packs=(), predicts=True).after == plan(OFF, packs=(), allow_missing=True).after
    found = plan(OFF, packs=(), allow_missing=True)
    assert found.writes and not found.installed and not found.registers
    assert not plan({}, packs=(), state="absent").changed


def test_what_a_task_has_to_do_with():
    one = Overrides({"rules": Section(True)})
    assert scope(Options("_global", ALL_OFF), one, False) == ["actions", "rules"]
    assert scope(Options("_global", ALL_OFF, merge="replace"), one, False) == ["actions", "rules"]
    assert scope(Options("_global", {}, "absent"), one, False) == ["rules"]
    assert scope(Options("_global", {}, "absent"), one, True) == list(KINDS)
    assert scope(Options("sensu", {}, "absent"), Overrides(), False) == list(KINDS)


@pytest.mark.parametrize(
    "known, more, state",
    [
        ({"database": {**FILES, ("actions", "check"): False}}, {}, "current"),
        ({"database": FILES}, {}, "current"),
        ({"database": {("actions", "list"): False}}, {}, "stale"),
        ({"recorded": True}, {}, "current"),
        ({"recorded": False}, {}, "current"),
        ({"recorded": None}, {}, "current"),
        ({"recorded": True}, {"registers": False}, "unknown"),
    ],
)
def test_one_word_says_what_the_database_has_afterwards(known, more, state):
    found = plan(OFF, file_of("sensu", IS_OFF), (pack_view(**known),), **more)
    assert (found.state, found.telling.agreeing) == (state, ("sensu",) if found.changed else ())


def test_what_cannot_be_registered_is_stale_or_unknown():
    broken = file_of("_global", problems=(BROKEN,))
    assert plan(OFF, for_all=broken, registers=False).state == "unknown"
    packs = (pack_view("other", file_of("other", problems=(BROKEN,))), pack_view("sensu"))
    assert plan(ALL_OFF, pack="_global", packs=packs).state == "stale"
    assert plan({}, packs=(), state="absent").state == "unknown"


def test_what_is_healed_first_counts_as_the_files_say_it_now():
    """Otherwise check mode would take what a killed run registered for what the database will have."""
    killed = {**FILES, ("actions", "check"): False}
    found = plan(OFF, packs=(pack_view(database=killed, healed=("actions",)),))
    assert rows(found) == [("actions", "check", True, False, "exception")] and found.types == ("action",)
    by_hand = {**FILES, ("rules", "beat"): True}
    gone = plan({}, packs=(pack_view(database=by_hand, healed=("actions",)),), state="absent")
    assert rows(gone) == [("rules", "beat", True, False, "metadata")]


def test_what_stackstorm_is_told_and_what_changes():
    found = plan(OFF, packs=(pack_view(recorded=True),))
    ((told,), parts) = found.telling.register, found.parts
    assert (told.pack.ref, told.types, parts) == ("sensu", ("action",), {"sensu": ("overrides",)})
    same = plan(OFF, file_of("sensu", IS_OFF), (pack_view(recorded=True),))
    assert not same.acts and same.parts == {} and same.telling.types() == {}
