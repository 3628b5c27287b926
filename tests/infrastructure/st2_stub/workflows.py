# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What StackStorm's own actions do: packs.install, packs.uninstall and their parts, wrong answers included."""

from __future__ import annotations

import functools
import re
import shutil
import typing as t

from ..repositories import GitError
from .accounts import Accounts, Denied
from .database import Database
from .downloads import Downloads
from .executions import Execution, Executions, Outcome
from .paths import HostPaths
from .registrars import register
from .triggers import release
from .yaml_files import read_yaml_leniently

SYSTEM_PACKS = ("chatops", "core", "linux", "packs")
NESTED = 10
CONFLICTS = (
    "Unable to install packs due to conflicts. Review the conflict_list and check the versions of corresponding "
    "installed packs. You can also run the `st2 pack install` command with the `--skip-dependencies` flag to skip "
    "installing dependent packs."
)

Record = t.Dict[str, t.Any]


class Actions:
    """Runs StackStorm's own actions on a host's directories and the database.

    :arg url: where the API answers, for what StackStorm says about a failed registration.
    """

    def __init__(
        self,
        paths: HostPaths,
        database: Database,
        executions: Executions,
        downloads: Downloads,
        accounts: Accounts,
        url: str,
    ) -> None:
        self._paths = paths
        self._database = database
        self._executions = executions
        self._downloads = downloads
        self._accounts = accounts
        self._url = url
        self._works: t.Mapping[str, t.Callable[[Record], t.Any]] = {
            "core.noop": lambda _parameters: None,
            "packs.download": lambda given: downloads.download(given["packs"], bool(given.get("force"))),
            "packs.unload": self._unload,
            "packs.delete": self._delete,
            "packs.setup_virtualenv": self._setup_virtualenv,
        }

    def start(self, action: str, parameters: Record, user: str) -> Execution:
        """Start an execution. Raises LookupError for an action that the stand-in does not have."""
        if action == "packs.install":
            return self._executions.start(action, parameters, user, self._install)
        if action == "packs.uninstall":
            return self._executions.start(action, parameters, user, self._uninstall)
        work = self._work(action, user)
        return self._executions.start(action, parameters, user, lambda execution: _run(action, work, parameters))

    def _work(self, action: str, user: str) -> t.Callable[[Record], t.Any]:
        return functools.partial(self._load, user=user) if action == "packs.load" else self._works[action]

    # packs.install (contrib/packs/actions/workflows/install.yaml)

    def _install(self, execution: Execution) -> Outcome:
        return _Installation(self, execution).run()

    def task(self, execution: Execution, name: str, action: str, parameters: Record) -> Outcome:
        """Run one task of an orquesta workflow."""
        work = self._work(action, execution.user)
        return self.note_task(execution, name, action, parameters, _run(action, work, parameters))

    def note_task(self, execution: Execution, name: str, action: str, parameters: Record, outcome: Outcome) -> Outcome:
        """Add a task of an orquesta workflow that has run."""
        ids = {"workflow_execution_id": self._database.new_id(), "task_execution_id": self._database.new_id()}
        task = {"orquesta": {**ids, "task_name": name, "task_id": name, "task_route": 0}}
        self._executions.add_child(execution, action, parameters, task, outcome)
        return outcome

    # packs.uninstall (contrib/packs/actions/workflows/uninstall.yaml)

    def _uninstall(self, execution: Execution) -> Outcome:
        tasks, outcome = [], Outcome("succeeded", None)
        for name, action, following in (
            ("unregister packs", "packs.unload", "delete packs"),
            ("delete packs", "packs.delete", None),
        ):
            parameters = {"packs": execution.parameters["packs"]}
            outcome = _run(action, self._works[action], parameters)
            chain = {"name": name, "ref": action, "params": None, "parameters": {"packs": "{{packs}}"}}
            chain.update(on_success=following, on_failure=None, publish=None, notify=None)
            child = self._executions.add_child(execution, action, parameters, {"chain": chain}, outcome)
            times = {"created_at": child.started.isoformat(), "updated_at": child.started.isoformat()}
            ids = {"id": name, "name": name, "execution_id": child.id, "liveaction_id": self._database.new_id()}
            tasks.append({**ids, "workflow": None, **times, "state": outcome.status, "result": outcome.result})
            if outcome.status != "succeeded":
                break
        return Outcome(outcome.status, {"tasks": tasks, "published": {}})

    # The parts

    def _load(self, parameters: Record, user: str) -> Record:
        """Ask the API, as the user who has started the execution."""
        kinds = parameters.get("register") or "all"
        try:
            self._accounts.require(self._accounts.by_name(user), "pack_register")
            return register(self._paths, self._database, kinds.split(","), parameters["packs"])
        except Exception as error:
            text = f"400 Client Error: Bad Request\nMESSAGE: {error}"
            if isinstance(error, Denied):
                text = f"403 Client Error: Forbidden\nMESSAGE: {error}"
            elif not isinstance(error, ValueError):
                text = "500 Server Error: Internal Server Error\nMESSAGE: Internal Server Error"
            raise HTTPError(f"{text} for url: {self._url}/v1/packs/register") from error

    def _unload(self, parameters: Record) -> None:
        refused = sorted(set(SYSTEM_PACKS) & set(parameters["packs"]))
        if refused:
            raise ValueError(f"Unregister includes an unregisterable pack - {', '.join(refused)}.")
        with self._database.session():
            for ref in parameters["packs"]:
                unload(self._database, ref)

    def _delete(self, parameters: Record) -> None:
        refused = sorted(set(SYSTEM_PACKS) & set(parameters["packs"]))
        if refused:
            raise ValueError(f"Uninstall includes an uninstallable pack - {', '.join(refused)}.")
        for ref in parameters["packs"]:
            if (self._paths.packs / ref).is_dir():
                shutil.rmtree(self._paths.packs / ref)  # refuses a link, as StackStorm does
            if parameters.get("delete_env", True) and (self._paths.virtualenvs / ref).is_dir():
                shutil.rmtree(self._paths.virtualenvs / ref)

    def _setup_virtualenv(self, parameters: Record) -> str:
        """Leave something that looks like a virtualenv: making real ones would take seconds."""
        for ref in parameters["packs"]:
            if not (self._paths.packs / ref).is_dir():
                raise FileNotFoundError(f'Pack "{ref}" is not installed. Looked in: {self._paths.packs / ref}')
            target = self._paths.virtualenvs / ref
            shutil.rmtree(target, ignore_errors=True)
            (target / "bin").mkdir(parents=True)
            service = self._paths.base_path / "st2"
            (target / "pyvenv.cfg").write_text(f"home = {service / 'bin'}\n")
            (target / "bin" / "python").symlink_to(service / "bin" / "python")
        return f"Successfully set up virtualenv for the following packs: {', '.join(parameters['packs'])}"

    def dependencies(self, statuses: t.Mapping[str, str]) -> t.Tuple[t.List[str], t.List[str]]:
        """Return what has to be downloaded too, and what contradicts what is there (get_pack_dependencies.py)."""
        missing: t.Dict[str, t.Optional[str]] = {}
        conflicts: t.List[str] = []
        for ref, status in statuses.items():
            if "success" not in status.lower():
                continue
            for dependency in self._metadata(ref).get("dependencies") or []:
                name, revision = [*dependency.split("="), None][:2]
                installed = self._installed_version(name)
                if installed is not None:
                    if revision and _with_v(revision) != _with_v(installed):
                        conflicts.append(dependency)
                elif name not in missing:
                    missing[name] = dependency
                elif missing[name] != dependency:
                    conflicts.append(dependency)
        return [str(dependency) for dependency in missing.values()], conflicts

    def _installed_version(self, name: str) -> t.Optional[str]:
        guess = name.split("/")[-1]
        guess = guess.split(".")[0] if ".git" in guess else guess
        for ref in (guess, guess.rsplit("stackstorm-", 1)[-1]):
            version = self._metadata(ref).get("version")
            if version:
                return str(version)
        return None

    def _metadata(self, ref: str) -> Record:
        path = self._paths.find_pack(ref) / "pack.yaml"
        return dict(read_yaml_leniently(path) or {}) if path.is_file() else {}


