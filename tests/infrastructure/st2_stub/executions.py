# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions: what StackStorm shows of work that is under way, and work that is done when somebody looks."""

from __future__ import annotations

import datetime
import hashlib
import json
import threading
import traceback
import typing as t

from .database import Database

Record = t.Dict[str, t.Any]
FINAL = ("succeeded", "failed", "timeout", "canceled", "abandoned")

# runner_type, entry_point and the names of the parameters of what the stand-in can run, in the pack of that name
# (contrib/packs/actions/*.yaml, contrib/core/actions/noop.yaml).
ACTIONS: t.Mapping[str, t.Tuple[str, str, t.Tuple[str, ...]]] = {
    "core.noop": ("noop", "", ()),
    "packs.install": ("orquesta", "workflows/install.yaml", ("packs", "register", "env", "force", "skip_dependencies")),
    "packs.uninstall": ("action-chain", "workflows/uninstall.yaml", ("packs",)),
    "packs.download": ("python-script", "pack_mgmt/download.py", ("packs", "force", "dependency_list")),
    "packs.virtualenv_prerun": (
        "python-script", "pack_mgmt/virtualenv_setup_prerun.py", ("packs_status", "packs_list"),
    ),
    "packs.get_pack_dependencies": (
        "python-script", "pack_mgmt/get_pack_dependencies.py", ("packs_status", "nested"),
    ),
    "packs.setup_virtualenv": ("python-script", "pack_mgmt/setup_virtualenv.py", ("packs", "env", "timeout")),
    "packs.get_pack_warnings": ("python-script", "pack_mgmt/get_pack_warnings.py", ("packs_status",)),
    "packs.load": ("python-script", "pack_mgmt/register.py", ("packs", "register")),
    "packs.unload": ("python-script", "pack_mgmt/unload.py", ("packs",)),
    "packs.delete": ("python-script", "pack_mgmt/delete.py", ("packs", "delete_env")),
}  # fmt: skip
WORKFLOWS = ("packs.install", "packs.uninstall")
META_FILES = {"packs.install": "actions/install.meta.yaml", "packs.uninstall": "actions/uninstall.meta.yaml"}
OUTPUT_KEYS = {"orquesta": "output", "action-chain": "published", "python-script": "result"}


class Outcome(t.NamedTuple):
    """How a piece of work ended: its status and its result, as the API shows them."""

    status: str
    result: t.Any


Work = t.Callable[["Execution"], Outcome]


class Execution:
    """One execution; `Executions` makes them."""

    def __init__(
        self, identity: str, action: str, parameters: Record, user: str, work: Work, document: t.Optional[Record] = None
    ) -> None:
        self.id = identity
        self.action = action
        self.action_document = document
        self.parameters = parameters
        self.user = user
        self.statuses = ["requested"]
        self.started = _now()
        self.ended: t.Optional[datetime.datetime] = None
        self.result: t.Any = None
        self.children: t.List[Execution] = []
        self.parent: t.Optional[Execution] = None
        self.task: Record = {}
        self.polls = 0
        self.work = work
        self.hostname = "stub"

    @property
    def status(self) -> str:
        """The last status."""
        return self.statuses[-1]

    def end(self, outcome: Outcome) -> None:
        """Note how it ended."""
        for status in ("scheduled", "running"):
            if status not in self.statuses and outcome.status != "canceled":
                self.statuses.append(status)
        self.statuses.append(outcome.status)
        self.ended = _now()
        self.result = outcome.result

    def document(self, new_id: t.Callable[[], str]) -> Record:
        """Return what ``GET /executions/{id}`` shows."""
        action = self.action_document or action_document(self.action, new_id)
        runner = action["runner_type"]
        document: Record = {
            "action": action,
            "runner": runner_document(runner),
            "liveaction": {
                "action": self.action,
                "action_is_workflow": self.action in WORKFLOWS,
                "parameters": self.parameters,
                "callback": {},
                "runner_info": {"hostname": self.hostname, "pid": 1},
                "id": new_id(),
            },
            "status": self.status,
            "start_timestamp": _stamp(self.started),
            "context": self._context(new_id),
            "log": [{"timestamp": _stamp(self.started), "status": status} for status in self.statuses],
            "web_url": f"https://localhost/#/history/{self.id}/general",
            "id": self.id,
        }
        if self.parameters:
            document["parameters"] = self.parameters
        if self.children:
            document["children"] = [child.id for child in self.children]
        if self.parent is not None:
            document["parent"] = self.parent.id
            if self.parent.action == "packs.install":
                document.update(workflow_execution=new_id(), task_execution=new_id())
        if self.ended is not None:
            document.update(
                end_timestamp=_stamp(self.ended),
                elapsed_seconds=(self.ended - self.started).total_seconds(),
                result=self.result,
                result_size=len(json.dumps(self.result)),
            )
        return document

    def _context(self, new_id: t.Callable[[], str]) -> Record:
        context: Record = {"user": self.user, "pack": self.action.split(".")[0]}
        if self.action == "packs.install" and self.children:
            context["workflow_execution"] = new_id()
        if self.parent is not None:
            context["parent"] = {"execution_id": self.parent.id, "user": self.user, "pack": "packs"}
            context.update(self.task)
        return context


