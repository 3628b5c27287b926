# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The planners of the two phases: which plan is made of what was staged before and what there is now."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.journal import Move
from ansible_collections.stackstorm.st2.plugins.module_utils._change.kept_plans import CONTENT, KeptPlan
from ansible_collections.stackstorm.st2.plugins.module_utils._change.planner import Staged
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError, VerifyError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Plan
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_phases import (
    PhasePlan,
    StagePlanner,
    SwapPlanner,
    identities,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_plan import TaskPlan
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.plan_digest import digests_of
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    ONE,
    State,
    candidate,
    installed,
    pack_plan,
)

ASKED = "sha256:asked"
AT_REST = TaskPlan(Plan((pack_plan("none", installed=installed(), after=State("1.0.1", ONE)),)))


class Plans:
    """Plans that are kept, and what they would answer."""

    def __init__(self):
        self.plan, self.done, self.problems = None, False, []
        self.kept, self.watched, self.cleaned = None, [], []

    def find(self, asked):
        assert asked == ASKED
        return self.plan

    def is_done(self, _plan, _identity):
        return self.done

    def differences(self, _plan, _identity):
        return self.problems

    def keep(self, plan, watched):
        self.kept, self.watched = plan, list(watched)

    def clean(self, refs, but=""):
        self.cleaned.append((tuple(refs), but))

    def moves(self, plan, _staging):
        return plan.moves


class Inner:
    """The planner of the whole task."""

    def __init__(self, *packs):
        self.warnings = ["a warning"]
        self.task = TaskPlan(Plan(packs))
        self.rests = False
        self.packs = SimpleNamespace(installation={})
        self.configs = ()
        self.staged = []

    def at_rest(self):
        return self.task if self.rests else None

    def make(self):
        return self.task

    def stage(self, task):
        self.staged.append(task)
        return Staged(moves=("move",), closing=("closing move",))


class Site:
    """A host with version 1.0.1 of sensu, and plans of it."""

    def __init__(self, root):
        self.packs = root / "packs"
        (self.packs / "sensu").mkdir(parents=True)
        (self.packs / "sensu" / "pack.yaml").write_text("ref: sensu\nname: sensu\nversion: 1.0.1\n")
        host = SimpleNamespace(packs_base_paths=[str(self.packs)], virtualenvs_path=str(root), configs_path="/configs")
        self.view = SimpleNamespace(host=host, installation=Installation([str(self.packs)]), staging=None)
        self.plans = Plans()
        upgrade = pack_plan(candidate=candidate(staged=str(self.packs / "sensu")))
        self.inner = Inner(upgrade)

    @property
    def digest(self):
        return digests_of(self.inner.task, {}, ()).plan

    def keep(self, digest="", moves=("move",)):
        self.plans.plan = KeptPlan(digest or self.digest, ASKED, ("sensu",), moves=moves, parts={"sensu": ("pack",)})
        return self.plans.plan

    def stage(self, *, anew=False):
        return StagePlanner(self.view, self.inner, self.plans, ASKED, anew=anew, shown=lambda _plan: {"msg": "shown"})

    def swap(self, *, check=False):
        return SwapPlanner(self.view, lambda: self.inner, self.plans, ASKED, check=check)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_packs_are_known_by_what_tells_their_content_apart(site):
    known = identities(site.view.installation)
    assert known("sensu") and known("nothing") == ""


# stage


def test_nothing_is_at_rest_before_it_is_staged(site):
    planner = site.stage()
    assert planner.at_rest() is None and planner.warnings == ["a warning"]
    made = planner.make()
    assert (made.changed, made.acts, made.task, made.kept) == (True, True, site.inner.task, None)
    assert made.digests.plan == site.digest


def test_what_is_staged_already_is_at_rest(site):
    kept = site.keep()
    assert site.stage().at_rest() == PhasePlan(False, False, kept=kept)
    assert site.stage(anew=True).at_rest() is None, "what is asked may be another thing now"
    assert site.stage(anew=True).make() == PhasePlan(False, False, kept=kept), "but is not"
    site.keep("sha256:other")
    assert site.stage(anew=True).make().changed


def test_what_was_staged_and_does_not_fit_any_more_is_staged_anew(site):
    site.keep()
    site.plans.problems = ["sensu is another one."]
    assert site.stage().at_rest() is None and site.stage().make().changed


def test_where_all_is_as_asked_there_is_nothing_to_stage(site):
    site.inner.task, site.inner.rests = AT_REST, True
    made = site.stage().at_rest()
    assert (made.changed, made.acts, made.task) == (False, False, site.inner.task)


def test_what_is_put_in_place_already_is_not_staged_again(site):
    site.inner.task = AT_REST
    site.keep()
    site.plans.done = True
    made = site.stage().make()
    assert (made.changed, made.acts, made.kept) == (False, False, None) and not site.inner.task.acts


