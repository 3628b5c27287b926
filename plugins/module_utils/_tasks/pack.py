# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack): from a task to a result."""

from __future__ import annotations

import os
import typing as t

from .._change.database import Database, open_database
from .._change.known import overall
from .._change.session import Outcome, Session, View
from .._deadline import Deadline
from .._errors import HostError, OptionError
from .._layout import SYSTEM_PACKS
from .._pack import report
from .._pack.options import Options, options_from
from .._pack.plan import Plan
from .._pack.planner import PackPlanner
from .._st2.host import Host
from .._task import Result, Task
from .pack_plan import TaskPlan, TaskPlanner

if t.TYPE_CHECKING:
    from .._config.planner import ConfigPlanner
    from .pack_items import Item


def converge_packs(task: Task) -> Result:
    """Bring the packs of a task to the state it asks for.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    if task.params["backend"] == "api":
        from .pack_api import converge_packs_by_api

        return converge_packs_by_api(task)
    options = options_from(task.params)
    items = _items(task, options)
    for secret in options.secrets():
        task.redactor.add(secret)
    deadline = Deadline(options.timeout)
    if task.params["phase"] != "all":
        from .pack_phase import carry_out_phase

        return carry_out_phase(task, options, items, deadline)
    database = open_database(
        task, deadline, types=options.register_types, fail_on_failure=options.fail_on_failure, prune=options.prune
    )
    try:
        return PackTask(task, options, items, database, deadline).run()
    finally:
        database.close()


def _items(task: Task, options: Options) -> t.Sequence[Item]:
    if not task.params["packs"]:
        return ()
    from .pack_items import items_from

    return items_from(task.params, options.requests)


class PackTask:
    """One run of the packs of one task.

    :arg database: What StackStorm knows, and is told.
    """

    def __init__(
        self, task: Task, options: Options, items: t.Sequence[Item], database: Database, deadline: Deadline
    ) -> None:
        self._task = task
        self._options = options
        self._items = items
        self._database = database
        self._deadline = deadline
        self._base_path = _choose_base_path(task.host, options.base_path)

    def run(self) -> Result:
        """Do it.

        :returns: The result, also of a failure: what it was about is in it.
        """
        outcome = Session(
            self._task.host,
            self._database,
            self._planner,
            check=self._task.check,
            scratch=self._task.scratch,
            deadline=self._deadline,
        ).run()
        rows = self._rows(outcome)
        # StackStorm registers its own packs.
        states = [row["database_state"] for row in rows if row["ref"] not in SYSTEM_PACKS]
        plan = outcome.plan or TaskPlan(Plan(()))
        returned = {
            "packs": rows,
            "database_state": overall(states),
            "restart_needed": list(plan.restarts) if outcome.stands else [],
            "registration": self._database.summary(),
            **outcome.recorded,
        }
        missing = getattr(outcome.failure, "digests", None)
        if missing:
            returned["missing_blobs"] = missing
        return Result(
            changed=outcome.changed or any(row["changed"] for row in rows if outcome.failure),
            msg=line_of(plan, outcome.recovered),
            returned=returned,
            diff=self._diff(plan),
            warnings=outcome.warnings,
            failure=outcome.failure,
        )

    def _planner(self, view: View) -> TaskPlanner:
        packs = PackPlanner(
            view,
            self._options,
            self._database,
            base_path=self._base_path,
            scratch=self._task.scratch,
            deadline=self._deadline,
            environment=self._task.environment,
            redactor=self._task.redactor,
        )
        self._planned = TaskPlanner(view, packs, self._items, self._database, self._task.redactor)
        return self._planned

    def _diff(self, plan: TaskPlan) -> t.List[t.Dict[str, str]]:
        return diff_of(plan, self._planned.configs if plan.configs else ())

    def _rows(self, outcome: Outcome[TaskPlan]) -> t.List[t.Dict[str, t.Any]]:
        if outcome.failure is None:
            return self._rows_of(outcome.plan) if outcome.plan else []
        from .pack_failure import rows_after_failure

        return rows_after_failure(outcome, self._options.requests, self._task.host.packs_base_paths, self._database)

    def _rows_of(self, plan: TaskPlan) -> t.List[t.Dict[str, t.Any]]:
        rows = with_parts(report.rows(plan.packs), plan)
        for ref, made_with in self._planned.packs.made_with(plan.packs).items():
            next(row for row in rows if row["ref"] == ref).update(made_with)
        return rows


def line_of(plan: TaskPlan, recovered: t.Sequence[str]) -> str:
    """What happens, or happened, in one line."""
    parts = [report.line(plan.packs, recovered)] if plan.packs.changed or recovered or not plan.changed else []
    if plan.configs:
        from .._config.report import line as config_line

        parts += [config_line(config) for config in plan.configs if config.changed]
    if plan.overrides:
        from .._override.report import line as override_line

        parts += [override_line(override) for override in plan.overrides if override.changed]
    return "; ".join(parts)


def diff_of(plan: TaskPlan, planners: t.Sequence[ConfigPlanner]) -> t.List[t.Dict[str, str]]:
    """Ansible's diff of a plan.

    :arg planners: Of its configs.
    """
    found: t.List[t.Dict[str, str]] = []
    if plan.packs.changed:
        from .._pack.diff import diff

        found += diff(plan.packs)
    if plan.configs:
        from .._config.report import diff as config_diff

        for planner, config in zip(planners, plan.configs):
            found += config_diff(config, planner.redaction)
    if plan.overrides:
        from .._override.report import diff as override_diff

        for override in plan.overrides:
            found += override_diff(override)
    return found


def with_parts(rows: t.List[t.Dict[str, t.Any]], plan: TaskPlan) -> t.List[t.Dict[str, t.Any]]:
    """The rows with what became of configs and overrides; one word for what the database has of all of it."""
    by_ref = {row["ref"]: row for row in rows}
    for config in plan.configs:
        row = by_ref[config.ref]
        row["config"] = {"changed": config.changed, "changes": config.changes.as_dict(), "database_state": config.state}
    for override in plan.overrides:
        if override.pack in by_ref:
            switched = [f"{one.kind} {one.name}" for one in override.switches if one.changed]
            row = {"changed": override.changed, "switched": switched, "database_state": override.state}
            by_ref[override.pack]["overrides"] = row
    for row in rows:
        parts = [row[part] for part in ("config", "overrides") if part in row]
        row["changed"] = row["changed"] or any(part["changed"] for part in parts)
        row["database_state"] = overall([row["database_state"], *(part["database_state"] for part in parts)])
    return rows


def _choose_base_path(host: Host, asked: t.Optional[str]) -> str:
    path = host.system_packs_path if asked is None else os.path.normpath(asked)
    if path not in host.packs_base_paths:
        raise OptionError(
            f"base_path is {asked or repr(asked)}, but StackStorm on this host looks for packs only in "
            f"{', '.join(host.packs_base_paths)}. Add it to [content] packs_base_paths in {host.st2_conf}."
        )
    if not os.path.isdir(path):
        raise HostError(
            f"The packs directory {path} does not exist. Is StackStorm installed here, and is {host.st2_conf} its "
            "configuration (option st2_conf)?"
        )
    return path
