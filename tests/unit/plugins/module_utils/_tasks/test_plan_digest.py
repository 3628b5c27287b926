# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the digest of a plan depends on, and what it does not."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._config.redaction import Redaction
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Plan
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_plan import TaskPlan
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.plan_digest import digests_of
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    ONE,
    TWO,
    State,
    candidate,
    installed,
    pack_plan,
    receipt,
)


class World:
    """A pack that is fetched and one that stays, as directories."""

    def __init__(self, root):
        self.fetched, self.here = root / "fetched", root / "here"
        for path in (self.fetched, self.here):
            path.mkdir()
            (path / "pack.yaml").write_text(path.name)
        self.remembered = None
        self.values = {"url": "x", "token": "hunter2"}
        self.override = b"actions: {}"

    @property
    def upgrade(self):
        return pack_plan(candidate=candidate(staged=str(self.fetched)))

    @property
    def repair(self):
        return pack_plan("repair", ref="jira", remembered=self.remembered, installed=self.jira)

    @property
    def jira(self):
        return installed(ref="jira", location=str(self.here))

    def digests(self, *packs, needed=()):
        packs = packs or (self.upgrade,)
        plan = TaskPlan(
            Plan(packs, needed=needed),
            (SimpleNamespace(ref="sensu", values=self.values),),
            (SimpleNamespace(pack="sensu", after=self.override),),
        )
        planner = SimpleNamespace(redaction=Redaction(None, {"token": "hunter2"}))
        return digests_of(plan, {"jira": self.jira}, (planner,))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_the_same_plan_has_the_same_digest_in_whatever_order(world):
    other = pack_plan("none", ref="jira", installed=world.jira)
    first = world.digests(world.upgrade, other)
    assert first == world.digests(other, world.upgrade) == world.digests(world.upgrade, needed=(other,))
    assert first.plan.startswith("sha256:") and len(first.plan) == 71
    assert first.contents == {"sensu": directory_digest(str(world.fetched)), "jira": directory_digest(str(world.here))}


@pytest.mark.parametrize(
    "change",
    [
        lambda world: (world.fetched / "pack.yaml").write_text("other"),
        lambda world: (world.fetched / "requirements.txt").write_text("six"),
        lambda world: world.values.update(url="y"),
        lambda world: world.values.update(other=None),
        lambda world: world.values.pop("token"),
        lambda world: setattr(world, "override", b"actions: {x: {}}"),
        lambda world: setattr(world, "override", None),
    ],
)
def test_what_the_host_will_have_is_in_it(world, change):
    before = world.digests()
    change(world)
    assert world.digests().plan != before.plan


@pytest.mark.parametrize("after", [State("1.0.3", TWO), State("1.0.2", ONE), None])
def test_so_is_the_identity_of_each_pack(world, after):
    assert world.digests(world.upgrade._replace(after=after)).plan != world.digests().plan


def test_secrets_are_not_as_a_digest_of_a_short_one_would_give_it_away(world):
    before = world.digests()
    world.values["token"] = "another"
    assert world.digests() == before


def test_where_it_was_and_what_is_done_is_not(world, tmp_path):
    before = world.digests()
    world.fetched = world.fetched.rename(tmp_path / "elsewhere")
    other = world.upgrade._replace(action="replace", before=None, virtualenv="built", requested=("sensu",))
    assert world.digests(other) == before


def test_a_pack_that_goes_has_no_content(world):
    gone = pack_plan("remove", after=None, installed=world.jira)
    assert world.digests(gone).contents == {}


def test_a_pack_without_an_installed_one_in_its_plan_is_looked_up(world):
    kept = pack_plan("none", ref="jira")
    assert world.digests(kept).contents == {"jira": directory_digest(str(world.here))}


@pytest.mark.parametrize(("known", "contents"), [(None, {}), ("sha256:0", {"jira": "sha256:0"})])
def test_of_a_pack_that_will_be_repaired_the_receipt_knows(world, known, contents):
    world.remembered = receipt(content=known) if known else None
    assert world.digests(world.repair).contents == contents


def test_what_no_pack_may_hold_has_no_digest(world):
    os.mkfifo(world.here / "pipe")
    assert world.digests(pack_plan("none", ref="jira", installed=world.jira)).contents == {}
