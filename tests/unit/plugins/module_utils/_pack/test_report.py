# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person reads: the line, the diff, and the list per pack, also of a run that failed."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Plan, State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.report import line, rows
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    DIGEST,
    ONE,
    TWO,
    URL,
    pack_plan,
)

HERE = State("1.0.1", ONE, "", URL)
OTHER_COMMIT = State("1.0.1", TWO, "", URL)
EDITS = ("edited a", "extra b", "missing c", "missing d", "missing e")


@pytest.mark.parametrize(
    "made, text",
    [
        (pack_plan(), "sensu 1.0.1 -> 1.0.2 2222222"),
        (pack_plan("install", before=None), "sensu absent -> 1.0.2 2222222"),
        (pack_plan("downgrade", before=State("2.0.0", ONE)), "sensu 2.0.0 -> 1.0.2 2222222"),
        (pack_plan("replace", after=OTHER_COMMIT), "sensu 1.0.1 1111111 -> 1.0.1 2222222"),
        (pack_plan(before=State("", ONE)), "sensu unknown -> 1.0.2 2222222"),
        (pack_plan("install", before=None, after=State("1.0.0", "", DIGEST)), "sensu absent -> 1.0.0 sha256:ddddddd"),
        (pack_plan("remove", after=None), "sensu 1.0.1 1111111 -> absent"),
        (pack_plan("repair", after=HERE, edits=EDITS[:1]), "sensu 1.0.1 1111111 repaired: edited a"),
        (
            pack_plan("repair", after=HERE, edits=EDITS),
            "sensu 1.0.1 1111111 repaired: edited a, extra b, missing c and 2 more",
        ),
        (pack_plan("virtualenv", after=HERE, virtualenv="rebuilt"), "sensu 1.0.1 1111111 virtualenv rebuilt"),
        (
            pack_plan("purge", before=None, after=None, leftovers=(("virtualenv", "/v"), ("config", "/c"))),
            "sensu purged: virtualenv, config",
        ),
        (pack_plan("none", after=HERE), "sensu 1.0.1 1111111 is there"),
        (pack_plan("adopt", after=HERE), "sensu 1.0.1 1111111 is there"),
        (pack_plan("none", before=None, after=None), "sensu is not there"),
    ],
)
def test_one_pack_in_one_line(made, text):
    assert line(Plan((made,))) == text
    assert rows(Plan((made,)))[0]["msg"] == text


def test_of_several_packs_the_line_names_those_that_change():
    plan = Plan((pack_plan("none", ref="core"), pack_plan(), pack_plan("remove", ref="old", after=None)))
    assert line(plan) == "sensu 1.0.1 -> 1.0.2 2222222; old 1.0.1 1111111 -> absent"
    plan = Plan((pack_plan("none", ref="a", after=HERE), pack_plan("none", ref="b", after=None)))
    assert line(plan) == "a 1.0.1 1111111 is there; b is not there"
    assert line(Plan(())) == "nothing asked"


def test_an_interrupted_run_that_was_undone_comes_first():
    assert line(Plan(()), ("a", "b")) == "interrupted run undone (a, b)"
    assert line(Plan((pack_plan("none"),)), ("a",)) == "interrupted run undone (a)"
    assert line(Plan((pack_plan(),)), ("a",)) == "interrupted run undone (a); sensu 1.0.1 -> 1.0.2 2222222"


def test_no_secret_of_an_address_is_shown():
    state = State("1.0.1", ONE, "", "https://user:hunter2@git.example.com/x?token=hunter2")
    made = pack_plan("install", before=None, after=state)
    assert "hunter2" not in repr(rows(Plan((made,))))


def test_a_row_says_what_was_asked_what_was_there_and_what_is_there_now():
    (row,) = rows(Plan((pack_plan(requested=("sensu", "sensu=1.0.2"), edits=("edited a",), virtualenv="rebuilt"),)))
    assert row == {
        "ref": "sensu",
        "name": "Sensu",
        "requested": ["sensu", "sensu=1.0.2"],
        "pruned": [],
        "source": URL,
        "before": {"version": "1.0.1", "commit": ONE},
        "after": {"version": "1.0.2", "commit": TWO},
        "action": "upgrade",
        "changed": True,
        "virtualenv": "rebuilt",
        "edits": ["edited a"],
        "database_state": "unknown",
        "step": None,
        "msg": "sensu 1.0.1 -> 1.0.2 2222222",
    }


@pytest.mark.parametrize(
    "made, source, before, after",
    [
        (pack_plan("install", before=None), URL, None, "1.0.2"),
        (pack_plan("remove", after=None), URL, "1.0.1", None),
        (pack_plan("none", before=None, after=None), None, None, None),
        (pack_plan(before=State(""), after=State("1.0.2")), None, None, "1.0.2"),
    ],
)
def test_what_is_not_known_is_null(made, source, before, after):
    (row,) = rows(Plan((made,)))
    assert row["source"] == source
    assert (row["before"] or {}).get("version") == before
    assert (row["after"] or {}).get("version") == after