class HTTPError(Exception):
    """What StackStorm's own client raises inside packs.load; only its name matters."""


class _Installation:
    """One run of packs.install."""

    def __init__(self, actions: Actions, execution: Execution) -> None:
        self._actions = actions
        self._execution = execution
        self._output: Record = dict.fromkeys(("packs_list", "message", "conflict_list", "warning_list"))
        self._output["message"] = ""

    def run(self) -> Outcome:
        given = self._execution.parameters
        self._task("init_task", "core.noop", {})
        requested, statuses, outcome = None, {}, Outcome("succeeded", None)
        for nested in range(NESTED, -1, -1):
            parameters = {"packs": given["packs"], "force": given.get("force", False), "dependency_list": requested}
            outcome = self._download(parameters)
            if outcome.status != "succeeded":
                return self._failed("download_pack", outcome)
            statuses = outcome.result["result"]
            self._prerun(statuses)
            if given.get("skip_dependencies") or not nested:
                break
            missing, conflicts = self._dependencies(statuses, nested)
            if conflicts:
                return self._conflict()
            if not missing:
                break
            requested = missing
        return self._finish(statuses)

    def _download(self, parameters: Record) -> Outcome:
        packs = parameters["dependency_list"] or parameters["packs"]
        outcome = _run("packs.download", self._actions._works["packs.download"], {**parameters, "packs": packs})
        return self._actions.note_task(self._execution, "download_pack", "packs.download", parameters, outcome)

    def _prerun(self, statuses: t.Mapping[str, str]) -> None:
        parameters = {"packs_status": statuses, "packs_list": self._output["packs_list"]}
        new = [ref for ref, text in statuses.items() if "success" in text.lower()]
        self._output["packs_list"] = [*(self._output["packs_list"] or []), *new]
        self._note("make_a_prerun", "packs.virtualenv_prerun", parameters, self._output["packs_list"])

    def _dependencies(self, statuses: t.Mapping[str, str], nested: int) -> t.Tuple[t.List[str], t.List[str]]:
        missing, conflicts = self._actions.dependencies(statuses)
        result = {"dependency_list": missing, "conflict_list": conflicts, "nested": nested - 1}
        parameters = {"packs_status": statuses, "nested": nested}
        self._note("get_pack_dependencies", "packs.get_pack_dependencies", parameters, result)
        self._task("check_dependency_and_conflict_list", "core.noop", {})
        self._output["conflict_list"] = conflicts
        return missing, conflicts

    def _conflict(self) -> Outcome:
        """Delete what was downloaded, a pack that had been there before included."""
        parameters = {"packs": self._output["packs_list"], "delete_env": False}
        self._task("stop_installation_and_cleanup_because_conflict", "packs.delete", parameters)
        self._task("echo_pack_conflicts", "core.noop", {})
        self._output["message"] = CONFLICTS
        return self._failed("fail", None)

    def _finish(self, statuses: t.Mapping[str, str]) -> Outcome:
        packs = self._output["packs_list"]
        parameters = {"packs": packs, "env": None, "timeout": 600}
        outcome = self._task("install_pack_requirements", "packs.setup_virtualenv", parameters)
        if outcome.status != "succeeded":
            return self._failed("install_pack_requirements", outcome)
        self._output["warning_list"] = []
        self._note("get_pack_warnings", "packs.get_pack_warnings", {"packs_status": statuses}, {"warning_list": []})
        register_all = self._execution.parameters.get("register", "all")
        outcome = self._task("register_pack", "packs.load", {"register": register_all, "packs": packs})
        self._output["message"] = "Successfully installed packs"
        if outcome.status != "succeeded":
            return self._failed("register_pack", outcome)
        return Outcome("succeeded", {"output": self._output})

    def _failed(self, task: str, outcome: t.Optional[Outcome]) -> Outcome:
        error: Record = {"type": "error", "message": "Execution failed. See result for details.", "task_id": task}
        if outcome is not None:
            error["result"] = outcome.result
        return Outcome("failed", {"output": self._output, "errors": [error]})

    def _task(self, name: str, action: str, parameters: Record) -> Outcome:
        return self._actions.task(self._execution, name, action, parameters)

    def _note(self, name: str, action: str, parameters: Record, result: t.Any) -> None:
        self._actions.note_task(self._execution, name, action, parameters, _finished(result))