class Executions:
    """The executions of a stand-in, oldest first.

    Work is done when its execution is asked for the ``polls_until_done``-th time, or by `finish`: a client that does
    not wait for the end finds nothing done.

    * ``polls_until_done``: how often a new execution has to be asked for; the answers before the last are
      ``scheduled``, ``running``, ``running`` and so on.
    * ``endless``: new executions stay ``running`` until somebody cancels them.
    * ``endings``: how executions of an action end in place of doing their work, such as
      ``{"packs.unload": Outcome("timeout", {})}``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._all: t.Dict[str, Execution] = {}
        self.polls_until_done = 2
        self.endless = False
        self.endings: t.Dict[str, Outcome] = {}
        self._endless: t.Set[str] = set()

    def start(
        self, action: str, parameters: Record, user: str, work: Work, document: t.Optional[Record] = None
    ) -> Execution:
        """Take in work and return its execution, which is ``requested``.

        :arg document: of an action that is none of StackStorm's own.
        """
        with self._lock:
            execution = Execution(self._database.new_id(), action, parameters, user, work, document)
            self._all[execution.id] = execution
            if self.endless:
                self._endless.add(execution.id)
            return execution

    def add_child(
        self, parent: Execution, action: str, parameters: Record, task: Record, outcome: Outcome
    ) -> Execution:
        """Add a task of a workflow, which is done already.

        :arg task: what the runner adds to its context.
        """
        with self._lock:
            child = self.start(action, parameters, parent.user, lambda _execution: outcome)
            self._endless.discard(child.id)
            child.parent, child.task = parent, task
            parent.children.append(child)
            child.end(outcome)
            return child

    def poll(self, identity: str) -> t.Optional[Record]:
        """Return the document of an execution, moved on by one step; None where there is none."""
        with self._lock:
            execution = self._all.get(identity)
            if execution is None:
                return None
            if execution.status == "canceling":
                execution.end(Outcome("canceled", {}))
            elif execution.status not in FINAL:
                execution.polls += 1
                if execution.polls >= self.polls_until_done and identity not in self._endless:
                    self._do(execution)
                elif "running" not in execution.statuses:
                    execution.statuses.append("running" if "scheduled" in execution.statuses else "scheduled")
            return execution.document(self._database.new_id)

    def action_of(self, identity: str) -> str:
        """Return the ref of the action that an execution runs; empty where there is none."""
        with self._lock:
            return self._all[identity].action if identity in self._all else ""

    def finish(self) -> None:
        """Do all work that is not endless, without anybody asking."""
        with self._database.session(), self._lock:
            for execution in list(self._all.values()):
                if execution.status not in (*FINAL, "canceling") and execution.id not in self._endless:
                    self._do(execution)

    def cancel(self, identity: str) -> t.Optional[Record]:
        """Cancel an execution, whose work is then never done; return its document, None where there is none.

        One that is running is ``canceling`` first, and ``canceled`` when it is asked for again. Raises ValueError where
        it is over.
        """
        with self._lock:
            execution = self._all.get(identity)
            if execution is None:
                return None
            if execution.status in FINAL:
                raise ValueError(f"Action cannot be canceled. State = {execution.status}.")
            if execution.status == "running":
                execution.statuses.append("canceling")
            elif execution.status != "canceling":
                execution.end(Outcome("canceled", {}))
            return execution.document(self._database.new_id)

    def run_on(self, hostname: str, action: str = "core.noop", status: str = "running") -> Execution:
        """Return an execution that runs on a host until a test lets it `end`."""
        with self._lock:
            execution = self.start(action, {}, "st2admin", lambda _execution: Outcome("succeeded", {}))
            self._endless.add(execution.id)
            execution.hostname = hostname
            execution.statuses += ["scheduled", status]
            return execution

    def list(self, parent: str = "", action: str = "") -> t.List[Record]:
        """Return documents, oldest first, without moving anything on."""
        with self._lock:
            chosen = [
                execution
                for execution in self._all.values()
                if (not parent or (execution.parent is not None and execution.parent.id == parent))
                and (not action or execution.action == action)
            ]
            return [execution.document(self._database.new_id) for execution in chosen]

    def _do(self, execution: Execution) -> None:
        if execution.action in self.endings:
            execution.end(self.endings[execution.action])
            return
        try:
            outcome = execution.work(execution)
        except Exception as error:
            outcome = Outcome("failed", {"error": str(error), "traceback": traceback.format_exc()})
        execution.end(outcome)


def action_document(action: str, new_id: t.Callable[[], str]) -> Record:
    """Return the document of an action of StackStorm's own; its parameters by name only."""
    pack, name = action.split(".")
    runner, entry_point, parameters = ACTIONS[action]
    return {
        "tags": [],
        "uid": f"action:{pack}:{name}",
        "metadata_file": META_FILES.get(action, f"actions/{name}.yaml"),
        "name": name,
        "ref": action,
        "description": f"The action {action}",
        "enabled": True,
        "entry_point": entry_point,
        "pack": pack,
        "runner_type": runner,
        "parameters": {parameter: {} for parameter in parameters},
        "output_schema": {},
        "notify": {},
        "id": new_id(),
    }


def runner_document(runner: str) -> Record:
    """Return the document of a runner; its parameters are left out. Its id is the same each time."""
    module = {"python-script": "python_runner"}.get(runner, runner.replace("-", "_") + "_runner")
    document = {
        "name": runner,
        "description": f"The runner {runner}",
        "uid": f"runner_type:{runner}",
        "enabled": True,
        "runner_package": module,
        "runner_module": module,
        "runner_parameters": {},
        "output_schema": {},
        "id": hashlib.sha256(runner.encode()).hexdigest()[:24],
    }
    if runner in OUTPUT_KEYS:
        document["output_key"] = OUTPUT_KEYS[runner]
    return document


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _stamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
