# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as a pure function: what happens to a pack, for every state that it can be in and everything asked."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved, Source
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Contents
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import (
    Facts,
    Plan,
    State,
    adopted,
    needs_virtualenv,
    plan_candidate,
    plan_installed,
    plan_removal,
    receipt_of,
    state_after,
    state_of,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    DIGEST,
    ONE,
    PACKS,
    TWO,
    URL,
    candidate,
    installed,
    pack_plan,
    receipt,
)

OK = Facts(virtualenv="ok", virtualenv_fits=True)
OUTDATED = Facts(virtualenv="ok", virtualenv_fits=False)
ABSENT = Facts()


def present(pack, facts=OK, policy="auto", **named):
    return plan_installed(pack, facts, policy=policy, requested=("sensu",), **named)


def coming(pack, there=None, facts=ABSENT, policy="auto"):
    return plan_candidate(pack, there, facts, policy=policy, requested=("sensu=1.0.2",), base_path=PACKS)


@pytest.mark.parametrize(
    "new, old, action",
    [
        ("1.0.2", None, "install"),
        ("1.0.2", "1.0.1", "upgrade"),
        ("1.0.1", "1.0.2", "downgrade"),
        ("1.0.10", "1.0.9", "upgrade"),
        ("1.0.0", "1.0.0-rc.1", "upgrade"),
        ("1.0.0-rc.1", "1.0.0", "downgrade"),
        ("1.0.2", "1.0.2", "replace"),
        ("1.0.2", "v1.0.2", "replace"),
        ("1.0.2", "", "upgrade"),
        ("1.0.2", "latest", "upgrade"),
    ],
)
def test_the_direction_follows_the_versions_as_versions(new, old, action):
    there = None if old is None else installed(old)
    made = coming(candidate(new), there)
    assert (made.action, made.changed, made.replaces_files) == (action, True, True)
    assert made.before == (None if old is None else State(old, ONE, "", URL))
    assert made.after == State(new, TWO, "", URL)


@pytest.mark.parametrize("policy", ["auto", "always", "never"])
@pytest.mark.parametrize("python", [True, False])
@pytest.mark.parametrize(
    "facts, otherwise",
    [
        (ABSENT, "built"),
        (OUTDATED, "rebuilt"),
        (OK, "kept"),
        (Facts("broken"), "rebuilt"),
        (Facts("foreign"), "rebuilt"),
    ],
)
def test_the_virtualenv_of_what_comes(policy, python, facts, otherwise):
    made = coming(candidate(python=python), installed(), facts, policy)
    if policy == "never":
        expected = "skipped"
    elif policy == "auto" and not python:
        expected = "none"
    else:
        expected = otherwise
    assert made.virtualenv == expected
    assert made.builds_virtualenv == (expected in ("built", "rebuilt"))


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
    "there, facts, action, virtualenv",
    [
        (True, Facts(), "remove", "none"),
        (True, Facts("ok"), "remove", "kept"),
        (True, Facts("ok", leftovers=(("virtualenv", "/v"), ("config", "/c"))), "remove", "removed"),
        (True, Facts(leftovers=(("config", "/c"),)), "remove", "none"),
        (False, Facts(), "none", "none"),
        (False, Facts("foreign"), "none", "kept"),
        (False, Facts("broken", leftovers=(("virtualenv", "/v"),)), "purge", "removed"),
        (False, Facts(leftovers=(("overrides", "/o"),)), "purge", "none"),
    ],
)
def test_what_happens_to_a_pack_that_shall_not_be_there(there, facts, action, virtualenv):
    pack = installed(base_path="/other") if there else None
    made = plan_removal("sensu", pack, facts, requested=("sensu",), base_path=PACKS)
    assert (made.action, made.virtualenv, made.leftovers) == (action, virtualenv, facts.leftovers)
    assert made.after is None
    assert made.changed == (action != "none")
    assert not made.replaces_files
    assert made.before == (State("1.0.1", ONE, "", URL) if there else None)
    assert made.base_path == ("/other" if there else PACKS)


def test_contents_travel_with_the_plan():
    contents = Contents({"actions": ("old",)})
    facts = Facts("ok", True, contents=contents)
    assert present(installed(), facts).contents_before == present(installed(), facts).contents_after == contents
    made = coming(candidate(), installed(), facts)
    assert (made.contents_before, made.contents_after) == (contents, candidate().contents)
    gone = plan_removal("sensu", installed(), facts, requested=(), base_path=PACKS)
    assert (gone.contents_before, gone.contents_after) == (contents, Contents())


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


def test_a_candidate_as_a_state():
    assert state_after(candidate()) == State("1.0.2", TWO, "", URL)
    assert state_after(candidate(commit="", digest=DIGEST)) == State("1.0.2", "", DIGEST, URL)
    assert state_after(candidate(digest=DIGEST)) == State("1.0.2", TWO, "", URL)


def test_a_state_in_short():
    assert State("1.0.1", ONE).short == "1.0.1 1111111"
    assert State("1.0.1", "", DIGEST).short == "1.0.1 sha256:ddddddd"
    assert State("1.0.1").short == "1.0.1"
    assert State("", ONE).short == "1111111"
    assert State("").short == ""


def test_the_receipt_of_a_candidate_remembers_everything():
    made = receipt_of(candidate(python=False, digest=DIGEST))
    assert (made.ref, made.name, made.version) == ("sensu", "Sensu", "1.0.2")
    assert made.source == Source("git", URL)
    assert made.resolved == Resolved("tag", "v1.0.2", "1.0.2"), "asked as the wanted asks"
    assert (made.commit, made.digest, made.python) == (TWO, DIGEST, False)
    assert made.dependencies == ("core", "linux=1.0.0")
    assert coming(candidate()).remembered == receipt_of(candidate())


def test_the_receipt_of_an_adopted_pack_says_what_it_was_proven_to_be():
    resolved = Resolved("tag", "v1.0.1", "1.0.1")
    made = adopted(installed(), Source("git", URL), resolved, ("core",))
    assert (made.ref, made.version, made.commit, made.digest) == ("sensu", "1.0.1", ONE, "")
    assert (made.source, made.resolved, made.dependencies) == (Source("git", URL), resolved, ("core",))
    assert made.python, "its files are not looked through for that"
    assert adopted(installed(None), Source("git", URL), resolved, ()).version == ""


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


def test_planning_changes_none_of_its_inputs_and_gives_the_same_again():
    pack, new, facts = installed(known=receipt()), candidate(), OUTDATED
    copies = copy.deepcopy((pack, new, facts))
    assert coming(new, pack, facts) == coming(new, pack, facts)
    assert present(pack, facts) == present(pack, facts)
    assert (pack, new, facts) == copies
