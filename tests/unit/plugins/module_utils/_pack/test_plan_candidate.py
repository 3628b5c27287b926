# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to a pack that comes new or in another version, as a pure function."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Contents
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Facts, State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan_candidate import plan_candidate, state_after
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.receipts import receipt_of
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    DIGEST,
    ONE,
    PACKS,
    TWO,
    URL,
    candidate,
    installed,
    receipt,
)

OK = Facts(virtualenv="ok", virtualenv_fits=True)
OUTDATED = Facts(virtualenv="ok", virtualenv_fits=False)
ABSENT = Facts()


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


def test_a_candidate_as_a_state():
    assert state_after(candidate()) == State("1.0.2", TWO, "", URL)
    assert state_after(candidate(commit="", digest=DIGEST)) == State("1.0.2", "", DIGEST, URL)
    assert state_after(candidate(digest=DIGEST)) == State("1.0.2", TWO, "", URL)


def test_contents_travel_with_the_plan():
    contents = Contents({"actions": ("old",)})
    made = coming(candidate(), installed(), Facts("ok", True, contents=contents))
    assert (made.contents_before, made.contents_after) == (contents, candidate().contents)


def test_its_receipt_is_remembered():
    assert coming(candidate()).remembered == receipt_of(candidate())


def test_planning_changes_none_of_its_inputs_and_gives_the_same_again():
    pack, new, facts = installed(known=receipt()), candidate(), OUTDATED
    copies = copy.deepcopy((pack, new, facts))
    assert coming(new, pack, facts) == coming(new, pack, facts)
    assert (pack, new, facts) == copies
