# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff of a plan."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Contents
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.diff import diff
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Plan, State
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    DIGEST,
    ONE,
    TWO,
    URL,
    pack_plan,
)


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
    assert "hunter2" not in repr(diff(Plan((made,))))
