# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release takes, and every single thing that stands against it."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.address import Address
from ansible_collections.stackstorm.st2.plugins.module_utils._content.metadata import PackMetadata
from ansible_collections.stackstorm.st2.plugins.module_utils._release.plan import Wanted, make_plan
from ansible_collections.stackstorm.st2.plugins.module_utils._release.published import Published, Standing
from ansible_collections.stackstorm.st2.plugins.module_utils._release.working_copy import Checkout, LocalTag
from ansible_collections.stackstorm.st2.plugins.module_utils._source.refs import Refs

HEAD, OLD, OTHER = "a" * 40, "b" * 40, "c" * 40


def checkout(version="1.1.0", **changes):
    metadata = PackMetadata("acme", "acme", version, "", "", None, None, (), (), (), ())
    found = Checkout(
        "/pack",
        "/pack/.git",
        HEAD,
        "main",
        Address("https://git.example.com/acme.git"),
        metadata,
        changes="CHANGES.md",
        noted=True,
        tagger=("A", "a@example.com"),
    )
    return dataclasses.replace(found, **changes)


def published(tags=None, tip=HEAD, **changes):
    refs = Refs({"main": tip} if tip else {}, tags or {}, "main", tip)
    return dataclasses.replace(Published(refs, "main", tip), **changes)


def problem(*arguments, wanted=None):
    """The one problem that there is."""
    plan = make_plan(*arguments, wanted or Wanted())
    (found,) = plan.problems
    assert found.endswith(".") and ". " not in found[:2]
    return found


def test_a_new_version():
    plan = make_plan(checkout(), published({"v1.0.0": OLD, "other": OLD}), Wanted(signs=True))
    assert (plan.tag, plan.release, plan.previous, plan.problems, plan.warnings) == ("v1.1.0", True, "v1.0.0", (), ())
    assert plan.line == "acme 1.1.0: signed tag v1.1.0 at aaaaaaa, after v1.0.0" and plan.adopt is None
    assert make_plan(checkout(), published(), Wanted()).line == "acme 1.1.0: tag v1.1.0 at aaaaaaa"


@pytest.mark.parametrize("name", ["v1.1.0", "1.1.0"])
def test_released_already(name):
    found = published({name: HEAD, "v9.0.0": OLD}, tip=OTHER, tag=name, tagged=HEAD)
    plan = make_plan(checkout(differences=("edited README.md",), tagger=None), found, Wanted(fail_on_unreleased=True))
    assert not plan.release and plan.tag == name and plan.problems == () and "already" in plan.line
    assert "edited pack.yaml" in problem(checkout(differences=("edited pack.yaml", "extra x")), found)


def test_the_version_was_not_raised():
    found = published({"v1.1.0": OLD}, tag="v1.1.0", tagged=OLD, tag_standing=Standing(ahead=2))
    plan = make_plan(checkout(differences=("edited x",)), found, Wanted())
    assert not plan.release and plan.problems == () and plan.warnings == ()
    assert plan.line == "acme 1.1.0: v1.1.0 is at bbbbbbb, and HEAD (aaaaaaa) has 2 commits more that are not released"
    assert problem(checkout(), found, wanted=Wanted(fail_on_unreleased=True)).endswith(
        "increase the version in pack.yaml."
    )


@pytest.mark.parametrize("standing", [Standing(behind=1), Standing(ahead=1, behind=1), Standing(known=False)])
def test_the_tag_is_elsewhere(standing):
    found = published({"v1.1.0": OLD}, tag="v1.1.0", tagged=OLD, tag_standing=standing)
    text = problem(checkout(), found)
    assert "v1.1.0 is at bbbbbbb already, and HEAD is aaaaaaa" in text and "never moved" in text


@pytest.mark.parametrize(
    ("tip", "standing", "words"),
    [
        (OLD, Standing(ahead=2), "HEAD (aaaaaaa) is not pushed: main of the remote is at bbbbbbb, 2 behind"),
        (
            OLD,
            Standing(behind=3),
            "HEAD (aaaaaaa) is not the newest commit: main of the remote is at bbbbbbb, 3 further",
        ),
        (OLD, Standing(ahead=1, behind=1), "neither comes after the other"),
        (OLD, Standing(known=False), "neither comes after the other"),
        (None, Standing(), "The remote has no branch main: push it first."),
    ],
)
def test_the_branch_is_not_at_head(tip, standing, words):
    assert words in problem(checkout(), published(tip=tip, branch_standing=standing))


def test_on_no_branch():
    assert "Set branch" in problem(checkout(branch=None), published(branch=None, tip=None))


@pytest.mark.parametrize(
    ("version", "highest", "lower"),
    [
        ("1.1.0", "v2.0.0", True),
        ("1.1.0", "1.1.1", True),
        ("1.1.0-rc.1", "v1.1.0", True),
        ("1.10.0", "v1.9.0", False),
        ("1.1.0+b", "v1.1.0+a", False),
        ("1.1.0+a", "v1.1.0+b", False),
        ("1.1.0", "v1.1.0-rc.1", False),
        ("1.1.0", "vlatest", False),
        ("1.1.0", "v3", False),
    ],
)
def test_the_order_of_versions(version, highest, lower):
    found = published({highest: OLD, "v0.1.0": OLD})
    plan = make_plan(checkout(version), found, Wanted())
    assert bool(plan.problems) == lower
    assert make_plan(checkout(version), found, Wanted(maintenance=True)).problems == ()
    if lower:
        assert f"{version} in pack.yaml is lower than {highest}" in plan.problems[0]


@pytest.mark.parametrize(
    ("version", "words"), [("1.0.0-01", "not a semantic version"), ("1.0.0-a.lock", "git has no version")]
)
def test_versions_that_only_stackstorm_takes(version, words):
    assert words in problem(checkout(version), published())


def test_tags_of_the_working_copy():
    annotated, light = LocalTag(HEAD, OTHER, annotated=True), LocalTag(HEAD, HEAD, annotated=False)
    assert make_plan(checkout(tags={"v1.1.0": annotated}), published(), Wanted()).adopt == OTHER
    assert make_plan(checkout(tags={"v1.1.0": light}), published(), Wanted()).adopt is None
    text = problem(checkout(tags={"v1.1.0": LocalTag(OLD, OTHER, annotated=True)}), published())
    assert "has a tag v1.1.0 at bbbbbbb that was never pushed, and HEAD is aaaaaaa" in text
    assert "which StackStorm would take for v1.1.0" in problem(checkout(tags={"1.1.0": light}), published())


def test_nobody_tags():
    assert "tagger is not known" in problem(checkout(tagger=None), published())


def test_changes():
    assert make_plan(checkout(noted=False), published(), Wanted()).warnings == (
        "CHANGES.md does not mention the version 1.1.0.",
    )
    assert "no CHANGES.md" in make_plan(checkout(changes=None, noted=False), published(), Wanted()).warnings[0]


def test_all_at_once():
    found = published({"v2.0.0": OLD}, tip=OLD, branch_standing=Standing(ahead=1))
    plan = make_plan(checkout("1.0.0-01", differences=("extra x",), tagger=None), found, Wanted())
    assert len(plan.problems) == 5


def test_no_valid_pack_yaml():
    mine = checkout(metadata=None, invalid="pack.yaml is not valid: x.", differences=("edited x",))
    plan = make_plan(mine, published(tip=None), Wanted())
    assert plan.problems[0] == "pack.yaml is not valid: x." and len(plan.problems) == 3
    assert plan.tag is None and not plan.release
