# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as a pure function: what happens to a pack, for every state that it can be in and everything asked."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Source
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Contents
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import (
    Facts,
    Plan,
    State,
    needs_virtualenv,
    plan_installed,
    state_of,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    DIGEST,
    ONE,
    TWO,
    URL,
    installed,
    pack_plan,
    receipt,
)

OK = Facts(virtualenv="ok", virtualenv_fits=True)
OUTDATED = Facts(virtualenv="ok", virtualenv_fits=False)
ABSENT = Facts()


def present(pack, facts=OK, policy="auto", **named):
    return plan_installed(pack, facts, policy=policy, requested=("sensu",), **named)


@pytest.mark.parametrize(
    "facts, remembered, policy, action, virtualenv",
    [
        (OK, None, "auto", "none", "kept"),
        (OUTDATED, None, "auto", "virtualenv", "rebuilt"),
        (ABSENT, None, "auto", "virtualenv", "built"),
        (ABSENT, None, "never", "none", "skipped"),
        (OUTDATED, None, "never", "none", "skipped"),
        (Facts("ok", True, ("edited pack.yaml",)), None, "auto", "repair", "kept"),
        (Facts("ok", False, ("edited pack.yaml",)), None, "auto", "repair", "rebuilt"),
        (OK, receipt(), "auto", "adopt", "kept"),
        (ABSENT, receipt(), "auto", "virtualenv", "built"),
        (Facts("ok", True, ("extra x",)), receipt(), "auto", "repair", "kept"),
    ],
)
def test_what_happens_to_a_pack_that_stays(facts, remembered, policy, action, virtualenv):
    pack = installed(known=None)
    made = present(pack, facts, policy, remembered=remembered)
    assert (made.action, made.virtualenv) == (action, virtualenv)
    assert made.changed == (action not in ("none", "adopt"))
    assert made.before == made.after == State("1.0.1", ONE, "", URL)
    assert made.edits == facts.edits
    assert made.remembered == remembered
    assert made.installed is pack


def test_the_receipt_of_a_pack_that_stays_is_written_again_as_it_was():
    known = receipt()
    assert present(installed(known=known)).remembered == known


@pytest.mark.parametrize(
    "policy, ref, known, needed",
    [
        ("auto", "sensu", receipt(python=True), True),
        ("auto", "sensu", receipt(python=False), False),
        ("auto", "sensu", None, True),
        ("always", "sensu", receipt(python=False), True),
        ("never", "sensu", receipt(python=True), False),
        ("auto", "core", None, False),
        ("always", "linux", None, False),
        ("always", "packs", receipt(), False),
        ("always", "chatops", None, False),
    ],
)
def test_which_packs_need_a_virtualenv(policy, ref, known, needed):
    assert needs_virtualenv(policy, installed(ref=ref, known=known)) is needed


def test_a_system_pack_gets_no_virtualenv():
    made = present(installed(ref="core"), ABSENT, "always")
    assert (made.action, made.virtualenv) == ("none", "none")


@pytest.mark.parametrize(
    "pack, state",
    [
        (installed(), State("1.0.1", ONE, "", URL)),
        (installed(known=receipt(source=Source("git", "https://other"))), State("1.0.1", ONE, "", "https://other")),
        (installed(commit=None, origin=None), State("1.0.1")),
        (installed(None), State("", ONE, "", URL)),
        (installed(commit=None, known=receipt(commit="", digest=DIGEST)), State("1.0.1", "", DIGEST, URL)),
        # One pack of a repository: a commit is known, though there is no working copy.
        (installed(commit=None, known=receipt(commit=TWO, digest=DIGEST)), State("1.0.1", TWO, "", URL)),
    ],
)
def test_an_installed_pack_as_a_state(pack, state):
    assert state_of(pack) == state


def test_a_state_in_short():
    assert State("1.0.1", ONE).short == "1.0.1 1111111"
    assert State("1.0.1", "", DIGEST).short == "1.0.1 sha256:ddddddd"
    assert State("1.0.1").short == "1.0.1"
    assert State("", ONE).short == "1111111"
    assert State("").short == ""


@pytest.mark.parametrize(
    "packs, changed, acts",
    [
        ((), False, False),
        ((pack_plan("none"),), False, False),
        ((pack_plan("none"), pack_plan("adopt")), False, True),
        ((pack_plan("none"), pack_plan("virtualenv")), True, True),
    ],
)
def test_a_plan_changes_something_when_one_pack_does_and_may_act_without_that(packs, changed, acts):
    assert (Plan(packs).changed, Plan(packs).acts) == (changed, acts)


@pytest.mark.parametrize(
    "action, changed, files",
    [
        ("none", False, False),
        ("adopt", False, False),
        ("install", True, True),
        ("upgrade", True, True),
        ("downgrade", True, True),
        ("replace", True, True),
        ("repair", True, True),
        ("virtualenv", True, False),
        ("remove", True, False),
        ("purge", True, False),
    ],
)
def test_what_an_action_means(action, changed, files):
    made = pack_plan(action)
    assert (made.changed, made.replaces_files) == (changed, files)


def test_contents_travel_with_the_plan():
    contents = Contents({"actions": ("old",)})
    facts = Facts("ok", True, contents=contents)
    assert present(installed(), facts).contents_before == present(installed(), facts).contents_after == contents


def test_planning_changes_none_of_its_inputs_and_gives_the_same_again():
    pack, facts = installed(known=receipt()), OUTDATED
    copies = copy.deepcopy((pack, facts))
    assert present(pack, facts) == present(pack, facts)
    assert (pack, facts) == copies
