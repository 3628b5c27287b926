# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack) with C(backend=api): from a task to a result."""

from __future__ import annotations

import typing as t

from .._change.known import overall
from .._deadline import Deadline
from .._errors import DependencyError, ForbiddenError, MissingLibraryError, OptionError, St2Error, VerifyError
from .._pack import report
from .._pack.diff import diff
from .._pack.plan import PackPlan, Plan, State
from .._st2.api_client import ApiClient
from .._st2.executions import require_sight
from .._task import Result, Task
from .apply import Executor
from .observe import Packs, observe, read_index
from .options import ApiOptions
from .outcome import rows_after_failure
from .plan import Step, plan_absent, plan_of, plan_present, realised, unchanged
from .resolve import Resolver, needed_by
from .verify import verify_step

# For a last look at what StackStorm has when the task's time is over.
_LAST_LOOK_SECONDS = 5.0


class Along:
    """What goes along with the packs of a task; nothing, unless a task knows better."""

    def look_ahead(self, steps: t.Sequence[Step], check: bool) -> None:
        """Refuse what can be refused before StackStorm is told anything. In check mode nothing else follows.

        :raises St2Error: when the task cannot be done.
        """

    def follow(self, step: Step) -> None:
        """Do what belongs to a pack that is as it is to be.

        :raises St2Error: when that fails.
        """

    def complete(self, result: Result) -> Result:
        """The result about the packs, with what else there is to say."""
        return result


class Convergence:
    """One run.

    :arg client: With credentials, and with the task's deadline.
    :arg along: What is to be done beside.
    """

    def __init__(self, client: ApiClient, options: ApiOptions, task: Task, along: t.Optional[Along] = None) -> None:
        self._along = along or Along()
        self._client = client
        self._options = options
        self._check = task.check
        self._executor = Executor(client, task.redactor, force=options.force)
        self._steps: t.Dict[str, Step] = {}
        self._done: t.Set[str] = set()
        self._sighted: t.Set[str] = set()
        self._warnings: t.List[str] = []
        self._planned: t.Dict[str, t.Tuple[str, ...]] = {}

    def run(self) -> Result:
        """Walk through the rooms.

        :raises St2Error: when StackStorm cannot be asked what it has.
        """
        packs: Packs = observe(self._client)
        try:
            packs = self._converge(packs)
        except MissingLibraryError:
            raise
        except St2Error as error:
            return self._along.complete(self._failed(packs, error))
        plan = plan_of(self._steps.values())
        if not self._check:
            plan = plan._replace(packs=tuple(realised(step, packs.get(step.ref)) for step in self._steps.values()))
        plan = plan._replace(needed=tuple(self._needed(plan, packs)))
        result = Result(
            changed=plan.changed,
            msg=report.line(plan),
            returned=returned(report.rows(plan)),
            diff=diff(plan),
            warnings=self._warnings,
        )
        return self._along.complete(result)

    def _needed(self, plan: Plan, packs: Packs) -> t.Iterator[PackPlan]:
        """The packs that those of the task need, and that stay as they are."""
        if self._options.dependencies == "skip":
            return
        wanted = {pack.ref for pack in plan.packs if pack.after}
        planned = self._planned if self._check else {}
        for ref, requested in needed_by(wanted, packs, planned).items():
            if ref not in self._steps:
                yield unchanged(ref, packs[ref].name, State(packs[ref].version), requested)

    def _converge(self, packs: Packs) -> Packs:
        steps = self._plan(packs)
        while True:
            for step in steps:
                # What a later round plans for a pack that this run has changed is to leave it.
                self._steps.setdefault(step.ref, step)
            self._along.look_ahead(steps, self._check)
            todo = [step for step in steps if step.spec]
            unknown = [step for step in todo if not step.known and self._options.dependencies != "skip"]
            if self._check:
                self._warnings += [_unknown_dependencies(step) for step in unknown]
                return packs
            for step in steps:
                packs = self._carry_out(step) if step.spec else packs
                self._along.follow(step)
            if not unknown:
                return packs
            steps = self._plan(packs)

    def _plan(self, packs: Packs) -> t.Tuple[Step, ...]:
        if self._options.state == "absent":
            return plan_absent(packs, self._options.requests, dependencies=self._options.dependencies)
        resolver = Resolver(packs, lambda: read_index(self._client), self._options)
        targets = resolver.resolve()
        self._planned = {target.ref: target.dependencies or () for target in targets if target.spec}
        return plan_present(packs, targets, dependencies=self._options.dependencies)

    def _carry_out(self, step: Step) -> Packs:
        if step.ref in self._done:
            raise VerifyError(f"{step.ref} was installed by this task, and would have to be once more.", ref=step.ref)
        self._require_sight(step)
        installed = self._executor.carry_out(step)
        packs = observe(self._client)
        verify_step(step, installed, packs)
        self._executor.touched.discard(step.ref)
        self._done.add(step.ref)
        return packs

    def _require_sight(self, step: Step) -> None:
        action = "packs.uninstall" if step.removes else "packs.install"
        if action in self._sighted:
            return
        try:
            require_sight(self._client, action)
        except ForbiddenError as error:
            error.ref = step.ref
            others = "pack_uninstall" if step.removes else "pack_install, pack_register"
            error.message += f" It needs {others} and action_execute, too."
            raise
        self._sighted.add(action)

    def _failed(self, before: Packs, error: St2Error) -> Result:
        """The result of a failure, with what StackStorm has now."""
        if isinstance(error, (DependencyError, OptionError)) and not self._done:
            error.message += " Nothing was changed."
        now: t.Optional[Packs] = before
        if self._executor.began:
            now = self._look_again(error)
        steps = list(self._steps.values())
        rows = rows_after_failure(
            steps,
            self._options.requests,
            now,
            error,
            done=self._done,
            touched=self._executor.touched,
            unended=self._executor.unended,
        )
        plan = plan_of(step for step in steps if step.ref in self._done)
        return Result(
            changed=any(row["changed"] for row in rows),
            msg=error.message,
            returned=returned(rows),
            diff=diff(plan),
            warnings=self._warnings,
            failure=error,
        )

    def _look_again(self, error: St2Error) -> t.Optional[Packs]:
        client = self._client.with_deadline(Deadline(_LAST_LOOK_SECONDS))
        try:
            return observe(client)
        except St2Error as problem:
            error.message += f" The current state in StackStorm is not known: {problem.message}"
            return None
        finally:
            client.close()


def returned(rows: t.List[t.Dict[str, t.Any]]) -> t.Dict[str, t.Any]:
    """What a result says of packs, from the rows."""
    # How many of what was registered StackStorm tells only in its executions.
    registration: t.Dict[str, t.Any] = {"by": "api", "counts": {}, "overridden": {}}
    state = overall(row["database_state"] for row in rows)
    # StackStorm registers, and so starts anew, whatever it installs; none of its services is on this machine.
    return {"packs": rows, "database_state": state, "restart_needed": [], "registration": registration}


def _unknown_dependencies(step: Step) -> str:
    return (
        f"What {step.spec} depends on shows only when it is installed, since StackStorm's index tells that of the "
        "version that it offers alone. The run looks then, and installs what is missing."
    )
