# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A task about packs in two phases: from its options to the result of one of them."""

from __future__ import annotations

import typing as t

from .._change.database import Database
from .._change.kept_plans import KeptPlans
from .._change.known import STALE, UNKNOWN, overall
from .._change.own_places import OwnPlaces
from .._change.records import Records
from .._change.session import Outcome, Session, View
from .._deadline import Deadline
from .._layout import SYSTEM_PACKS
from .._pack.asked import asked_digest
from .._pack.options import Options
from .._pack.plan import Plan
from .._st2.no_registrar import NoRegistrar
from .._st2.registration_options import registration_options_from
from .._task import Result, Task
from .pack import PackTask, diff_of, line_of
from .pack_phases import PhasePlan, StagePlanner, SwapPlanner
from .pack_plan import TaskPlan

if t.TYPE_CHECKING:
    from .pack_items import Item

Row = t.Dict[str, t.Any]


def carry_out_phase(task: Task, options: Options, items: t.Sequence[Item], deadline: Deadline) -> Result:
    """Stage the packs of a task, or put in place what was staged. StackStorm is told nothing.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    for secret in registration_options_from(task.params).secrets():
        task.redactor.add(secret)
    database = Database(
        lambda _until: (NoRegistrar(), ()),
        deadline,
        Records(OwnPlaces(task.host).state),
        fail_on_failure=options.fail_on_failure,
    )
    return PhaseTask(task, options, items, database, deadline).run()


class PhaseTask(PackTask):
    """One run of one phase of one task; takes what L(pack.PackTask) takes."""

    def run(self) -> Result:
        """Do it.

        :returns: The result, also of a failure: what it was about is in it.
        """
        stages = self._task.params["phase"] == "stage"
        outcome: Outcome[PhasePlan] = Session(
            self._task.host,
            self._database,
            self._stage_planner if stages else self._swap_planner,
            check=self._task.check,
            scratch=self._task.scratch,
            deadline=self._deadline,
        ).run()
        plan = outcome.plan
        if outcome.failure or plan is None:
            return self._failed(outcome)
        shown = dict(self._shown(plan))
        msg, diff = shown.pop("msg"), shown.pop("diff")
        for row in shown["packs"]:
            if plan.done:
                _be_done(row)
            row["changed"] = row["changed"] and outcome.changed
        if plan.done:
            shown["restart_needed"], diff = [], []
            msg = "; ".join(row["msg"] for row in shown["packs"])
        elif stages:
            shown["restart_needed"] = shown["restart_needed"] if self._task.check else []
            changes = plan.kept is not None or plan.changed
            msg = f"{'staged' if plan.changed else 'staged already'}: {msg}" if changes else msg
        self._tell_states(shown, stale=plan.parts if self._task.check and not stages else {})
        return Result(
            changed=outcome.changed,
            msg="; ".join([*self._recovered(outcome), msg]),
            returned={**shown, "registration": self._database.summary(), **outcome.recorded},
            diff=diff,
            warnings=outcome.warnings,
        )

    def _stage_planner(self, view: View) -> StagePlanner:
        options = self._options
        anew = options.verify == "content" or any(one.state == "latest" for one in options.requests)
        inner = self._planner(view)
        return StagePlanner(view, inner, self._plans(view), self._asked(), anew=anew, shown=self._shown)

    def _swap_planner(self, view: View) -> SwapPlanner:
        plans = self._plans(view)
        return SwapPlanner(view, lambda: self._planner(view), plans, self._asked(), check=self._task.check)

    def _plans(self, view: View) -> KeptPlans:
        return KeptPlans(OwnPlaces(self._task.host), view.now)

    def _diff(self, plan: TaskPlan) -> t.List[t.Dict[str, str]]:
        return diff_of(plan, self._planned.configs if plan.configs else ())

    def _asked(self) -> str:
        return asked_digest(self._options, self._task.params)

    def _shown(self, plan: PhasePlan) -> t.Mapping[str, t.Any]:
        """What there is to return of a plan as a whole."""
        if plan.task is None or plan.digests is None:
            return plan.kept.shown if plan.kept else {}
        rows = self._rows_of(plan.task)
        for row in rows:
            if row["ref"] in plan.digests.contents:
                row["content"] = plan.digests.contents[row["ref"]]
        return {
            "packs": rows,
            "plan": plan.digests.plan,
            "restart_needed": list(plan.task.restarts),
            "msg": line_of(plan.task, ()),
            "diff": self._diff(plan.task),
        }

    def _tell_states(self, shown: t.Dict[str, t.Any], stale: t.Container[str]) -> None:
        """Say what StackStorm's database has of the packs: what it was told nothing of, or will be, is stale."""
        for row in shown["packs"]:
            told = self._database.records.read(row["ref"]).values() if row["ref"] else ()
            row["database_state"] = STALE if row["ref"] in stale or any(not one.digest for one in told) else UNKNOWN
            for part in ("config", "overrides"):
                if part in row:
                    row[part] = {**row[part], "database_state": row["database_state"]}
        shown["database_state"] = overall(
            row["database_state"] for row in shown["packs"] if row["ref"] not in SYSTEM_PACKS
        )

    @staticmethod
    def _recovered(outcome: Outcome[PhasePlan]) -> t.List[str]:
        return [f"interrupted run undone ({', '.join(outcome.recovered)})"] if outcome.recovered else []

    def _failed(self, outcome: Outcome[PhasePlan]) -> Result:
        whole: Outcome[TaskPlan] = Outcome()
        whole.plan = outcome.plan.task if outcome.plan else None
        whole.failure, whole.recovered = outcome.failure, outcome.recovered
        whole.stuck, whole.astray = outcome.stuck, outcome.astray
        rows = self._rows(whole)
        missing = getattr(outcome.failure, "digests", None)
        return Result(
            changed=outcome.changed or any(row["changed"] for row in rows),
            msg=line_of(whole.plan or TaskPlan(Plan(())), outcome.recovered),
            returned={
                "packs": rows,
                "database_state": overall(row["database_state"] for row in rows),
                "restart_needed": [],
                "registration": self._database.summary(),
                **outcome.recorded,
                **({"missing_blobs": missing} if missing else {}),
            },
            diff=self._diff(whole.plan) if whole.plan else [],
            warnings=outcome.warnings,
            failure=outcome.failure,
        )


def _be_done(row: Row) -> None:
    """Make the row of a pack of a plan that is carried out already."""
    row.update(before=row["after"], action="none", changed=False, edits=[])
    row["virtualenv"] = {"built": "kept", "rebuilt": "kept", "removed": "none"}.get(
        row["virtualenv"], row["virtualenv"]
    )
    after = row["after"]
    short = " ".join(filter(None, (after["version"], (after.get("commit") or "")[:7]))) if after else ""
    row["msg"] = f"{row['ref']} {short} is there" if after else f"{row['ref']} is not there"
    for part, nothing in (("config", {"changes": {}}), ("overrides", {"switched": []})):
        if part in row:
            row[part] = {**row[part], **nothing, "changed": False}