def test_staging_keeps_all_and_moves_nothing(site):
    planner = site.stage()
    made = planner.make()
    assert planner.stage(made) == Staged()
    kept = site.plans.kept
    assert (kept.digest, kept.asked, kept.refs, kept.changed) == (made.digests.plan, ASKED, ("sensu",), True)
    assert kept.moves == ("move", "closing move") and kept.shown == {"msg": "shown"}
    assert kept.before == {"sensu": identities(site.view.installation)("sensu")}
    assert kept.after == {"sensu": candidate().commit}
    assert site.plans.cleaned == [(("sensu",), "")], "what was staged of these packs before is not wanted any more"


@pytest.mark.parametrize(
    ("pack", "after"),
    [
        (lambda: pack_plan(candidate=candidate(commit="", digest="sha256:d")), "sha256:d"),
        (lambda: pack_plan("remove", after=None), ""),
        (lambda: pack_plan("virtualenv"), "as before"),
    ],
)
def test_what_a_pack_will_be_known_by(site, pack, after):
    site.inner.task = TaskPlan(Plan((pack(),)))
    planner = site.stage()
    planner.stage(planner.make())
    assert site.plans.kept.after == {"sensu": site.plans.kept.before["sensu"] if after == "as before" else after}


@pytest.mark.parametrize(
    ("changes", "watched"),
    [
        ({}, ["config", CONTENT]),
        ({"before": None}, ["config"]),
        ({"edits": ("x",)}, ["config"]),
        ({"kept_work": "/kept"}, ["config"]),
        ({"candidate": None}, []),
    ],
)
def test_what_must_not_change_any_more_is_watched(site, changes, watched):
    site.inner.task = TaskPlan(Plan((site.inner.task.packs.packs[0]._replace(**changes),)))
    planner = site.stage()
    planner.stage(planner.make())
    assert [what for _ref, what, _path in site.plans.watched] == watched
    assert {path for _ref, what, path in site.plans.watched if what == "config"} <= {"/configs/sensu.yaml"}


def test_a_config_that_the_task_writes_itself_is_not_watched(site):
    site.inner.task = site.inner.task._replace(configs=(SimpleNamespace(ref="sensu"),))
    planner = site.stage()
    assert [what for _ref, what, _path in planner._watched(site.inner.task)] == [CONTENT]


# swap


def test_nothing_staged_is_refused_and_check_mode_foretells_the_whole(site):
    with pytest.raises(HostError, match="Run the same task with phase=stage first"):
        site.swap().make()
    made = site.swap(check=True).make()
    assert (made.changed, made.acts, made.task) == (True, False, site.inner.task)


@pytest.mark.parametrize("check", [True, False])
def test_what_does_not_fit_is_refused_with_the_reasons(site, check):
    site.keep()
    site.plans.problems = ["sensu is another one."]
    with pytest.raises(HostError, match=r"sensu is another one\. Nothing was changed"):
        site.swap(check=check).make()


def test_what_was_staged_is_put_in_place_without_planning_anew(site):
    kept = site.keep()
    planner = SwapPlanner(site.view, lambda: pytest.fail("is not needed"), site.plans, ASKED, check=False)
    assert planner.at_rest() is None and planner.warnings == []
    made = planner.make()
    assert made == PhasePlan(True, True, kept=kept, parts={"sensu": ("pack",)})
    assert planner.stage(made) == Staged(("move",))
    planner.verify_database(made)
    assert site.plans.cleaned == [(("sensu",), kept.digest)]


def test_what_is_done_is_at_rest(site):
    kept = site.keep()
    site.plans.done = True
    assert site.swap().at_rest() == PhasePlan(False, False, kept=kept, done=True)


def test_where_somebody_else_did_it_there_is_nothing_to_put_in_place(site):
    site.inner.task, site.inner.rests = AT_REST, True
    planner = site.swap()
    made = planner.at_rest()
    assert (made.changed, made.acts, made.task) == (False, False, site.inner.task)
    assert planner.warnings == ["a warning"] and planner.stage(made) == Staged()


def test_packs_are_read_back(site):
    now = identities(site.view.installation)("sensu")

    def verify(known):
        site.swap().verify(PhasePlan(True, True, kept=KeptPlan("", ASKED, after={"sensu": known})))

    verify(now)
    for known, words in (("another", "another"), ("", "to be removed")):
        with pytest.raises(VerifyError, match=f"staged as {words}, but {now} was read back") as caught:
            verify(known)
        assert caught.value.ref == "sensu"


def test_virtualenvs_are_read_back_where_they_came_new(site):
    def made(staged):
        move = Move("sensu", "virtualenv", "/live", staged, "/kept")
        return PhasePlan(True, True, kept=KeptPlan("", ASKED, moves=(move,)))

    site.swap().verify(made(None))
    with pytest.raises(VerifyError, match="The virtualenv of sensu that was staged is absent at"):
        site.swap().verify(made("/staged"))