def unload(database: Database, ref: str) -> None:
    """Take everything of a pack out of the database, what people made by hand in it too (unload.py).

    Rules of other packs that hang on its triggers stay; those whose trigger has parameters find none again, also when
    the pack is back. What is not there does not matter.
    """
    for kind in ("sensors", "triggers", "rule_triggers", "actions", "rules", "aliases", "policies"):
        for document in database.all(kind, pack=ref):
            database.delete(kind, document["ref"])
            if kind == "rules":
                release(database, document["trigger"])
    found = database.find("packs", ref)
    for document in [found] if found else database.all("packs", name=ref):
        database.delete("packs", document["ref"])
    database.delete("config_schemas", ref)
    database.delete("configs", ref)


def _with_v(version: str) -> str:
    return version if version.startswith("v") else f"v{version}"


def _run(action: str, work: t.Callable[[Record], t.Any], parameters: Record) -> Outcome:
    """Do the work of an action and return its outcome, as the runners wrap it."""
    if action == "core.noop":
        return Outcome("succeeded", {"failed": False, "succeeded": True, "return_code": 0})
    try:
        return _finished(work(parameters))
    except (Exception, GitError) as error:
        name = type(error).__name__.replace("RuntimeError", "Exception")
        place = f'  File "/opt/stackstorm/packs/{re.sub("[.]", "/actions/", action)}.py", in run\n'
        stderr = f"Traceback (most recent call last):\n{place}{name}: {error}\n"
        return Outcome("failed", {"stdout": "", "stderr": stderr, "exit_code": 1, "result": "None"})


def _finished(result: t.Any) -> Outcome:
    return Outcome("succeeded", {"stdout": "", "stderr": "", "exit_code": 0, "result": result})
