# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack): from a task to a result."""

from __future__ import annotations

import os
import typing as t

from .._change.database import Database, open_database
from .._change.journal import Move
from .._change.session import Outcome, Session, View
from .._change.telling import UNKNOWN, overall
from .._content.installed import Installation
from .._errors import HostError, InvalidPackError, OptionError, St2Error
from .._layout import SYSTEM_PACKS
from .._pack import report
from .._pack.fetch import Candidate
from .._pack.options import Options, options_from
from .._pack.plan import Plan
from .._pack.planner import PackPlanner
from .._process import Deadline
from .._st2.host import Host
from .._task import Result, Task


def converge_packs(task: Task) -> Result:
    """Bring the packs of a task to the state it asks for.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    if task.params["backend"] == "api":
        from .._pack_api.task import converge_packs_by_api

        return converge_packs_by_api(task)
    options = options_from(task.params)
    for secret in options.secrets():
        task.redactor.add(secret)
    deadline = Deadline(options.timeout)
    database = open_database(
        task, deadline, types=options.register_types, fail_on_failure=options.fail_on_failure, prune=options.prune
    )
    try:
        return PackTask(task, options, database, deadline).run()
    finally:
        database.close()


class PackTask:
    """One run of the packs of one task.

    :arg database: What StackStorm knows, and is told.
    """

    def __init__(self, task: Task, options: Options, database: Database, deadline: Deadline) -> None:
        self._task = task
        self._options = options
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
        returned = {"packs": rows, "database_state": overall(states), "registration": self._database.summary()}
        plan = outcome.plan or Plan(())
        return Result(
            changed=outcome.changed or any(row["changed"] for row in rows if outcome.failure),
            msg=report.line(plan, outcome.recovered),
            returned=returned,
            diff=report.diff(plan),
            warnings=outcome.warnings,
            failure=outcome.failure,
        )

    def _planner(self, view: View) -> _Planner:
        return _Planner(
            PackPlanner(
                view,
                self._options,
                self._database,
                base_path=self._base_path,
                scratch=self._task.scratch,
                deadline=self._deadline,
                environment=self._task.environment,
                redactor=self._task.redactor,
                check_config=lambda candidate: _check_config(view, candidate),
            )
        )

    def _rows(self, outcome: Outcome[Plan]) -> t.List[t.Dict[str, t.Any]]:
        error = outcome.failure
        if error is None:
            return report.rows(outcome.plan) if outcome.plan else []
        failed = report.Failure(error.ref or "", error.step or "", error.message)
        # What is said of a failure is read back: also where putting back has failed.
        installation = Installation(self._task.host.packs_base_paths)
        plan = outcome.plan
        states = self._states_after_failure(installation)
        if plan is None:
            return report.rows_of_requests(self._options.requests, installation, failed, states)
        done = [pack.ref for pack in plan.packs] if outcome.stands else ()
        return report.rows(
            plan,
            done=done,
            failed=failed,
            installation=installation,
            stuck=outcome.stuck,
            astray=outcome.astray,
            states=states,
        )

    def _states_after_failure(self, installation: Installation) -> t.Callable[[str], str]:
        """What the database has of packs, looked at again if it answers."""
        refs = [request.expected_ref for request in self._options.requests if request.expected_ref]

        def state(ref: str) -> str:
            try:
                self._database.look_again([*refs, ref])
                refs.clear()
                return self._database.pack(ref, installation.get(ref)).state
            except St2Error:
                return UNKNOWN

        return state


class _Planner:
    """Packs alone, as a session wants it."""

    def __init__(self, packs: PackPlanner) -> None:
        self._packs = packs
        self.at_rest = packs.at_rest
        self.make = packs.make
        self.verify = packs.verify

    @property
    def warnings(self) -> t.Sequence[str]:
        return self._packs.warnings

    def stage(self, plan: Plan) -> t.Tuple[t.Sequence[Move], t.Sequence[Move]]:
        return self._packs.stage(plan), ()

    def verify_database(self, plan: Plan) -> None:
        pass  # Versions are read back by L(Database.register).


def _check_config(view: View, candidate: Candidate) -> None:
    """Refuse a version whose schema refuses the config that is on the host: StackStorm could not register it."""
    path = os.path.join(view.host.configs_path, f"{candidate.ref}.yaml")
    if not os.path.lexists(view.now(path)):
        return
    from .._config.check import check_config
    from .._content.problem import sentence

    problems = check_config(candidate.staged, view.now(path))
    if problems:
        raise InvalidPackError(
            f"{candidate.ref} {candidate.metadata.version} does not take the config that is in {path}: "
            f"{sentence(problems)}. Nothing was changed: mend the config first, with st2_pack_config and its option "
            "schema.",
            ref=candidate.ref,
        )


def _choose_base_path(host: Host, asked: t.Optional[str]) -> str:
    path = host.system_packs_path if asked is None else os.path.normpath(asked)
    if path not in host.packs_base_paths:
        raise OptionError(
            f"base_path is {asked}, but StackStorm on this host looks for packs only in "
            f"{', '.join(host.packs_base_paths)}. Add it to [content] packs_base_paths in {host.st2_conf}."
        )
    if not os.path.isdir(path):
        raise HostError(
            f"The packs directory {path} does not exist. Is StackStorm installed here, and is {host.st2_conf} its "
            "configuration (option st2_conf)?"
        )
    return path
