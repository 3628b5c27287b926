# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person reads: the line, the diff, and the list per pack, also of a run that failed."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Contents
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Plan, State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.report import (
    Failure,
    diff,
    line,
    rows,
    rows_of_requests,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.request import parse_spec
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


def test_the_diff_shows_identity_and_what_comes_and_goes():
    before = Contents(
        {
            "actions": ("a", "b"),
            "sensors": ("s",),
            "rules": ("r",),
            "aliases": ("l",),
            "policies": ("p",),
            "triggers": ("t",),
        },
        ("requests", "six"),
    )
    after = Contents({"actions": ("c", "b", "aa"), "sensors": ("s",), "triggers": ("t", "u")}, ("six", "boto3"))
    made = pack_plan(contents_before=before, contents_after=after, virtualenv="rebuilt")
    assert diff(Plan((made, pack_plan("none", contents_before=before)))) == [
        {
            "before_header": "pack sensu",
            "after_header": "pack sensu",
            "before": (
                f"version: 1.0.1\ncommit: {ONE}\nsource: {URL}\n"
                "actions:\n  - a\nrules:\n  - r\naliases:\n  - l\npolicies:\n  - p\nrequirements:\n  - requests\n"
                "virtualenv: outdated\n"
            ),
            "after": (
                f"version: 1.0.2\ncommit: {TWO}\nsource: {URL}\n"
                "actions:\n  - aa\n  - c\ntriggers:\n  - u\nrequirements:\n  - boto3\nvirtualenv: current\n"
            ),
        }
    ]


@pytest.mark.parametrize(
    "made, before, after",
    [
        (
            pack_plan("install", before=None, after=State("1.0.0", "", DIGEST, "/srv/pack"), virtualenv="built"),
            "",
            f"version: 1.0.0\ndigest: {DIGEST}\nsource: /srv/pack\nvirtualenv: current\n",
        ),
        (pack_plan("remove", before=State("1.0.1"), after=None), "version: 1.0.1\n", ""),
        (
            pack_plan(
                "purge", before=None, after=None, leftovers=(("virtualenv", "/v/sensu"), ("config", "/c/sensu.yaml"))
            ),
            "leftovers:\n  - /v/sensu\n  - /c/sensu.yaml\n",
            "",
        ),
        (
            pack_plan("repair", before=State("1.0.1"), after=State("1.0.1"), edits=("edited a", "extra b")),
            "version: 1.0.1\nfiles:\n  - edited a\n  - extra b\n",
            "version: 1.0.1\n",
        ),
        (
            pack_plan("virtualenv", before=State("1.0.1"), after=State("1.0.1"), virtualenv="built"),
            "version: 1.0.1\n",
            "version: 1.0.1\nvirtualenv: current\n",
        ),
    ],
)
def test_the_diff_of_each_action(made, before, after):
    (shown,) = diff(Plan((made,)))
    assert (shown["before"], shown["after"]) == (before, after)


def test_nothing_that_stays_as_it_is_has_a_diff():
    assert diff(Plan((pack_plan("none"), pack_plan("adopt")))) == []


def test_no_secret_of_an_address_is_shown():
    state = State("1.0.1", ONE, "", "https://user:hunter2@git.example.com/x?token=hunter2")
    made = pack_plan("install", before=None, after=state)
    assert "hunter2" not in repr(diff(Plan((made,)))) + repr(rows(Plan((made,))))


def test_a_row_says_what_was_asked_what_was_there_and_what_is_there_now():
    (row,) = rows(Plan((pack_plan(requested=("sensu", "sensu=1.0.2"), edits=("edited a",), virtualenv="rebuilt"),)))
    assert row == {
        "ref": "sensu",
        "name": "Sensu",
        "requested": ["sensu", "sensu=1.0.2"],
        "pruned": [],
        "source": URL,
        "before": {"version": "1.0.1", "commit": ONE, "digest": None},
        "after": {"version": "1.0.2", "commit": TWO, "digest": None},
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


def test_after_a_failure_nothing_stands_and_the_pack_that_failed_says_why():
    plan = Plan(
        (
            pack_plan("install", ref="dependency", before=None, virtualenv="built"),
            pack_plan(virtualenv="rebuilt"),
            pack_plan("none", ref="calm", after=HERE),
        )
    )
    dependency, sensu, calm = rows(plan, failed=[Failure("sensu", "virtualenv", "six cannot be installed.")])
    assert (sensu["step"], sensu["msg"]) == ("virtualenv", "six cannot be installed.")
    assert (dependency["step"], dependency["msg"]) == (
        None,
        "dependency absent -> 1.0.2 2222222: not done, because of sensu",
    )
    assert (calm["step"], calm["msg"]) == (None, "calm 1.0.1 1111111 is there")
    assert [row["changed"] for row in (dependency, sensu, calm)] == [False, False, False]
    assert dependency["after"] is None
    assert sensu["after"] == sensu["before"] == {"version": "1.0.1", "commit": ONE, "digest": None}
    assert [row["action"] for row in (dependency, sensu)] == ["install", "upgrade"], "what was planned"


@pytest.mark.parametrize(
    "planned, there",
    [
        ("none", "none"),
        ("skipped", "skipped"),
        ("kept", "kept"),
        ("built", "none"),
        ("rebuilt", "kept"),
        ("removed", "kept"),
    ],
)
def test_after_a_failure_the_virtualenv_is_the_one_that_was_there(planned, there):
    (row,) = rows(Plan((pack_plan(virtualenv=planned),)), failed=[Failure("sensu", "apply", "No.")])
    assert row["virtualenv"] == there


def test_each_pack_that_failed_says_why_and_the_others_name_them_all():
    plan = Plan(tuple(pack_plan(ref=ref) for ref in ("a", "b", "c")))
    failed = [Failure("c", "fetch", "No c."), Failure("a", "validate", "Bad a.")]
    a, b, c = rows(plan, failed=failed)
    assert [(row["step"], row["msg"]) for row in (a, c)] == [("validate", "Bad a."), ("fetch", "No c.")]
    assert (b["step"], b["msg"]) == (None, "b 1.0.1 -> 1.0.2 2222222: not done, because of c, a")


def test_a_failure_that_is_about_no_pack_is_said_so():
    (row,) = rows(Plan((pack_plan(),)), failed=[Failure("", "apply", "The disk is full.")])
    assert row["msg"] == "sensu 1.0.1 -> 1.0.2 2222222: not done, because of the failure"


def test_packs_whose_change_stands_say_so_beside_one_that_failed():
    plan = Plan((pack_plan(ref="a"), pack_plan(ref="b")))
    a, b = rows(plan, done=("a",), failed=[Failure("b", "apply", "No.")])
    assert (a["changed"], a["after"]["version"], a["msg"]) == (True, "1.0.2", "a 1.0.1 -> 1.0.2 2222222")
    assert (b["changed"], b["after"]["version"], b["msg"]) == (False, "1.0.1", "No.")


def test_a_run_that_failed_before_its_plan_tells_what_is_there(tmp_path):
    (tmp_path / "sensu").mkdir()
    (tmp_path / "sensu" / "pack.yaml").write_text("ref: sensu\nname: Sensu\nversion: 1.0.1\n")
    requests = [parse_spec(text) for text in ("sensu=2.0.0", "nosuch", "https://git.example.com/o/r=1.0.0")]
    failed = [Failure("nosuch", "index", "No record.")]
    found = rows_of_requests(
        requests, Installation([str(tmp_path)]), failed, {"sensu": "stale", "nosuch": "absent"}.get
    )
    assert [row["ref"] for row in found] == ["sensu", "nosuch", None]
    assert [row["name"] for row in found] == ["Sensu", "nosuch", None]
    assert found[0]["before"] == found[0]["after"] == {"version": "1.0.1", "commit": None, "digest": None}
    assert found[1]["before"] is found[1]["after"] is None
    assert [row["step"] for row in found] == [None, "index", None]
    other = "Not done, because of nosuch."
    assert [row["msg"] for row in found] == [other, "No record.", other]
    assert {row["changed"] for row in found} == {False}
    assert {row["action"] for row in found} == {"none"}
    assert [row["database_state"] for row in found] == ["stale", "absent", "unknown"]
    assert [row["source"] for row in found] == [None, None, "https://git.example.com/o/r"]
    assert [set(row) for row in found] == [set(rows(Plan((pack_plan(),)))[0])] * 3, "the same keys as of any run"


def test_a_single_request_is_the_one_that_failed():
    (row,) = rows_of_requests(
        [parse_spec("https://git.example.com/o/r")], Installation([]), [Failure("", "fetch", "No.")], str
    )
    assert (row["step"], row["msg"]) == ("fetch", "No.")
