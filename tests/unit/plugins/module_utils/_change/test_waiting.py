# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that wait for triggers of packs: whose they are, and what became of them."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.waiting import (
    Reconnected,
    compare_rules,
    waiting_packs,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Resource
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.undo import Snapshot
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._change.scratch_files import ScratchFiles
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)


def rule(ref, trigger="sensu.tick", file=None, orphaned=False):
    pack, _dot, name = ref.partition(".")
    return Resource("rules", name, ref, True, f"rules/{name}.yaml" if file is None else file, pack, trigger, orphaned)


@pytest.fixture
def files(tmp_path):
    found = ScratchFiles(tmp_path)
    found.pack("sensu", "1.0.0", "rules/own.yaml")
    found.pack("jira", "1.0.0", "rules/on_tick.yaml")
    return found


def before(*rules):
    return Snapshot(("sensu",), {"sensu": "1.0.0"}, (), rules)


def compared(files, snapshot, *now, registered=()):
    registrar = PretendedDatabase()
    for one in now:
        registrar.stored.setdefault(one.pack, {})[one.ref] = one
    return compare_rules(registrar, snapshot, registered, files.now)


def test_a_pack_waits_whose_rule_has_a_file(files):
    assert waiting_packs(before(rule("jira.on_tick")), ["sensu"], files.now) == {"jira"}


@pytest.mark.parametrize(
    "other",
    [
        rule("jira.gone"),
        rule("jira.on_tick", file=""),
        rule("jira.on_tick", "core.st2.CronTimer"),
        rule("nowhere.on_tick"),
        rule("sensu.own"),
        rule("jira.on_tick")._replace(kind="aliases"),
    ],
    ids=["of a former version", "by hand", "for another pack", "of a pack that is not here", "its own", "no rule"],
)
def test_nothing_else_waits(files, other):
    assert waiting_packs(before(other), ["sensu"], files.now) == set()


def test_a_trigger_with_parameters_is_known_to_be_the_packs_also_when_it_is_gone(files):
    gone = rule("jira.on_tick", "sensu.8f1f0d6e-0000", orphaned=True)
    assert waiting_packs(before(gone), ["sensu"], files.now) == {"jira"}


def test_what_has_lost_its_trigger_is_told_whoever_made_it(files):
    made, filed = rule("default.ours", file=""), rule("jira.on_tick")
    snapshot = before(made, filed)
    found = compared(files, snapshot, *(one._replace(orphaned=True) for one in (made, filed)), registered=["sensu"])
    assert found == Reconnected(lost=(made, filed))


def test_what_has_one_again_is_told_where_no_registration_gave_it(files):
    orphan = rule("jira.on_tick", orphaned=True)
    now = orphan._replace(orphaned=False)
    assert compared(files, before(orphan), now) == Reconnected(revived=(orphan,))
    assert compared(files, before(orphan), now, registered=["jira"]) == Reconnected()
    former = rule("jira.former", orphaned=True)
    there = former._replace(orphaned=False)
    assert compared(files, before(former), there, registered=["jira"]) == Reconnected(revived=(former,))


def test_what_is_as_it_was_or_is_gone_altogether_is_not(files):
    one, orphan = rule("jira.on_tick"), rule("jira.other", orphaned=True)
    assert compared(files, before(one, orphan), one, orphan) == Reconnected()
    assert compared(files, before(one, orphan)) == Reconnected()


def test_nobody_is_asked_where_nothing_waits_or_who_cannot_answer(files):
    registrar = PretendedDatabase()
    registrar.every = None
    assert compare_rules(registrar, before(rule("jira.x", "core.t")), (), files.now) == Reconnected()
    assert compare_rules(NoRegistrar(), before(rule("jira.on_tick")), (), files.now) == Reconnected()
