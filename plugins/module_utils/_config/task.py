# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_config): the way through the rooms, from a task to a result."""

from __future__ import annotations

import os
import typing as t

from .._change.lock import HostLock
from .._change.own_places import OwnPlaces
from .._change.records import RegisteredRecords
from .._change.recovery import interrupted, recover
from .._content.installed import Installation
from .._errors import ApplyError, HostError, MissingLibraryError, St2Error
from .._process import Deadline
from .._st2.choose_registrar import registrar_for
from .._st2.registration import Registered, Registrar
from .._task import Result, Task
from . import report
from .apply import Applier
from .document import config_path
from .observe import Observed, Observer
from .options import ConfigOptions, options_from
from .plan import ConfigPlan, RefusedConfig, plan_absent, plan_present
from .redaction import Redaction
from .verify import verify


def converge_config(task: Task) -> Result:
    """Bring the config of a pack to the state that a task asks for.

    :raises St2Error: for options and hosts that cannot be used; any later failure is in the result.
    """
    options = options_from(task.params)
    for secret in Redaction(None, options.secrets).secret_texts(options.given):
        task.redactor.add(secret)
    if not os.path.isdir(task.host.configs_path):
        raise HostError(
            f"The directory of configs {task.host.configs_path} does not exist. Is StackStorm installed here, and is "
            f"{task.host.st2_conf} its configuration (option st2_conf)?"
        )
    deadline = Deadline(options.timeout)
    registrar, warnings = registrar_for(task, deadline)
    try:
        return ConfigRun(task, options, registrar, deadline, warnings).run()
    finally:
        registrar.close()


class ConfigRun:
    """One run of one task about the config of a pack.

    :arg registrar: Tells the database, and tells of it.
    :arg warnings: What is to be warned of already.
    """

    def __init__(
        self,
        task: Task,
        options: ConfigOptions,
        registrar: Registrar,
        deadline: Deadline,
        warnings: t.Sequence[str] = (),
    ) -> None:
        self._task = task
        self._options = options
        self._registrar = registrar
        self._deadline = deadline
        self._places = OwnPlaces(task.host)
        self._records = RegisteredRecords(self._places.state)
        self._redaction = Redaction(None, options.secrets)
        self._applier: t.Optional[Applier] = None
        self._result = Result(warnings=list(warnings))

    def run(self) -> Result:
        """Walk through the rooms.

        :returns: The result, also of a failure: what it was about is in it.
        """
        with HostLock(self._places.state) as lock:
            try:
                self._run(lock)
            except MissingLibraryError:
                raise  # Nothing has happened yet; another Python may have it.
            except St2Error as error:
                self._fail(error)
            except OSError as error:
                self._fail(ApplyError(f"A file of this host cannot be read or written: {error}."))
        return self._result

    def _run(self, lock: HostLock) -> None:
        self._places.require()
        lock.acquire(self._deadline, create=False)
        observed, plan = self._look(lock)
        if plan.changed and not self._task.check:
            alone = lock.held
            lock.acquire(self._deadline, create=True)
            if not alone:  # Until now another run may have been at work.
                observed, plan = self._look(lock)
        self._result.warnings += plan.warnings
        registered, backup = Registered(), None
        if plan.changed and not self._task.check:
            pack = observed.pack(plan.ref)
            applier = self._applier = Applier(plan, pack, self._registrar, self._records, backup=self._options.backup)
            applied = applier.apply()
            registered, backup = applied.registered, applied.backup
            self._verify(plan, applier)
        self._result.changed = plan.changed
        self._result.msg = report.line(plan)
        self._result.returned = report.returned(plan, registered, backup)
        self._result.diff = report.diff(plan, self._redaction)

    def _look(self, lock: HostLock) -> t.Tuple[Observed, ConfigPlan]:
        options = self._options
        observer = Observer(self._task.host.configs_path, self._pack_finder(lock), self._registrar, self._records)
        absent = options.state == "absent"
        observed = observer.observe(options.pack, schema=options.schema, lenient=absent)
        redaction = self._redaction = Redaction(observed.schema, options.secrets)
        for secret in redaction.secret_texts(options.given, observed.file.values, observed.database.values):
            self._task.redactor.add(secret)
        if absent:
            return observed, plan_absent(observed, options, redaction, lambda: observer.may_unload(options.pack))
        return observed, plan_present(observed, options, redaction)

    def _pack_finder(self, lock: HostLock) -> t.Callable[[str], t.Optional[str]]:
        """Where packs are, once what an interrupted run left is undone, or as if it were."""
        found = interrupted(self._places)
        if found and not self._task.check:
            lock.acquire(self._deadline, create=True)
            self._result.warnings += recover(interrupted(self._places)).warnings
            found = interrupted(self._places)
        installation = Installation(self._task.host.packs_base_paths, found.moved)

        def find(ref: str) -> t.Optional[str]:
            pack = installation.get(ref)
            return pack.location if pack else None

        return find

    def _verify(self, plan: ConfigPlan, applier: Applier) -> None:
        observer = Observer(self._task.host.configs_path, lambda _ref: None, self._registrar, self._records)
        try:
            verify(plan, observer.observe(plan.ref).database)
        except St2Error as error:
            applier.undo(error)
            raise

    def _fail(self, error: St2Error) -> None:
        path = config_path(self._task.host.configs_path, self._options.pack)
        problems = error.problems if isinstance(error, RefusedConfig) else ()
        error.step = error.step or HostError.default_step
        self._result.failure = error
        self._result.changed = self._applier is not None and self._applier.applied.stuck
        self._result.returned = {
            "pack": self._options.pack,
            "path": path,
            "registered": False,
            "problems": [problem.as_dict() for problem in problems],
        }
