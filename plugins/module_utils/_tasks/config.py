# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_config): from a task to a result."""

from __future__ import annotations

import os
import typing as t

from .._change.database import Database, open_database
from .._change.session import Outcome, Session, View
from .._config import report
from .._config.document import config_path
from .._config.observe import PackPlace
from .._config.options import ConfigOptions, options_from
from .._config.plan import ConfigPlan, RefusedConfig
from .._config.planner import ConfigPlanner
from .._config.redaction import Redaction
from .._content.installed import Installation
from .._deadline import Deadline
from .._errors import HostError
from .._task import Result, Task


def converge_config(task: Task) -> Result:
    """Bring the config of a pack to the state that a task asks for.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    if task.params.get("backend") == "api":
        from .._config_api.task import converge_config_by_api

        return converge_config_by_api(task)
    options = options_from(task.params)
    for secret in Redaction(None, options.secrets).secret_texts(options.given):
        task.redactor.add(secret)
    if not os.path.isdir(task.host.configs_path):
        raise HostError(
            f"The directory of configs {task.host.configs_path} does not exist. Is StackStorm installed here, and is "
            f"{task.host.st2_conf} its configuration (option st2_conf)?"
        )
    deadline = Deadline(options.timeout)
    database = open_database(task, deadline)
    try:
        return ConfigTask(task, options, database, deadline).run()
    finally:
        database.close()


class ConfigTask:
    """One run of one task about the config of a pack."""

    def __init__(self, task: Task, options: ConfigOptions, database: Database, deadline: Deadline) -> None:
        self._task = task
        self._options = options
        self._database = database
        self._deadline = deadline

    def run(self) -> Result:
        """Do it.

        :returns: The result, also of a failure: what it was about is in it.
        """
        planners: t.List[_Planner] = []

        def planner(view: View) -> _Planner:
            planners.append(_Planner(view, self._options, self._database, self._task))
            return planners[-1]

        session = Session(
            self._task.host,
            self._database,
            planner,
            check=self._task.check,
            scratch=self._task.scratch,
            deadline=self._deadline,
        )
        outcome = session.run()
        if outcome.failure is not None:
            return self._failed(outcome, planners)
        plan, config = t.cast(ConfigPlan, outcome.plan), planners[-1].config
        registration = {**self._database.summary()}
        registration.pop("by")
        return Result(
            changed=outcome.changed,
            msg=report.line(plan),
            returned={
                **report.returned(plan, config.backup),
                "restart_needed": list(planners[-1].restarts),
                "registration": registration,
                **outcome.recorded,
            },
            diff=report.diff(plan, config.redaction),
            warnings=outcome.warnings,
        )

    def _failed(self, outcome: Outcome[ConfigPlan], planners: t.Sequence[_Planner]) -> Result:
        error = outcome.failure
        problems = error.problems if isinstance(error, RefusedConfig) else ()
        returned = {
            "pack": self._options.pack,
            "path": config_path(self._task.host.configs_path, self._options.pack),
            "database_state": planners[-1].state() if planners else "unknown",
            "restart_needed": [],
            "problems": [problem.as_dict() for problem in problems],
        }
        return Result(changed=outcome.changed, returned=returned, warnings=outcome.warnings, failure=error)


class _Planner:
    """The config of an installed pack, as a session wants it."""

    def __init__(self, view: View, options: ConfigOptions, database: Database, task: Task) -> None:
        self.config = ConfigPlanner(view, database, options, task.redactor)
        self.restarts: t.Tuple[str, ...] = ()
        self._view = view
        self._database = database
        self._installation = view.installation
        self._ref = options.pack
        self._host = view.host
        self.verify = self.config.verify
        self.verify_database = self.config.verify_database
        self.stage = self.config.stage

    @property
    def warnings(self) -> t.Sequence[str]:
        return self.config.warnings

    def at_rest(self) -> t.Optional[ConfigPlan]:
        return self.config.at_rest(self._place(self._installation))

    def make(self) -> ConfigPlan:
        plan = self.config.make(self._place(self._installation))
        if plan.renews:
            from .restart import restart_needed

            found = restart_needed(self._view, self._installation, self._database, [plan.ref], plan.telling)
            self.restarts = found
        return plan

    def state(self) -> str:
        return self.config.state(self._place(Installation(self._host.packs_base_paths)))

    def _place(self, installation: Installation) -> t.Optional[PackPlace]:
        pack = installation.get(self._ref)
        return PackPlace(pack.path, pack.location) if pack else None
